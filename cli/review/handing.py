"""`vhashdb review --export`: what one shift hands to the next, as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vhashdb.errors import UsageError
from vhashdb.review import FORMS, Act, Handover, ReviewedMatch, WrittenAnswer
from vhashdb.store import decided, now_utc
from vhashdb.writing import require_writable, write_whole

from ..output import decoded, emit, shown
from .asked import Asked, open_cases
from .moments import today
from .walking import MatchPlace

if TYPE_CHECKING:
    from vhashdb import Database

_ANSWERS = {Act.RIGHT: "right", Act.WRONG: "wrong"}


def target_of(path: str) -> Path:
    """Where the handover is to be written, known before anybody is asked anything.

    Raises:
        UsageError: it has no form for this ending, or nothing can be written there.
    """
    target = require_writable(path)
    if target.suffix not in FORMS:
        raise UsageError(f"{path} does not end with one of {', '.join(FORMS)}", hint="the ending says in which form it is written")
    return target


def hand_over(database: Database, asked: Asked, target: Path, matches: Sequence[ReviewedMatch] | None = None) -> None:
    """Write what is open and what was decided."""
    since = asked.since or today()
    filtered = asked.filter
    lines = [d for d in decided(database.store, since) if filtered.about(d.labels, d.source)]
    handover = Handover(
        at=now_utc(),
        by=database.store.actor,
        since=since,
        matched_since=asked.matched_since,
        open=tuple(open_cases(database, asked)),
        decided=tuple(lines),
        matches=None if matches is None else tuple(matches),
    )
    write_whole(target, FORMS[target.suffix](handover).encode())
    emit(f"{shown(target)}  {len(handover.open)} open, {len(handover.decided)} decided")
    if matches is not None:
        emit("  it names files, which come from the list of matches")


def judged(places: Sequence[MatchPlace], decisions: Sequence[WrittenAnswer]) -> list[ReviewedMatch]:
    """What became of each match of the list."""
    answers = {decision.place: decision.answer for decision in decisions}
    lines = []
    for number, place in enumerate(places):
        found, answer = place.found, answers.get(number)
        word, reason = (_ANSWERS[answer.act], answer.reason) if answer is not None else ("open", "")
        lines.append(ReviewedMatch(decoded(found.path), found.record, found.verdict, found.score, word, reason))
    return lines
