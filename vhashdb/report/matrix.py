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
from vhashdb.matching.comparison import align_radius
from vhashdb.matching.explanation import AlikePoints, alike_points
from vhashdb.matching.verdict import Segment

SIDES: Final = (64, 48, 32, 24)
"""Cells along each side: the first whose cells are no shorter than …"""
CELL_S: Final = 0.35
"""… (looks are about that far apart, and finer cells would tear a line into dots), and that gives no more than …"""
MOST_CHARACTERS: Final = 3000
SHADES: Final = 3
"""Classes of likeness, equal parts of the bits up to which moments are alike."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Matrix:
    """Which cells are marked. Cell (0, 0) is at the top left; rows go down, so the known video's time is turned over."""

    side: int
    shades: tuple[str, ...]
    """One path of an SVG for each class, the nearest moments last, so that they are drawn over the others."""
    lines: tuple[tuple[float, float, float, float], ...]
    """Where each stretch begins and ends: x, y, x, y in cells."""


def matrix(query: Fingerprint, known: Fingerprint, segments: Sequence[Segment], shown_query_s: Span, shown_known_s: Span) -> Matrix:
    """The map of the parts of both videos that are shown, looked at in the ways in which the segments were found."""
    points = alike_points(query, known, tuple(dict.fromkeys(segment.views for segment in segments)))
    radius = align_radius(query.algorithm.bits)
    longest_s = max(end - start for start, end in (shown_query_s, shown_known_s))
    for side in (side for side in SIDES if longest_s / side >= CELL_S or side == SIDES[-1]):
        classes = _classes(points, radius, side, shown_query_s, shown_known_s)
        shades = tuple(_path(classes == shade) for shade in reversed(range(SHADES)))
        if sum(map(len, shades)) <= MOST_CHARACTERS:
            break
    return Matrix(side, shades, tuple(_line(segment, side, shown_query_s, shown_known_s) for segment in segments))


def _line(segment: Segment, side: int, across_s: Span, up_s: Span) -> tuple[float, float, float, float]:
    x1, x2 = (side * (t - across_s[0]) / max(across_s[1] - across_s[0], 1e-9) for t in (segment.query_start_s, segment.query_end_s))
    y1, y2 = (side - side * (t - up_s[0]) / max(up_s[1] - up_s[0], 1e-9) for t in (segment.reference_start_s, segment.reference_end_s))
    return x1, y1, x2, y2


def _classes(points: AlikePoints, radius: int, side: int, across_s: Span, up_s: Span) -> npt.NDArray[np.int64]:
    """``(side, side)`` the class of the nearest moments in each cell, 0 the nearest; `SHADES` where there are none."""
    x, y = _cells(points.query_s, across_s, side), side - 1 - _cells(points.reference_s, up_s, side)
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    shade = np.minimum(points.bits.astype(np.int64) * SHADES // (radius + 1), SHADES - 1)
    classes = np.full((side, side), SHADES)
    np.minimum.at(classes, (y[inside], x[inside]), shade[inside])
    return classes


def _cells(times_s: npt.NDArray[np.float64], shown_s: Span, side: int) -> npt.NDArray[np.int64]:
    length_s = max(shown_s[1] - shown_s[0], 1e-9)
    return np.floor((times_s - shown_s[0]) / length_s * side).astype(np.int64)


def _path(marked: npt.NDArray[np.bool_]) -> str:
    """Runs of marked cells as strokes one cell thick; a stroke lies in the middle of its row, for which the drawing is shifted."""
    padded = np.pad(marked, ((0, 0), (1, 1))).astype(np.int8)
    rows, starts = np.nonzero(np.diff(padded, axis=1) == 1)
    _, ends = np.nonzero(np.diff(padded, axis=1) == -1)
    return "".join(f"M{start} {row}h{end - start}" for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))
