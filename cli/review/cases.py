"""A case on the screen: what is known, what may be answered, and each question."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from vhashdb import display_names
from vhashdb.codes import LOCAL, NEGATIVE
from vhashdb.review import BASES, CAUSE_WORDS, METHOD_WORDS, NEEDS_REASON, VERDICT_WORDS, VERDICTS, Ask, AvailableAction
from vhashdb.store import Cause, now_utc
from vhashdb.text import SAID_SPEED

from ..output import clock, counted, labels_text, printable, shown, verdict_word
from ..screen.screen import Screen

if TYPE_CHECKING:
    from vhashdb.review import CaseSummary, FoundMatch, Group, ReviewSession
    from vhashdb.store import Case, Opinion

_MOVES: Final = ("b back", "u undo the last decision", "q quit", "? show again")
_SHOWN_SEGMENTS: Final = 6
_SHOWN_ALIKE: Final = 5


def show_record(screen: Screen, session: ReviewSession, summary: CaseSummary, since: datetime.datetime, also: Sequence[str] = ()) -> None:
    """One record that waits; ``also`` are others of the same video."""
    causes = ", ".join(CAUSE_WORDS[case.cause] for case in summary.cases)
    _head(screen, session, f"rec {summary.record.short_id}, {causes}")
    others = [("also", f"rec {', '.join(also)} of the same video: l looks at all of them")] if also else []
    screen.facts([*_waits(summary), *others, *_facts(summary, since)])


def show_group(
    screen: Screen,
    session: ReviewSession,
    group: Group,
    summary: CaseSummary | None,
    *,
    since: datetime.datetime,
    changed: Sequence[str],
    left_out: frozenset[int],
) -> None:
    """Matches that are answered at once.

    Args:
        screen: where.
        session: how far it got.
        group: the matches.
        summary: of the record that presses most; None of files that could not be checked.
        since: matches count from then on.
        changed: what was decided before and does not stand any more.
        left_out: numbers of files that the next answer is not about.
    """
    first, files = group.found[0], group.first_of_each
    of = f", rec {summary.record.short_id}" if summary is not None else ""
    score = f" {first.score:.2f}" if summary is not None else ""
    _head(screen, session, f"{verdict_word(first.verdict)}{score}{of}, {counted(len(files), 'file')}")
    rows = [("before", printable(words)) for words in changed]
    if len(files) == 1:
        rows += _one_file(first)
    else:
        rows += _files(files, left_out)
    others = [record[:8] for record in group.records[1:]]
    if others:
        rows.append(("also", f"rec {', '.join(others)}"))
    screen.facts([*rows, *(_facts(summary, since) if summary is not None else ())])


def _files(files: Sequence[FoundMatch], left_out: frozenset[int]) -> Iterator[tuple[str, str]]:
    """All files of a group by their numbers, each with where to look first."""
    for number, found in enumerate(files, 1):
        where = f"  {clock(found.starts_s)}" if found.segments or found.sounds else ""
        score = f"  {verdict_word(found.verdict)} {found.score:.2f}" if found.record else f"  {printable(found.reason)}"
        out = "  (left out)" if number in left_out else ""
        yield "files" if number == 1 else "", f"{number:>2}  {shown(found.path)}{score}{where}{out}"


def _one_file(found: FoundMatch) -> Iterator[tuple[str, str]]:
    yield "file", shown(found.path)
    if found.identical:
        yield "matches", "the very same file, byte for byte"
    elif found.reason:
        yield "why", printable(found.reason)
    for number, segment in enumerate(found.segments[:_SHOWN_SEGMENTS]):
        speed = f", speed × {segment.speed:.2f}" if abs(segment.speed - 1) > SAID_SPEED else ""
        view = f", {printable(segment.view)}" if segment.view not in ("", "whole picture") else ""
        here = f"{clock(segment.query_start_s)} – {clock(segment.query_end_s)}"
        there = f"{clock(segment.reference_start_s)} – {clock(segment.reference_end_s)}"
        yield "" if number else "look at", f"{here}   ↔   known {there}{view}{speed}"
    if len(found.segments) > _SHOWN_SEGMENTS:
        yield "", f"and {len(found.segments) - _SHOWN_SEGMENTS} more stretches"
    yield from _sound(found)


def _sound(found: FoundMatch) -> Iterator[tuple[str, str]]:
    """Where to listen, and what was said of the sound where that is another."""
    for number, sound in enumerate(found.sounds[:_SHOWN_SEGMENTS]):
        speed = f", speed × {sound.speed:.2f}" if abs(sound.speed - 1) > SAID_SPEED else ""
        here = f"{clock(sound.query_start_s)} – {clock(sound.query_end_s)}"
        there = f"{clock(sound.reference_start_s)} – {clock(sound.reference_end_s)}"
        yield "" if number else "listen at", f"{here}   ↔   known {there}{speed}"
    if len(found.sounds) > _SHOWN_SEGMENTS:
        yield "", f"and {len(found.sounds) - _SHOWN_SEGMENTS} more stretches"
    if found.by_sound:
        yield "sound", "nothing but the sound is alike"
    elif found.said_of_sound == "another":
        yield "sound", "replaced: in these seconds it is not the known video's"


def show_actions(screen: Screen, actions: Sequence[AvailableAction], *, files: int) -> None:
    """What may be answered, and what each answer does."""
    screen.line("")
    screen.facts([(f"{action.key}  {action.act}", printable(action.does)) for action in actions])
    more = ["s unsure, skip" if files else "s skip"]
    more += ["x leave files out"] if files > 1 else []
    more += ["o open the next file" if files > 1 else "o open the file"] if files else []
    screen.flow([*more, *_MOVES], "   ", hang=0, broken="")


def show_end(screen: Screen, session: ReviewSession) -> None:
    """After the last case."""
    screen.line("")
    left = f", {counted(session.left, 'case')} left open" if session.left else ""
    screen.line(f"That was the last one: {len(session.decided)} decided{left}.")
    screen.line("u undo the last decision   b back to one that is open   Enter alone ends")


def prompt(screen: Screen, session: ReviewSession, actions: Sequence[AvailableAction]) -> str:
    """Return the question that is open; its choices are printed, its last line is returned."""
    draft = session.draft
    if draft is None:
        return "Your answer:"
    match session.asking:
        case Ask.VERDICT:
            return _choice(screen, "What do you say?", [VERDICT_WORDS[verdict] for verdict in VERDICTS[draft.act]], 0)
        case Ask.BASIS:
            basis = next(action.basis for action in actions if action.act is draft.act)
            return _choice(screen, "What does it rest on?", [f"I {display_names.BASES[basis]}" for basis in BASES], BASES.index(basis))
        case Ask.FILE:
            screen.line("Which file is it? Only a digest of it is kept, never its name.")
            return "Path (b goes back):"
    if draft.told:
        screen.line("Members can read the reason: no names, links or addresses in it.")
    if draft.reasons:
        screen.facts([(f"  {number}", printable(reason)) for number, reason in enumerate(draft.reasons, 1)])
    chosen = f"1 to {len(draft.reasons)}, t for your own words, " if draft.reasons else "t for words, "
    needed = "" if draft.act in NEEDS_REASON else "Enter alone for none, "
    return f"Why? ({chosen}{needed}b goes back):"


def _choice(screen: Screen, question: str, texts: Sequence[str], usual: int) -> str:
    screen.line(question)
    screen.facts([(f"  {number}", text) for number, text in enumerate(texts, 1)])
    return f"1 to {len(texts)}, Enter alone for {usual + 1} (b goes back):"


def _head(screen: Screen, session: ReviewSession, what: str) -> None:
    head = f"{session.place + 1} of {session.total}"
    screen.line("")
    screen.line("─" * screen.width)
    screen.line(f"{head}   {what}   ({session.left} left)")


def _waits(summary: CaseSummary) -> Iterator[tuple[str, str]]:
    for case in summary.cases:
        why = _against(summary, case.why) if case.cause is Cause.DISPUTED else case.why
        yield "waits", f"{printable(why)}{_since(case)}"
    proposed, who = summary.proposed
    if proposed and summary.two_person:
        yield "proposed", f"{proposed}, by {printable(who)}; another person has to confirm it"


def _since(case: Case) -> str:
    if case.since is None or case.cause is Cause.MATCHED:
        return ""
    return f" ({_ago(case.since)})" if case.cause in (Cause.DUE, Cause.EXPIRED) else f", since {_day(case.since)}"


def _against(summary: CaseSummary, why: str) -> str:
    """Of a dispute the opinions are listed one by one, so that here it is enough to say how many there are."""
    against = sum(said.verdict in NEGATIVE for said in summary.opinions)
    return f"{counted(against, 'opinion')} against it" if against else why


def _facts(summary: CaseSummary, since: datetime.datetime) -> Iterator[tuple[str, str]]:
    record, details = summary.record, summary.record.details
    severity = "" if details.severity == "unspecified" else f", severity {details.severity}"
    yield "record", f"{labels_text(record.labels)}{severity}, {record.state}, {clock(record.duration_s, tenths=False)} long"
    code = f" ({printable(details.reason_code)})" if details.reason_code else ""
    yield "reason", f"{printable(details.reason) or 'none given'}{code}"
    yield "basis", _basis(summary)
    yield "source", _source(summary)
    yield "dates", _dates(summary)
    yield from _voices(summary)
    why = f": {printable('; '.join(summary.action_cap.reasons))}" if summary.action_cap.reasons else ""
    yield "leads to", f"{summary.action_cap.action} at most{why}" if why else str(summary.action_cap.action)
    if summary.action_cap.exceptions:
        yield "except", f"it does not apply to {printable(', '.join(summary.action_cap.exceptions))}"
    hits = summary.hits
    times = f"{counted(hits.count, 'file')} since {since.date()}, last {_day(hits.last)}, best score {hits.best:.2f}" if hits else ""
    yield "matched", times or f"not since {since.date()}"
    for number, one in enumerate(summary.alike[:_SHOWN_ALIKE]):
        yield "" if number else "alike", f"rec {one.record[:8]}, score {one.score:.2f}, {labels_text(one.labels)}, {one.state}"


def _basis(summary: CaseSummary) -> str:
    details = summary.record.details
    people = f"{details.reviewers} people" if details.reviewers > 1 else "one person" if details.reviewers else "somebody"
    parts = [display_names.ORIGINS.get(details.origin, details.origin), METHOD_WORDS[details.review_method].format(people=people)]
    parts += [f"{name} {printable(text)}" for name, text in (("policy", details.policy), ("law", details.law)) if text]
    return ", ".join(parts)


def _source(summary: CaseSummary) -> str:
    record, on = summary.record, summary.published
    if record.details.source == LOCAL:
        return "recorded here"
    member = f" of {printable(summary.publisher)}" if summary.publisher else ""
    named = f", there {on.rid[:8]}, revision {on.rev}" if on.rid != record.id else ""
    return f"{printable(record.details.source)}{member}{named}"


def _dates(summary: CaseSummary) -> str:
    details = summary.record.details
    parts = [f"added {_day(summary.record.added_at)}"]
    dates = (("first seen", details.first_seen), ("to be looked at again by", details.review_by), ("last day", details.expires))
    return ", ".join(parts + [f"{name} {day}" for name, day in dates if day is not None])


def _voices(summary: CaseSummary) -> Iterator[tuple[str, str]]:
    against = [said for said in summary.opinions if said.verdict in NEGATIVE]
    others = [said for said in summary.opinions if said.verdict not in NEGATIVE]
    for name, opinions in (("for it", others), ("against", against)):
        if not opinions:
            yield name, "nobody" if name == "against" else "its publisher, and nobody else"
        for number, said in enumerate(opinions):
            yield "" if number else name, _voice(said)


def _voice(said: Opinion) -> str:
    who = "people here" if said.author == LOCAL else printable(said.author)
    verb = display_names.OPINIONS.get(said.verdict, said.verdict)
    if said.author == LOCAL:
        verb = verb.replace("agrees", "agree").replace("says", "say").replace("has seen", "have seen").replace("it said", "they said")
    text = f": {printable(said.reason)}" if said.reason else ""
    return f"{said.at:%Y-%m-%d} {who} {verb} ({display_names.BASES.get(said.basis, said.basis)}){text}"


def _day(moment: datetime.datetime) -> str:
    """A day, and how long ago it is."""
    return f"{moment:%Y-%m-%d} ({_ago(moment)})"


def _ago(moment: datetime.datetime) -> str:
    days = (now_utc().date() - moment.date()).days
    return f"{counted(days, 'day')} ago" if days > 0 else "today"
