"""The desk at which several people decide at the same time: the queue, one case, who is at it, decisions, and taking them back.

It belongs to a program that stays and keeps uploads, such as a service. Whoever acts is named by `vhashdb.store.acting_as` meanwhile, and
what is written is written by the same executor as in a session of one person.
"""

from __future__ import annotations

import datetime
import secrets
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.json_values import json_value
from vhashdb.review.answers import QUESTIONS, REASONS, Act, Answer, Ask, AvailableAction, answer_of
from vhashdb.review.executor import DecisionExecutor, Done
from vhashdb.review.grouping import By, Group
from vhashdb.review.opened import Desk, Gone, OpenGroup, OpenRecord, file_cases
from vhashdb.review.queue import Kind, QueueEntry, QueuePage, group_entries, page_of, record_entries, waiting_matches
from vhashdb.review.words import DONE_WORDS
from vhashdb.store import (
    AlreadyClaimed,
    Claim,
    Question,
    Questions,
    QuestionState,
    RecordClaims,
    now_utc,
    recently,
)
from vhashdb.store.desk_decisions import DeskDecision, DeskDecisions
from vhashdb.store.undoing import UndoState

if TYPE_CHECKING:
    from vhashdb.database import Database

UNDO_S: Final = 15 * 60.0
"""Seconds for which a decision can be taken back unless something else is chosen."""


class CaseChanged(UsageError):
    """A case is not any more as it was when somebody looked at it: another upload came to it, or something was decided."""

    hint = "look at the case again"


class NotYours(UsageError):
    """Only whoever decided may take a decision back."""

    hint = "ask whoever decided, or decide anew"


@dataclass(frozen=True)
class Chosen:
    """A case about which something is decided."""

    id: str
    version: str
    """Of the entry that was looked at: what came to the case since is not decided about."""
    left_out: tuple[str, ...] = ()
    """Ids of questions whose uploads are left as they are."""


@dataclass(frozen=True)
class OpenCase:
    """One case, with what it is made of."""

    entry: QueueEntry
    opened: OpenGroup | OpenRecord
    questions: tuple[Question, ...]
    """Of its uploads, in the order of the group."""

    @property
    def group(self) -> Group | None:
        """The matches; None of a record that waits."""
        return self.opened.group if isinstance(self.opened, OpenGroup) else None

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered here. What needs the path of a file is not among it: an upload is unmatched by itself."""
        return tuple(action for action in self.opened.actions if Ask.FILE not in QUESTIONS[action.act])


@dataclass(frozen=True)
class Decided:
    """A decision that was made at the desk."""

    id: str
    by: str
    at: datetime.datetime
    until: datetime.datetime
    """Until when it can be taken back."""
    act: Act
    cases: tuple[str, ...]
    uploads: int
    final: bool
    """False: a second person has to confirm it."""
    memories: tuple[UndoState, ...]

    @property
    def words(self) -> str:
        """What was done, in a few words."""
        word = DONE_WORDS[self.act][0]
        return word if self.final else f"proposed to be {word}; another person has to confirm it"

    def to_json(self) -> dict[str, Any]:
        """Return it as a `desk-decision`."""
        said = {name: json_value(getattr(self, name)) for name in ("id", "by", "at", "act", "cases", "uploads", "final", "words")}
        return {"type": "desk-decision"} | said | {"undo_until": json_value(self.until)}


_Waiting = tuple[QueueEntry, Group | None, tuple[Question, ...]]
"""An entry, its matches and the questions of its uploads."""


class ReviewDesk:
    """The desk of one database. Safe from several threads and processes; decisions are kept for as long as they can be undone."""

    def __init__(
        self,
        database: Database,
        questions: Questions,
        *,
        reasons: Mapping[Act, Sequence[str]] = REASONS,
        undo_s: float = UNDO_S,
    ) -> None:
        self._database, self._questions, self._claims = database, questions, RecordClaims(database.store)
        self._reasons, self._undo = reasons, datetime.timedelta(seconds=undo_s)
        self._executor = DecisionExecutor(database.store, database.moderation)
        self._deciding, self._decided = threading.Lock(), DeskDecisions(database.store)

    @property
    def who(self) -> str:
        """Who acts."""
        return self._database.store.audit.actor

    # -- looking -------------------------------------------------------------------------------

    def entries(self, by: By = By.VIDEO) -> list[QueueEntry]:
        """Return everything that waits for whoever acts: matches of uploads in order of urgency, then records, oldest first."""
        return [entry for entry, _, _ in self._waiting(by)]

    def page(
        self, chosen: Mapping[str, Collection[str]] | None = None, *, by: By = By.VIDEO, limit: int = 100, cursor: str = ""
    ) -> QueuePage:
        """Return a part of the queue, with counts; see `page_of`."""
        return page_of(self.entries(by), chosen or {}, limit, cursor)

    def case(self, identifier: str) -> OpenCase:
        """Return one case as it is now.

        Raises:
            RecordNotFound: nothing waits under this id for whoever acts.
        """
        (found,) = self._cases([identifier])
        return found

    def waiting_for_others(self) -> int:
        """Count what whoever acts passed on or proposed, so that it waits for somebody else."""
        return len(waiting_matches(self._database, self._kept()).passed_on) + len({case.record for case in self._theirs()})

    def _waiting(self, by: By) -> list[_Waiting]:
        who, questions = self.who, {question.id: question for question in self._kept()}
        waiting = waiting_matches(self._database, questions.values())
        grouped = group_entries(waiting, questions, by, who)
        theirs = {case.record for case in self._theirs()}
        queue = self._database.moderation.reviews.queue(matched_since=self._desk.since)
        shown = {one.record for one in (*waiting.matches, *waiting.passed_on)}
        records = record_entries(self._database, [each for each in queue if each.record not in theirs], shown, self._claims.all(), who)
        found: list[_Waiting] = [(entry, group, tuple(questions[path] for path in group.files)) for entry, group in grouped]
        found += [(entry, None, ()) for entry in records]
        return sorted(found, key=lambda each: (*each[0].order, each[0].id))

    def _cases(self, identifiers: Sequence[str]) -> list[OpenCase]:
        """Return cases as they are now."""
        by_id = dict[str, _Waiting]()
        for by in {By.FILE if one.startswith(f"{Kind.FILE}-") else By.VIDEO for one in identifiers}:
            by_id |= {entry.id: (entry, group, questions) for entry, group, questions in self._waiting(by)}
        return [self._opened(identifier, by_id.get(identifier)) for identifier in identifiers]

    def _opened(self, identifier: str, found: _Waiting | None) -> OpenCase:
        if found is None:
            raise RecordNotFound(f"nothing waits as {identifier!r}", hint="somebody decided meanwhile, or it was never in the queue")
        entry, group, questions = found
        try:
            opened = OpenRecord.look(self._desk, entry.records) if group is None else OpenGroup.look(self._desk, group)
        except Gone as gone:
            raise RecordNotFound(str(gone), hint="take the next case") from gone
        return OpenCase(entry, opened, questions)

    @property
    def _desk(self) -> Desk:
        return Desk(self._database, recently(now_utc().date()), self._reasons)

    def _kept(self) -> list[Question]:
        return self._questions.all((QuestionState.ANSWERED,), review=True)

    def _theirs(self) -> list[Any]:
        """The records about which whoever acts proposed something, where somebody else has to confirm it."""
        reviews = self._database.moderation.reviews
        return [case for case in reviews.queue() if case.proposed_by == self.who] if reviews.rules.two_person else []

    # -- being at it ---------------------------------------------------------------------------

    def claim(self, identifiers: Sequence[str]) -> list[QueueEntry]:
        """Say that whoever acts is about to decide about cases, and return them; once more to go on having them.

        Raises:
            RecordNotFound: one does not wait.
            AlreadyClaimed: somebody else is at one.
        """
        cases, who = self._cases(identifiers), self.who
        self._require_free(cases, who)
        if uploads := _uploads(cases):
            self._questions.claim(uploads, who)
        if records := _records(cases):
            self._claims.claim(records, who)
        return [case.entry for case in self._cases(identifiers)]

    def give_up(self, identifiers: Sequence[str]) -> None:
        """Let others decide about cases; those that do not wait any more are passed over."""
        kept = {By.VIDEO, *(By.FILE for one in identifiers if one.startswith(f"{Kind.FILE}-"))}
        waiting = {entry.id: entry for by in kept for entry in self.entries(by)}
        self._free([waiting[one] for one in identifiers if one in waiting], self.who)

    def _free(self, entries: Iterable[QueueEntry], who: str) -> None:
        entries = list(entries)
        self._questions.give_up([each for entry in entries for each in entry.uploads], who)
        self._claims.give_up([each for entry in entries if entry.kind is Kind.RECORD for each in entry.records], who)

    # -- deciding ------------------------------------------------------------------------------

    def decide(self, chosen: Sequence[Chosen], act: Act, *, verdict: str = "", basis: str = "", reason: str = "") -> Decided:
        """Decide about cases at once: all of it is written, or nothing stands.

        Args:
            chosen: each case, as it was looked at.
            act: one that is available for each of them.
            verdict: of an opinion.
            basis: of an opinion.
            reason: why.

        Raises:
            RecordNotFound: one does not wait any more.
            CaseChanged: something else waits than was looked at.
            AlreadyClaimed: somebody else is at one.
            UsageError: the act is not available, or the reason is missing or too long.
        """
        with self._deciding, self._database.store.transactions.in_turn():  # what was looked at must still be so when it is written
            return self._decide(chosen, act, verdict=verdict, basis=basis, reason=reason)

    def _decide(self, chosen: Sequence[Chosen], act: Act, *, verdict: str, basis: str, reason: str) -> Decided:
        who, by_id = self.who, {one.id: one for one in chosen}
        if not by_id:
            raise UsageError("no case is named", hint="name at least one")
        cases = self._cases(list(by_id))
        self._require_free(cases, who)
        for case in cases:
            if case.entry.version != by_id[case.entry.id].version:
                raise CaseChanged(f"the case {case.entry.id} is not any more as it was looked at")
            if strange := set(by_id[case.entry.id].left_out) - set(case.entry.uploads):
                raise UsageError(f"{min(strange)!r} is no upload of the case {case.entry.id}", hint="name uploads of the case")
        answers = [_answer(case, act, verdict=verdict, basis=basis, reason=reason) for case in cases]
        written, uploads = self._written(cases, answers, by_id)
        self._free([case.entry for case in cases], who)
        return self._remembered(act, list(by_id), written, uploads)

    def _written(self, cases: Sequence[OpenCase], answers: Sequence[Answer], by_id: Mapping[str, Chosen]) -> tuple[list[Done], int]:
        """Write an answer: about uploads in one transaction; about records one after the other, and back if one cannot be written."""
        done: list[Done] = []
        try:
            found = [
                one
                for case in cases
                if isinstance(case.opened, OpenGroup)
                for one in case.opened.without(by_id[case.entry.id].left_out).found
            ]
            if any(case.group is not None for case in cases):
                if not found:
                    raise UsageError("every upload is left out", hint="leave at least one to decide about")
                answer = next(answer for case, answer in zip(cases, answers, strict=True) if case.group is not None)
                done.append(self._executor.decide(file_cases(self._database.store, found), answer))
            for case, answer in zip(cases, answers, strict=True):
                if isinstance(case.opened, OpenRecord):
                    done.append(case.opened.write(self._executor, answer))
        except BaseException:
            for one in reversed(done):
                self._executor.take_back(one)
            raise
        return done, len({one.path for one in found})

    def _remembered(self, act: Act, cases: Sequence[str], written: Sequence[Done], uploads: int) -> Decided:
        now = now_utc()
        final = all(one.final for one in written)
        memories = tuple(memory for one in written for memory in one.memories)
        decided = Decided(secrets.token_hex(8), self.who, now, now + self._undo, act, tuple(cases), uploads, final, memories)
        self._decided.keep(DeskDecision(**vars(decided) | {"act": act.value}))
        return decided

    # -- taking back ---------------------------------------------------------------------------

    def undoable(self) -> list[Decided]:
        """Return what whoever acts can still take back, the newest first."""
        return [_decided(one) for one in self._decided.of(self.who)]

    def undo(self, identifier: str) -> Decided:
        """Take a decision back; its cases wait as before.

        Raises:
            RecordNotFound: there is no such decision, or it is too long ago.
            NotYours: somebody else decided.
            UsageError: somebody did something with a record since, or others may know of it already.
        """
        kept = self._decided.get(identifier)
        if kept is None:
            raise RecordNotFound(f"no decision {identifier!r} can be taken back", hint=_DECIDE_ANEW)
        decided = _decided(kept)
        if decided.by != self.who:
            raise NotYours(f"{decided.by} decided that")
        self._executor.take_back(Done(decided.final, decided.memories))
        self._decided.forget(identifier)
        return replace(decided, until=decided.at)

    def _require_free(self, cases: Sequence[OpenCase], who: str) -> None:
        for case in cases:
            claim: Claim | None = case.entry.claim
            if claim is not None and claim.by != who:
                raise AlreadyClaimed(f"{claim.by} is at {case.entry.id} until {claim.until:%H:%M} UTC")


_DECIDE_ANEW: Final = "it is too long ago, or was taken back: decide anew, or give another opinion"


def _decided(kept: DeskDecision) -> Decided:
    return Decided(**vars(kept) | {"act": Act(kept.act)})


def _answer(case: OpenCase, act: Act, **given: str) -> Answer:
    action = next((each for each in case.actions if each.act is act), None)
    if action is None:
        known = ", ".join(each.act.value for each in case.actions)
        raise UsageError(f"{act.value!r} cannot be answered to {case.entry.id}", hint=f"known here: {known}")
    return answer_of(action, **given)


def _uploads(cases: Iterable[OpenCase]) -> list[str]:
    return list(dict.fromkeys(each for case in cases for each in case.entry.uploads))


def _records(cases: Iterable[OpenCase]) -> list[str]:
    return [each for case in cases if case.group is None for each in case.entry.records]
