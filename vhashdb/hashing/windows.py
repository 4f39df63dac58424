"""Hash windows of one picture by the thousand: everywhere, in many sizes, turned, and between the lines that stand out in it.

Whoever looks for a known picture anywhere in a frame must ask with windows so dense that one of them is near the place. PDQ is
linear and separable up to its last step, so the rows and the columns of windows are shared: a grid of ``V`` vertical and ``H``
horizontal spans is two matrix products. Weights are taken from a closed form of the transform over the points of the thumbnail,
and bits are signs of coefficients instead of comparisons with their median; both change some bits, which a search allows for and
`vhashdb.hashing.warping` then does without. A mirrored window differs in the bits of the odd frequencies alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing import pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.pdq import FloatArray
from vhashdb.hashing.rectangles import Sides, Spans, spread
from vhashdb.hashing.views import CROPS, SQUARE_SIDE
from vhashdb.hashing.warping import Transform, nearest_points, rotation

_FINE: Final = 0.06
"""Step of the sizes and positions of large upright windows, as a share of their side. Measured: a side that is 4 % off changes about 40 of
256 bits; what was cut, shaken or seen from the side is off in other ways as well."""
_COARSE: Final = 0.08
"""The same of the others. Engineering bound: their number grows with the cube of what is finer."""
_LEAST_FINE: Final = 0.68
"""Smallest side of the windows that are fine, as a share of the frame's. Derived: 0.7125, the smallest centre that references store."""
_LEAST_SIDE: Final = 0.5
"""Smallest side of the windows that lie everywhere. Engineering bound: smaller ones are too many, and looked for between lines alone."""
_OVER: Final = 0.25
"""Share of its side by which a large window may lie beyond the frame, where it sees the frame's edge repeated. Measured: a fifth changes
about 40 bits (`bench.continuing`)."""
_LARGEST: Final = 1.34
"""Largest side of the windows that lie everywhere. Derived: with a quarter beyond the frame, the rest of them is all of it."""
_LONGEST: Final = 1.6
"""Longest side of windows of which only one is beyond the frame. Engineering bound: of more than that too little is left."""
_LEAST_TURNED: Final = 0.68
"""The same of windows of turned pictures. Derived: 0.7125, the smallest centre that references store."""
_TURNS: Final = tuple(range(-20, 0, 4)) + tuple(range(4, 24, 4))
"""Degrees by which the picture is turned. Measured: two degrees off change about 21 of 256 bits."""
_GRIDS: Final = ((2, 2), (3, 3), (1, 3), (3, 1), (2, 3), (3, 2), (4, 4))
"""Columns and rows of mosaics; halves are regions of their own. Engineering bound: the usual ones."""
_LINES: Final = 14
"""Lines tried per direction, besides the frame's border. Engineering bound: pairs of them grow with the square."""
_RECTANGLES: Final = 250
"""Rectangles between lines that are hashed. Engineering bound: on the cost of a search."""
_LEAST_BETWEEN: Final = 0.2
"""Shortest side of a rectangle between lines, as a share of the frame's. Engineering bound: a smaller one has too few points."""
_LINE_STRENGTH: Final = 0.5
"""Luma levels by which the weakest side of a rectangle must stand out. Engineering bound: far below what is taken for a certain inset."""
_BORDER_STRENGTH: Final = 4.0
"""What a side counts that is the frame's own border. Engineering bound: as much as a side that stands out well."""
_CONTINUED: Final = 80
"""Rectangles of which those at the border are continued beyond it. Engineering bound: on the cost of a search."""
_BEYOND: Final = (0.08, 0.16, 0.24)
"""Shares of a rectangle that may be cut off at the frame's border. Engineering bound: of what is cut more no known centre is left."""
_CENTRE: Final = 0.7125
"""Side of the centre of a rectangle that may be cut. Derived: the smallest centre that references store."""
_CENTRE_CUT: Final = 0.2
"""Share of a rectangle that may be cut off for its centre to be asked for. Derived: half of what is beside the centre, and a little."""
MIRROR: Final = pdq.pack(np.broadcast_to(np.arange(1, pdq.SIDE + 1) % 2 == 1, (1, pdq.SIDE, pdq.SIDE)))[0]
"""``(32,)`` uint8: the bits in which a mirrored window differs, if its bits are signs. Derived: those of odd frequencies."""


@dataclass(frozen=True)
class Windows:
    """Hold the windows of one picture."""

    hash: PackedHashes
    """``(n, 32)`` uint8; xor `MIRROR` is that of the window mirrored."""
    box: npt.NDArray[np.float32]
    """``(n, 4)`` left, top, right, bottom, in fractions of the warped picture; some lie partly beyond it."""
    warp: npt.NDArray[np.int16]
    """``(n,)`` which of `warps` the picture was seen through; −1 for none."""
    contrast: npt.NDArray[np.float32]
    """``(n,)`` root mean square of the luma within, in levels, about its mean."""
    warps: tuple[Transform, ...]
    """From fractions of each warped picture to those of the frame."""

    def __len__(self) -> int:
        return len(self.hash)

    def transform(self, number: int) -> Transform:
        """Return the map from fractions of one window to fractions of the frame."""
        left, top, right, bottom = self.box[number].tolist()
        placed = np.array([[right - left, 0, left], [0, bottom - top, top], [0, 0, 1.0]])
        warp = int(self.warp[number])
        return placed if warp < 0 else self.warps[warp] @ placed

    def where(self, rows: npt.NDArray[np.bool_]) -> Windows:
        """Return some of the windows."""
        return Windows(self.hash[rows], self.box[rows], self.warp[rows], self.contrast[rows], self.warps)


class Rectangles:
    """Rectangles whose sides are lines that persist in a video, or the frame's border, ready to be hashed in any of its frames.

    Those at the border are there again as if a part of them were cut off by it.
    """

    def __init__(self, thumbnails: npt.NDArray[np.uint8]) -> None:
        """Find them in ``(n, side, side)`` uint8 of one video."""
        self.boxes = _rectangles_between(thumbnails)
        """``(k, 4)`` float32 left, top, right, bottom, in fractions."""
        down, self._row = np.unique(self.boxes[:, [1, 3]], axis=0, return_inverse=True)
        across, self._column = np.unique(self.boxes[:, [0, 2]], axis=0, return_inverse=True)
        self._rows, self._columns = _matrices(down), _matrices(across)

    def coefficients(self, levels: FloatArray) -> FloatArray:
        """Compute those of one thumbnail ``(128, 128)``: ``(k, 16, 16)`` float32, frequencies falling."""
        rows = (self._rows.reshape(-1, _SIDE) @ levels).reshape(self._rows.shape)
        made = np.empty((len(self.boxes), pdq.SIDE, pdq.SIDE), np.float32)
        for number, of_span in enumerate(rows):  # rectangles with the same vertical span share its rows
            same = np.flatnonzero(self._row == number)
            columns = self._columns[self._column[same]].reshape(-1, _SIDE)
            made[same] = (of_span @ columns.T).reshape(pdq.SIDE, len(same), pdq.SIDE).transpose(1, 0, 2)
        return made


def windows_of(levels: FloatArray, aspect: float, rectangles: Rectangles, *, squares: bool = False) -> Windows:
    """Hash all windows of one thumbnail.

    Args:
        levels: ``(128, 128)`` float32, luma.
        aspect: width of the picture by its height.
        rectangles: of the video.
        squares: whether squares of known pictures are looked for too; more than twice as many windows.
    """
    grids = (*_everywhere(), *_squares(round(aspect, 2))) if squares else _everywhere()
    parts = [(*_of_grid(levels, grid), -1) for grid in grids]
    if len(rectangles.boxes):
        flat = rectangles.coefficients(levels).reshape(-1, pdq.BITS)
        parts.append((np.packbits(flat > 0, axis=1), rectangles.boxes, _contrast(flat), -1))
    turns = _turns(round(aspect, 2))
    for number, (points, _) in enumerate(turns):
        turned = levels.reshape(-1)[points]
        parts += [(*_of_grid(turned, grid), number) for grid in _turned_grids()]
    hashes, boxes, contrasts, numbers = zip(*parts, strict=True)
    warp = np.repeat(np.array(numbers, np.int16), [len(h) for h in hashes])
    return Windows(np.concatenate(hashes), np.concatenate(boxes), warp, np.concatenate(contrasts), tuple(t for _, t in turns))


def _contrast(flat: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.einsum("nk,nk->n", flat, flat)) / pdq.BUFFER)


def _rectangles_between(thumbnails: npt.NDArray[np.uint8]) -> FloatArray:
    """Find rectangles between lines, the best standing out first, and after them those that the border may cut."""
    sides, side = Sides(spread(thumbnails)), thumbnails.shape[1]
    least = int(_LEAST_BETWEEN * side)
    columns, rows = (
        np.concatenate(([0], lines, [side])).astype(np.float32)
        for lines in (sides.separate_columns(least, _LINES), sides.separate_rows(least, _LINES))
    )
    x, y = (Spans.between(np.floor(lines).astype(np.intp), least, side) for lines in (columns, rows))
    strength = sides.weakest_within(x, y, _BORDER_STRENGTH)
    order = np.argsort(-strength, axis=None)[:_RECTANGLES]
    order = order[strength.reshape(-1)[order] > _LINE_STRENGTH]
    column, row = np.unravel_index(order, strength.shape)
    exact = [dict(zip(np.floor(lines).tolist(), lines.tolist(), strict=True)) for lines in (columns, rows)]
    ends = (x.first[column], y.first[row], x.last[column], y.last[row])
    edges = np.stack([[exact[n % 2][point] for point in end.tolist()] for n, end in enumerate(ends)], axis=1).astype(np.float32)
    found = edges / np.float32(side)
    return np.concatenate((found, *_continued(found[:_CONTINUED])))


def _continued(boxes: FloatArray) -> Iterator[FloatArray]:
    """Yield the rectangles at one border as they would be if a part were cut off there."""
    for edge, border in ((0, 0.0), (1, 0.0), (2, 1.0), (3, 1.0)):
        at = (boxes[:, edge] == border) & (boxes[:, (edge + 2) % 4] != 1 - border)
        for share in _BEYOND if at.any() else ():
            cut = boxes[at].copy()
            seen = cut[:, edge % 2 + 2] - cut[:, edge % 2]
            cut[:, edge] += (seen / (1 - share) - seen) * (1 if border else -1)
            yield cut
            if share > _CENTRE_CUT:
                continue
            margin = (cut[:, 2:] - cut[:, :2]) * np.float32((1 - _CENTRE) / 2)
            yield np.concatenate((cut[:, :2] + margin, cut[:, 2:] - margin), axis=1)


@dataclass(frozen=True)
class _Grid:
    """All combinations of some vertical and some horizontal spans."""

    down: FloatArray
    """``(V, 2)`` fractions."""
    across: FloatArray
    """``(H, 2)`` fractions."""

    @functools.cached_property
    def matrices(self) -> tuple[FloatArray, FloatArray]:
        return _matrices(self.down).reshape(-1, _SIDE), _matrices(self.across).reshape(-1, _SIDE).T.copy()

    @functools.cached_property
    def boxes(self) -> FloatArray:
        down, across = np.repeat(self.down, len(self.across), axis=0), np.tile(self.across, (len(self.down), 1))
        return np.stack((across[:, 0], down[:, 0], across[:, 1], down[:, 1]), axis=1)


_SIDE: Final = 128
"""Side of a thumbnail. Given by the decoder."""


@functools.cache
def _everywhere() -> tuple[_Grid, ...]:
    cells = [_Grid(_cells(rows), _cells(columns)) for columns, rows in _GRIDS]
    return (*cells, *_dense(_LARGEST, _LEAST_FINE, _FINE, _OVER), *_one_way(), *_dense(_LEAST_FINE, _LEAST_SIDE, _COARSE))


def _one_way() -> Iterator[_Grid]:
    """Windows of pictures that were cut in one direction alone, as to another shape: of the other they see what references store."""
    whole = np.array([(0.0, 1.0), *((box.top, box.bottom) for box in CROPS.values())], np.float32)
    lengths = _LONGEST / (1 + _COARSE) ** np.arange(int(np.log(_LONGEST / _LEAST_FINE) / np.log(1 + _COARSE)) + 1)
    cut = np.concatenate([_spans_over(length, _COARSE, _OVER) for length in lengths.tolist()])
    yield _Grid(whole, cut)
    yield _Grid(cut, whole)


@functools.lru_cache(maxsize=16)
def _squares(aspect: float) -> tuple[_Grid, ...]:
    """Windows with as many pixels down as across, down to the size of a stored square in a picture that nothing was cut off."""
    side, grids = 1.0, []
    while side >= SQUARE_SIDE * (1 - _COARSE / 2):
        grids.append(_Grid(_spans(side * min(1.0, aspect)), _spans(side * min(1.0, 1 / aspect))))
        side /= 1 + _COARSE
    return tuple(grids)


def _spans(length: float) -> FloatArray:
    low = np.linspace(0, 1 - length, int(np.ceil((1 - length) / (_COARSE * length) - 1e-9)) + 1)
    return np.stack((low, low + length), axis=1).astype(np.float32)


@functools.cache
def _turned_grids() -> tuple[_Grid, ...]:
    return tuple(_dense(1.0, _LEAST_TURNED, _COARSE))


def _cells(count: int) -> FloatArray:
    edges = np.arange(count + 1, dtype=np.float32) / count
    return np.stack((edges[:-1], edges[1:]), axis=1)


def _dense(most: float, least: float, step: float, over: float = 0.0) -> Iterator[_Grid]:
    side = most
    while side >= least:
        spans = _spans_over(side, step, over)
        yield _Grid(spans, spans)
        side /= 1 + step


def _spans_over(side: float, step: float, over: float) -> FloatArray:
    """Spans of a length, of which a share of ``over`` may lie beyond the frame at one end, so far apart."""
    first, last = sorted((-over * side, 1 - (1 - over) * side))
    low = np.linspace(first, last, int(np.ceil((last - first) / (step * side) - 1e-9)) + 1)
    return np.stack((low, low + side), axis=1).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _turns(aspect: float) -> tuple[tuple[npt.NDArray[np.intp], Transform], ...]:
    transforms = [rotation(degrees, aspect) for degrees in _TURNS]
    return tuple((nearest_points(_SIDE, transform), transform) for transform in transforms)


def _of_grid(levels: FloatArray, grid: _Grid) -> tuple[PackedHashes, FloatArray, FloatArray]:
    """Hashes, boxes and contrast of the windows of a grid."""
    rows, columns = grid.matrices
    shape = len(grid.down), pdq.SIDE, len(grid.across), pdq.SIDE
    coefficients = ((rows @ levels) @ columns).reshape(shape)
    contrast = np.sqrt(np.einsum("vihj,vihj->vh", coefficients, coefficients)).reshape(-1) / pdq.BUFFER
    bits = (coefficients > 0).transpose(0, 2, 1, 3).reshape(-1, pdq.BITS)
    return np.packbits(bits, axis=1), grid.boxes, contrast


def _matrices(spans: Sequence[Sequence[float]] | FloatArray) -> FloatArray:
    """Return the weights of a thumbnail's points in the coefficients of spans ``(n, 2)`` of its axis: ``(n, 16, 128)`` float32.

    Frequencies are in falling order, so that flattened coefficients are in the order of PDQ's packed bits. A span that goes beyond
    the picture sees its edge repeated.
    """
    low, high = np.asarray(spans, np.float64)[:, :1], np.asarray(spans, np.float64)[:, 1:]
    edges = np.repeat(np.arange(_SIDE + 1)[None] / _SIDE, len(low), axis=0)
    edges[:, :1], edges[:, -1:] = np.minimum(edges[:, :1], low), np.maximum(edges[:, -1:], high)
    place = np.clip((edges - low) / (high - low), 0, 1)
    turn = np.exp(1j * np.pi * place).astype(np.complex64)
    sines = np.empty((len(low), pdq.SIDE, _SIDE + 1), np.float32)
    power = turn.copy()
    for frequency in range(1, pdq.SIDE + 1):
        sines[:, -frequency] = power.imag / (np.pi * frequency)
        power *= turn
    return np.asarray(np.diff(sines, axis=2) * np.float32(np.sqrt(2 * pdq.BUFFER)))
