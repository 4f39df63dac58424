"""Find the peaks of a sound's spectrum, on a logarithmic scale of frequency: where another pitch is a shift, and nothing else."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.sound.fingerprint import FRAME_S, SAMPLE_RATE

HOP: Final = round(FRAME_S * SAMPLE_RATE)
"""Samples from one frame to the next. Derived from `FRAME_S`."""
WINDOW: Final = 1024
"""Samples of one frame. Part of `SPEC`. Measured: `bench.sound`; 128 ms tell tones of 16 Hz apart, and beats of an eighth of a second."""
LOWEST_HZ, HIGHEST_HZ = 280.0, 3400.0
"""What a telephone passes, nearly. Part of `SPEC`."""
BANDS_PER_OCTAVE: Final = 24
"""Part of `SPEC`. Derived: at the lowest frequency a band is as wide as a step of the spectrum."""
BANDS: Final = 1 + int(BANDS_PER_OCTAVE * np.log2(HIGHEST_HZ / LOWEST_HZ))
"""Bands from the lowest to the highest frequency. Derived."""
_FLOOR: Final = np.float32(1e4)
"""Power that counts as silence. Derived: of a tone of one step of a 16-bit sample, nearly; dither and rounding stay under it."""
_WITHIN_DB: Final = np.float32(50.0)
"""Decibels under the loudest of the seconds around it from which a peak does not count: compression leaves nothing of it. Engineering
bound."""
_AROUND: Final = 64
"""Frames on either side of which the loudest counts. Engineering bound: two seconds."""
_BANDS_AT_ONCE: Final = 12
"""Engineering bound: half an octave."""
_FRAMES_AT_ONCE: Final = 64
"""Engineering bound: 1 MB of spectrum, so that it is still in the processor's cache."""
_DECIBELS: Final = np.float32(10 / np.log(10))


@dataclass(frozen=True)
class Peaks:
    """Hold points of the spectrum that are louder than all around them, ordered by time, then by pitch."""

    time: npt.NDArray[np.float32]
    """``(n,)`` float32: frames, to a fraction."""
    pitch: npt.NDArray[np.float32]
    """``(n,)`` float32: bands over the lowest, to a fraction."""

    def __len__(self) -> int:
        return len(self.time)


@functools.cache
def _bands() -> tuple[tuple[slice, npt.NDArray[np.float32]], ...]:
    """Return some bands at a time: which steps of the spectrum they are of, and the weight of each step in each band ``(steps, bands)``.

    A weight is a triangle as wide as the band's neighbours. All bands in one product would be mostly zeros, and large enough for a library
    to spread over threads, whose waking takes longer.
    """
    centre = LOWEST_HZ * 2 ** (np.arange(BANDS) / BANDS_PER_OCTAVE) * WINDOW / SAMPLE_RATE
    half = np.maximum(1.0, centre * (2 ** (1 / BANDS_PER_OCTAVE) - 1))
    weight = np.clip(1 - np.abs(np.arange(WINDOW // 2 + 1)[:, None] - centre) / half, 0, None)
    weight = (weight / weight.sum(axis=0)).astype(np.float32)
    parts = []
    for first in range(0, BANDS, _BANDS_AT_ONCE):
        steps = np.flatnonzero(weight[:, first : first + _BANDS_AT_ONCE].any(axis=1))
        within = slice(int(steps[0]), int(steps[-1]) + 1)
        parts.append((within, np.ascontiguousarray(weight[within, first : first + _BANDS_AT_ONCE])))
    return tuple(parts)


@functools.cache
def _window() -> npt.NDArray[np.float64]:
    # NumPy transforms double precision several times as fast as single.
    return np.hanning(WINDOW + 1)[:-1]


def levels_of(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Return the level of each band in each frame, in decibels over silence: ``(frames, BANDS)``.

    Args:
        samples: ``(n,)`` int16, `WINDOW` and more; frame ``i`` is of the `WINDOW` samples from ``i × HOP``.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.empty((len(frames), BANDS), np.float32)
    for first in range(0, len(frames), _FRAMES_AT_ONCE):
        spectrum = np.fft.rfft(frames[first : first + _FRAMES_AT_ONCE] * _window(), axis=1)[:, : _bands()[-1][0].stop]
        steps = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        parts = [steps[:, within] @ weight for within, weight in _bands()]
        np.concatenate(parts, axis=1, out=power[first : first + _FRAMES_AT_ONCE])
    return np.asarray(_DECIBELS * np.log(np.maximum(power, _FLOOR) / _FLOOR), np.float32)


def peaks_of(level: npt.NDArray[np.float32], frames: int, bands: int) -> Peaks:
    """Return the peaks of levels ``(n, BANDS)``: no louder point within so many frames and so many bands on either side."""
    if not len(level):
        return Peaks(np.zeros(0, np.float32), np.zeros(0, np.float32))
    loudest = _highest(_highest(level, frames, 0), bands, 1)
    audible = _highest(level.max(axis=1, keepdims=True), _AROUND, 0) - _WITHIN_DB
    time, pitch = np.nonzero((level >= loudest) & (level > np.maximum(audible, 0)))
    return Peaks(time + _vertex(level, time, pitch, 0), pitch + _vertex(level, time, pitch, 1))


def _highest(values: npt.NDArray[np.float32], reach: int, axis: int) -> npt.NDArray[np.float32]:
    """Return the highest of the values within ``reach`` on either side along an axis; the width doubles until it is reached."""
    padding = [(0, 0), (0, 0)]
    padding[axis] = (reach, reach)
    highest = np.moveaxis(np.pad(values, padding, constant_values=-1.0), axis, 0)
    wanted, width = 2 * reach + 1, 1
    while width < wanted:
        step = min(width, wanted - width)
        highest = np.maximum(highest[:-step], highest[step:])
        width += step
    return np.moveaxis(highest, 0, axis)


def _vertex(
    level: npt.NDArray[np.float32], time: npt.NDArray[np.int64], pitch: npt.NDArray[np.int64], axis: int
) -> npt.NDArray[np.float32]:
    """Return how far from each peak the parabola through it and its neighbours along an axis is highest: −0.5 … 0.5."""
    place, end = (time, pitch)[axis], level.shape[axis] - 1

    def at(step: int) -> npt.NDArray[np.float32]:
        moved = np.clip(place + step, 0, end)
        return level[moved, pitch] if axis == 0 else level[time, moved]

    before, here, after = at(-1), at(0), at(1)
    bend = 2 * here - before - after
    return np.where(bend > 0, np.clip((after - before) / np.maximum(2 * bend, np.float32(1e-6)), -0.5, 0.5), 0).astype(np.float32)
