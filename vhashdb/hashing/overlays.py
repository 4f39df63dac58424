"""What is drawn over a picture: small rectangles whose four sides stay while the picture moves, or stand out if it does not.

The same sides as of a picture within a picture (`vhashdb.hashing.rectangles`), only smaller and sharper. A window or a
screen in the scene may be taken for one: inpainting it over costs a few bits, and the picture is also read as it is.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.rectangles import Sides, Spans
from vhashdb.hashing.views import Box

MAX_OVERLAYS: Final = 3
_LEAST: Final = 1 / 16
_MOST: Final = 1 / 2
"""Shortest and longest side, as shares of the picture's."""
_LARGEST: Final = 0.2
"""Share of the picture above which an overlay leaves too little of it."""
_LINES: Final = 16
_STRENGTH: Final = 7.0
"""Levels by which the weakest side must stand out."""
_OUTER_STRENGTH: Final = 0.5
"""The same for the frame around a rectangle, as a share of that one's: a logo has a border of its own …"""
_OUTER_AREA: Final = 4.0
"""… that is not much larger."""


def overlays(sides: Sides) -> tuple[Box, ...]:
    """The strongest rectangles drawn over a stretch of frames, at most `MAX_OVERLAYS`."""
    side = len(sides.upright)
    least, most = int(_LEAST * side), int(_MOST * side)
    x = Spans.between(sides.columns(least, _LINES, _STRENGTH * _OUTER_STRENGTH), least, most)
    y = Spans.between(sides.rows(least, _LINES, _STRENGTH * _OUTER_STRENGTH), least, most)
    if not len(x) or not len(y):
        return ()
    strength = sides.weakest(x, y)
    strength[x.lengths[:, None] * y.lengths[None, :] > _LARGEST * side * side] = 0
    found: list[Box] = []
    while len(found) < MAX_OVERLAYS:
        column, row = _place(strength)
        if strength[column, row] < _STRENGTH:
            break
        column, row = _outermost(strength, x, y, column, row)
        found.append(Box(*(edge / side for edge in (x.first[column], y.first[row], x.last[column], y.last[row]))))
        strength[x.meeting(column)[:, None] & y.meeting(row)[None, :]] = 0
    return tuple(found)


def _outermost(strength: npt.NDArray[np.float32], x: Spans, y: Spans, column: int, row: int) -> tuple[int, int]:
    """The strongest rectangle around one, then around that, as long as there is any."""
    while True:
        areas = x.lengths[:, None] * y.lengths[None, :]
        close = areas <= _OUTER_AREA * areas[column, row]
        around = np.where(close & x.around(column)[:, None] & y.around(row)[None, :], strength, 0)
        around[column, row] = 0
        outer = _place(around)
        if around[outer] < _OUTER_STRENGTH * strength[column, row]:
            return column, row
        column, row = outer


def _place(strength: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Where the strongest rectangle is."""
    column, row = np.unravel_index(int(np.argmax(strength)), strength.shape)
    return int(column), int(row)
