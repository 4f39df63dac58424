"""The session on a terminal: shows a case, asks, hands what was answered to the database, and says what came of it."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vhashdb.errors import VhashdbError
from vhashdb.review import DONE_WORDS, Answer, AvailableAction, DecisionExecutor, Desk, Done, Effect, Gone, ReviewSession, Undo

from ..batch import undisturbed
from ..common import Stopped
from ..hints import with_options
from ..output import printable
from ..screen.screen import Screen
from . import cases
from .keys import Answers
from .places import Place, View
from .player import Player


@dataclass(frozen=True)
class _Written:
    """A decision, and what was on the screen when it was made."""

    done: Done
    view: View


class Walking:
    """One session of one person."""

    def __init__(self, desk: Desk, places: Sequence[Place], answers: Answers, player: Player) -> None:
        self._desk, self._places, self._answers, self._player = desk, places, answers, player
        self._executor = DecisionExecutor(desk.database.store, desk.database.moderation)
        self._screen = Screen()
        self._session = ReviewSession.through(len(places))
        self._written: list[_Written] = []
        """One for each decision of the session."""
        self._view: View | None = None
        """Of the case on the screen."""
        self._available: tuple[AvailableAction, ...] = ()
        self._left_out: frozenset[int] = frozenset()
        """Numbers of the files on the screen that the next answer is not about."""
        self._played = 0
        """Number of the file that was opened last."""

    def run(self) -> None:
        """Until the person or the input ends it, or nothing is left.

        Raises:
            Stopped: Ctrl-C.
        """
        try:
            while not self._session.over:
                if self._session.draft is None and not self._session.at_end and self._view is None and not self._shown():
                    continue
                if self._session.at_end:
                    cases.show_end(self._screen, self._session)
                line = self._answers.ask(cases.prompt(self._screen, self._session, self._available), self._session.asking)
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
        pairs = zip(self._session.decided, self._written, strict=True)
        counts = Counter(_counted(decided.answer, written.done) for decided, written in pairs)
        decided = f"{len(self._session.decided)} decided"
        parts = ", ".join(f"{number} {what}" for what, number in counts.items())
        return f"{decided} ({parts}), {self._session.left} left" if parts else f"{decided}, {self._session.left} left"

    def _shown(self) -> bool:
        """Show the case at hand; False if it does not wait any more."""
        try:
            self._view = self._places[self._session.place].look(self._desk)
        except Gone as gone:
            self._screen.line(f"{self._session.place + 1} of {self._session.total}   {gone}")
            self._session = self._session.settled_elsewhere()
            return False
        self._available = self._view.actions
        self._view.show(self._screen, self._session, self._left_out)
        cases.show_actions(self._screen, self._available, files=len(self._view.files))
        return True

    def _answered(self, line: str) -> None:
        before = self._session.place
        if self._session.draft is None and not self._session.at_end and self._done_here(line.strip()):
            return
        step = self._session.answer(line, self._available)
        self._session = step.session
        if step.note:
            self._screen.line(step.note)
        if step.effect is not None:
            self._carry_out(step.effect)
        if self._session.place != before or step.effect is not None:
            self._view, self._left_out, self._played = None, frozenset(), 0

    def _done_here(self, text: str) -> bool:
        """Do what changes nothing but the screen: show again, leave files out, open one."""
        assert self._view is not None
        files = self._view.files
        if text == "?":
            self._view = None
        elif text[:1] == "x" and len(files) > 1:
            self._leave_out(text[1:], len(files))
        elif text[:1] == "o" and files:
            self._open(text[1:].strip())
        else:
            return False
        return True

    def _leave_out(self, text: str, count: int) -> None:
        words = text.replace(",", " ").split()
        numbers = {int(word) for word in words if word.isdecimal() and 1 <= int(word) <= count}
        if not words or len(numbers) < len(set(words)):
            self._screen.line(f"type x and the numbers of the files that the answer is not about, from 1 to {count}")
            return
        chosen = self._left_out ^ numbers
        if len(chosen) == count:
            self._screen.line("that leaves none to decide about")
            return
        self._left_out, self._view = frozenset(chosen), None

    def _open(self, text: str) -> None:
        assert self._view is not None
        files = self._view.files
        self._played = int(text) if text.isdecimal() and 1 <= int(text) <= len(files) else self._played % len(files) + 1
        found = files[self._played - 1]
        self._screen.line(self._player.open(found.path, found.starts_s))

    def _carry_out(self, effect: Effect) -> None:
        try:
            with undisturbed(math.inf):  # written and counted, or neither
                said = self._taken_back() if isinstance(effect, Undo) else self._write(effect)
        except _Refused as refused:
            error = refused.error
            self._screen.line(f"nothing was written: {printable(error.message)}")
            if error.hint:
                self._screen.line(printable(with_options(error.hint)), indent=2)
            return
        self._screen.line(said)

    def _write(self, answer: Answer) -> str:
        assert self._view is not None  # its case is on the screen
        before = self._view
        with self._refusing():
            done = before.write(self._executor, answer, self._left_out)
        after = self._after()
        settled = after is None or before.settled(after)
        self._written.append(_Written(done, before))
        self._session = self._session.done(settled=settled)
        return before.said(answer, done, None if settled else after, self._left_out)

    def _after(self) -> View | None:
        """How the place is after an answer; None if nothing waits there any more."""
        try:
            return self._places[self._session.place].look(self._desk)
        except Gone:
            return None

    def _taken_back(self) -> str:
        last = self._written[-1]
        with self._refusing():
            self._executor.take_back(last.done)
        self._written.pop()
        self._session = self._session.done()
        return last.view.said_back()

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """What cannot be written leaves the session as it was."""
        try:
            yield
        except VhashdbError as error:
            self._session = self._session.refused()
            raise _Refused(error) from error


class _Refused(Exception):
    """Nothing was written, and why."""

    def __init__(self, error: VhashdbError) -> None:
        super().__init__(error.message)
        self.error = error


def _counted(answer: Answer, done: Done) -> str:
    what = DONE_WORDS[answer.act][1]
    return what if done.final else f"proposed to be {what}"
