"""What a review goes through: records that wait, and groups of matches; what each shows, and what an answer to it writes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from vhashdb.errors import RecordNotFound
from vhashdb.review import (
    DONE_WORDS,
    Act,
    Answer,
    AvailableAction,
    CaseSummary,
    DecisionExecutor,
    Done,
    FoundMatch,
    Group,
    ReviewSession,
    group_actions,
    record_actions,
    summarise_case,
)
from vhashdb.store import CaseState, FileCase, State

from ..output import counted
from ..screen.screen import Screen
from . import cases

if TYPE_CHECKING:
    from vhashdb import Database
    from vhashdb.store import CaseDecision, Record


@dataclass(frozen=True)
class Desk:
    """What a place needs to be looked at."""

    database: Database
    since: datetime.datetime
    """From when on matches count."""
    reasons: Mapping[Act, Sequence[str]]

    def summary(self, record: str) -> CaseSummary:
        """Return all that is known of a record.

        Raises:
            Gone: it is not in the database.
        """
        try:
            return summarise_case(self.database.store, self.database.moderation, record, since=self.since)
        except RecordNotFound as error:
            raise Gone(f"rec {record[:8]} is not in this database") from error


class Gone(Exception):
    """Nothing waits here any more, and why."""


class View(Protocol):
    """A place as it is now, on the screen."""

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered."""

    @property
    def files(self) -> tuple[FoundMatch, ...]:
        """The files that are shown, each once, in the order of their numbers."""

    def show(self, screen: Screen, session: ReviewSession, left_out: frozenset[int]) -> None:
        """Print what is known; files with these numbers are left out of the next answer."""

    def write(self, executor: DecisionExecutor, answer: Answer, left_out: frozenset[int]) -> Done:
        """Write an answer."""

    def settled(self, after: View) -> bool:
        """Return whether an answer left nothing of what waited, given how the place is after it."""

    def said(self, answer: Answer, done: Done, after: View | None, left_out: frozenset[int]) -> str:
        """Say what was written; without ``after`` nothing waits any more."""

    def said_back(self) -> str:
        """Say that it was taken back."""


class Place(Protocol):
    """Something to look at."""

    def look(self, desk: Desk) -> View:
        """Return it as it is now.

        Raises:
            Gone: nothing waits there any more.
        """


# -- a record ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecordPlace:
    """A record that waits, or records of one video that matched."""

    records: tuple[str, ...]

    def look(self, desk: Desk) -> RecordView:
        """Return it as it is now."""
        summaries = [summary for summary in map(desk.summary, self.records) if summary.cases and not summary.theirs_to_confirm]
        if not summaries:
            raise Gone(f"rec {self.records[0][:8]} does not wait any more: somebody decided meanwhile")
        return RecordView(summaries[0], tuple(summary.record for summary in summaries[1:]), desk)


@dataclass(frozen=True)
class RecordView:
    """A record on the screen."""

    summary: CaseSummary
    also: tuple[Record, ...]
    """Records of the same video that wait because they matched, too."""
    desk: Desk
    files: tuple[FoundMatch, ...] = ()

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered."""
        return record_actions(self.summary, self.desk.reasons)

    def show(self, screen: Screen, session: ReviewSession, left_out: frozenset[int]) -> None:  # noqa: ARG002  # there are no files
        """Print what is known."""
        cases.show_record(screen, session, self.summary, self.desk.since, [record.short_id for record in self.also])

    def write(self, executor: DecisionExecutor, answer: Answer, left_out: frozenset[int]) -> Done:  # noqa: ARG002  # there are no files
        """Write an answer."""
        return executor.carry_out(self.summary.record, answer, self.also)

    def settled(self, after: View) -> bool:
        """Return whether an answer left nothing of what waited before it."""
        assert isinstance(after, RecordView)
        return after.summary.record.id == self.summary.record.id and not self.summary.causes & after.summary.causes

    def said(self, answer: Answer, done: Done, after: View | None, left_out: frozenset[int]) -> str:  # noqa: ARG002  # there are no files
        """Say what was written."""
        what, before = DONE_WORDS[answer.act][0], self.summary.record
        if not done.final:
            return f"rec {before.short_id}: proposed to be {what}; another person has to confirm it"
        now = self.desk.database.get(before.id)
        state = f", it is {now.state} now" if now.state is not before.state else ""
        more = "" if after is None else "; it still waits: accept or reject it, or s for later"
        return f"rec {before.short_id}: {what}{state}{more}"

    def said_back(self) -> str:
        """Say that it was taken back."""
        record = self.summary.record
        return f"rec {record.short_id}: taken back, it is {record.state} as before; the record's history keeps both"


# -- matches -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GroupPlace:
    """Matches that one answer does for."""

    group: Group

    def look(self, desk: Desk) -> GroupView:
        """Return what of it is open."""
        before = Decisions.about(desk.database, self.group.found)
        open_ones = [one for one in self.group.found if before.wait(one)]
        if not open_ones:
            raise Gone("decided meanwhile")
        summaries, retracted = {}, set()
        for record in Group(tuple(open_ones)).records:
            summaries[record] = desk.summary(record)
            if summaries[record].record.state is State.RETRACTED:
                retracted.add(record)
        group = self.group.of(one.path for one in open_ones)
        group = group.without([one for one in group.found if one not in open_ones or one.record in retracted])
        if not group.found:
            raise Gone(f"rec {next(iter(retracted))[:8]} was retracted meanwhile")
        changed = tuple(dict.fromkeys(words for one in group.found if (words := before.changed(one))))
        return GroupView(group, summaries.get(group.found[0].record), changed, desk)


@dataclass(frozen=True)
class GroupView:
    """Matches on the screen."""

    group: Group
    summary: CaseSummary | None
    """Of the record that presses most; None of files that could not be checked."""
    changed: tuple[str, ...]
    """What was decided before, and what has changed since."""
    desk: Desk

    @property
    def files(self) -> tuple[FoundMatch, ...]:
        """The files, each once with the match that presses most."""
        return self.group.first_of_each

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered."""
        return group_actions(self.group, self.desk.reasons)

    def show(self, screen: Screen, session: ReviewSession, left_out: frozenset[int]) -> None:
        """Print what is known; files with these numbers are left out of the next answer."""
        since, changed = self.desk.since, self.changed
        cases.show_group(screen, session, self.group, self.summary, since=since, changed=changed, left_out=left_out)

    def answered(self, left_out: frozenset[int]) -> Group:
        """Return what an answer is about."""
        gone = {one.path for number, one in enumerate(self.files, 1) if number in left_out}
        return self.group.without([one for one in self.group.found if one.path in gone])

    def write(self, executor: DecisionExecutor, answer: Answer, left_out: frozenset[int]) -> Done:
        """Write an answer."""
        store = self.desk.database.store
        records = {record: store.get(record) for record in self.group.records}
        written = [
            FileCase(store.hits.file(one.sha256), records.get(one.record), one.verdict, one.score)
            for one in self.answered(left_out).found
            if one.sha256 is not None
        ]
        return executor.decide(written, answer)

    def settled(self, after: View) -> bool:  # noqa: ARG002  # what is shown again is open
        """Return whether an answer left nothing of what waited before it."""
        return False

    def said(self, answer: Answer, done: Done, after: View | None, left_out: frozenset[int]) -> str:  # noqa: ARG002  # always final
        """Say what was written."""
        more = "" if after is None else f"; {counted(len(left_out), 'file')} left, to be decided now"
        return f"{self._name(left_out)}: {DONE_WORDS[answer.act][0]}{more}"

    def said_back(self) -> str:
        """Say that it was taken back."""
        return f"{self._name(frozenset())}: taken back; the history keeps both"

    def _name(self, left_out: frozenset[int]) -> str:
        of = f"rec {self.group.found[0].record[:8]}, " if self.summary is not None else ""
        return f"{of}{counted(len(self.answered(left_out).files), 'file')}"


# -- what was decided before -------------------------------------------------------------------------


class Decisions:
    """What people decided about the files of a list, as the database has it now."""

    def __init__(self, keys: Mapping[str, str], decisions: Mapping[str, Sequence[CaseDecision]], actor: str) -> None:
        self._keys, self._decisions, self._actor = keys, decisions, actor

    @classmethod
    def about(cls, database: Database, found: Iterable[FoundMatch]) -> Decisions:
        """Read them, all at once."""
        hits = database.store.hits
        keys = {one.sha256: hits.file(one.sha256) for one in found if one.sha256 is not None}
        return cls(keys, hits.decisions(keys.values()), database.store.audit.actor)

    def of(self, one: FoundMatch) -> CaseDecision | None:
        """Return the decision about a match; None if there is none."""
        if one.sha256 is None:
            return None
        some = self._decisions.get(self._keys[one.sha256], ())
        return next((decision for decision in some if decision.record == one.record), None)

    def wait(self, one: FoundMatch) -> bool:
        """Tell whether a match waits for this person: nothing is decided, something has changed since, or somebody else passed it on."""
        decision = self.of(one)
        if decision is None or not decision.stands:
            return True
        return decision.state is CaseState.ESCALATED and decision.by != self._actor

    def passed_on(self, one: FoundMatch) -> bool:
        """Tell whether a match waits for somebody else."""
        decision = self.of(one)
        return decision is not None and not decision.closed and not self.wait(one)

    def changed(self, one: FoundMatch) -> str:
        """Say what was decided before about a match that waits again; empty if nothing was."""
        decision = self.of(one)
        return decision.words if decision is not None else ""


ANSWERS: Final[Mapping[CaseState, str]] = {
    CaseState.CONFIRMED: "right",
    CaseState.NOT_THIS: "wrong",
    CaseState.ESCALATED: "passed on",
    CaseState.LOOKED_AT: "looked at",
}
"""What a handover calls each decision."""
