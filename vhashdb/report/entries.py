"""From an answer to what the page shows of it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from vhashdb import display_names
from vhashdb.codes import LOCAL
from vhashdb.errors import RecordNotFound, VhashdbError
from vhashdb.fingerprints import Fingerprint, unusable_spans
from vhashdb.matching.evidence import Gate
from vhashdb.matching.sound_words import finding_words
from vhashdb.matching.verdict import Verdict
from vhashdb.report import words
from vhashdb.report.matrix import Matrix, matrix
from vhashdb.report.model import Condition, FileEntry, MatchEntry, Opinion, RecordFacts
from vhashdb.report.outlines import outline_pairs
from vhashdb.report.stretches import SoundStretch, Stretch, sound_stretches_of, stretches_of
from vhashdb.report.timeline import Side, Timeline, lone_bar, timeline
from vhashdb.search.results import Match, Result
from vhashdb.store import CaseDecision, Record
from vhashdb.store.opinions import Opinion as StoredOpinion
from vhashdb.text import printable, shortened

MOST_NAME: Final = 400
"""Characters of a file's name that are shown, and of its folder's."""
MOST_MATCHES: Final = 25
"""Of one file; a page is no place for more."""
MOST_OPINIONS: Final = 8
MOST_REASONS: Final = 8
MOST_TEXT: Final = 600
"""Characters of any one text from outside."""


@dataclass(frozen=True)
class RecordLookup:
    """Functions that tell more about a matched record."""

    fingerprint: Callable[[str], Fingerprint]
    opinions: Callable[[Record], Sequence[StoredOpinion]]
    member: Callable[[str], str]
    """The organisation behind a feed's id."""
    times: Callable[[str], str] = str
    """How many files matched a record lately, in words, by the record's id."""


def file_entry(path: str | os.PathLike[str], result: Result, lookup: RecordLookup) -> FileEntry:
    """Make the entry of a file that was answered."""
    name, folder = _named(path)
    bar = None
    if result.verdict is Verdict.INSUFFICIENT and result.fingerprint is not None and result.duration_s and not _has_sound_only(result):
        bar = lone_bar(_side(result.fingerprint))
    return FileEntry(
        name,
        folder,
        result.verdict,
        _text(result.reason),
        "",
        result.duration_s,
        result.usable_s,
        tuple(map(_text, result.damage)),
        result.sha256 or "",
        tuple(match_entry(match, result, lookup) for match in result.matches[:MOST_MATCHES]),
        max(0, len(result.matches) - MOST_MATCHES),
        bar,
        sound_only=_has_sound_only(result),
        decided=tuple(_text(decision.words) for decision in result.decisions),
        settled=result.settled,
        path=os.path.abspath(path) if os.path.isfile(path) else "",
    )


def _has_sound_only(result: Result) -> bool:
    return result.fingerprint is not None and not len(result.fingerprint) and result.fingerprint.sound is not None


def error_entry(path: str | os.PathLike[str], error: VhashdbError, decisions: Sequence[CaseDecision] = ()) -> FileEntry:
    """Make the entry of a file that could not be read, with what people decided about it."""
    name, folder = _named(path)
    given = os.fspath(path)
    message = error.message
    for prefix in (given, os.path.abspath(given)):
        message = message.removeprefix(f"{prefix}: ")
    return FileEntry(
        name, folder, Verdict.UNREADABLE, _text(message), _text(error.hint), 0.0, 0.0, (), "", (),
        decided=tuple(_text(decision.words) for decision in decisions), settled=any(decision.closed for decision in decisions),
    )  # fmt: skip


def match_entry(match: Match, result: Result, lookup: RecordLookup) -> MatchEntry:
    """Make the entry of a record that the file matched."""
    judgement, cap = match.judgement, match.action_cap
    stretches = stretches_of(match.segments)
    if match.identical and not stretches:
        stretches = (Stretch((0.0, result.duration_s), (0.0, match.record.duration_s)),)
    sounds = sound_stretches_of(match.sounds) if not match.identical else ()
    drawn = _drawn(match, result, stretches, sounds, lookup)
    return MatchEntry(
        match.verdict,
        match.score,
        _text(judgement.reason),
        match.identical,
        record_facts(match.record, lookup),
        stretches,
        tuple(map(_condition, judgement.gates)),
        judgement.matched_query_s,
        judgement.query_coverage,
        judgement.reference_coverage,
        words.ACTIONS[cap.action],
        tuple(map(_text, cap.reasons[:MOST_REASONS])),
        cap.agree,
        cap.dispute,
        tuple(map(_text, cap.exceptions[:MOST_REASONS])),
        drawn.pictures,
        drawn.matrix,
        outline_pairs(stretches),
        sounds=sounds,
        sound_line=drawn.sound,
        sound_words=finding_words(match.sound, judgement),
        by_sound=judgement.by_sound,
        share=1.0 if match.identical else judgement.query_coverage,
        decided=_text(match.decision.words) if match.decision is not None else "",
        settled=match.decision is not None and match.decision.closed,
        video=next(iter(match.videos), match.record.id),
        times=lookup.times(match.record.id),
    )


def record_facts(record: Record, lookup: RecordLookup) -> RecordFacts:
    """Collect what people said about a record."""
    details = record.details
    opinions = lookup.opinions(record)
    rule = " · ".join(_text(text) for text in (details.reason_code, details.policy, details.law) if text)
    basis = display_names.ORIGINS.get(details.origin, details.origin)
    people = f"{details.reviewers} {'person' if details.reviewers == 1 else 'people'}" if details.reviewers else "people"
    days = {
        "added here": record.added_at.date(),
        "first seen": details.first_seen,
        "to be reviewed by": details.review_by,
        "expires": details.expires,
    }
    return RecordFacts(
        record.id,
        record.short_id,
        record.shared_id,
        tuple(map(_text, record.labels)),
        details.severity,
        words.STATES.get(record.state, str(record.state)),
        _text(details.reason),
        "this database" if details.source == LOCAL else _organisation(details.source, lookup),
        f"{basis} ({rule})" if rule else basis,
        words.REVIEW_METHODS.get(details.review_method, details.review_method).replace("people", people),
        tuple((name, day.isoformat()) for name, day in days.items() if day is not None),
        record.duration_s,
        tuple(_opinion(opinion, lookup) for opinion in opinions[-MOST_OPINIONS:]),
        max(0, len(opinions) - MOST_OPINIONS),
    )


@dataclass(frozen=True)
class _Drawn:
    """The drawings of one match, as far as there is something to draw."""

    pictures: Timeline | None = None
    sound: Timeline | None = None
    matrix: Matrix | None = None


def _drawn(match: Match, result: Result, stretches: Sequence[Stretch], sounds: Sequence[SoundStretch], lookup: RecordLookup) -> _Drawn:
    """Draw a lane for pictures, also where none is the same, unless one side has none; one for sound; and the map."""
    query, reference = result.fingerprint, _reference(match.record, lookup)
    if not (stretches or sounds) or not result.duration_s or not match.record.duration_s:
        return _Drawn()
    here, there = Side(result.duration_s), Side(match.record.duration_s)
    heard = timeline(here, there, sounds, stretches) if sounds else None
    here, there = (side if of is None else _side(of) for side, of in ((here, query), (there, reference)))
    if not stretches and not all(of is not None and len(of) for of in (query, reference)):
        return _Drawn(sound=heard)
    line = timeline(here, there, stretches, sounds)
    if query is None or reference is None or not match.segments or all(stretch.still for stretch in stretches):
        return _Drawn(line, heard)
    return _Drawn(line, heard, matrix(match.seen or query, reference, match.segments, line.query.shown_s, line.reference.shown_s))


def _reference(record: Record, lookup: RecordLookup) -> Fingerprint | None:
    try:
        return lookup.fingerprint(record.id)
    except RecordNotFound:  # it came without one, or its content was erased
        return None


def _side(fingerprint: Fingerprint) -> Side:
    return Side(fingerprint.duration_s, tuple(unusable_spans(fingerprint)))


def _condition(gate: Gate) -> Condition:
    about, side = words.CONDITIONS[gate.name]
    return Condition(about, _number(gate.value), f"{side} {_number(gate.threshold)}", gate.passed)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _opinion(opinion: StoredOpinion, lookup: RecordLookup) -> Opinion:
    at: datetime.datetime = opinion.at
    return Opinion(
        "somebody here" if opinion.author == LOCAL else _organisation(opinion.author, lookup),
        display_names.OPINIONS.get(opinion.verdict, _text(opinion.verdict)),
        display_names.BASES.get(opinion.basis, _text(opinion.basis)),
        _text(opinion.reason),
        at.date(),
    )


def _organisation(feed: str, lookup: RecordLookup) -> str:
    member = lookup.member(feed)
    return _text(f"{member} (feed {feed})" if member and member != feed else feed)


def _named(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Return a file's name and its folder."""
    pure = PurePath(path)
    folder = "" if str(pure.parent) == "." else str(pure.parent)
    return _name(pure.name or str(pure)), _name(folder)


def _name(text: str) -> str:
    return printable(shortened(text, MOST_NAME))


def _text(text: str) -> str:
    return printable(shortened(text, MOST_TEXT))
