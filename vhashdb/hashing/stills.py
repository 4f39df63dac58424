"""Find the picture on a page: within a screenshot, a meme, a slide. For one still, in which nothing moves.

A page is cut along its *uniform* rows, those of its own colour from end to end, and the largest band along its uniform
columns: margins and toolbars fall away. What is left may have bars of another colour, so it is cut once more, either way
and both ways. Every rectangle on the way is a candidate, because a dark sky is cut off like a bar. Where a page is not
uniform, the strongest straight edges say where its picture is. `bench.stills` shows the effect of constants said to be measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.rectangles import Sides, inset_boxes
from vhashdb.hashing.views import WHOLE_FRAME, Box

CANDIDATES: Final = 4
"""Boxes returned for one still. Engineering bound: each costs a view of the query."""
_UNIFORM: Final = 10.0
"""Spread within a uniform line, in luma levels, of all but a few of its points. Measured: `bench.stills`; JPEG leaves about 3 on a
thumbnail."""
_STRAY: Final = 0.02
"""Share of a line's points that may be anything: a cursor, a hairline at the end of a bar. Measured: `bench.stills`."""
_ONE_COLOUR: Final = 6.0
"""Luma levels between lines of one colour. Measured: `bench.stills`."""
_MIN_SIDE: Final = 0.18
"""Shortest side of a picture, as a share of the page's. Engineering bound: a smaller one has too few points of a thumbnail."""
_MIN_LINES: Final = 4
"""Lines, and points of a line, without which nothing is cut. Engineering bound."""
_EDGE_SLACK: Final = 0.05
"""Share of a point by which a box may miss the edge of it and still hold the whole of it. Engineering bound."""
_SAME: Final = 0.006
"""Boxes whose edges are all nearer than this share of the side are one. Derived: less than a point of the thumbnail."""

Levels = npt.NDArray[np.float32]
"""``(lines, points)`` float32: rows of a part of the thumbnail, or its columns after transposing."""
_Kept = Callable[[npt.NDArray[np.bool_]], tuple[int, int]]
"""The first and the last line that is kept, of those that are not uniform: of a page the longest run, because there is text beside the
picture; of a picture with bars all, because parts of it may be as dark as the bars."""


def picture_boxes(thumbnail: npt.NDArray[np.uint8]) -> list[Box]:
    """Find where the picture within a still may be.

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
    """Do what `_cut_rows` does, for columns."""
    return _turned(_cut_rows(levels.T, _turned(box), kept))


def _cut_rows(levels: Levels, box: Box, kept: _Kept) -> Box:
    """Return the part of ``box`` between uniform rows; ``box`` itself if that leaves nothing."""
    side = len(levels)
    # Only points that lie wholly within the part: a mixed one at its edge would make every line non-uniform.
    top, bottom = int(np.ceil(box.top * side - _EDGE_SLACK)), int(np.floor(box.bottom * side + _EDGE_SLACK))
    left, right = int(np.ceil(box.left * side - _EDGE_SLACK)), int(np.floor(box.right * side + _EDGE_SLACK))
    lines = levels[top:bottom, left:right]
    if min(lines.shape) < _MIN_LINES:
        return box
    outside = _outside(lines)
    if outside.all() or not outside.any():
        return box
    first, last = kept(~outside)
    low = box.top if first == 0 else (top + first + _outside_share(lines, first, first - 1, first + 1)) / side
    high = box.bottom if last == len(lines) - 1 else (top + last + 1 - _outside_share(lines, last, last + 1, last - 1)) / side
    return Box(box.left, low, box.right, high) if high - low >= _MIN_SIDE else box


def _outside(lines: Levels) -> npt.NDArray[np.bool_]:
    """Find the lines of one colour, and that the colour of an end of the page: uniform lines within a picture seldom are."""
    stray = int(np.ceil(_STRAY * lines.shape[1]))
    ordered = np.sort(lines, axis=1)
    uniform = ordered[:, -1 - stray] - ordered[:, stray] < _UNIFORM
    level = ordered[:, ordered.shape[1] // 2]
    ends = [level[i] for i in np.flatnonzero(uniform)[[0, -1]]] if uniform.any() else []
    return np.asarray(uniform & np.any([np.abs(level - end) < _ONE_COLOUR for end in ends], axis=0))


def _longest(flags: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first and the last index of the longest run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best]) - 1


def _hull(flags: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first and the last index of a true flag."""
    inside = np.flatnonzero(flags)
    return int(inside[0]), int(inside[-1])


def _outside_share(lines: Levels, edge: int, outer: int, inner: int) -> float:
    """Return the share (0…1) of the edge line that belongs to the uniform line beside it: the edge may fall within a point."""
    if not 0 <= inner < len(lines):
        return 0.0
    contrast = float(np.abs(lines[inner] - lines[outer]).mean())
    return 0.0 if contrast < 1 else float(np.clip(1 - np.abs(lines[edge] - lines[outer]).mean() / contrast, 0, 1))


def _turned(box: Box) -> Box:
    """Return the box after rows and columns change places."""
    return Box(box.top, box.left, box.bottom, box.right)
