"""Where the content is, inside bars and other surroundings: content boxes, computed from thumbnails.

There are three, because each can be wrong where another is right:

* **within bars**: lines of one uniform colour, that of the outermost line, are cut off: letterbox and pillarbox of any colour,
  on still pictures too;
* **within a static border**: lines in which nothing changes while the rest does are cut off as well: banners, captions,
  frames drawn around the picture. On a calm video this may cut into the picture itself;
* **within a drawn border**: lines whose two ends have the colour of the outermost line are cut off, whatever is drawn
  between them: captions, on still pictures too. This may cut into a picture whose sides have that colour.

The constants were chosen on footage; `bench.accuracy` (edits with bars, borders and captions) shows the effect of each that
is said to be measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.views import WHOLE_FRAME, Box

_STRICT: Final = (10.0, 0.8)
"""Most spread within a line of a bar, and most difference to the outermost line, in luma levels. Measured: `bench.accuracy`. Encoders
keep a bar's level to less than one, which distinguishes it from a night sky; ringing next to the picture spreads more."""
_LOOSE: Final = (6.0, 3.0)
"""The same for borders, which may be drawn or noisy. Measured: `bench.accuracy`."""
_UNIFORM_SHARE: Final = 0.85
"""Share of the examined frames in which a line must belong to a bar. Measured: `bench.accuracy`."""
_STATIC_LEVELS: Final = 1.5
"""Mean change between frames, in luma levels, below which a line is static. Measured: `bench.accuracy`."""
_STATIC_SHARE: Final = 0.08
"""Share of the picture's own change that a static line must stay under, so that a calm picture is not cut. Measured:
`bench.accuracy`."""
_EXAMINED: Final = 8
"""Frames of a window that are examined. Engineering bound: fewer are cheaper, and further apart they differ more."""
_LEAST_FRAMES: Final = 3
"""Frames without which nothing is called static. Derived: two have a single difference, which one flash would decide."""
_BUSY_POINTS: Final = 4
"""Points of a line, of 32, that must change for the line to count as changing. Measured: `bench.accuracy`."""
_BUSY_SHARE: Final = 4
"""One in so many lines changes at least as much as what is taken for the picture's own change. Measured: `bench.accuracy`."""
_ENDS: Final = 0.04
"""Share of a line, at each end, in which nothing is drawn in a border. Measured: `bench.accuracy`."""
_POINT_STEP: Final = 4
"""Only every fourth point of a line is examined. Engineering bound: the others hardly say more."""
_MIN_SIDE: Final = 0.3
"""Shortest side of a content box, as a share of the frame's. Engineering bound: what is smaller is treated as a picture in a picture."""
_MIN_MARGIN: Final = 0.015
"""Margins narrower than this share of the frame are none. Derived: about two points of the thumbnail, the error of an edge."""

Flags = npt.NDArray[np.bool_]
Lines = npt.NDArray[np.uint8]
"""``(frames, lines, points)`` uint8: rows of the picture, or its columns after transposing."""
_Classifier = Callable[[Lines], tuple[Flags, Flags]]
"""Which lines are outside the content, seen from the first end and from the last: each ``(lines,)`` bool."""


def within_bars(thumbnails: npt.NDArray[np.uint8], previous: Box = WHOLE_FRAME) -> Box:
    """Find the content box of a frame window within letterbox and pillarbox bars.

    Args:
        thumbnails: ``(n, side, side)`` uint8, successive frames of one video.
        previous: the box of the window before, returned unchanged if this one is nearly the same, so that hashes of a
            steady picture stay equal.

    Returns:
        `WHOLE_FRAME` if there are no bars.
    """
    return _box(_examined(thumbnails), _bars, previous)


def within_static_border(thumbnails: npt.NDArray[np.uint8], bars: Box, previous: Box = WHOLE_FRAME) -> Box:
    """Find the content box within static surroundings.

    Args:
        thumbnails: ``(n, side, side)`` uint8, successive frames of one video.
        bars: the content box within bars, which is returned if nothing else is static.
        previous: as in `within_bars`.
    """
    frames = _examined(thumbnails)
    if len(frames) < _LEAST_FRAMES:
        return bars
    box = _box(frames, _static, previous)
    return bars if box.near(bars) or box == WHOLE_FRAME else box


def within_drawn_border(thumbnails: npt.NDArray[np.uint8]) -> Box:
    """Find the content box within margins of one colour, whatever is drawn in their middle.

    Margins above and below are searched for first, and at the sides only if there are none.

    Args:
        thumbnails: ``(n, side, side)`` uint8, successive frames of one video.

    Returns:
        `WHOLE_FRAME` if there are no margins.
    """
    frames = _examined(thumbnails)
    side = frames.shape[1]
    top, bottom = _inside(frames, _drawn)
    if 0 < bottom - top < side and bottom - top >= _MIN_SIDE * side:
        return Box(top=top / side, bottom=bottom / side)
    left, right = _inside(frames.transpose(0, 2, 1), _drawn)
    return Box(left=left / side, right=right / side) if right - left >= _MIN_SIDE * side else WHOLE_FRAME


def _examined(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return thumbnails[:: max(1, len(thumbnails) // _EXAMINED)]


def _box(frames: npt.NDArray[np.uint8], outside: _Classifier, previous: Box) -> Box:
    side = frames.shape[1]
    top, bottom = _inside(frames, outside)
    if bottom - top < _MIN_SIDE * side:
        return WHOLE_FRAME
    rows = slice(int(np.ceil(top)), int(np.floor(bottom)))
    left, right = _inside(frames[:, rows, :].transpose(0, 2, 1), outside)
    box = Box(left / side, top / side, right / side, bottom / side)
    if box.right - box.left < _MIN_SIDE or box.bottom - box.top < _MIN_SIDE:
        return WHOLE_FRAME
    box = Box(*(0.0 if edge < _MIN_MARGIN else 1.0 if edge > 1 - _MIN_MARGIN else edge for edge in _edges(box)))
    return previous if box.near(previous) else box


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _bars(lines: Lines, levels: tuple[float, float] = _STRICT, step: int = _POINT_STEP) -> tuple[Flags, Flags]:
    """Find which lines belong to a bar at the first end, and which to one at the last end."""
    spread, difference = levels
    points = lines[:, :, ::step]
    points = np.ascontiguousarray(points.transpose(2, 0, 1))  # reductions over the first axis are the fast ones
    uniform, level = points.max(axis=0) - points.min(axis=0) < spread, points.mean(axis=0, dtype=np.float32)
    # A frame that is uniform all over, as in a fade, says nothing about bars.
    informative = ~uniform.all(axis=1)
    if not informative.any():
        nothing = np.zeros(lines.shape[1], bool)
        return nothing, nothing
    uniform, level = uniform[informative], level[informative]
    first = uniform & (np.abs(level - level[:, :1]) < difference)
    last = uniform & (np.abs(level - level[:, -1:]) < difference)
    return np.asarray(first.mean(axis=0) > _UNIFORM_SHARE), np.asarray(last.mean(axis=0) > _UNIFORM_SHARE)


def _drawn(lines: Lines) -> tuple[Flags, Flags]:
    """Find which lines have ends of the outermost line's colour."""
    width = max(2, int(_ENDS * lines.shape[2]))
    return _bars(np.concatenate((lines[:, :, :width], lines[:, :, -width:]), axis=2), _LOOSE, step=1)


def _static(lines: Lines) -> tuple[Flags, Flags]:
    """Find which lines are bars, or do not change while the picture does."""
    first, last = _bars(lines, _LOOSE)
    points = lines[:, :, ::_POINT_STEP].astype(np.int16)
    change = np.abs(points[1:] - points[:-1]).sum(axis=0) / (len(points) - 1)
    busiest = np.partition(change, -_BUSY_POINTS, axis=1)[:, -_BUSY_POINTS]
    share = _STATIC_SHARE * float(np.partition(busiest, -len(busiest) // _BUSY_SHARE)[-len(busiest) // _BUSY_SHARE])
    static = busiest < min(_STATIC_LEVELS, share)
    return np.asarray(first | static), np.asarray(last | static)


def _inside(lines: Lines, outside: _Classifier) -> tuple[float, float]:
    """Return the first and the past-the-last line of the content, to a fraction of a line."""
    count = lines.shape[1]
    at_first, at_last = outside(lines)
    first = int(np.argmin(at_first)) if not at_first.all() else 0
    last = count - 1 - int(np.argmin(at_last[::-1])) if not at_last.all() else count - 1
    if last <= first:
        return 0.0, float(count)
    low = first + _mixed(lines, first, first - 1, first + 1) if first > 0 else 0.0
    high = last + 1 - _mixed(lines, last, last + 1, last - 1) if last < count - 1 else float(count)
    return low, high


def _mixed(lines: Lines, edge: int, outer: int, inner: int) -> float:
    """Return the share (0…1) of the edge line that is outside: it is a mixture where the bar ends within the line."""
    e, o, i = (lines[:, k].astype(np.float32) for k in (edge, outer, inner))
    contrast = float(np.abs(i - o).mean())
    return 0.0 if contrast < 1 else float(np.clip(1 - np.abs(e - o).mean() / contrast, 0, 1))
