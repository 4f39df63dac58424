"""A picture drawn over or beside another: the rectangle whose sides stay while what is in it moves.

Averaged over many looks, the edges of moving content wash out and the sides of an inset stay. A side is a straight line
of persistent contrast that stands out against its neighbours; a rectangle is as strong as its weakest side. The frame's
own borders can stand in for sides of a band.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.views import WHOLE_FRAME, Box

_LOOKS: Final = 16
_CONTRAST_CAP: Final = 32
"""Levels above which contrast counts no more: a few glaring moments must not outweigh persistence."""
_REACH: Final = 3
"""Points to each side that a line is held against."""
_LINES: Final = 12
"""Lines tried per direction."""
_MIN_SIDE: Final = 0.25
_MIN_STRENGTH: Final = 2.5
"""Levels by which the weakest side of a rectangle must stand out."""
_BAND_STRENGTH: Final = 3.5
_MARGIN: Final = 4
"""Points next to the frame's border where no side is looked for."""

Strength = npt.NDArray[np.float32]
"""``(side, side)``: how much persistent contrast stands out at each point."""


def inset_box(sketches: npt.NDArray[np.uint8]) -> Box:
    """The strongest rectangle of four sides within a stretch of frames ``(n, side, side)`` uint8, or `WHOLE_FRAME`."""
    looks = _looks(sketches)
    upright, level = _standing_out(looks), _standing_out(looks.transpose(0, 2, 1))
    side = looks.shape[1]
    least = int(_MIN_SIDE * side)
    columns, rows = _candidates(upright, least), _candidates(level, least)
    x, y = _spans(columns, least), _spans(rows, least)
    if not len(x) or not len(y):
        return WHOLE_FRAME
    along_columns, along_rows = _sums(upright), _sums(level)
    # Axes: spans of columns × spans of rows. Sums run along the line, so a side's mean is a difference of two of them.
    height, width = (y[:, 1] - y[:, 0])[None, :], (x[:, 1] - x[:, 0])[:, None]
    verticals = [(along_columns[y[:, 1]][:, x[:, end]] - along_columns[y[:, 0]][:, x[:, end]]).T / height for end in (0, 1)]
    horizontals = [(along_rows[x[:, 1]][:, y[:, end]] - along_rows[x[:, 0]][:, y[:, end]]) / width for end in (0, 1)]
    weakest = np.minimum.reduce([*verticals, *horizontals])
    best = np.unravel_index(int(np.argmax(weakest)), weakest.shape)
    if weakest[best] < _MIN_STRENGTH:
        return WHOLE_FRAME
    (left, right), (top, bottom) = x[best[0]].tolist(), y[best[1]].tolist()
    columns_strength, rows_strength = upright[top:bottom].mean(axis=0), level[left:right].mean(axis=0)
    return Box(
        _exact(columns_strength, left) / side,
        _exact(rows_strength, top) / side,
        _exact(columns_strength, right) / side,
        _exact(rows_strength, bottom) / side,
    )


def band_box(sketches: npt.NDArray[np.uint8]) -> Box:
    """What lies between the innermost lines across the whole frame, above and below, or `WHOLE_FRAME`."""
    looks = _looks(sketches)
    side = looks.shape[1]
    strength = _standing_out(looks.transpose(0, 2, 1))
    lines = np.sort(strength, axis=0)[side // 10]  # strong along nearly the whole line, not here and there
    strong = np.flatnonzero(lines >= _BAND_STRENGTH)
    above, below = strong[strong < side // 2], strong[strong >= side // 2]
    means = strength.mean(axis=0)
    top = _exact(means, int(above[-1])) / side if len(above) else 0.0
    bottom = _exact(means, int(below[0])) / side if len(below) else 1.0
    box = Box(top=top, bottom=bottom)
    return box if box.bottom - box.top >= 2 * _MIN_SIDE else WHOLE_FRAME


def _exact(strength: npt.NDArray[np.float32], line: int) -> float:
    """Where a side is, to a fraction of a point: contrast over two points peaks on both points that meet there."""
    near = np.maximum(strength[line - 1 : line + 2], 0)
    total = float(near.sum())
    offset = float((near * np.arange(-1, 2)).sum()) / total if total > 0 else 0.0
    return line + offset + 0.5


def _looks(sketches: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return sketches[:: max(1, len(sketches) // _LOOKS)]


def _standing_out(looks: npt.NDArray[np.uint8]) -> Strength:
    """Mean contrast across each column boundary, beyond that of its neighbours: ``[row, boundary]``."""
    levels = looks.astype(np.int16)
    side = levels.shape[2]
    contrast = np.zeros((levels.shape[1], side), np.float32)
    # Over two points, because a side may fall within a point.
    contrast[:, 1:-1] = np.minimum(np.abs(levels[:, :, 2:] - levels[:, :, :-2]), _CONTRAST_CAP).mean(axis=0, dtype=np.float32)
    out = np.zeros_like(contrast)
    inner = slice(_MARGIN, side - _MARGIN)
    around = contrast[:, _MARGIN - _REACH : side - _MARGIN - _REACH] + contrast[:, _MARGIN + _REACH : side - _MARGIN + _REACH]
    out[:, inner] = contrast[:, inner] - around / 2
    return out


def _sums(strength: Strength) -> Strength:
    """Sums from the start of each line: ``[position along the line, line]``."""
    return np.concatenate((np.zeros((1, strength.shape[1]), np.float32), np.cumsum(strength, axis=0, dtype=np.float32)))


def _candidates(strength: Strength, least: int) -> npt.NDArray[np.intp]:
    """The lines with the strongest stretch of at least ``least`` points, in order."""
    sums = _sums(strength)
    best = (sums[least:] - sums[:-least]).max(axis=0)
    return np.sort(np.argsort(best)[-_LINES:])


def _spans(lines: npt.NDArray[np.intp], least: int) -> npt.NDArray[np.intp]:
    """All pairs of lines at least ``least`` apart: ``(k, 2)``."""
    pairs = np.array([(a, b) for a in lines for b in lines if b - a >= least], np.intp)
    return pairs.reshape(-1, 2)
