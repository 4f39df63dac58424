"""A video's length as a strip of characters: what of it matched, and what of it shows too little to say anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

SAME: Final = "█"
OTHER: Final = "─"
UNUSABLE: Final = "░"
EDGE: Final = "│"
_ENOUGH: Final = 1 / 3
"""Share of a character's time that has to match."""
_ROOM_FOR_NUMBER: Final = 3
_DIGITS: Final = "123456789"

Span = tuple[float, float]
"""Start and end in seconds."""


def strip(duration_s: float, matched: Sequence[Span], unusable: Iterable[Span], width: int) -> str:
    """``width`` characters for ``duration_s`` seconds; matched stretches are never too short to be seen.

    A stretch without enough picture is drawn as such within a matched one too: what is missing must be visible. Several
    matched stretches are numbered in the order given, so that two strips show which belong together.
    """
    cells = [OTHER] * width
    places = [_cells(span, duration_s, width) for span in matched]
    for first, end in places:
        cells[first:end] = [SAME] * (end - first)
    for start_s, end_s in unusable:
        first, end = (round(_share(time_s, duration_s) * width) for time_s in (start_s, end_s))
        cells[first:end] = [UNUSABLE] * (end - first)
    if len(places) > 1:
        for digit, (first, end) in zip(_DIGITS, places, strict=False):
            if end - first >= _ROOM_FOR_NUMBER:
                cells[(first + end) // 2] = digit
    return "".join(cells)


def _cells(span: Span, duration_s: float, width: int) -> tuple[int, int]:
    start, stop = (_share(time_s, duration_s) * width for time_s in span)
    first = min(math.ceil(start - 1 + _ENOUGH), width - 1)
    return first, max(first + 1, math.floor(stop + 1 - _ENOUGH))


def _share(time_s: float, duration_s: float) -> float:
    return min(1.0, max(0.0, time_s / duration_s)) if duration_s > 0 else 0.0
