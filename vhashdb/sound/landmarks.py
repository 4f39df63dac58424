"""Make landmarks of sound: three peaks of its spectrum each, described so that neither speed nor pitch changes the description.

Three peaks, one after the other and at three pitches, give the two steps of pitch from the first to the others, and how far along the
second lies. None of it depends on where in the spectrum they lie or how long they take together, so a copy that is played faster, slower,
higher or lower has the same. Joined to it are, coarsely, pitch and length themselves: a query asks for their neighbours as well. Triples in
a spectrum whose frequencies are logarithmic are those of J. Six and M. Leman, "Panako: a scalable acoustic fingerprinting system
handling time-scale and pitch modification", ISMIR 2014.

Not all landmarks are kept: those whose keys, scrambled, are low, which are the same ones in a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vhashdb.sound.fingerprint import (
    FRAME_BITS,
    FRAME_S,
    MAX_LANDMARKS,
    PITCH_BITS,
    SAMPLE_RATE,
    SPAN_BITS,
    Landmarks,
    SoundFingerprint,
    frame_of,
    key_of,
)
from vhashdb.sound.spectrum import BANDS_PER_OCTAVE, HOP, WINDOW, Peaks, levels_of, peaks_of

STEP_BANDS: Final = 2.0
"""Bands that a step of pitch in a key takes. Part of `SPEC`. Measured: `bench.sound`."""
FAR_BANDS: Final = 24.0
"""Bands from a landmark's first peak to the others, at most. Part of `SPEC`. Engineering bound: an octave."""
ALONG: Final = 6
"""Parts into which a landmark's length is divided to say where its second peak lies. Part of `SPEC`. Measured: `bench.sound`."""
CLASS_BANDS: Final = 8.0
"""Bands of one class of pitch. Part of `SPEC`. Derived: neighbours then cover four semitones, and 1.25 times the speed."""
CLASSES_PER_DOUBLING: Final = 3.0
"""Classes of length until it has doubled. Part of `SPEC`. Derived: neighbours then cover 0.8 to 1.25 times the speed."""
PARTS: Final = 2
"""Steps of a landmark's pitch in a band, and of its length in a frame. Part of `SPEC`."""
BANDS_PER_SEMITONE: Final = BANDS_PER_OCTAVE / 12
"""Given by the tempered scale."""
SHORTEST_FRAMES: Final = 6
"""Frames that a landmark takes at least. Part of `SPEC`. Engineering bound: under it, a frame more or less says where its second peak
lies."""
CLASS_BITS: Final = 4
"""Bits of a class of pitch, and of one of length, in a key. Part of `SPEC`."""
MAX_FRAME: Final = (1 << FRAME_BITS) - 1
"""The last frame that a landmark can begin at. Derived."""
_LAST_CLASS: Final = (1 << CLASS_BITS) - 1
_STEPS: Final = 2 * round(FAR_BANDS / STEP_BANDS) + 1
SHAPES: Final = _STEPS * _STEPS * ALONG
"""Shapes that there are, at most. Derived."""
_SCRAMBLING: Final = 0x9E3779B1
"""An odd number that spreads what lies side by side. Part of `SPEC`. Given by Knuth, The Art of Computer Programming, volume 3, 6.4."""
_THINNED_FRAMES: Final = 125
"""Frames of a stretch of which so many landmarks are kept. Part of `SPEC`. Engineering bound: four seconds, whatever is loud in them."""
_ANCHORS: Final = 1 << 10
"""Peaks from which landmarks are made at once. Engineering bound: on memory."""
_PIECE_FRAMES: Final = 1 << 11
"""Frames whose peaks are found at once. Engineering bound: a minute, 6 MB of spectrum."""
_MARGIN_FRAMES: Final = 96
"""Frames before and after them that are looked at. Derived: more than peaks depend on."""


@dataclass(frozen=True)
class Detail:
    """Say how closely sound is listened to."""

    frames: int
    """Frames on either side within which a peak is the loudest …"""
    bands: int
    """… and bands."""
    following: int
    """Peaks after the first among which the others of a landmark are."""
    shortest: int
    """Frames that a landmark takes at least …"""
    longest: int
    """… and at most."""
    apart: float
    """Bands that its pitches are apart, at least."""
    gap: float
    """Frames that its peaks are apart, at least."""
    per_second: int
    """Landmarks kept for each second, at most."""


STORED: Final = Detail(7, 7, 20, 8, 60, 1.5, 2.0, 40)
"""What a database keeps. Measured: `bench.sound`."""
ASKED: Final = Detail(4, 5, 40, 6, 75, 1.0, 1.5, 600)
"""What it is asked with: more peaks and more of their combinations, since a copy has those that were stored and others of its own.
Measured: `bench.sound`."""


class LandmarkBuilder:
    """Make landmarks of sound as it comes: `feed` it blocks, then `finish`. It holds a minute of samples of each track at most."""

    def __init__(self, detail: Detail = STORED) -> None:
        self._detail = detail
        self._tracks: dict[int, _Track] = {}

    def feed(self, track: int, start_s: float, samples: npt.NDArray[np.int16]) -> None:
        """Take a block of one track's samples ``(n,)`` int16, `SAMPLE_RATE` of them a second, which begins at ``start_s``."""
        if track not in self._tracks:
            self._tracks[track] = _Track(self._detail)
        self._tracks[track].feed(start_s, samples)

    def finish(self) -> SoundFingerprint:
        """Return the landmarks of everything that was fed."""
        tracks = self._tracks.values()
        found = [landmarks_of(track.finish()) for track in tracks]
        # Whole milliseconds, as they are stored.
        end_s = round(max((track.end_s for track in tracks), default=0.0), 3)
        landmarks = in_order(np.concatenate([np.zeros(0, np.uint64), *found]))
        if len(landmarks) > MAX_LANDMARKS:  # of hours of many tracks
            per_second = int(MAX_LANDMARKS / (end_s + 2 * _THINNED_FRAMES * FRAME_S))
            landmarks = landmarks[_first_ones(key_of(landmarks) >> 2 * CLASS_BITS, frame_of(landmarks), per_second)]
        return SoundFingerprint(landmarks, end_s)


class _Track:
    """Find the peaks of one track, in pieces that overlap by as much as a peak depends on."""

    def __init__(self, detail: Detail) -> None:
        self._detail = detail
        self._blocks: list[npt.NDArray[np.int16]] = []
        self._count = 0
        """Samples in the blocks."""
        self._frame = 0
        """The frame of the first of them …"""
        self._from = 0
        """… and the one from which peaks have still to be found."""
        self._peaks: list[Peaks] = []
        self._kept: list[Triples] = []
        """Of the stretches that are complete, after thinning …"""
        self._open = Triples.joined([])
        """… and what there is of the last one."""
        self.end_s = 0.0

    def feed(self, start_s: float, samples: npt.NDArray[np.int16]) -> None:
        """Take a block; where it does not follow the one before, a new run begins, and no landmark spans both."""
        expected_s = self._frame * FRAME_S + (self._count - WINDOW // 2) / SAMPLE_RATE
        if not self._count or abs(start_s - expected_s) > FRAME_S:
            self._end_run()
            self._frame = self._from = max(0, round(start_s / FRAME_S))
            # A frame is where the middle of its window is.
            self._blocks, self._count = [np.zeros(WINDOW // 2, np.int16)], WINDOW // 2
        self._blocks.append(samples)
        self._count += len(samples)
        self.end_s = max(self.end_s, start_s + len(samples) / SAMPLE_RATE)
        while self._count >= (_PIECE_FRAMES + 2 * _MARGIN_FRAMES) * HOP + WINDOW:
            self._find(self._from + _PIECE_FRAMES)

    def finish(self) -> Triples:
        """Return the combinations of peaks of all runs that are kept."""
        self._end_run()
        return Triples.joined([*self._kept, thinned(self._open, self._detail)])

    def _find(self, stop: int) -> None:
        """Find the peaks before the frame ``stop``, and let go of the samples that no later peak depends on."""
        samples = np.concatenate(self._blocks)
        peaks = peaks_of(levels_of(samples), self._detail.frames, self._detail.bands)
        time = peaks.time + self._frame
        new = (np.round(time) >= self._from) & (np.round(time) < stop)
        self._peaks.append(Peaks(time[new], peaks.pitch[new]))
        begin = max(self._frame, stop - _MARGIN_FRAMES)
        kept = samples[(begin - self._frame) * HOP :]
        self._blocks, self._count, self._frame, self._from = [kept], len(kept), begin, stop

    def _end_run(self) -> None:
        if self._count >= WINDOW:
            self._blocks.append(np.zeros(WINDOW // 2, np.int16))
            self._find(MAX_FRAME)
        if self._peaks:
            peaks = Peaks(*(np.concatenate([getattr(piece, name) for piece in self._peaks]) for name in ("time", "pitch")))
            step = _ANCHORS + self._detail.following
            for first in range(0, len(peaks), _ANCHORS):
                some = Peaks(peaks.time[first : first + step], peaks.pitch[first : first + step])
                self._combine(some)
        self._blocks, self._count, self._peaks = [], 0, []

    def _combine(self, peaks: Peaks) -> None:
        """Combine some peaks, and thin the stretches to which later ones will not add."""
        found = Triples.joined([self._open, triples_of(peaks, self._detail, _ANCHORS)])
        anchors = peaks.time[:_ANCHORS]
        # A later peak may lie up to half a frame before its own, and so before one of the frame before.
        complete = found.stretch < (int(anchors[-1]) - 1) // _THINNED_FRAMES
        self._kept.append(thinned(found.only(complete), self._detail))
        self._open = found.only(~complete)


@dataclass(frozen=True)
class Triples:
    """Hold combinations of three peaks, as columns ``(n,)``, ordered by the first peak."""

    time: npt.NDArray[np.float64]
    """Frames, of the first peak."""
    pitch: npt.NDArray[np.float64]
    """Bands, of the first peak."""
    span: npt.NDArray[np.float64]
    """Frames from the first to the third."""
    shape: npt.NDArray[np.int64]
    """What neither speed nor pitch changes, less than `SHAPES`."""

    @property
    def stretch(self) -> npt.NDArray[np.int64]:
        """``(n,)`` int64: which stretch of `_THINNED_FRAMES` each begins in."""
        return _stretch_of(self.time)

    def only(self, which: npt.NDArray[np.bool_]) -> Triples:
        """Return some of them."""
        return Triples(self.time[which], self.pitch[which], self.span[which], self.shape[which])

    @classmethod
    def joined(cls, parts: Sequence[Triples]) -> Triples:
        """Join the rows of several, of which there may be none."""
        none = np.zeros(0)
        every = (cls(none, none, none, np.zeros(0, np.int64)), *parts)
        return cls(*(np.concatenate([getattr(part, name) for part in every]) for name in ("time", "pitch", "span", "shape")))


def triples_of(peaks: Peaks, detail: Detail, anchors: int) -> Triples:
    """Combine each of the first ``anchors`` peaks with two of those that follow."""
    count = len(peaks)
    place = np.arange(min(anchors, count))[:, None] + np.arange(1, detail.following + 1)
    there = place < count
    place = np.minimum(place, max(0, count - 1))
    step, after = peaks.pitch[place] - peaks.pitch[: len(place), None], peaks.time[place] - peaks.time[: len(place), None]
    far = np.abs(step)
    fits = there & (far <= FAR_BANDS) & (far >= detail.apart) & (after <= detail.longest) & (after >= detail.gap)
    second, third = np.triu_indices(detail.following, 1)
    first, pair = np.nonzero(fits[:, second] & fits[:, third])
    begin = first * detail.following
    at_second, at_third = begin + second[pair], begin + third[pair]
    low, high, along, span = step.take(at_second), step.take(at_third), after.take(at_second), after.take(at_third)
    kept = np.flatnonzero((span >= detail.shortest) & (np.abs(high - low) >= detail.apart) & (span - along >= detail.gap))
    first, span, along, low, high = (column.take(kept) for column in (first, span, along, low, high))
    steps = [np.round(each / STEP_BANDS).astype(np.int64) + _STEPS // 2 for each in (low, high)]
    shape = (steps[0] * _STEPS + steps[1]) * ALONG + np.minimum((along / span * ALONG).astype(np.int64), ALONG - 1)
    time, pitch, span = (np.asarray(column, np.float64) for column in (peaks.time.take(first), peaks.pitch.take(first), span))
    return Triples(time, pitch, span, np.asarray(shape, np.int64))


def thinned(triples: Triples, detail: Detail) -> Triples:
    """Keep so many combinations of each stretch of `_THINNED_FRAMES`: those whose shapes come first when scrambled."""
    return triples.only(_first_ones(triples.shape, triples.time, detail.per_second))


def fewer(sound: SoundFingerprint, per_second: int) -> npt.NDArray[np.int64]:
    """Return which of a sound's landmarks would be left with so many for each second: ``(m,)`` int64, in their order."""
    return np.flatnonzero(_first_ones(sound.key >> 2 * CLASS_BITS, sound.frame, per_second))


def _stretch_of(time: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.round(time).astype(np.int64) // _THINNED_FRAMES


def _first_ones(shape: npt.NDArray[np.int64], time: npt.NDArray[Any], per_second: int) -> npt.NDArray[np.bool_]:
    """Return which shapes come first when scrambled, so many for each second of a stretch; of the same shape those that come first."""
    most, scrambled, stretch = round(per_second * _THINNED_FRAMES * FRAME_S), shape * _SCRAMBLING & 0xFFFFFFFF, _stretch_of(time)
    order = np.argsort(stretch, kind="stable")
    edges = np.flatnonzero(np.diff(stretch[order], prepend=-1, append=-1))
    kept = np.ones(len(order), np.bool_)
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if end - first > most:
            some = order[first:end]
            values = scrambled[some]
            last = np.partition(values, most - 1)[most - 1]
            left_out = values > last
            left_out[np.flatnonzero(values == last)[most - np.count_nonzero(values < last) :]] = True
            kept[some[left_out]] = False
    return kept


def landmarks_of(triples: Triples) -> Landmarks:
    """Put combinations into numbers, as `vhashdb.sound.fingerprint` lays them out."""
    pitch_class = (triples.pitch / CLASS_BANDS).astype(np.int64)
    span_class = (np.log2(triples.span / SHORTEST_FRAMES) * CLASSES_PER_DOUBLING).astype(np.int64)
    key = (triples.shape << CLASS_BITS | pitch_class) << CLASS_BITS | span_class
    parts = (
        (np.round(triples.pitch * PARTS), PITCH_BITS),
        (np.round(triples.span * PARTS), SPAN_BITS),
        (np.round(triples.time), FRAME_BITS),
    )
    landmarks = key.astype(np.uint64)
    for value, bits in parts:
        landmarks = landmarks << np.uint64(bits) | np.clip(value, 0, (1 << bits) - 1).astype(np.uint64)
    return landmarks


def in_order(landmarks: Landmarks) -> Landmarks:
    """Return landmarks ordered by frame, then by value; none twice."""
    by_frame = np.sort(landmarks << np.uint64(64 - FRAME_BITS) | landmarks >> np.uint64(FRAME_BITS))
    by_frame = by_frame[np.append(True, by_frame[1:] != by_frame[:-1])[: len(by_frame)]]
    return np.asarray(by_frame << np.uint64(FRAME_BITS) | by_frame >> np.uint64(64 - FRAME_BITS), np.uint64)


def neighbouring(key: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return of each key ``(n,)`` those of copies at other speeds and pitches: ``(n, 7)``, itself in the middle; -1 where there is none.

    What is played faster is higher, and shorter. A copy that is both higher and longer is changed twice; most of its landmarks differ by
    a class in one of the two.
    """
    pitch_class, span_class = key >> CLASS_BITS & _LAST_CLASS, key & _LAST_CLASS
    steps = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a * b <= 0])
    moved = key[:, None] + (steps[:, 0] << CLASS_BITS) + steps[:, 1]
    fits = _within(pitch_class[:, None] + steps[:, 0]) & _within(span_class[:, None] + steps[:, 1])
    return np.where(fits, moved, -1)


def _within(classes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return (classes >= 0) & (classes <= _LAST_CLASS)
