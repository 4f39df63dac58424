"""The content box: where the picture is, inside bars, bands and other static surroundings.

Two kinds of evidence mark a row or column as surroundings: it is uniform (bars of any colour), or nothing in it
changes while the rest of the picture does (banners, captions, a phone's frame). Rows and columns are taken off from
the four sides as long as one of the two holds. Works on sketches only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.views import WHOLE_FRAME, Box

_UNIFORM_LEVELS: Final = 6.0
"""Spread (5th to 95th percentile, in luma levels) below which a line of points is uniform: codec noise stays under it."""
_STATIC_LEVELS: Final = 1.5
"""Mean change between looks, in luma levels, below which a line of points is static."""
_STATIC_SHARE: Final = 0.08
"""… and the share of the picture's own change that it must stay under, so that a calm picture is not cut."""
_LOOKS: Final = 8
"""Frames of a stretch that are examined: further apart, they also differ more."""
_POINT_STEP: Final = 4  # every fourth point of a line tells as much
_MIN_SIDE: Final = 0.3
_MIN_MARGIN: Final = 0.015
_SAME: Final = 0.02


def content_box(sketches: npt.NDArray[np.uint8], previous: Box = WHOLE_FRAME) -> Box:
    """The content box of a stretch of frames.

    Args:
        sketches: ``(n, side, side)`` uint8, neighbouring frames of one video.
        previous: the box of the stretch before, returned unchanged if this one is nearly the same, so that hashes of a
            steady picture stay equal.

    Returns:
        `WHOLE_FRAME` if there are no surroundings.
    """
    sketches = sketches[:: max(1, len(sketches) // _LOOKS)]
    top, bottom = _inside(sketches)
    rows = slice(int(np.ceil(top)), int(np.floor(bottom)))
    left, right = _inside(sketches[:, rows, :].transpose(0, 2, 1))
    side = sketches.shape[1]
    box = Box(left / side, top / side, right / side, bottom / side)
    if box.right - box.left < _MIN_SIDE or box.bottom - box.top < _MIN_SIDE:
        return WHOLE_FRAME
    box = Box(*(0.0 if edge < _MIN_MARGIN else 1.0 if edge > 1 - _MIN_MARGIN else edge for edge in _edges(box)))
    if max(abs(a - b) for a, b in zip(_edges(box), _edges(previous), strict=True)) < _SAME:
        return previous
    return box


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _surroundings(lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which lines (axis 1) of ``(n, lines, points)`` are uniform in nearly all frames, or static beside a moving picture."""
    lines = lines[:, :, ::_POINT_STEP]
    low, high = np.percentile(lines, (5, 95), axis=2)
    uniform = (high - low < _UNIFORM_LEVELS).mean(axis=0) > 0.9
    if len(lines) < 3:
        return np.asarray(uniform)
    change = np.abs(np.diff(lines.astype(np.int16), axis=0)).mean(axis=0)  # (lines, points)
    busiest = np.percentile(change, 90, axis=1)
    static = busiest < min(_STATIC_LEVELS, _STATIC_SHARE * float(np.percentile(busiest, 75)))
    return np.asarray(uniform | static)


def _inside(lines: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """First and past-the-last line that is not surroundings, to a fraction of a line, of ``(n, lines, points)``."""
    count = lines.shape[1]
    inside = np.flatnonzero(~_surroundings(lines))
    if not len(inside):
        return 0.0, float(count)
    first, last = int(inside[0]), int(inside[-1])
    low = first + _mixed(lines, first, first - 1, first + 1) if first > 0 else 0.0
    high = last + 1 - _mixed(lines, last, last + 1, last - 1) if last < count - 1 else float(count)
    return low, high


def _mixed(levels: npt.NDArray[np.uint8], edge: int, outer: int, inner: int) -> float:
    """Share (0…1) of the edge line that belongs to the outside: it is a mixture when the bar ends within the line."""
    if not (0 <= outer < levels.shape[1] and 0 <= inner < levels.shape[1]):
        return 0.0
    e, o, i = (levels[:, k].astype(np.float32) for k in (edge, outer, inner))
    contrast = float(np.abs(i - o).mean())
    return 0.0 if contrast < 1 else float(np.clip(1 - np.abs(e - o).mean() / contrast, 0, 1))
