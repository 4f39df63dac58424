"""One run of `vhashdb review`: what it looks at, in which order, and what it hands to the next shift."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vhashdb.errors import MediaError, MediaNotFound, UsageError
from vhashdb.review import FORMS, Act, Handover, ReviewedMatch, WrittenAnswer, read_matches
from vhashdb.store import decided, now_utc
from vhashdb.writing import require_writable, write_whole

from ..output import counted, decoded, emit, say, shown
from .options import Asked, open_cases, today
from .walking import MatchPlace, RecordPlace, Walking, answers

if TYPE_CHECKING:
    from vhashdb import Database

STDIN: Final = "-"


def run(database: Database, asked: Asked) -> None:
    """Walk through what was asked for, write the handover, or both."""
    target = target_of(asked.export) if asked.export is not None else None
    if asked.matches is not None:
        _walk_matches(database, asked, target)
    elif target is not None:
        hand_over(database, asked, target)
    else:
        places = _record_places(database, asked)
        if places:
            Walking(database, places, asked.matched_since, answers(taken=False)).run()
        else:
            emit("nothing waits")


def _walk_matches(database: Database, asked: Asked, target: Path | None) -> None:
    """Look at matches one by one; whatever ends it, the handover is written."""
    places = _match_places(database, asked)
    walking = Walking(database, places, asked.matched_since, answers(taken=asked.matches == STDIN)) if places else None
    try:
        walking.run() if walking is not None else emit("no match to look at")
    finally:
        if target is not None:
            hand_over(database, asked, target, judged(places, walking.decided if walking is not None else ()))


def _record_places(database: Database, asked: Asked) -> list[RecordPlace]:
    """The records that wait, each once, in the order in which the first reason of each came up."""
    reviews, actor = database.moderation.reviews, database.store.actor
    allows, two_person = asked.filter.allows, reviews.rules.two_person
    cases = [case for case in reviews.queue(matched_since=asked.matched_since) if allows(case)]
    theirs = {case.record for case in cases if two_person and case.proposed_by == actor}
    if theirs:
        verb = "waits" if len(theirs) == 1 else "wait"
        say(f"{counted(len(theirs), 'record')} {verb} for somebody else to confirm what {actor} proposed")
    waiting = [record for record in dict.fromkeys(case.record for case in cases) if record not in theirs]
    return [RecordPlace(record) for record in waiting[: asked.limit]]


def _match_places(database: Database, asked: Asked) -> list[MatchPlace]:
    """The matches of a file, without those that were judged before and those of one file twice."""
    if asked.causes:
        raise UsageError("--cause says why records wait; matches wait for none of these", hint="leave it out, or leave out --matches")
    seen: set[tuple[str, str]] = set()
    allows = asked.filter.about
    places: list[MatchPlace] = []
    listed, hits, known = list(read_matches(_lines(asked.matches or STDIN))), database.store.hits, 0
    decisions = hits.decisions({hits.file(found.sha256) for found in listed if found.sha256})
    for found in listed:
        key = (found.sha256 or found.path, found.record)
        if key in seen or not allows(found.labels, found.source):
            continue
        seen.add(key)
        before = decisions.get(hits.file(found.sha256), ()) if found.sha256 else ()
        if any(decision.record == found.record and decision.closed for decision in before):
            known += 1
        else:
            places.append(MatchPlace(found))
    if known:
        say(f"{counted(known, 'match') if known == 1 else f'{known:,} matches'} looked at before")
    return places[: asked.limit]


def _lines(path: str) -> Iterator[bytes]:
    if path == STDIN:
        yield from sys.stdin.buffer
        return
    from vhashdb.opening import stream_of

    try:
        with stream_of(path) as file:
            yield from file
    except MediaError as error:
        raise MediaNotFound(error.message, hint="name what `vhashdb match --json` printed") from error


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
    """Return what became of each match of the list."""
    answers = {decision.place: decision.answer for decision in decisions}
    lines = []
    for number, place in enumerate(places):
        found, answer = place.found, answers.get(number)
        word, reason = (_ANSWERS[answer.act], answer.reason) if answer is not None else ("open", "")
        lines.append(ReviewedMatch(decoded(found.path), found.record, found.verdict, found.score, word, reason))
    return lines
