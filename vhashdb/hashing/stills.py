"""Where the picture is on a page: a screenshot, a meme, a slide. For one still, in which nothing moves.

A page is cut along its *even* rows, those of its own colour from end to end, and the largest band along its even
columns: margins and toolbars fall away. What is left may have bars of another colour, so it is cut once more, either way
and both ways. Every rectangle on the way is a candidate, because a dark sky is cut off like a bar. Where a page is not
even, the strongest straight edges say where its picture is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.rectangles import Sides, inset_boxes
from vhashdb.hashing.views import WHOLE_FRAME, Box

CANDIDATES: Final = 4
_EVEN: Final = 10.0
"""Spread within an even line, in luma levels, of all but a few of its points: JPEG leaves about 3 on a thumbnail."""
_STRAY: Final = 0.02
"""Share of a line's points that may be anything: the cursor, a hair line at the end of a letterbox bar."""
_ONE_COLOUR: Final = 6.0
"""Levels between lines of one colour."""
_MIN_SIDE: Final = 0.18
"""Side of the smallest picture looked for: a smaller one has too few points in a thumbnail."""
_SAME: Final = 0.006
"""Boxes whose edges are all nearer than this are one: less than a point of the thumbnail."""

Levels = npt.NDArray[np.float32]
"""``(lines, points)``: rows of a part of the thumbnail, or its columns after transposing."""
_Kept = Callable[[npt.NDArray[np.bool_]], tuple[int, int]]
"""From the lines that are not even, the first and last of those that are kept: of a page the longest run, because there
is text beside the picture; of a picture with bars all, because parts of it may be as dark as the bars."""


def picture_boxes(thumbnail: npt.NDArray[np.uint8]) -> list[Box]:
    """Where the picture within a still may be.

    Args:
        thumbnail: ``(side, side)`` uint8.

    Returns:
        At most `CANDIDATES` different boxes, none of them the whole frame, the likeliest first.
    """
    levels = thumbnail.astype(np.float32)
    band = _cut_rows(levels, WHOLE_FRAME, _longest)
    page = _cut_columns(levels, band, _longest)
    rows, columns = _cut_rows(levels, page, _hull), _cut_columns(levels, page, _hull)
    both = _cut_columns(levels, rows, _hull)
    different: list[Box] = []
    for box in (page, rows, columns, *inset_boxes(Sides(thumbnail[None]), 1), both, band):
        if not any(box.near(other, _SAME) for other in (WHOLE_FRAME, *different)):
            different.append(box)
    return different[:CANDIDATES]


def _cut_columns(levels: Levels, box: Box, kept: _Kept) -> Box:
    """What `_cut_rows` does, for columns."""
    return _turned(_cut_rows(levels.T, _turned(box), kept))


def _cut_rows(levels: Levels, box: Box, kept: _Kept) -> Box:
    """The part of ``box`` between even rows; ``box`` itself if that leaves nothing."""
    side = len(levels)
    # Points that lie within the part for certain: a mixed one at its edge would make every line uneven.
    top, bottom = int(np.ceil(box.top * side - 0.05)), int(np.floor(box.bottom * side + 0.05))
    left, right = int(np.ceil(box.left * side - 0.05)), int(np.floor(box.right * side + 0.05))
    lines = levels[top:bottom, left:right]
    if min(lines.shape) < 4:
        return box
    outside = _outside(lines)
    if outside.all() or not outside.any():
        return box
    first, last = kept(~outside)
    low = box.top if first == 0 else (top + first + _outside_share(lines, first, first - 1, first + 1)) / side
    high = box.bottom if last == len(lines) - 1 else (top + last + 1 - _outside_share(lines, last, last + 1, last - 1)) / side
    return Box(box.left, low, box.right, high) if high - low >= _MIN_SIDE else box


def _outside(lines: Levels) -> npt.NDArray[np.bool_]:
    """Which lines are of one colour, and that the colour of an end of the page: even lines within a picture seldom are."""
    stray = int(np.ceil(_STRAY * lines.shape[1]))
    ordered = np.sort(lines, axis=1)
    even = ordered[:, -1 - stray] - ordered[:, stray] < _EVEN
    level = ordered[:, ordered.shape[1] // 2]
    ends = [level[i] for i in np.flatnonzero(even)[[0, -1]]] if even.any() else []
    return np.asarray(even & np.any([np.abs(level - end) < _ONE_COLOUR for end in ends], axis=0))


def _longest(flags: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """First and last index of the longest run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best]) - 1


def _hull(flags: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """First and last index of a true flag."""
    inside = np.flatnonzero(flags)
    return int(inside[0]), int(inside[-1])


def _outside_share(lines: Levels, edge: int, outer: int, inner: int) -> float:
    """Share (0…1) of the edge line that belongs to the even line beside it: the edge may fall within a point."""
    if not 0 <= inner < len(lines):
        return 0.0
    contrast = float(np.abs(lines[inner] - lines[outer]).mean())
    return 0.0 if contrast < 1 else float(np.clip(1 - np.abs(lines[edge] - lines[outer]).mean() / contrast, 0, 1))


def _turned(box: Box) -> Box:
    """The box after rows and columns change places."""
    return Box(box.top, box.left, box.bottom, box.right)
