"""Find what is drawn over a picture: small rectangles whose four sides persist while the picture moves, or stand out if it does not.

The sides are those of `vhashdb.hashing.rectangles`, only closer together and stronger. A window or a screen in the scene may be
taken for an overlay: inpainting it costs a few bits, and the picture is hashed without a mask as well. The effect of constants
said to be measured is in `bench.accuracy`, in the edits with logos, stickers and captions.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.rectangles import Sides, Spans
from vhashdb.hashing.views import Box

MAX_OVERLAYS: Final = 3
"""Overlays found in one frame window. Engineering bound."""
_LEAST: Final = 1 / 16
"""Shortest side of an overlay, as a share of the picture's. Engineering bound: 8 points of the thumbnail."""
_MOST: Final = 1 / 2
"""Longest side of an overlay, as a share of the picture's. Engineering bound: what is longer is a border or a picture in a picture."""
_LARGEST: Final = 0.2
"""Share of the picture above which an overlay leaves too little of it. Engineering bound."""
_LINES: Final = 16
"""Lines tried per direction. Engineering bound: pairs of them grow with the square."""
_STRENGTH: Final = 7.0
"""Luma levels by which the weakest side must stand out. Measured: `bench.accuracy`."""
_OUTER_STRENGTH: Final = 0.5
"""Strength of a rectangle around an overlay, as a share of the overlay's, from which it is taken instead: a logo has a border of its
own. Measured: `bench.accuracy`."""
_OUTER_AREA: Final = 4.0
"""Area of a rectangle around an overlay, in areas of the overlay, up to which it may be taken instead. Engineering bound."""


def overlays(sides: Sides) -> tuple[Box, ...]:
    """Find the strongest rectangles drawn over a frame window, at most `MAX_OVERLAYS`, the strongest first."""
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
    """Return the strongest rectangle around one, then around that, as long as there is any."""
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
    """Return the position of the strongest rectangle."""
    column, row = np.unravel_index(int(np.argmax(strength)), strength.shape)
    return int(column), int(row)
