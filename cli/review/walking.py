"""The session on a terminal: shows a case, asks, hands what was answered to the database, and says what came of it."""

from __future__ import annotations

import contextlib
import datetime
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from vhashdb.errors import RecordNotFound, UsageError, VhashdbError
from vhashdb.review import (
    DONE_WORDS,
    Answer,
    AvailableAction,
    CaseSummary,
    DecisionExecutor,
    Done,
    Effect,
    FoundMatch,
    ReviewSession,
    Undo,
    WrittenAnswer,
    match_actions,
    record_actions,
    summarise_case,
)
from vhashdb.store import State

from ..batch import undisturbed
from ..common import Stopped
from ..hints import with_options
from ..output import emit, fitted, printable
from ..screen.screen import Screen
from . import cases

if TYPE_CHECKING:
    from vhashdb import Database


class Answers:
    """Lines of an input, each asked for; bytes that are not text become marks, as in file names."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._typed = stream.isatty()

    def ask(self, prompt: str) -> str | None:
        """Return the next line, without its end; None if there will be no more."""
        sys.stdout.write(fitted(f"{prompt} ", sys.stdout))
        sys.stdout.flush()
        line = self._stream.readline()
        text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if not line or not self._typed:  # what was not typed is not on the screen yet
            emit(text.encode("utf-8", "backslashreplace").decode())
        return text if line else None


def answers(taken: bool) -> Answers:
    """Of standard input, or of the terminal itself if the input is taken.

    Raises:
        UsageError: there is no terminal.
    """
    if not taken:
        return Answers(sys.stdin.buffer)
    try:
        return Answers(open("/dev/tty", "rb"))  # for as long as the program runs
    except OSError as error:
        raise UsageError(
            "standard input has the matches, and there is no terminal for the answers", hint="save the matches in a file, and name it"
        ) from error


class Place(Protocol):
    """Something to look at on the session."""

    @property
    def record(self) -> str:
        """The full id of the record it is about."""

    @property
    def sha256(self) -> str | None:
        """Of the file that matched, if it is about one."""

    def waits(self, summary: CaseSummary) -> bool:
        """Return whether anything is left to decide."""

    def settled(self, before: CaseSummary, after: CaseSummary) -> bool:
        """Return whether an answer left nothing of what waited before it."""

    def available_actions(self, summary: CaseSummary) -> tuple[AvailableAction, ...]:
        """Return what may be answered."""

    def show(self, screen: Screen, session: ReviewSession, summary: CaseSummary, since: datetime.datetime) -> None:
        """Print what is known."""


@dataclass(frozen=True)
class RecordPlace:
    """A record that waits."""

    record: str
    sha256: str | None = None

    def waits(self, summary: CaseSummary) -> bool:
        """Return whether anything is left to decide."""
        return bool(summary.cases) and not summary.theirs_to_confirm

    def settled(self, before: CaseSummary, after: CaseSummary) -> bool:
        """Return whether an answer left nothing of what waited before it."""
        return after.theirs_to_confirm or not before.causes & after.causes

    def available_actions(self, summary: CaseSummary) -> tuple[AvailableAction, ...]:
        """Return what may be answered."""
        return record_actions(summary)

    def show(self, screen: Screen, session: ReviewSession, summary: CaseSummary, since: datetime.datetime) -> None:
        """Print what is known."""
        cases.show_record(screen, session, summary, since)


@dataclass(frozen=True)
class MatchPlace:
    """One match of one file."""

    found: FoundMatch

    @property
    def record(self) -> str:
        """The full id of the record it is about."""
        return self.found.record

    @property
    def sha256(self) -> str | None:
        """Of the file that matched."""
        return self.found.sha256

    def waits(self, summary: CaseSummary) -> bool:
        """Return whether anything is left to decide."""
        return summary.record.state is not State.RETRACTED

    def settled(self, before: CaseSummary, after: CaseSummary) -> bool:  # noqa: ARG002  # an answer says all there is to say of a match
        """Return whether an answer left nothing of what waited before it."""
        return True

    def available_actions(self, summary: CaseSummary) -> tuple[AvailableAction, ...]:
        """Return what may be answered."""
        return match_actions(summary, self.found)

    def show(self, screen: Screen, session: ReviewSession, summary: CaseSummary, since: datetime.datetime) -> None:
        """Print what is known."""
        cases.show_match(screen, session, self.found, summary, since)


class Walking:
    """One session of one person."""

    def __init__(self, database: Database, places: Sequence[Place], since: datetime.datetime, answers: Answers) -> None:
        self._database, self._places, self._since, self._answers = database, places, since, answers
        self._executor = DecisionExecutor(database.store, database.moderation)
        self._screen = Screen()
        self._session = ReviewSession.through(len(places))
        self._done: list[Done] = []
        """One for each decision of the session."""
        self._summary: CaseSummary | None = None
        """Of the case on the screen."""
        self._available: tuple[AvailableAction, ...] = ()

    def run(self) -> None:
        """Until the person or the input ends it, or nothing is left.

        Raises:
            Stopped: Ctrl-C.
        """
        try:
            while not self._session.over:
                if self._session.draft is None and not self._session.at_end and self._summary is None and not self._shown():
                    continue
                if self._session.at_end:
                    cases.show_end(self._screen, self._session)
                line = self._answers.ask(cases.prompt(self._screen, self._session.draft, self._session.asking, self._available))
                if line is None:
                    break
                self._answered(line)
        except KeyboardInterrupt:
            self._screen.line("")
            raise Stopped(self.summary(), "what was decided is kept; the same command goes on with the rest") from None
        self._screen.line("")
        self._screen.line(self.summary())

    def summary(self) -> str:
        """Return what was decided, and how much is left."""
        counts = Counter(_counted(decided.answer, done) for decided, done in zip(self._session.decided, self._done, strict=True))
        decided = f"{len(self._session.decided)} decided"
        parts = ", ".join(f"{number} {what}" for what, number in counts.items())
        return f"{decided} ({parts}), {self._session.left} left" if parts else f"{decided}, {self._session.left} left"

    @property
    def decided(self) -> tuple[WrittenAnswer, ...]:
        """What was answered, and not taken back."""
        return self._session.decided

    def _shown(self) -> bool:
        """Show the case at hand; False if it does not wait any more."""
        place = self._places[self._session.place]
        try:
            self._summary = self._read(place.record)
        except RecordNotFound:
            return self._gone(f"rec {place.record[:8]} is not in this database")
        if not place.waits(self._summary):
            return self._gone(f"rec {place.record[:8]} does not wait any more: somebody decided meanwhile")
        self._available = place.available_actions(self._summary)
        place.show(self._screen, self._session, self._summary, self._since)
        cases.show_actions(self._screen, self._available)
        return True

    def _gone(self, why: str) -> bool:
        self._screen.line(f"{self._session.place + 1} of {self._session.total}   {why}")
        self._summary = None
        self._session = self._session.settled_elsewhere()
        return False

    def _answered(self, line: str) -> None:
        before = self._session.place
        if line.strip() == "?" and self._session.draft is None:
            self._summary = None
            return
        step = self._session.answer(line, self._available)
        self._session = step.session
        if step.note:
            self._screen.line(step.note)
        if step.effect is not None:
            self._carry_out(step.effect)
        if self._session.place != before or step.effect is not None:
            self._summary = None

    def _carry_out(self, effect: Effect) -> None:
        try:
            with undisturbed(math.inf):  # written and counted, or neither
                said = self._taken_back() if isinstance(effect, Undo) else self._written(effect)
        except _Refused as refused:
            error = refused.error
            self._screen.line(f"nothing was written: {printable(error.message)}")
            if error.hint:
                self._screen.line(printable(with_options(error.hint)), indent=2)
            return
        self._screen.line(said)

    def _written(self, answer: Answer) -> str:
        assert self._summary is not None  # its case is on the screen
        place, before = self._places[self._session.place], self._summary
        with self._refusing():
            done = self._executor.carry_out(before.record, answer, place.sha256)
        settled = place.settled(before, self._read(place.record))
        self._done.append(done)
        self._session = self._session.done(settled=settled)
        what, record = DONE_WORDS[answer.act][0], done.record
        if not done.final:
            return f"rec {record.short_id}: proposed to be {what}; another person has to confirm it"
        state = f", it is {record.state} now" if record.state is not before.record.state else ""
        more = "" if settled else "; it still waits: accept or reject it, or s for later"
        return f"rec {record.short_id}: {what}{state}{more}"

    def _taken_back(self) -> str:
        with self._refusing():
            record = self._executor.take_back(self._done[-1])
        self._done.pop()
        self._session = self._session.done()
        return f"rec {record.short_id}: taken back, it is {record.state} as before; the record's history keeps both"

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """What cannot be written leaves the session as it was."""
        try:
            yield
        except VhashdbError as error:
            self._session = self._session.refused()
            raise _Refused(error) from error

    def _read(self, record: str) -> CaseSummary:
        return summarise_case(self._database.store, self._database.moderation, record, since=self._since)


class _Refused(Exception):
    """Nothing was written, and why."""

    def __init__(self, error: VhashdbError) -> None:
        super().__init__(error.message)
        self.error = error


def _counted(answer: Answer, done: Done) -> str:
    what = DONE_WORDS[answer.act][1]
    return what if done.final else f"proposed to be {what}"
