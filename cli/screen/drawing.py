"""Both sides of a match drawn on a terminal: strips for their lengths, and a line for each matched stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from vhashdb.text import MOMENT_S, SAID_SPEED, span

from ..output import clock
from . import strips

if TYPE_CHECKING:
    from vhashdb import MatchedSegment

    from .screen import Screen

SHOWN_STRETCHES: Final = 4
"""Of one match."""
_MARGIN: Final = 22
"""Columns beside a strip: its name before it, its length after it."""
_SIGNS: Final = {strips.SAME: "the same", strips.OTHER: "not the same", strips.UNUSABLE: "shows too little to say"}
_STYLES: Final = {strips.SAME: "red", strips.UNUSABLE: "dim"}


@dataclass(frozen=True)
class Side:
    """One of two videos."""

    name: str
    duration_s: float
    unusable: Sequence[strips.Span] = ()
    """Stretches that show too little to be compared."""


def draw(screen: Screen, segments: Sequence[MatchedSegment], query: Side, known: Side, indent: int) -> set[str]:
    """Draw a strip for each side that has a length; the signs in them."""
    signs: set[str] = set()
    if segments and query.duration_s > MOMENT_S:
        signs |= _draw(screen, query, [(s.query_start_s, s.query_end_s) for s in segments], indent)
    if segments and known.duration_s > MOMENT_S:
        signs |= _draw(screen, known, [(s.reference_start_s, s.reference_end_s) for s in segments], indent)
    return signs


def _draw(screen: Screen, side: Side, matched: Sequence[strips.Span], indent: int) -> set[str]:
    drawn = strips.strip(side.duration_s, matched, side.unusable, screen.width - indent - _MARGIN)
    line = Text() + screen.text(f"{side.name:<6}{strips.EDGE}")
    for sign in drawn:
        line += screen.text(sign, _STYLES.get(sign, ""))
    screen.line(line + screen.text(f"{strips.EDGE} {clock(side.duration_s)}"), indent)
    return set(drawn)


def legend(screen: Screen, signs: set[str]) -> None:
    """Say what the signs mean that were drawn."""
    if signs:
        screen.line("   ".join(f"{sign} {words}" for sign, words in _SIGNS.items() if sign in signs))


def stretches(screen: Screen, segments: Sequence[MatchedSegment], indent: int) -> None:
    """When each stretch is on both sides, and how it was changed; numbered as in the strips."""
    for number, segment in enumerate(segments[:SHOWN_STRETCHES], 1):
        screen.flow(_words(segment, f"{number}  " if len(segments) > 1 else ""), ", ", indent=indent)
    if (more := len(segments) - SHOWN_STRETCHES) > 0:
        screen.line(f"and {more} more {'stretch' if more == 1 else 'stretches'}", indent)


def _words(segment: MatchedSegment, number: str) -> list[str]:
    still = segment.query_end_s - segment.query_start_s <= MOMENT_S
    here = "still picture" if still else span(segment.query_start_s, segment.query_end_s)
    words = [f"{number}{here} ↔ known {span(segment.reference_start_s, segment.reference_end_s)}"]
    if (views := str(segment.views)) != "whole picture":
        words += views.split(", ")
    if abs(segment.speed - 1) > SAID_SPEED and not still:
        words.append(f"{'sped up' if segment.speed > 1 else 'slowed down'} × {segment.speed:.2f}")
    return [*words, f"{segment.median_bits:.0f}/{segment.bits} bits"]
