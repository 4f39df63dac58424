"""Both sides of a match drawn on a terminal: strips for their lengths, and a line for each matched stretch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from vhashdb.text import MOMENT_S, SAID_SPEED, span

from ..output import clock
from ..sound_lines import stretch_words

if TYPE_CHECKING:
    from vhashdb import MatchedSegment
    from vhashdb.matching import Judgement

    from .screen import Screen

SAME: Final = "█"
SAME_SOUND: Final = "▒"
OTHER: Final = "─"
UNUSABLE: Final = "░"
EDGE: Final = "│"
_ENOUGH: Final = 1 / 3
"""Share of a character's time that has to match."""
_ROOM_FOR_NUMBER: Final = 3
_DIGITS: Final = "123456789"

Span = tuple[float, float]
"""Start and end in seconds."""


def strip(duration_s: float, matched: Sequence[Span], unusable: Iterable[Span], width: int, same: str = SAME) -> str:
    """``width`` characters for ``duration_s`` seconds; matched stretches are never too short to be seen.

    A stretch without enough picture is drawn as such within a matched one too: what is missing must be visible. Several
    matched stretches are numbered in the order given, so that two strips show which belong together.
    """
    cells = [OTHER] * width
    places = [_cells(span, duration_s, width) for span in matched]
    for first, end in places:
        cells[first:end] = [same] * (end - first)
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


SHOWN_STRETCHES: Final = 4
"""Of one match."""
_MARGIN: Final = 22
"""Columns beside a strip: its name before it, its length after it."""
_SIGNS: Final = {SAME: "the same", SAME_SOUND: "the same sound", OTHER: "not the same", UNUSABLE: "shows too little to say"}
_STYLES: Final = {SAME: "red", SAME_SOUND: "cyan", UNUSABLE: "dim"}


@dataclass(frozen=True)
class Side:
    """One of two videos."""

    name: str
    duration_s: float
    unusable: Sequence[Span] = ()
    """Stretches that show too little to be compared."""
    pictures: bool = True
    """Whether it has any."""


def draw(screen: Screen, judgement: Judgement, query: Side, known: Side, indent: int) -> set[str]:
    """Draw for each side that has a length a strip for its pictures and, where both sound alike, one for its sound; the signs in them.

    Where both have pictures, there are strips for these also if none is the same: nobody is to take a sound for a picture.
    """
    seen, heard = judgement.segments, judgement.sounds
    signs: set[str] = set()
    shown = bool(seen) or (query.pictures and known.pictures)
    for side, pictures, sounds in (
        (query, [(s.query_start_s, s.query_end_s) for s in seen], [(s.query_start_s, s.query_end_s) for s in heard]),
        (known, [(s.reference_start_s, s.reference_end_s) for s in seen], [(s.reference_start_s, s.reference_end_s) for s in heard]),
    ):
        if side.duration_s <= MOMENT_S or not (pictures or sounds):
            continue
        if shown:
            signs |= _draw(screen, side.name, side, pictures, SAME, indent)
        if sounds:
            signs |= _draw(screen, " sound" if shown else side.name, side, sounds, SAME_SOUND, indent)
    return signs


def _draw(screen: Screen, name: str, side: Side, matched: Sequence[Span], same: str, indent: int) -> set[str]:
    unusable = side.unusable if same == SAME else ()
    drawn = strip(side.duration_s, matched, unusable, screen.width - indent - _MARGIN, same)
    line = Text() + screen.text(f"{name:<6}{EDGE}")
    for sign in drawn:
        line += screen.text(sign, _STYLES.get(sign, ""))
    screen.line(line + screen.text(f"{EDGE} {clock(side.duration_s)}"), indent)
    return set(drawn)


def legend(screen: Screen, signs: set[str]) -> None:
    """Say what the signs mean that were drawn."""
    if signs:
        screen.line("   ".join(f"{sign} {words}" for sign, words in _SIGNS.items() if sign in signs))


def stretches(screen: Screen, judgement: Judgement, indent: int) -> None:
    """When each stretch is on both sides, and how it was changed; numbered as in the strips."""
    for said in (
        [_words(segment, _number(number, judgement.segments)) for number, segment in enumerate(judgement.segments, 1)],
        [stretch_words(sound, _number(number, judgement.sounds)) for number, sound in enumerate(judgement.sounds, 1)],
    ):
        for words in said[:SHOWN_STRETCHES]:
            screen.flow(words, ", ", indent=indent)
        if (more := len(said) - SHOWN_STRETCHES) > 0:
            screen.line(f"and {more} more {'stretch' if more == 1 else 'stretches'}", indent)


def _number(number: int, among: Sequence[object]) -> str:
    return f"{number}  " if len(among) > 1 else ""


def _words(segment: MatchedSegment, number: str) -> list[str]:
    still = segment.query_end_s - segment.query_start_s <= MOMENT_S
    here = "still picture" if still else span(segment.query_start_s, segment.query_end_s)
    words = [f"{number}{here} ↔ known {span(segment.reference_start_s, segment.reference_end_s)}"]
    words += segment.picture_words
    if abs(segment.speed - 1) > SAID_SPEED and not still:
        words.append(f"{'sped up' if segment.speed > 1 else 'slowed down'} {segment.speed_words}")
    return [*words, f"{segment.median_bits:.0f}/{segment.bits} bits"]
