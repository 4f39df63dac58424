"""One case as its page shows it: the upload that is looked at, its copies, what is known of the record, and what may be answered."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vhashdb import display_names
from vhashdb.codes import LOCAL
from vhashdb.database import Database
from vhashdb.errors import RecordNotFound
from vhashdb.report import words
from vhashdb.report.entries import record_facts
from vhashdb.report.model import RecordFacts
from vhashdb.review import BASES, CAUSE_WORDS, NEEDS_REASON, VERDICT_WORDS, VERDICTS, Act, Ask, AvailableAction, CaseSummary, OpenCase
from vhashdb.review.answers import QUESTIONS
from vhashdb.review.found import found_in
from vhashdb.service.console.matched import MatchView, match_view, record_lookup
from vhashdb.service.service import Service
from vhashdb.store import AuditEntry, CaseDecision, Question, QuestionState
from vhashdb.text import printable, shortened

MOST_HISTORY: Final = 12
"""Lines of a record's history, the newest."""
_MOST_TEXT: Final = 300
_QUIET: Final = frozenset({"match", "question"})
"""Actions that say nothing of what people did."""


@dataclass(frozen=True)
class RecordView:
    """A record with what it leads to, in the fields that the report's facts have."""

    record: RecordFacts
    action: str
    limits: tuple[str, ...]
    agree: int
    dispute: int
    exceptions: tuple[str, ...]
    times: str
    decided: str = ""


@dataclass(frozen=True)
class Copy:
    """One upload of a case."""

    question: Question
    score: float
    verdict: str
    starts_s: float
    """Second at which it begins to match."""
    shown: bool
    """Whether it is the one in the player."""


@dataclass(frozen=True)
class Choice:
    """One act, with what belongs to it."""

    act: Act
    key: str
    does: str
    reasons: tuple[str, ...]
    verdicts: tuple[tuple[str, str], ...]
    """Of an opinion: each with its words; empty if none is asked for."""
    bases: tuple[tuple[str, str], ...]
    basis: str
    """The usual one."""
    needs_reason: bool


@dataclass(frozen=True)
class Line:
    """One line of a record's history."""

    at: datetime.datetime
    actor: str
    action: str
    what: str


@dataclass(frozen=True)
class CaseView:
    """Everything on the page of a case."""

    case: OpenCase
    copies: tuple[Copy, ...]
    shown: Question | None
    """The upload in the player; None of a record that waits without one."""
    match: MatchView | None
    """The match of that upload which presses most; None if it could not be checked."""
    others: tuple[MatchView, ...]
    """What else the upload shows."""
    record: RecordView | None
    summary: CaseSummary | None
    choices: tuple[Choice, ...]
    history: tuple[Line, ...]
    before: tuple[str, ...]
    """What was decided before and does not stand any more."""
    host: str
    """Machine of the front that has the upload, if it cannot be shown here."""

    @property
    def causes(self) -> tuple[str, ...]:
        """Why it waits, in words."""
        return tuple(CAUSE_WORDS.get(cause, "could not be checked") for cause in self.case.entry.causes)

    @property
    def reason(self) -> str:
        """Why the upload could not be checked, or what the verdict rests on."""
        answer = self.shown.answer if self.shown is not None else None
        return printable(answer["file"]["reason"]) if answer else ""


def case_view(service: Service, case: OpenCase, chosen: str) -> CaseView:
    """Gather what the page of a case shows.

    Args:
        service: with the database.
        case: as the desk gives it.
        chosen: id of the upload to look at; any other text: the one that presses most.
    """
    database, opened = service.database, case.opened
    questions = {question.id: question for question in case.questions}
    shown = questions.get(chosen) or next(iter(case.questions), None)
    group = case.group
    copies = (
        tuple(
            Copy(questions[one.path], one.score, one.verdict, one.starts_s, shown is not None and one.path == shown.id)
            for one in group.first_of_each
        )
        if group is not None
        else ()
    )
    views = _views(database, shown, set(case.entry.records)) if shown is not None else []
    summary = opened.summary
    return CaseView(
        case, copies, shown, views[0] if views else None, tuple(views[1:]),
        _record_view(database, summary) if summary is not None else None, summary,
        tuple(map(_choice, case.actions)), _history(database, summary.record.id) if summary is not None else (),
        tuple(map(printable, getattr(opened, "changed", ()))),
        service.attendance.host_of(shown.file) if shown is not None else "",
    )  # fmt: skip


def _views(database: Database, question: Question, records: set[str]) -> list[MatchView]:
    """Return the matches of an upload, those of the case first."""
    answer: Mapping[str, Any] = question.answer or {"matches": []}
    views = []
    for match in sorted(answer["matches"], key=lambda match: match["record"] not in records):
        try:
            views.append(match_view(database, answer["file"], match))
        except RecordNotFound:  # it was erased since
            continue
    return views


def _record_view(database: Database, summary: CaseSummary) -> RecordView:
    lookup, cap = record_lookup(database), summary.action_cap
    return RecordView(
        record_facts(summary.record, lookup), words.ACTIONS[cap.action], tuple(map(printable, cap.reasons)), cap.agree, cap.dispute,
        tuple(map(printable, cap.exceptions)), lookup.times(summary.record.id),
    )  # fmt: skip


def _choice(action: AvailableAction) -> Choice:
    asked = QUESTIONS[action.act]
    verdicts = tuple((verdict, VERDICT_WORDS[verdict]) for verdict in VERDICTS[action.act]) if Ask.VERDICT in asked else ()
    bases = tuple((basis, f"I {display_names.BASES[basis]}") for basis in BASES) if Ask.BASIS in asked else ()
    needed = action.act in NEEDS_REASON
    return Choice(action.act, action.key, printable(action.does), action.reasons, verdicts, bases, action.basis, needed)


def _history(database: Database, record: str) -> tuple[Line, ...]:
    lines = [entry for entry in database.audit(record=record) if entry.action not in _QUIET]
    return tuple(_line(entry) for entry in lines[: -MOST_HISTORY - 1 : -1])


def _line(entry: AuditEntry) -> Line:
    said = ", ".join(f"{name.replace('_', ' ')}: {_text(value)}" for name, value in entry.details.items() if value)
    return Line(entry.at, printable(entry.actor) if entry.actor != LOCAL else "somebody here", entry.action.replace("-", " "), said)


def _text(value: Any) -> str:
    return printable(shortened(", ".join(map(str, value)) if isinstance(value, list) else str(value), _MOST_TEXT))


# -- decided -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DecidedUpload:
    """An upload about which people decided."""

    question: Question
    decisions: tuple[CaseDecision, ...]


def decided_uploads(service: Service) -> list[DecidedUpload]:
    """Return the uploads that are kept and about which people decided, the latest first."""
    hits, known, kept = service.database.store.hits, dict[str, str](), []
    for question in service.questions.all((QuestionState.ANSWERED,), review=True):
        if question.answer is not None:
            kept.append(question)
            identity = next((one.sha256 for one in found_in(question.answer, question.id)), None)
            known |= {question.id: hits.file(identity)} if identity else {}
    decisions = hits.decisions(set(known.values()))
    found = [DecidedUpload(question, tuple(decisions.get(known.get(question.id, ""), ()))) for question in kept]
    some = [one for one in found if one.decisions]
    return sorted(some, key=lambda one: max(each.at for each in one.decisions), reverse=True)
