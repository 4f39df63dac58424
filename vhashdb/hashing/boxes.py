"""Where the picture is, inside bars and other surroundings. Works on sketches only.

Three boxes, because each can be wrong where another is right:

* the **bars box** cuts off lines of one even colour, the colour of the outermost line: letterbox and pillarbox of any
  colour, on still pictures too;
* the **moving box** also cuts off lines in which nothing changes while the rest does: banners, captions, frames drawn
  around the picture. On a calm picture it may cut into the picture itself;
* the **framed box** cuts off lines whose two ends have the colour of the outermost line, whatever is drawn between
  them: captions, on still pictures too. It may cut into a picture whose sides have that colour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.views import WHOLE_FRAME, Box

_STRICT: Final = (10.0, 0.8)
"""Bars: spread within a line, and difference to the outermost line, in luma levels. Encoders keep
a bar's level to less than one, which is what tells it from a night sky; the codec's ringing beside the picture spreads more."""
_LOOSE: Final = (6.0, 3.0)
"""The same for surroundings in general, which may be drawn or noisy."""
_STATIC_LEVELS: Final = 1.5
"""Mean change between looks, in luma levels, below which a line is static …"""
_STATIC_SHARE: Final = 0.08
"""… and the share of the picture's own change that it must stay under, so that a calm picture is not cut."""
_LOOKS: Final = 8
"""Frames of a stretch that are examined: further apart, they also differ more."""
_BUSY_POINTS: Final = 4
"""Points of a line, of 32, that must change for it to count as changing."""
_ENDS: Final = 0.04
"""Share of a line at each end where nothing is drawn in margins."""
_POINT_STEP: Final = 4  # every fourth point of a line tells as much
_MIN_SIDE: Final = 0.3
_MIN_MARGIN: Final = 0.015

Flags = npt.NDArray[np.bool_]
Lines = npt.NDArray[np.uint8]
"""``(looks, lines, points)``: rows of the picture, or its columns after transposing."""
_Judge = Callable[[Lines], tuple[Flags, Flags]]
"""Says which lines are outside, seen from the first end and from the last."""


def bars_box(sketches: npt.NDArray[np.uint8], previous: Box = WHOLE_FRAME) -> Box:
    """The box without bars of a stretch of frames.

    Args:
        sketches: ``(n, side, side)`` uint8, neighbouring frames of one video.
        previous: the box of the stretch before, returned unchanged if this one is nearly the same, so that hashes of a
            steady picture stay equal.

    Returns:
        `WHOLE_FRAME` if there are no bars.
    """
    return _box(_looks(sketches), _bars, previous)


def moving_box(sketches: npt.NDArray[np.uint8], bars: Box, previous: Box = WHOLE_FRAME) -> Box:
    """The box without static surroundings; equal to ``bars``, the bars box, if there are no others."""
    looks = _looks(sketches)
    if len(looks) < 3:
        return bars
    box = _box(looks, _static, previous)
    return bars if box.near(bars) or box == WHOLE_FRAME else box


def framed_box(sketches: npt.NDArray[np.uint8]) -> Box:
    """The box without margins of one colour, whatever is drawn in their middle; `WHOLE_FRAME` if there are none.

    Margins above and below are looked for first, and at the sides only if there are none.
    """
    looks = _looks(sketches)
    side = looks.shape[1]
    top, bottom = _inside(looks, _framed)
    if 0 < bottom - top < side and bottom - top >= _MIN_SIDE * side:
        return Box(top=top / side, bottom=bottom / side)
    left, right = _inside(looks.transpose(0, 2, 1), _framed)
    return Box(left=left / side, right=right / side) if right - left >= _MIN_SIDE * side else WHOLE_FRAME


def _looks(sketches: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return sketches[:: max(1, len(sketches) // _LOOKS)]


def _box(looks: npt.NDArray[np.uint8], outside: _Judge, previous: Box) -> Box:
    side = looks.shape[1]
    top, bottom = _inside(looks, outside)
    if bottom - top < _MIN_SIDE * side:
        return WHOLE_FRAME
    rows = slice(int(np.ceil(top)), int(np.floor(bottom)))
    left, right = _inside(looks[:, rows, :].transpose(0, 2, 1), outside)
    box = Box(left / side, top / side, right / side, bottom / side)
    if box.right - box.left < _MIN_SIDE or box.bottom - box.top < _MIN_SIDE:
        return WHOLE_FRAME
    box = Box(*(0.0 if edge < _MIN_MARGIN else 1.0 if edge > 1 - _MIN_MARGIN else edge for edge in _edges(box)))
    return previous if box.near(previous) else box


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _bars(lines: Lines, levels: tuple[float, float] = _STRICT, step: int = _POINT_STEP) -> tuple[Flags, Flags]:
    """Which lines belong to a bar at the first end, and which to one at the last end."""
    spread, difference = levels
    points = lines[:, :, ::step]
    points = np.ascontiguousarray(points.transpose(2, 0, 1))  # reductions over the first axis are the fast ones
    even, level = points.max(axis=0) - points.min(axis=0) < spread, points.mean(axis=0, dtype=np.float32)
    # A frame that is even all over (a fade) says nothing about bars.
    telling = ~even.all(axis=1)
    if not telling.any():
        nothing = np.zeros(lines.shape[1], bool)
        return nothing, nothing
    even, level = even[telling], level[telling]
    first = even & (np.abs(level - level[:, :1]) < difference)
    last = even & (np.abs(level - level[:, -1:]) < difference)
    return np.asarray(first.mean(axis=0) > 0.85), np.asarray(last.mean(axis=0) > 0.85)


def _framed(lines: Lines) -> tuple[Flags, Flags]:
    """Which lines have ends like the outermost line."""
    width = max(2, int(_ENDS * lines.shape[2]))
    return _bars(np.concatenate((lines[:, :, :width], lines[:, :, -width:]), axis=2), _LOOSE, step=1)


def _static(lines: Lines) -> tuple[Flags, Flags]:
    """Which lines are bars or do not change while the picture does."""
    first, last = _bars(lines, _LOOSE)
    points = lines[:, :, ::_POINT_STEP].astype(np.int16)
    change = np.abs(points[1:] - points[:-1]).sum(axis=0) / (len(points) - 1)
    busiest = np.partition(change, -_BUSY_POINTS, axis=1)[:, -_BUSY_POINTS]
    share = _STATIC_SHARE * float(np.partition(busiest, -len(busiest) // 4)[-len(busiest) // 4])
    static = busiest < min(_STATIC_LEVELS, share)
    return np.asarray(first | static), np.asarray(last | static)


def _inside(lines: Lines, outside: _Judge) -> tuple[float, float]:
    """First and past-the-last inside line, to a fraction of a line."""
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
    """Share (0…1) of the edge line that belongs to the outside: it is a mixture when the bar ends within the line."""
    e, o, i = (lines[:, k].astype(np.float32) for k in (edge, outer, inner))
    contrast = float(np.abs(i - o).mean())
    return 0.0 if contrast < 1 else float(np.clip(1 - np.abs(e - o).mean() / contrast, 0, 1))
