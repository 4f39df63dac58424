"""See a picture through a projective transform, and compute the PDQ coefficients of what is seen.

A `Transform` is a 3 × 3 matrix, float64, that maps fractions ``(x, y, 1)`` of the picture that is wanted to fractions of the
thumbnail, up to a factor. What lies beyond the thumbnail repeats its edge.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing import pdq
from vhashdb.hashing.pdq import FloatArray
from vhashdb.hashing.views import Box

Transform = npt.NDArray[np.float64]
"""``(3, 3)`` float64, or several: ``(n, 3, 3)``."""

CORNERS: Final = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
"""``(4, 2)``: top left, top right, bottom right, bottom left. Derived: of the unit square."""
MIRRORING: Final = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
"""Mirrors the wanted picture. Derived: x becomes 1 − x."""
_APART: Final = (1.4, 2.8)
"""Points of the thumbnail between samples above which it is smoothed first, once and twice. Derived: the square root of 2 times what
the smoothing is for."""
_SMALL: Final = 1e-4
"""Share of a side by which corners are moved to measure a derivative. Engineering bound: between curvature and rounding."""
_FARTHEST: Final = 16.0
"""Fractions of the picture beyond which points are not told apart. Engineering bound: a projective map may send them to infinity."""


def rotation(degrees: float, aspect: float) -> Transform:
    """Return the transform that sees a picture turned clockwise about its centre.

    Args:
        degrees: by which what is seen is turned.
        aspect: width of the picture by its height.
    """
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[cosine, sine / aspect], [-sine * aspect, cosine]])
    transform = np.eye(3)
    transform[:2, :2] = turn
    transform[:2, 2] = 0.5 - turn @ (0.5, 0.5)
    return transform


def boxed(box: Box) -> Transform:
    """Return the transform that sees a part of a picture."""
    return np.array([[box.right - box.left, 0, box.left], [0, box.bottom - box.top, box.top], [0, 0, 1.0]])


def mapped(transforms: Transform, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Map points ``(k, 2)`` by transforms ``(…, 3, 3)``: ``(…, k, 2)``."""
    homogeneous = np.concatenate((points, np.ones((len(points), 1))), axis=1)
    out = homogeneous @ np.swapaxes(transforms, -1, -2)
    depth = out[..., 2:]
    return np.clip(out[..., :2] / np.where(np.abs(depth) < 1e-6, 1e-6, depth), -_FARTHEST, _FARTHEST)


def quadrilateral(corners: npt.NDArray[np.float64]) -> Transform:
    """Return the transforms that map the corners of the unit square to the corners ``(…, 4, 2)``, in the order of `CORNERS`."""
    # The closed form of Heckbert (1989), "Fundamentals of texture mapping and image warping".
    a, b, c, d = (corners[..., n, :] for n in range(4))
    first, second, rest = b - c, d - c, a - b + c - d
    cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    cross = np.where(np.abs(cross) < 1e-12, 1e-12, cross)
    g = (rest[..., 0] * second[..., 1] - rest[..., 1] * second[..., 0]) / cross
    h = (first[..., 0] * rest[..., 1] - first[..., 1] * rest[..., 0]) / cross
    across, down = b - a + g[..., None] * b, d - a + h[..., None] * d
    made = np.empty((*corners.shape[:-2], 3, 3))
    made[..., :2, 0], made[..., :2, 1], made[..., :2, 2] = across, down, a
    made[..., 2, 0], made[..., 2, 1], made[..., 2, 2] = g, h, 1.0
    return made


def moved_by(corners: npt.NDArray[np.float64]) -> Transform:
    """Return how a transform changes if the corners of what it sees are moved, for each unit of small moves.

    Args:
        corners: ``(m, 4, 2)`` moves of the corners of the unit square, in the order of `CORNERS`.

    Returns:
        ``(m, 3, 3)``: a transform times one and so many times this sees the moved square.
    """
    return (quadrilateral(CORNERS + corners * _SMALL) - quadrilateral(CORNERS - corners * _SMALL)) / (2 * _SMALL)


def nearest_points(side: int, transform: Transform) -> npt.NDArray[np.intp]:
    """Return the point of a thumbnail nearest to each point of what is seen: ``(side, side)``, flat indices."""
    seen = mapped(transform, _lattice(side))
    columns, rows = (np.clip(np.floor(seen[:, n] * side), 0, side - 1) for n in range(2))
    return np.asarray(rows * side + columns, np.intp).reshape(side, side)


class Warper:
    """Computes coefficients of pictures as they are seen through transforms, again and again of the same pictures."""

    def __init__(self, thumbnails: npt.NDArray[np.uint8]) -> None:
        """Take ``(n, side, side)`` uint8."""
        self._side = thumbnails.shape[1]
        levels = thumbnails.astype(np.float32)
        smooth = _smoothed(levels, 1)
        self._levels = levels, smooth, _smoothed(smooth, 2)
        """The pictures as they are, and for samples two and four points apart."""

    def __len__(self) -> int:
        return len(self._levels[0])

    def coefficients(self, pictures: npt.NDArray[np.intp], transforms: Transform, points: int = pdq.BUFFER) -> FloatArray:
        """Compute PDQ coefficients: ``(k, 16, 16)`` float32.

        Args:
            pictures: ``(k,)`` which pictures.
            transforms: ``(k, 3, 3)``, or one for all.
            points: sampled along each side; half of PDQ's own are enough for an estimate, at a quarter of the cost.
        """
        basis = _basis(points)
        return np.asarray(basis @ self.samples(pictures, transforms, points) @ basis.T)

    def samples(self, pictures: npt.NDArray[np.intp], transforms: Transform, points: int = pdq.BUFFER) -> FloatArray:
        """Sample what is seen: ``(k, points, points)`` float32."""
        transforms = np.broadcast_to(transforms, (len(pictures), 3, 3))
        across, down, depth = np.swapaxes(transforms.astype(np.float32) @ _homogeneous_lattice(points), 0, 1)
        depth = self._side / np.where(np.abs(depth) < 1e-6, np.float32(1e-6), depth)
        x, y = (np.clip(each * depth - 0.5, 0, self._side - 1.001) for each in (across, down))
        column, row = x.astype(np.int32), y.astype(np.int32)
        x, y = x - column, y - row
        first = row * self._side + column + (pictures * self._side * self._side).astype(np.int32)[:, None]
        extent = np.ptp(mapped(transforms, CORNERS), axis=1).max(axis=1)
        level = np.searchsorted(_APART, extent * self._side / points)
        if (level == level[:1]).all():
            return self._blended(int(level[0]) if len(level) else 0, first, x, y).reshape(-1, points, points)
        out = np.empty(x.shape, np.float32)
        for number in np.unique(level).tolist():
            chosen = level == number
            out[chosen] = self._blended(number, first[chosen], x[chosen], y[chosen])
        return out.reshape(-1, points, points)

    def _blended(self, level: int, first: npt.NDArray[np.int32], x: FloatArray, y: FloatArray) -> FloatArray:
        """Blend each point with those right of it and below, of pictures smoothed so much."""
        flat = self._levels[level].reshape(-1)
        left, right = flat.take(first), flat.take(first + 1)
        above = left + (right - left) * x
        first = first + self._side
        left, right = flat.take(first), flat.take(first + 1)
        below = left + (right - left) * x
        return np.asarray(above + (below - above) * y)

    def around(
        self, pictures: npt.NDArray[np.intp], transforms: Transform, moves: Transform, points: int = pdq.BUFFER
    ) -> tuple[FloatArray, FloatArray]:
        """Compute PDQ coefficients, and how they change with small moves of the transforms.

        Args:
            pictures: ``(k,)`` which pictures.
            transforms: ``(k, 3, 3)``.
            moves: ``(k, m, 3, 3)`` what `moved_by` gives, in fractions of what each transform sees.
            points: sampled along each side.

        Returns:
            ``(k, 16, 16)`` and, for each move of size 1, ``(k, m, 16, 16)`` float32.
        """
        basis, seen = _basis(points), self.samples(pictures, transforms, points)
        down, across = (np.asarray(np.gradient(seen, np.float32(1 / points), axis=axis), np.float32) for axis in (1, 2))
        lattice = _homogeneous_lattice(points)
        flow = moves.astype(np.float32) @ lattice  # what the wanted point moves by, before it is brought back to depth 1
        along = (flow[..., :2, :] - flow[..., 2:, :] * lattice[:2]).reshape(*moves.shape[:2], 2, points, points)
        steps = across[:, None] * along[:, :, 0] + down[:, None] * along[:, :, 1]
        return np.asarray(basis @ seen @ basis.T), np.asarray(basis @ steps @ basis.T)


def _smoothed(levels: FloatArray, reach: int) -> FloatArray:
    """Average each point with those ``reach`` before and after it, along both axes, with half the weight."""
    padded = np.pad(levels, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    across = padded[:, :, : -2 * reach] + 2 * padded[:, :, reach:-reach] + padded[:, :, 2 * reach :]
    return np.asarray((across[:, : -2 * reach] + 2 * across[:, reach:-reach] + across[:, 2 * reach :]) / np.float32(16))


@functools.cache
def _basis(points: int) -> FloatArray:
    """Return rows 1 to 16 of the DCT of some points, scaled as PDQ's of 64: ``(16, points)`` float32."""
    frequency, point = np.arange(1, pdq.SIDE + 1)[:, None], np.arange(points)[None, :]
    scale = np.sqrt(2 * pdq.BUFFER) / points
    return np.asarray(scale * np.cos(np.pi / (2 * points) * frequency * (2 * point + 1)), np.float32)


@functools.cache
def _lattice(side: int) -> npt.NDArray[np.float64]:
    """Return the centres of ``side × side`` points in fractions, row by row: ``(side², 2)``."""
    centres = (np.arange(side) + 0.5) / side
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return np.stack((x.reshape(-1), y.reshape(-1)), axis=1)


@functools.cache
def _homogeneous_lattice(side: int) -> FloatArray:
    """Return the same as columns ``(x, y, 1)``: ``(3, side²)`` float32."""
    lattice = _lattice(side)
    return np.ascontiguousarray(np.concatenate((lattice, np.ones((len(lattice), 1))), axis=1).T, np.float32)
