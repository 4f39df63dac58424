"""Views: geometric readings of a frame, all computed from one sketch or one set of coefficients.

A view is a *region* of the frame (whole picture, content box, centre crops) in an *orientation* (as it is, mirrored,
turned …). Regions are computed from the frame's sketch by one small matrix per axis, which reproduces what PDQ would
have done with the cut-out picture. Orientations need no pixels at all: a flip changes the signs of the odd
frequencies, a quarter turn also transposes (the "dihedral" property of PDQ).
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing import pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.pdq import FloatArray

_GRID: Final = 512  # points of the fine grid on which the sketch is modelled
_PIECE: Final = 128
_CORRELATION: Final = 0.05  # length, in picture sides, over which neighbouring luma is alike; 0.02 … 0.2 measure the same
_RIDGE: Final = 1e-4


class Region(enum.IntEnum):
    """Which part of the frame a view reads."""

    WHOLE = 0
    BOX = 1
    """The frame without bars of one colour."""
    MOVING = 2
    """The frame without static surroundings."""
    CROP_WIDE = 3
    CROP_CLOSE = 4
    BOX_ROWS = 5
    """Bars cut off at top and bottom only."""
    BOX_COLUMNS = 6
    """Bars cut off at the sides only."""
    INSET_2 = 7
    INSET_4 = 8
    INSET_6 = 9
    INSET_8 = 10
    TILT_LEFT = 11
    TILT_RIGHT = 12
    PICTURE = 13
    """A picture drawn over another."""
    BAND = 14
    """The picture between drawn bands."""

    @property
    def label(self) -> str:
        """For people."""
        return _REGION_LABELS[self]


class Orientation(enum.IntEnum):
    """How the asked video's picture is turned before it is compared: bit 0 mirror, bit 1 flip, bit 2 transpose first."""

    UPRIGHT = 0
    MIRRORED = 1
    FLIPPED = 2
    TURNED_180 = 3
    TRANSPOSED = 4
    TURNED_RIGHT = 5
    TURNED_LEFT = 6
    TRANSVERSED = 7


@dataclass(frozen=True)
class View:
    """One region in one orientation. ``code`` is its byte in stored fingerprints."""

    region: Region
    orientation: Orientation = Orientation.UPRIGHT

    @property
    def code(self) -> int:
        return self.region << 3 | self.orientation

    @classmethod
    def from_code(cls, code: int) -> View:
        """The view a stored byte stands for.

        Raises:
            ValueError: no view has this code.
        """
        return cls(Region(code >> 3), Orientation(code & 7))


@dataclass(frozen=True)
class Box:
    """A rectangle in fractions of the frame's width and height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def near(self, other: Box, tolerance: float = 0.02) -> bool:
        """Whether no edge is further than ``tolerance`` from the other's."""
        edges = ((self.left, other.left), (self.top, other.top), (self.right, other.right), (self.bottom, other.bottom))
        return max(abs(a - b) for a, b in edges) < tolerance

    @classmethod
    def centred(cls, side: float) -> Box:
        """The centre ``side`` (0…1) of both axes."""
        margin = (1 - side) / 2
        return cls(margin, margin, 1 - margin, 1 - margin)


WHOLE_FRAME: Final = Box()
CROPS: Final = {Region.CROP_WIDE: Box.centred(0.88), Region.CROP_CLOSE: Box.centred(0.75)}
"""Centre crops kept for references: a crop cannot be undone on the asked side, so its result is stored."""
INSETS: Final = {
    Region.INSET_2: Box.centred(0.98),
    Region.INSET_4: Box.centred(0.96),
    Region.INSET_6: Box.centred(0.94),
    Region.INSET_8: Box.centred(0.92),
}
"""Slight crops tried on the asked side, so that a crop between two stored ones is met too: together with `CROPS` they
cover sides from 1 to 0.69 in steps of 2 %."""
TILTS: Final = {Region.TILT_LEFT: -4.5, Region.TILT_RIGHT: 4.5}
"""Degrees by which the asked picture is turned back, clockwise, before its centre is read (`CROPS`' wider one, which is
clear of the empty corners). Two degrees off still give about 21 of 256 bits, so these cover about 2 to 7°."""
_REGION_LABELS: Final = {
    Region.WHOLE: "whole picture",
    Region.BOX: "picture without bars",
    Region.BOX_ROWS: "picture without bars above and below",
    Region.BOX_COLUMNS: "picture without bars at the sides",
    Region.MOVING: "moving part",
    Region.PICTURE: "inset picture",
    Region.BAND: "picture between bands",
    **{region: f"centre {box.right - box.left:.0%}" for region, box in (CROPS | INSETS).items()},
    **{region: f"turned by {degrees:+.1f}°" for region, degrees in TILTS.items()},
}


def region_coefficients(sketches: FloatArray, box: Box, height: int, width: int) -> FloatArray:
    """PDQ coefficients of a part of the picture.

    Args:
        sketches: ``(n, 128, 128)`` float32.
        box: the part.
        height: rows of the picture the sketches were made of; PDQ's filter depends on it.
        width: columns of that picture.

    Returns:
        ``(n, 16, 16)`` float32.
    """
    rows = _coefficient_matrix(sketches.shape[1], height, box.top, box.bottom)
    columns = _coefficient_matrix(sketches.shape[2], width, box.left, box.right)
    return np.asarray(rows @ sketches @ columns.T)


def region_quality(sketches: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    """PDQ's quality of a part of the picture, estimated from every second point of the sketch: ``(n,)`` uint8, 0…100.

    A part of ``f`` of a side shows steps ``f`` times as large at ``1/f²`` times as many points as the sketch does there.
    """
    side = sketches.shape[1]
    top, bottom = _points(box.top, box.bottom, side)
    left, right = _points(box.left, box.right, side)
    part = sketches[:, top:bottom:2, left:right:2].astype(np.int16)
    across, down = np.abs(np.diff(part, axis=2)), np.abs(np.diff(part, axis=1))
    steps = (across * 100 // 255).sum(axis=(1, 2)) / (box.right - box.left) + (down * 100 // 255).sum(axis=(1, 2)) / (box.bottom - box.top)
    return np.asarray(np.minimum(100, steps / 90), np.uint8)


def tilt(sketches: npt.NDArray[np.uint8], degrees: float, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Turn pictures clockwise about their centre, at their true aspect ratio; what falls outside is cut, corners repeat the edge.

    Args:
        sketches: ``(n, side, side)`` uint8.
        degrees: small.
        height: rows of the picture the sketches were made of.
        width: columns of that picture.
    """
    side = sketches.shape[1]
    return np.take(sketches.reshape(len(sketches), -1), _tilted_points(side, degrees, round(width / height, 2)), axis=1)


@functools.lru_cache(maxsize=64)
def _tilted_points(side: int, degrees: float, aspect: float) -> npt.NDArray[np.intp]:
    """For each point of a tilted sketch, the nearest point of the original: ``(side, side)``, flat indices."""
    angle = np.deg2rad(degrees)
    grid = (np.arange(side) + 0.5) / side - 0.5
    down, across = np.meshgrid(grid, grid * aspect, indexing="ij")
    source_across = np.cos(angle) * across + np.sin(angle) * down
    source_down = np.cos(angle) * down - np.sin(angle) * across
    rows = np.clip(np.floor((source_down + 0.5) * side), 0, side - 1)
    columns = np.clip(np.floor((source_across / aspect + 0.5) * side), 0, side - 1)
    return np.asarray(rows * side + columns, np.intp)


def orient(coefficients: FloatArray, orientation: Orientation) -> FloatArray:
    """Coefficients ``(n, 16, 16)`` of the pictures after turning them."""
    turned = coefficients.transpose(0, 2, 1) if orientation & 4 else coefficients
    odd = np.where(np.arange(1, pdq.SIDE + 1) % 2, np.float32(-1), np.float32(1))
    if orientation & 1:
        turned = turned * odd[None, None, :]
    if orientation & 2:
        turned = turned * odd[None, :, None]
    return turned


def _points(low: float, high: float, side: int) -> tuple[int, int]:
    first = min(round(low * side), side - 4)
    return first, max(round(high * side), first + 4)


def turned_bits(packed: PackedHashes, orientation: Orientation) -> PackedHashes:
    """PDQ hashes ``(n, 32)`` of the turned pictures, from the hashes alone.

    The median of the coefficients is close to zero, so a changed sign is a changed bit. Where it is not quite zero, some
    bits come out wrong: `orient` is exact, but needs the coefficients.
    """
    bits = np.unpackbits(packed, axis=1)[:, ::-1].reshape(-1, pdq.SIDE, pdq.SIDE).astype(np.float32)
    return pdq.pack(orient(bits * 2 - 1, orientation) > 0)


@functools.lru_cache(maxsize=1024)
def _coefficient_matrix(points: int, length: int, low: float, high: float) -> FloatArray:
    """From the ``points`` of a sketch's axis to the 16 coefficients of ``[low, high]`` of it: ``(16, points)``.

    PDQ's samples are weighted sums of pixels. The weights are spread over a fine grid, and the picture on that grid
    is estimated from the sketch's averages as a random field of short correlation (kriging).
    """
    cut = max(1, round((high - low) * length))
    cumulative = np.pad(np.cumsum(pdq.axis_matrix(cut), axis=1), ((0, 0), (1, 0)))
    edges = np.clip((np.arange(_GRID + 1) / _GRID - low) / (high - low) * cut, 0, cut)
    before = np.minimum(edges.astype(int), cut - 1)
    part = edges - before
    spread = np.diff(cumulative[:, before] * (1 - part) + cumulative[:, before + 1] * part, axis=1)
    # In pieces that BLAS does not hand to its threads: waking them takes longer than the product.
    pieces = _GRID // _PIECE
    basis = pdq.dct_basis() @ spread.astype(np.float32).reshape(pdq.BUFFER, pieces, _PIECE).transpose(1, 0, 2)
    estimate = _picture_estimate(points).reshape(pieces, _PIECE, points)
    return np.ascontiguousarray((basis @ estimate).sum(axis=0), np.float32)


@functools.cache
def _picture_estimate(points: int) -> FloatArray:
    """Best linear estimate of the fine grid from area averages: ``(512, points)``."""
    centres = (np.arange(_GRID) + 0.5) / _GRID
    lag = np.sqrt(3) * np.abs(centres[:, None] - centres[None, :]) / _CORRELATION
    covariance = (1 + lag) * np.exp(-lag)
    averages = np.kron(np.eye(points), np.full((1, _GRID // points), points / _GRID))
    seen = averages @ covariance @ averages.T
    seen += np.eye(points) * _RIDGE * np.trace(seen) / points
    return np.ascontiguousarray(np.linalg.solve(seen, averages @ covariance).T, np.float32)
