"""Find a picture drawn over or beside another: the rectangle whose sides persist while its content moves.

Averaged over many frames, the edges of moving content wash out and the sides of an inset stay. A side is a straight line of
persistent contrast that stands out against its neighbours; a rectangle is as strong as its weakest side. The effect of
constants said to be measured is in `bench.accuracy`, in the edits with insets, bands, blurred fills and grids.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.views import WHOLE_FRAME, Box

_EXAMINED: Final = 10
"""Frames of a window that are examined. Engineering bound: fewer are cheaper, and further apart they differ more."""
_CONTRAST_CAP: Final = 32
"""Luma levels above which contrast counts no more, so that a few glaring moments do not outweigh persistence. Measured:
`bench.accuracy`."""
_REACH: Final = 3
"""Points to each side with which a line is compared. Engineering bound: beyond the blur of an edge, within its surroundings."""
_LINES: Final = 12
"""Lines tried per direction. Engineering bound: pairs of them grow with the square."""
_MIN_SIDE: Final = 0.25
"""Shortest side of a picture in a picture, as a share of the frame's. Engineering bound: a smaller one has too few points."""
_MIN_STRENGTH: Final = 2.5
"""Luma levels by which the weakest side of a rectangle must stand out. Measured: `bench.accuracy`."""
_EDGE_STRENGTH: Final = 6.0
"""The same of a rectangle that ends with the frame, of which only two or three sides are seen. Measured: `bench.accuracy`."""
_BAND_STRENGTH: Final = 2.5
"""Luma levels by which a line across the whole frame must stand out. Measured: `bench.accuracy`."""
_LINE_GAPS: Final = 6
"""A line may be weak along one part in so many. Measured: `bench.accuracy`."""
_MIN_BAND: Final = 0.25
"""Least share of the frame between two lines. Engineering bound: a smaller one has too few points."""
_SEAM_OFF: Final = 2
"""Points by which a seam of a grid may miss the middle. Engineering bound: bars and seams are found to within a point."""
_SAME: Final = 0.5
"""Share in common, along both axes together, above which two rectangles are one. Engineering bound."""
_APART: Final = 2
"""Points within which neighbouring lines are one. Derived: a side is strong on both points that meet there."""
_MARGIN: Final = 4
"""Points next to the frame's border in which no side is searched for. Derived from `_REACH`."""

Strength = npt.NDArray[np.float32]
"""How much persistent contrast stands out, in luma levels."""


def spread(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the frames of a window that are examined, evenly spread: ``(n, side, side)`` uint8."""
    return thumbnails[:: max(1, round(len(thumbnails) / _EXAMINED))]


@dataclass(frozen=True)
class Spans:
    """Hold pairs of parallel lines: ``(k,)`` first and last, in points."""

    first: npt.NDArray[np.intp]
    last: npt.NDArray[np.intp]

    @classmethod
    def between(cls, lines: npt.NDArray[np.intp], least: int, most: int) -> Self:
        """Return all pairs of lines that are ``least`` to ``most`` points apart."""
        first, last = np.meshgrid(lines, lines, indexing="ij")
        fits = (last - first >= least) & (last - first <= most)
        return cls(first[fits], last[fits])

    def __len__(self) -> int:
        return len(self.first)

    @property
    def lengths(self) -> npt.NDArray[np.intp]:
        """``(k,)`` points between the lines."""
        return self.last - self.first

    def meeting(self, index: int) -> npt.NDArray[np.bool_]:
        """Say which spans share points with one of them: ``(k,)`` bool."""
        return np.asarray((self.first < self.last[index]) & (self.last > self.first[index]))

    def around(self, index: int) -> npt.NDArray[np.bool_]:
        """Say which spans contain one of them, that one included: ``(k,)`` bool."""
        return np.asarray((self.first <= self.first[index]) & (self.last >= self.last[index]))


class Sides:
    """Say where straight lines stand out in a frame window, and how strong the rectangles between them are."""

    def __init__(self, frames: npt.NDArray[np.uint8]) -> None:
        """Take frames ``(n, side, side)`` uint8 as `spread` gives them."""
        self._frames = frames

    @cached_property
    def upright(self) -> Strength:
        """Strength of vertical lines: ``[row, column boundary]``."""
        return _standing_out(self._frames)

    @cached_property
    def level(self) -> Strength:
        """Strength of horizontal lines: ``[column, row boundary]``."""
        return _standing_out(self._frames.transpose(0, 2, 1))

    def columns(self, least: int, count: int, strength: float = 0.0) -> npt.NDArray[np.intp]:
        """Return the column boundaries with the strongest stretch of ``least`` points, in order."""
        return _strongest(self._upright_sums, least, count, strength)

    def rows(self, least: int, count: int, strength: float = 0.0) -> npt.NDArray[np.intp]:
        """Return the row boundaries with the strongest stretch of ``least`` points, in order."""
        return _strongest(self._level_sums, least, count, strength)

    def separate_columns(self, least: int, count: int) -> npt.NDArray[np.float32]:
        """As `columns`, but of neighbouring boundaries the strongest alone, located to a fraction of a point; ``(k,)`` float32."""
        return _separate(self._upright_sums, least, count)

    def separate_rows(self, least: int, count: int) -> npt.NDArray[np.float32]:
        """As `separate_columns`, of rows."""
        return _separate(self._level_sums, least, count)

    def weakest(self, x: Spans, y: Spans) -> Strength:
        """Compute the mean strength of the weakest side of each rectangle: ``(len(x), len(y))`` float32."""
        # Sums run along the line, so a side's mean is a difference of two of them.
        along_columns, along_rows = self._upright_sums, self._level_sums
        height, width = y.lengths[None, :], x.lengths[:, None]
        verticals = [(along_columns[y.last][:, line] - along_columns[y.first][:, line]).T / height for line in (x.first, x.last)]
        horizontals = [(along_rows[x.last][:, line] - along_rows[x.first][:, line]) / width for line in (y.first, y.last)]
        return np.asarray(np.minimum.reduce([*verticals, *horizontals]), np.float32)

    def weakest_within(self, x: Spans, y: Spans, border: float) -> Strength:
        """As `weakest`, of spans that may begin or end with the frame; such a side is as strong as ``border``."""
        side, upright, level = len(self.upright), self._upright_sums, self._level_sums

        def means(sums: Strength, along: Spans, line: npt.NDArray[np.intp]) -> Strength:
            inner = np.clip(line, 0, side - 1)
            strength = np.asarray((sums[along.last][:, inner] - sums[along.first][:, inner]) / along.lengths[:, None], np.float32)
            strength[:, (line == 0) | (line == side)] = border
            return strength

        verticals = [means(upright, y, line).T for line in (x.first, x.last)]
        horizontals = [means(level, x, line) for line in (y.first, y.last)]
        return np.asarray(np.minimum.reduce([*verticals, *horizontals]), np.float32)

    @cached_property
    def _upright_sums(self) -> Strength:
        return _sums(self.upright)

    @cached_property
    def _level_sums(self) -> Strength:
        return _sums(self.level)


def inset_boxes(sides: Sides, count: int) -> list[Box]:
    """Find the strongest rectangles of four sides that are not nearly the same, the strongest first, ``count`` at most."""
    side = len(sides.upright)
    least = int(_MIN_SIDE * side)
    x, y = Spans.between(sides.columns(least, _LINES), least, side), Spans.between(sides.rows(least, _LINES), least, side)
    if not len(x) or not len(y):
        return []
    strength = sides.weakest(x, y)
    found: list[Box] = []
    while len(found) < count:
        column, row = np.unravel_index(int(np.argmax(strength)), strength.shape)
        if strength[column, row] < _MIN_STRENGTH:
            break
        left, right, top, bottom = (int(v) for v in (x.first[column], x.last[column], y.first[row], y.last[row]))
        found.append(_exact_box(sides, left, top, right, bottom))
        strength[_shared(x, left, right)[:, None] * _shared(y, top, bottom)[None, :] > _SAME] = 0
    return found


def edge_box(sides: Sides) -> Box | None:
    """Find the strongest rectangle that ends with the frame at one edge or two, as an inset in a corner does; None if there is none.

    It has fewer sides than others to be told by, so that each has to stand out more.
    """
    side = len(sides.upright)
    least = int(_MIN_SIDE * side)
    ends = np.array([0, side])
    across = Spans.between(np.union1d(ends, sides.columns(least, _LINES)), least, side - 1)
    down = Spans.between(np.union1d(ends, sides.rows(least, _LINES)), least, side - 1)
    if not len(across) or not len(down):
        return None
    inner = ((across.first > 0) & (across.last < side))[:, None] & ((down.first > 0) & (down.last < side))
    strength = np.where(inner, 0, sides.weakest_within(across, down, np.inf))
    column, row = np.unravel_index(int(np.argmax(strength)), strength.shape)
    if strength[column, row] < _EDGE_STRENGTH:
        return None
    left, right, top, bottom = (int(v) for v in (across.first[column], across.last[column], down.first[row], down.last[row]))
    exact = _exact_box(sides, *(min(max(v, 1), side - 2) for v in (left, top, right, bottom)))
    return Box(
        exact.left if left else 0.0, exact.top if top else 0.0, exact.right if right < side else 1.0, exact.bottom if bottom < side else 1.0
    )


def _shared(spans: Spans, first: int, last: int) -> Strength:
    """Compute the share that each span has in common with one, of what the two cover together: ``(k,)``, 0…1."""
    common = np.maximum(0, np.minimum(spans.last, last) - np.maximum(spans.first, first))
    return np.asarray(common / (spans.lengths + (last - first) - common), np.float32)


def _exact_box(sides: Sides, left: int, top: int, right: int, bottom: int) -> Box:
    side = len(sides.upright)
    along_rows, along_columns = sides.upright[top:bottom].mean(axis=0), sides.level[left:right].mean(axis=0)
    edges = _exact(along_rows, left), _exact(along_columns, top), _exact(along_rows, right), _exact(along_columns, bottom)
    return Box(*(edge / side for edge in edges))


def between_bands(sides: Sides) -> Box:
    """Find the content box between the innermost lines across the whole frame, above and below; `WHOLE_FRAME` if there is none."""
    first, last = _lines(sides.level)
    return _large_enough(Box(top=first or 0.0, bottom=last or 1.0))


def between_symmetric_bands(sides: Sides) -> Box:
    """Find the content box between lines above and below, taking a missing one to mirror the other, as the edges of a blurred fill do."""
    first, last = _even(*_lines(sides.level))
    return _large_enough(Box(top=first, bottom=last))


def between_symmetric_columns(sides: Sides) -> Box:
    """Find the content box between lines at the left and right, taking a missing one to mirror the other."""
    first, last = _even(*_lines(sides.upright))
    return _large_enough(Box(left=first, right=last))


def grid_boxes(sides: Sides, within: Box = WHOLE_FRAME) -> list[Box]:
    """Find the four pictures of a grid of two by two, row by row; nothing without a seam through the middle both ways.

    Args:
        sides: of a frame window.
        within: the content box without bars.
    """
    across, down = (within.left, within.right), (within.top, within.bottom)
    if not _seam(sides.upright, across, down) or not _seam(sides.level, down, across):
        return []
    return [Box(left, top, left + 0.5, top + 0.5).within(within) for top in (0.0, 0.5) for left in (0.0, 0.5)]


def _seam(strength: Strength, span: tuple[float, float], along: tuple[float, float]) -> bool:
    """Say whether a line in the middle of a span of the frame is strong nearly all ``along`` it."""
    side = len(strength)
    lines = np.sort(strength[round(along[0] * side) : round(along[1] * side)], axis=0)
    middle = round((span[0] + span[1]) / 2 * side)
    near = lines[len(lines) // _LINE_GAPS, middle - 1 - _SEAM_OFF : middle + _SEAM_OFF]
    return bool(near.max() >= _BAND_STRENGTH)


def _lines(strength: Strength) -> tuple[float | None, float | None]:
    """Return the innermost lines along the whole frame in its first and its last half, as shares of it."""
    side = len(strength)
    lines = np.sort(strength, axis=0)[side // _LINE_GAPS]  # strong along nearly the whole line, not here and there
    strong = np.flatnonzero(lines >= _BAND_STRENGTH)
    before, after = strong[strong < side // 2], strong[strong >= side // 2]
    means = strength.mean(axis=0)
    return (_exact(means, int(before[-1])) / side if len(before) else None, _exact(means, int(after[0])) / side if len(after) else None)


def _even(first: float | None, last: float | None) -> tuple[float, float]:
    if first is None:
        return (0.0, 1.0) if last is None else (1 - last, last)
    return first, 1 - first if last is None else last


def _large_enough(box: Box) -> Box:
    return box if min(box.right - box.left, box.bottom - box.top) >= _MIN_BAND else WHOLE_FRAME


def _exact(strength: npt.NDArray[np.float32], line: int) -> float:
    """Locate a side to a fraction of a point: contrast over two points peaks on both points that meet there."""
    near = np.maximum(strength[line - 1 : line + 2], 0)
    total = float(near.sum())
    offset = float((near * np.arange(-1, 2)).sum()) / total if total > 0 else 0.0
    return line + offset + 0.5


def _standing_out(frames: npt.NDArray[np.uint8]) -> Strength:
    """Compute the mean contrast across each column boundary, beyond that of its neighbours: ``[row, boundary]``."""
    levels = frames.astype(np.int16)
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
    """Sum from the start of each line: ``[position along the line, line]``."""
    return np.concatenate((np.zeros((1, strength.shape[1]), np.float32), np.cumsum(strength, axis=0, dtype=np.float32)))


def _strongest(sums: Strength, least: int, count: int, strength: float) -> npt.NDArray[np.intp]:
    """Return the lines with the strongest stretch of ``least`` points, if stronger than ``strength``, in order."""
    best = (sums[least:] - sums[:-least]).max(axis=0) / least
    lines = np.argsort(best)[-count:]
    return np.sort(lines[best[lines] > strength])


def _separate(sums: Strength, least: int, count: int) -> npt.NDArray[np.float32]:
    """Return the lines that have a stronger stretch of ``least`` points than their neighbours, the ``count`` strongest in order."""
    best = np.maximum((sums[least:] - sums[:-least]).max(axis=0) / least, 0)
    padded = np.pad(best, _APART)
    around = np.max([padded[n : n + len(best)] for n in range(2 * _APART + 1)], axis=0)
    peaks = np.flatnonzero((best > 0) & (best == around))
    peaks = np.sort(peaks[np.argsort(best[peaks])[-count:]])
    return np.array([_exact(best, int(line)) for line in peaks], np.float32)
