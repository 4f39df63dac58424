"""A match as a map: the file's time across, the known video's time up, a mark wherever the two are alike.

A copy is a line in it. A lone mark is a likeness by accident, a block is a picture that stays, and a line that is not
among the stretches is one that was set aside. It is kept as text that an SVG takes as it is, a few kilobytes at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import MatchedSegment
from vhashdb.matching.explanation import AlikePoints, alike_points
from vhashdb.report.timeline import Span

MOST_CELLS: Final = (64, 48, 32, 24)
"""Cells along each side at most: the first of these is taken that gives no more than `MOST_CHARACTERS`."""
MOST_CHARACTERS: Final = 3000
"""Characters of one map, so that a page of 1,000 files has room."""
CELL_S: Final = 0.35
"""Seconds of a cell at least: sampled frames are about that far apart, and finer cells would tear a line into dots."""
FEWEST_CELLS: Final = 8
SHADES: Final = 3
"""Classes of likeness, equal parts of the bits up to which moments are alike."""


@dataclass(frozen=True)
class Matrix:
    """Which cells are marked. Cell (0, 0) is at the top left; rows go down, so the known video's time is turned over."""

    columns: int
    rows: int
    shades: tuple[str, ...]
    """One path of an SVG for each class, the nearest moments last, so that they are drawn over the others."""
    lines: tuple[tuple[float, float, float, float], ...]
    """Where each stretch begins and ends: x, y, x, y in cells."""


def matrix(
    query: Fingerprint, reference: Fingerprint, segments: Sequence[MatchedSegment], shown_query_s: Span, shown_reference_s: Span
) -> Matrix:
    """Draw the map of the parts of both videos that are shown, through the views in which the segments were found."""
    points = alike_points(query, reference, tuple(dict.fromkeys(segment.views for segment in segments)))
    radius = round(MatchingConfig.of(query.algorithm).align_radius_bits)
    for most in MOST_CELLS:
        across, up = _Axis(shown_query_s, most), _Axis(shown_reference_s, most)
        classes = _classes(points, radius, across, up)
        shades = tuple(_path(classes == shade) for shade in reversed(range(SHADES)))
        if sum(map(len, shades)) <= MOST_CHARACTERS:
            break
    return Matrix(across.cells, up.cells, shades, tuple(_line(segment, across, up) for segment in segments))


@dataclass(frozen=True)
class _Axis:
    """The time of one side."""

    shown_s: Span
    most: int

    @property
    def cells(self) -> int:
        return max(FEWEST_CELLS, min(self.most, int((self.shown_s[1] - self.shown_s[0]) / CELL_S)))

    def at(self, time_s: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
        """Return times in cells."""
        return np.asarray((np.asarray(time_s) - self.shown_s[0]) / max(self.shown_s[1] - self.shown_s[0], 1e-9) * self.cells)


def _line(segment: MatchedSegment, across: _Axis, up: _Axis) -> tuple[float, float, float, float]:
    x1, x2 = map(float, across.at(np.array([segment.query_start_s, segment.query_end_s])))
    y1, y2 = map(float, up.cells - up.at(np.array([segment.reference_start_s, segment.reference_end_s])))
    return x1, y1, x2, y2


def _classes(points: AlikePoints, radius: int, across: _Axis, up: _Axis) -> npt.NDArray[np.int64]:
    """Return ``(rows, columns)`` int64: the class of the nearest moments in each cell, 0 the nearest; `SHADES` where there are none."""
    x = np.floor(across.at(points.query_s)).astype(np.int64)
    y = up.cells - 1 - np.floor(up.at(points.reference_s)).astype(np.int64)
    inside = (x >= 0) & (x < across.cells) & (y >= 0) & (y < up.cells)
    shade = np.minimum(points.bits.astype(np.int64) * SHADES // (radius + 1), SHADES - 1)
    classes = np.full((up.cells, across.cells), SHADES)
    np.minimum.at(classes, (y[inside], x[inside]), shade[inside])
    return classes


def _path(marked: npt.NDArray[np.bool_]) -> str:
    """Draw runs of marked cells as strokes one cell thick, each in the middle of its row, for which the drawing is shifted."""
    padded = np.pad(marked, ((0, 0), (1, 1))).astype(np.int8)
    rows, starts = np.nonzero(np.diff(padded, axis=1) == 1)
    _, ends = np.nonzero(np.diff(padded, axis=1) == -1)
    return "".join(f"M{start} {row}h{end - start}" for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))
