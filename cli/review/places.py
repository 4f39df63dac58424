"""What a review goes through: records that wait, and groups of matches; what each shows, and what an answer to it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vhashdb.review import (
    DONE_WORDS,
    Answer,
    AvailableAction,
    DecisionExecutor,
    Desk,
    Done,
    FoundMatch,
    Group,
    OpenGroup,
    OpenRecord,
    ReviewSession,
)

from ..output import counted
from ..screen.screen import Screen
from . import cases


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
        return RecordView(OpenRecord.look(desk, self.records))


@dataclass(frozen=True)
class RecordView:
    """A record on the screen."""

    open: OpenRecord
    files: tuple[FoundMatch, ...] = ()

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered."""
        return self.open.actions

    def show(self, screen: Screen, session: ReviewSession, left_out: frozenset[int]) -> None:  # noqa: ARG002  # there are no files
        """Print what is known."""
        also = [record.short_id for record in self.open.also]
        cases.show_record(screen, session, self.open.summary, self.open.desk.since, also)

    def write(self, executor: DecisionExecutor, answer: Answer, left_out: frozenset[int]) -> Done:  # noqa: ARG002  # there are no files
        """Write an answer."""
        return self.open.write(executor, answer)

    def settled(self, after: View) -> bool:
        """Return whether an answer left nothing of what waited before it."""
        assert isinstance(after, RecordView)
        now, then = after.open.summary, self.open.summary
        return now.record.id == then.record.id and not then.causes & now.causes

    def said(self, answer: Answer, done: Done, after: View | None, left_out: frozenset[int]) -> str:  # noqa: ARG002  # there are no files
        """Say what was written."""
        what, before = DONE_WORDS[answer.act][0], self.open.summary.record
        if not done.final:
            return f"rec {before.short_id}: proposed to be {what}; another person has to confirm it"
        now = self.open.desk.database.get(before.id)
        state = f", it is {now.state} now" if now.state is not before.state else ""
        more = "" if after is None else "; it still waits: accept or reject it, or s for later"
        return f"rec {before.short_id}: {what}{state}{more}"

    def said_back(self) -> str:
        """Say that it was taken back."""
        record = self.open.summary.record
        return f"rec {record.short_id}: taken back, it is {record.state} as before; the record's history keeps both"


# -- matches -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GroupPlace:
    """Matches that one answer does for."""

    group: Group

    def look(self, desk: Desk) -> GroupView:
        """Return what of it is open."""
        return GroupView(OpenGroup.look(desk, self.group))


@dataclass(frozen=True)
class GroupView:
    """Matches on the screen."""

    open: OpenGroup

    @property
    def files(self) -> tuple[FoundMatch, ...]:
        """The files, each once with the match that presses most."""
        return self.open.group.first_of_each

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered."""
        return self.open.actions

    def show(self, screen: Screen, session: ReviewSession, left_out: frozenset[int]) -> None:
        """Print what is known; files with these numbers are left out of the next answer."""
        shown, since = self.open, self.open.desk.since
        cases.show_group(screen, session, shown.group, shown.summary, since=since, changed=shown.changed, left_out=left_out)

    def write(self, executor: DecisionExecutor, answer: Answer, left_out: frozenset[int]) -> Done:
        """Write an answer."""
        return self.open.write(executor, answer, self._paths(left_out))

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

    def _paths(self, numbers: frozenset[int]) -> set[str]:
        return {one.path for number, one in enumerate(self.files, 1) if number in numbers}

    def _name(self, left_out: frozenset[int]) -> str:
        of = f"rec {self.open.group.found[0].record[:8]}, " if self.open.summary is not None else ""
        return f"{of}{counted(len(self.open.without(self._paths(left_out)).files), 'file')}"
