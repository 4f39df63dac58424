"""The sound of a match as lines of text: where both sound alike, how it was changed, and what else is to be known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vhashdb.text import span

if TYPE_CHECKING:
    from vhashdb import SoundFinding, SoundSegment
    from vhashdb.matching import Judgement

SHOWN: Final = 6
"""Stretches of sound of one match."""


def sound_lines(judgement: Judgement, finding: SoundFinding) -> list[str]:
    """Return a line for each stretch that sounds alike, and one for what is to be known beside."""
    from vhashdb.matching import finding_words

    lines = [_line(one) for one in judgement.sounds[:SHOWN]]
    if (more := len(judgement.sounds) - SHOWN) > 0:
        lines.append(f"  and {more} more {'stretch' if more == 1 else 'stretches'} of sound")
    words = finding_words(finding, judgement)
    return [*lines, *([f"  {words}"] if words else [])]


def _line(one: SoundSegment) -> str:
    return f"  sound {span(one.query_start_s, one.query_end_s)}   ↔   known {_there(one)}      {', '.join(changes(one))}"


def _there(one: SoundSegment) -> str:
    return span(one.reference_start_s, one.reference_end_s)


def stretch_words(one: SoundSegment, number: str) -> list[str]:
    """Return the same in parts, for a terminal."""
    return [f"{number}sound {span(one.query_start_s, one.query_end_s)} ↔ known {_there(one)}", *changes(one)]


def changes(one: SoundSegment) -> tuple[str, ...]:
    """Say how the sound was changed, or that it is the same."""
    from vhashdb.matching import change_words

    return change_words(one) or ("the same",)
