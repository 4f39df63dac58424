"""Inpainting: fill what covers a part of the picture (logos, stickers, captions) from what is beside it.

What is drawn over a picture changes all of its hash, because every coefficient depends on the whole picture. Continuing the
picture into the masked part from its borders leaves only the error of what was hidden there, which is far smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.pdq import FloatArray
from vhashdb.hashing.views import Box

_MARGIN: Final = 1
"""Points next to a masked part that are mixtures of it and the picture. Derived: an edge of the mask lies within one point."""


@dataclass(frozen=True)
class Patch:
    """Hold what is added to a rectangle of ``n`` thumbnails to inpaint it."""

    rows: slice
    columns: slice
    change: FloatArray
    """``(n, rows, columns)`` float32, in luma levels."""


def inpaint(thumbnails: FloatArray, box: Box) -> Patch:
    """Continue the picture into a rectangle from those of its sides that lie within the picture.

    Opposite sides are joined linearly; the fills from left and right and from above and below are weighted by nearness.

    Args:
        thumbnails: ``(n, side, side)`` float32, luma levels.
        box: the rectangle; it touches at most three borders of the picture.
    """
    side = thumbnails.shape[1]
    top, bottom = _reach(box.top, box.bottom, side)
    left, right = _reach(box.left, box.right, side)
    rows, columns = slice(top, bottom), slice(left, right)
    across, across_weight = _between(
        thumbnails[:, rows, left - 1] if left else None, thumbnails[:, rows, right] if right < side else None, right - left
    )
    down, down_weight = _between(
        thumbnails[:, top - 1, columns] if top else None, thumbnails[:, bottom, columns] if bottom < side else None, bottom - top
    )
    weight_across, weight_down = across_weight[None, :], down_weight[:, None]
    total = np.maximum(weight_across + weight_down, 1e-6)
    painted = across * (weight_across / total) + down.transpose(0, 2, 1) * (weight_down / total)
    return Patch(rows, columns, np.asarray(painted - thumbnails[:, rows, columns], np.float32))


def _reach(low: float, high: float, side: int) -> tuple[int, int]:
    """Return the first and the past-the-last point, with the mixed points beside them."""
    return max(0, round(low * side) - _MARGIN), min(side, round(high * side) + _MARGIN)


def _between(first: FloatArray | None, last: FloatArray | None, length: int) -> tuple[FloatArray, FloatArray]:
    """Interpolate from one border to the other: values ``(n, lines, length)``, and the weight of each of the ``length`` points."""
    before = np.arange(length, dtype=np.float32)
    if first is not None and last is not None:
        share = (before + 1) / (length + 1)  # the borders are a point beyond the first and the last
        joined = first[:, :, None] * (1 - share) + last[:, :, None] * share
        return np.asarray(joined, np.float32), _nearness(np.minimum(before, length - 1 - before) + 0.5)
    border = first if first is not None else last
    if border is None:
        return np.zeros((1, 1, length), np.float32), np.zeros(length, np.float32)
    distance = before if first is not None else length - 1 - before
    return np.repeat(border[:, :, None], length, axis=2), _nearness(distance + 0.5)


def _nearness(points: npt.NDArray[np.floating]) -> FloatArray:
    return np.asarray(1 / (points + 1), np.float32)
