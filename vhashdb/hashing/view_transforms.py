"""How a picture is hashed through a view, from one thumbnail or one set of coefficients.

Regions are computed from the frame's thumbnail by one small matrix per axis, which reproduces what PDQ would have done with the
picture cut out. Orientations need no pixels at all: a flip changes the signs of the odd frequencies, and a quarter turn also
transposes (the "dihedral" property of PDQ, Facebook 2019).
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing import pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.pdq import FloatArray
from vhashdb.hashing.views import Box, Orientation

_GRID: Final = 512
"""Points of the fine grid on which a thumbnail is modelled. Engineering bound: four for each point of the thumbnail."""
_PIECE: Final = 128
"""Points of the grid in one matrix product. Engineering bound: BLAS computes smaller products without waking its threads, which takes
longer."""
_CORRELATION: Final = 0.05
"""Length, in sides of the picture, over which neighbouring luma correlates. Measured: `bench.drift`; 0.02 to 0.2 give the same drift."""
_RIDGE: Final = 1e-4
"""Share of the mean variance added to each average, so that the covariance can be inverted. Engineering bound."""


def region_coefficients(thumbnails: FloatArray, box: Box, height: int, width: int) -> FloatArray:
    """Compute the PDQ coefficients of a part of the picture.

    Args:
        thumbnails: ``(n, 128, 128)`` float32.
        box: the part; beyond the picture its edges are repeated.
        height: rows of the picture that the thumbnails were made of; PDQ's filter depends on it.
        width: columns of that picture.

    Returns:
        ``(n, 16, 16)`` float32.
    """
    rows, columns = box_matrices(thumbnails.shape[1], box, height, width)
    return np.asarray(rows @ thumbnails @ columns.T)


def box_matrices(side: int, box: Box, height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Return the ``(16, side)`` matrices of a part of the picture: its coefficients are ``rows @ thumbnail @ columns.T``."""
    return _coefficient_matrix(side, height, box.top, box.bottom), _coefficient_matrix(side, width, box.left, box.right)


def tilt(thumbnails: FloatArray, degrees: float, height: int, width: int) -> FloatArray:
    """Rotate pictures clockwise about their centre, at their true aspect ratio.

    What falls outside is cut off; empty corners repeat the edge.

    Args:
        thumbnails: ``(n, side, side)`` float32.
        degrees: a small angle.
        height: rows of the picture that the thumbnails were made of.
        width: columns of that picture.
    """
    side = thumbnails.shape[1]
    return np.take(thumbnails.reshape(len(thumbnails), -1), _tilted_points(side, degrees, max(0.01, round(width / height, 2))), axis=1)


@functools.lru_cache(maxsize=64)
def _tilted_points(side: int, degrees: float, aspect: float) -> npt.NDArray[np.intp]:
    """Return the nearest point of the original for each point of a rotated thumbnail: ``(side, side)``, flat indices."""
    angle = np.deg2rad(degrees)
    grid = (np.arange(side) + 0.5) / side - 0.5
    down, across = np.meshgrid(grid, grid * aspect, indexing="ij")
    source_across = np.cos(angle) * across + np.sin(angle) * down
    source_down = np.cos(angle) * down - np.sin(angle) * across
    rows = np.clip(np.floor((source_down + 0.5) * side), 0, side - 1)
    columns = np.clip(np.floor((source_across / aspect + 0.5) * side), 0, side - 1)
    return np.asarray(rows * side + columns, np.intp)


def orient(coefficients: FloatArray, orientation: Orientation) -> FloatArray:
    """Turn pictures by their coefficients: ``(n, 16, 16)`` to ``(n, 16, 16)``."""
    turned = coefficients.transpose(0, 2, 1) if orientation & 4 else coefficients
    odd = np.where(np.arange(1, pdq.SIDE + 1) % 2, np.float32(-1), np.float32(1))
    if orientation & 1:
        turned = turned * odd[None, None, :]
    if orientation & 2:
        turned = turned * odd[None, :, None]
    return turned


def turned_bits(packed: PackedHashes, orientation: Orientation) -> PackedHashes:
    """Compute the PDQ hashes ``(n, 32)`` of turned pictures from the hashes alone.

    The median of the coefficients is close to zero, so a changed sign is a changed bit. Where it is not quite zero, some
    bits come out wrong: `orient` is exact, but needs the coefficients.
    """
    return (transposed_bits(packed) if orientation & 4 else packed) ^ _changed_bits(orientation)


def transposed_bits(packed: PackedHashes) -> PackedHashes:
    """Compute the PDQ hashes ``(n, 32)`` of pictures turned about the falling diagonal."""
    bits = np.unpackbits(packed, axis=1).reshape(-1, pdq.SIDE, pdq.SIDE)
    return np.packbits(bits.transpose(0, 2, 1).reshape(-1, pdq.SIDE * pdq.SIDE), axis=1)


@functools.cache
def _changed_bits(orientation: Orientation) -> PackedHashes:
    """Return the bits ``(32,)`` whose coefficients have the other sign in a turned picture, once it is transposed if need be."""
    changed: PackedHashes = pdq.pack(orient(np.full((1, pdq.SIDE, pdq.SIDE), np.float32(-1)), orientation) > 0)[0]
    return changed


@functools.lru_cache(maxsize=1024)
def _coefficient_matrix(points: int, length: int, low: float, high: float) -> FloatArray:
    """Return the matrix from the ``points`` of a thumbnail's axis to the 16 coefficients of ``[low, high]`` of it: ``(16, points)``.

    PDQ's samples are weighted sums of pixels. The weights are spread over a fine grid, and the picture on that grid
    is estimated from the thumbnail's averages as a random field of short correlation (kriging, Matheron 1963).
    """
    cut = max(1, round((high - low) * length))
    cumulative = np.pad(np.cumsum(pdq.spectrum_matrix(cut), axis=1), ((0, 0), (1, 0)))
    edges = np.clip((np.arange(_GRID + 1) / _GRID - low) / (high - low) * cut, 0, cut)
    if low < 0:  # what lies beyond the picture repeats its edge
        edges[0] = 0
    if high > 1:
        edges[-1] = cut
    before = np.minimum(edges.astype(int), cut - 1)
    part = edges - before
    spread = np.diff(cumulative[:, before] * (1 - part) + cumulative[:, before + 1] * part, axis=1)
    # In pieces too small for BLAS to wake its threads, which would take longer than the product.
    pieces = _GRID // _PIECE
    basis = spread.astype(np.float32).reshape(pdq.SIDE, pieces, _PIECE).transpose(1, 0, 2)
    estimate = _picture_estimate(points).reshape(pieces, _PIECE, points)
    return np.ascontiguousarray((basis @ estimate).sum(axis=0), np.float32)


@functools.cache
def _picture_estimate(points: int) -> FloatArray:
    """Return the best linear estimate of the fine grid from area averages: ``(512, points)`` float32.

    The covariance is Matérn's with ν = 3/2.
    """
    centres = (np.arange(_GRID) + 0.5) / _GRID
    lag = np.sqrt(3) * np.abs(centres[:, None] - centres[None, :]) / _CORRELATION
    covariance = (1 + lag) * np.exp(-lag)
    averages = np.kron(np.eye(points), np.full((1, _GRID // points), points / _GRID))
    seen = averages @ covariance @ averages.T
    seen += np.eye(points) * _RIDGE * np.trace(seen) / points
    return np.ascontiguousarray(np.linalg.solve(seen, averages @ covariance).T, np.float32)
