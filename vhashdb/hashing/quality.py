"""Estimate PDQ's quality of any part of a picture, from its thumbnail: how much there is to see in it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.pdq import MAX_QUALITY, QUALITY_STEPS
from vhashdb.hashing.views import Box

_STEP: Final = 2
"""Only every second point counts. Engineering bound: the others hardly say more, and PDQ's buffer has as many."""
_LEAST: Final = 2
"""Points that a side of a part has at least. Derived: one has no step to a neighbour."""


class Steps:
    """Sum up the steps between neighbouring points of some thumbnails, so that the sum over any box is four look-ups.

    These are summed-area tables (Crow 1984).
    """

    def __init__(self, thumbnails: npt.NDArray[np.uint8]) -> None:
        """Take ``(n, side, side)`` uint8."""
        points = np.ascontiguousarray(thumbnails[:, ::_STEP, ::_STEP])
        self._across = _sums(points[:, :, 1:], points[:, :, :-1])
        self._down = _sums(points[:, 1:, :], points[:, :-1, :])
        self._side = points.shape[1]

    def every(self, step: int) -> Steps:
        """Return the steps of every ``step``-th thumbnail."""
        some = copy.copy(self)
        some._across, some._down = self._across[:, ::step], self._down[:, ::step]
        return some

    def quality(self, box: Box, without: Sequence[Box] = ()) -> npt.NDArray[np.uint8]:
        """Estimate the quality of a part: ``(n,)`` uint8, 0…100.

        A part of ``f`` of a side has steps ``f`` times as large at ``1/f²`` times as many points as the thumbnail has there.

        Args:
            box: the part.
            without: masked parts of it, which do not count.
        """
        steps = self._within(box)
        for hidden in without:
            steps = steps - self._within(hidden)
        across, down = np.maximum(steps, 0)
        return np.asarray(
            np.minimum(MAX_QUALITY, (across / (box.right - box.left) + down / (box.bottom - box.top)) / QUALITY_STEPS), np.uint8
        )

    def _within(self, box: Box) -> npt.NDArray[np.int32]:
        """Sum, across and down, the steps whose two points are within a box: ``(2, n)`` int32."""
        top, bottom = self._points(box.top, box.bottom)
        left, right = self._points(box.left, box.right)
        return np.stack((_boxed(self._across, top, bottom, left, right - 1), _boxed(self._down, top, bottom - 1, left, right)))

    def _points(self, low: float, high: float) -> tuple[int, int]:
        first = max(0, min(round(low * self._side), self._side - _LEAST))
        return first, max(min(round(high * self._side), self._side), first + _LEAST)


def _sums(points: npt.NDArray[np.uint8], neighbours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Sum the steps above and left of each point, counted as PDQ does: ``(rows + 1, n, columns + 1)`` int32."""
    steps = (np.maximum(points, neighbours) - np.minimum(points, neighbours)).astype(np.uint16)
    # Converting to hundredths truncates towards zero, as the reference does.
    hundredths = (steps * np.uint16(100) // np.uint16(255)).transpose(1, 0, 2)
    sums = np.zeros((points.shape[1] + 1, len(points), points.shape[2] + 1), np.int32)
    np.cumsum(hundredths, axis=2, dtype=np.int32, out=sums[1:, :, 1:])
    for above, row in pairwise(sums):  # a whole row of all thumbnails at a time, which NumPy's own sum down a column is not
        row += above
    return sums


def _boxed(sums: npt.NDArray[np.int32], top: int, bottom: int, left: int, right: int) -> npt.NDArray[np.int32]:
    return sums[bottom, :, right] - sums[top, :, right] - sums[bottom, :, left] + sums[top, :, left]
