"""PDQ as matrix products, bit-compatible with the reference implementation.

PDQ (Facebook 2019, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm")
takes luma through two box filters per axis, samples 64 × 64 points, applies a discrete cosine
transform, keeps the 16 × 16 coefficients of the frequencies 1 to 16, and sets a bit where a
coefficient exceeds their median. All but the last step is linear and separable, so for one axis
of ``n`` pixels it is a fixed matrix, and a picture's coefficients are ``A @ luma @ B.T``.

The stages, each of which has its use outside this module::

    luma (h, w) ──► buffer (64, 64) ──► coefficients (16, 16) ──► bits (256) ──► packed (32 bytes)
                        └──► quality 0…100
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import PackedHashes

FloatArray = npt.NDArray[np.float32]

BITS: Final = 256
"""Bits of a hash. Given by PDQ."""
BUFFER: Final = 64
"""Side of the square that PDQ reduces every picture to. Given by PDQ."""
SIDE: Final = 16
"""Side of the square of coefficients. Given by PDQ."""
MAX_QUALITY: Final = 100
"""Best quality. Given by PDQ."""
QUALITY_STEPS: Final = 90
"""Hundredths of steps between neighbouring points of the buffer for one level of quality. Given by PDQ's reference implementation."""
MIN_SIDE: Final = 5
"""Pixels that a side needs for a meaningful hash; below, quality is 0. Given by PDQ's reference implementation."""
RGB_TO_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue. Given by PDQ's reference implementation."""

_WINDOW_DIVISOR: Final = 128
"""A box filter has a window of one pixel for so many of the axis, rounded up. Given by PDQ's reference implementation."""
_FILTER_PASSES: Final = 2
"""Box filters applied per axis. Given by PDQ's reference implementation."""
_BANDS: Final = 8
"""Rows of the buffer computed together. Engineering bound: a band needs an eighth of the input, and is small enough for the cache."""


def luma_of_rgb(rgb: npt.NDArray[np.uint8]) -> FloatArray:
    """Compute the luma of an RGB picture ``(h, w, 3)`` uint8 as the reference does: ``(h, w)`` float32."""
    return np.asarray(rgb.astype(np.float32) @ RGB_TO_LUMA)


def buffer_of(luma: npt.NDArray[np.number]) -> FloatArray:
    """Filter and decimate a picture: ``(h, w)`` of any number type to ``(64, 64)`` float32."""
    plane = np.asarray(luma, np.float32)
    height, width = luma.shape
    return buffer_of_rows(height, width, lambda first, last: plane[first:last])


def buffer_of_rows(height: int, width: int, rows_of: Callable[[int, int], npt.NDArray[np.number]]) -> FloatArray:
    """Filter and decimate a picture that is read some rows at a time: ``rows_of(first, last)`` is ``(last - first, width)``."""
    rows = np.empty((BUFFER, width), np.float32)
    for out, first, last, weights in _bands(height):
        np.matmul(weights, np.asarray(rows_of(first, last), np.float32), out=rows[out : out + len(weights)])
    buffer = np.empty((BUFFER, BUFFER), np.float32)
    for out, first, last, weights in _bands(width):
        buffer[:, out : out + len(weights)] = rows[:, first:last] @ weights.T
    return buffer


def coefficients_of(buffers: FloatArray) -> FloatArray:
    """Compute the DCT coefficients of the frequencies 1 to 16: ``(…, 64, 64)`` to ``(…, 16, 16)`` float32."""
    basis = dct_basis()
    return np.asarray(basis @ buffers @ basis.T, np.float32)


def bits_of(coefficients: FloatArray) -> PackedHashes:
    """Threshold at the lower median: ``(n, 16, 16)`` to ``(n, 32)`` uint8 in the order of PDQ's hex text."""
    flat = coefficients.reshape(-1, BITS)
    median = np.partition(flat, BITS // 2 - 1, axis=1)[:, BITS // 2 - 1 : BITS // 2]
    return pack(flat > median)


def pack(bits: npt.NDArray[np.bool_]) -> PackedHashes:
    """Pack bits in the order of the coefficients, ``n × 256`` in any shape, to ``(n, 32)`` uint8."""
    # The reference numbers bits from the last character of the hexadecimal text backwards.
    return np.packbits(bits.reshape(-1, BITS)[:, ::-1], axis=1)


def quality_of(buffer: FloatArray, scale: float = 1.0) -> int:
    """Compute PDQ's quality, 0 (flat) to 100, of one ``(64, 64)`` buffer.

    Args:
        buffer: from `buffer_of`.
        scale: what luma steps are multiplied by: 1 for full range, 255/219 for studio range.
    """
    return int(qualities_of(buffer[None], scale)[0])


def qualities_of(buffers: FloatArray, scale: float = 1.0) -> npt.NDArray[np.uint8]:
    """Compute PDQ's quality of several buffers: ``(n, 64, 64)`` float32 to ``(n,)`` uint8, 0…100."""
    factor = 100.0 * scale / 255.0
    scaled = buffers * np.float32(factor)
    down, across = scaled[:, 1:] - scaled[:, :-1], scaled[:, :, 1:] - scaled[:, :, :-1]
    # Converting to integers truncates towards zero, as the reference does.
    steps = np.abs(down.astype(np.int32)).sum(axis=(1, 2)) + np.abs(across.astype(np.int32)).sum(axis=(1, 2))
    return np.asarray(np.minimum(MAX_QUALITY, steps // QUALITY_STEPS), np.uint8)


def hash_luma(luma: npt.NDArray[np.number]) -> tuple[PackedHashes, int]:
    """Hash one luma plane ``(h, w)``: the packed hash ``(32,)`` uint8 and its quality 0…100."""
    buffer = buffer_of(luma)
    return bits_of(coefficients_of(buffer)[None])[0], quality_of(buffer) if min(luma.shape) >= MIN_SIDE else 0


@functools.cache
def dct_basis() -> FloatArray:
    """Return rows 1 to 16 of the 64-point DCT: ``(16, 64)`` float32."""
    row, column = np.arange(1, SIDE + 1)[:, None], np.arange(BUFFER)[None, :]
    basis = math.sqrt(2 / BUFFER) * np.cos(np.pi / (2 * BUFFER) * row * (2 * column + 1))
    return np.asarray(basis, np.float32)


@functools.lru_cache(maxsize=256)
def axis_matrix(length: int) -> npt.NDArray[np.float64]:
    """Return what PDQ does along an axis of ``length`` pixels before the transform: ``(64, length)`` float64."""
    return _before_filters(np.eye(BUFFER), length)


def spectrum_matrix(length: int) -> npt.NDArray[np.float64]:
    """Return what PDQ does along an axis of ``length`` pixels, transform included: ``(16, length)`` float64."""
    return _before_filters(dct_basis().astype(np.float64), length)


def _before_filters(rows: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """Turn ``rows`` ``(k, 64)`` of weights on the buffer's points into rows ``(k, length)`` on the picture's."""
    if length == BUFFER:  # the reference takes a 64 × 64 picture as it is
        return rows
    samples = ((np.arange(BUFFER) + 0.5) * length / BUFFER).astype(int)
    placed = np.zeros((length, len(rows)))
    np.add.at(placed, samples, rows.T)  # short axes are sampled more than once
    lows, highs = _windows(length)
    pixels = np.arange(length)
    # The output pixels whose windows hold a pixel are neighbours, so their sum is a difference of running sums.
    first, last = np.searchsorted(highs, pixels, side="right"), np.searchsorted(lows, pixels, side="right")
    for _ in range(_FILTER_PASSES):
        sums = np.zeros((length + 1, len(rows)))
        np.cumsum(placed / (highs - lows)[:, None], axis=0, out=sums[1:])
        placed = sums[last] - sums[first]
    return np.asarray(placed.T)


def _windows(length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and the past-the-last input pixel that each output pixel of one box filter averages."""
    window = math.ceil(length / _WINDOW_DIVISOR)
    ahead = (window + 2) // 2  # the reference's half window: pixels from the output onwards
    position = np.arange(length)
    return np.maximum(position + ahead - window, 0), np.minimum(position + ahead, length)


@functools.lru_cache(maxsize=256)
def _bands(length: int) -> tuple[tuple[int, int, int, FloatArray], ...]:
    """Cut `axis_matrix` into bands ``(first output, first input, last input, weights)`` without the zeros."""
    matrix = axis_matrix(length)
    bands = []
    for out in range(0, BUFFER, _BANDS):
        rows = matrix[out : out + _BANDS]
        used = np.flatnonzero(np.abs(rows).max(axis=0) > 1e-12)
        first, last = int(used[0]), int(used[-1]) + 1
        bands.append((out, first, last, np.ascontiguousarray(rows[:, first:last], np.float32)))
    return tuple(bands)
