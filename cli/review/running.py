"""One run of `vhashdb review`: what it looks at, in which order, and what it hands to the next shift."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vhashdb.errors import MediaError, MediaNotFound, UsageError
from vhashdb.review import (
    ANSWERS,
    FORMS,
    MOST_REASONS,
    REASONS,
    Act,
    By,
    Decisions,
    Desk,
    FoundMatch,
    Handover,
    ReviewedMatch,
    groups,
    read_matches,
    together,
)
from vhashdb.store import decided, now_utc
from vhashdb.writing import require_writable, write_whole

from ..output import counted, decoded, emit, say, shown
from ..settings import read_reasons
from .keys import answers
from .options import Asked, open_cases, today
from .places import GroupPlace, RecordPlace
from .player import Player
from .walking import Walking

if TYPE_CHECKING:
    from vhashdb import Database

STDIN: Final = "-"


def run(database: Database, asked: Asked) -> None:
    """Walk through what was asked for, write the handover, or both."""
    target = target_of(asked.export) if asked.export is not None else None
    desk = Desk(database, asked.matched_since, reasons_of(read_reasons()))
    if asked.matches is not None:
        _walk_matches(desk, asked, target)
    elif target is not None:
        hand_over(database, asked, target)
    else:
        places = _record_places(database, asked)
        if places:
            Walking(desk, places, answers(taken=False), Player(asked.player)).run()
        else:
            emit("nothing waits")


def _walk_matches(desk: Desk, asked: Asked, target: Path | None) -> None:
    """Look at matches; whatever ends it, the handover is written."""
    database, found = desk.database, _found(asked)
    places = _group_places(database, found, asked)
    try:
        if places:
            Walking(desk, places, answers(taken=asked.matches == STDIN), Player(asked.player)).run()
        else:
            emit("nothing to look at")
    finally:
        if target is not None:
            hand_over(database, asked, target, judged(database, found))


def _record_places(database: Database, asked: Asked) -> list[RecordPlace]:
    """What waits, each record once, in the order in which the first reason of each came up; those of a video that matched together."""
    reviews, actor = database.moderation.reviews, database.store.audit.actor
    allows, two_person = asked.filter.allows, reviews.rules.two_person
    cases = [case for case in reviews.queue(matched_since=asked.matched_since) if allows(case)]
    theirs = {case.record for case in cases if two_person and case.proposed_by == actor}
    if theirs:
        verb = "waits" if len(theirs) == 1 else "wait"
        say(f"{counted(len(theirs), 'record')} {verb} for somebody else to confirm what {actor} proposed")
    waiting = [case for case in cases if case.record not in theirs]
    return [RecordPlace(records) for records in together(database, waiting)][: asked.limit]


def _found(asked: Asked) -> list[FoundMatch]:
    """What the list has to be looked at, a file that is in it twice once."""
    if asked.causes:
        raise UsageError("--cause says why records wait; matches wait for none of these", hint="leave it out, or leave out --matches")
    seen: dict[tuple[str, str], FoundMatch] = {}
    only_some = bool(asked.labels or asked.sources)
    for found in read_matches(_lines(asked.matches or STDIN)):
        if asked.filter.about(found.labels, found.source) if found.record else not only_some:
            seen.setdefault((found.sha256 or found.path, found.record), found)
    return list(seen.values())


def _group_places(database: Database, found: Sequence[FoundMatch], asked: Asked) -> list[GroupPlace]:
    """What of it waits for this person, grouped; what does not is counted, and said."""
    before = Decisions.about(database, found)
    waiting = [one for one in found if before.wait(one)]
    passed_on = sum(before.passed_on(one) for one in found)
    if known := len(found) - len(waiting) - passed_on:
        say(f"{counted(known, 'answer')} given before")
    if passed_on:
        say(f"{counted(passed_on, 'answer')} to be given by somebody else")
    return [GroupPlace(group) for group in groups(waiting, By(asked.by))][: asked.limit]


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
        by=database.store.audit.actor,
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


def judged(database: Database, found: Sequence[FoundMatch]) -> list[ReviewedMatch]:
    """Return what became of each match of the list, as the database has it, whoever decided."""
    decisions = Decisions.about(database, found)
    lines = []
    for one in found:
        decision = decisions.of(one)
        word, reason = (ANSWERS[decision.state], decision.reason) if decision is not None and decision.stands else ("open", "")
        lines.append(ReviewedMatch(decoded(one.path), one.record, one.verdict, one.score, word, reason))
    return lines


def reasons_of(configured: Mapping[str, Sequence[str]]) -> dict[Act, Sequence[str]]:
    """Return the reasons to choose from for each act that has some: those of the configuration file before the usual ones.

    Raises:
        UsageError: the configuration names an act that has no reasons to choose from, or too many of them.
    """
    known = {str(act): act for act in REASONS}
    for name, some in configured.items():
        if name not in known:
            raise UsageError(f"the configuration file has reasons for {name!r}, which is no answer", hint=f"known: {', '.join(known)}")
        if len(some) > MOST_REASONS:
            raise UsageError(f"the configuration file has {len(some)} reasons for {name!r}", hint=f"at most {MOST_REASONS} have a digit")
    return {act: tuple(configured.get(str(act), usual)) for act, usual in REASONS.items()}
