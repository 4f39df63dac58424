"""The session through a number of cases as a state machine: typed lines in, effects out, and nothing else happens.

A session stands before one place at a time. There a person picks an act, answers the questions that belong to it, and with
the last one the session gives an `Answer` out. It then waits for whoever wrote it to the database: `ReviewSession.done`, after which
the next open place is shown, or `ReviewSession.refused`, after which all is as before. So what is decided here is what is written
there, whenever the session ends. An answer that leaves something to decide, such as an opinion on a record that is held, is
done without settling its place, which stays open.

Everywhere but in a text ``b`` goes back, and ``q`` ends; a text that is one of these letters alone counts as the letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vhashdb.review.answers import QUESTIONS, Answer, Ask, AvailableAction, replied


@dataclass(frozen=True)
class Undo:
    """The last decision, which was made at this place, is to be taken back."""

    place: int


Effect = Answer | Undo
"""What a line that somebody typed asks for: to write an answer, or to take the last one back."""


@dataclass(frozen=True)
class Step:
    """Result of a typed line."""

    session: ReviewSession
    effect: Effect | None = None
    """To be carried out, and then told to the session."""
    note: str = ""
    """Message for the person; empty if there is none."""


@dataclass(frozen=True)
class WrittenAnswer:
    """An answer that was written."""

    place: int
    answer: Answer
    settled: bool
    """Whether nothing is left to decide there."""


@dataclass(frozen=True)
class ReviewSession:
    """A session through ``total`` cases; begin with `ReviewSession.through`."""

    total: int
    place: int = 0
    """The case that is shown, from 0; ``total`` after the last."""
    decided: tuple[WrittenAnswer, ...] = ()
    """Answers that were written, oldest first."""
    gone: frozenset[int] = frozenset()
    """Places that somebody else settled meanwhile."""
    draft: Answer | None = None
    """The act that was picked, with what was answered to it so far."""
    answered: int = 0
    """Number of the act's questions that are answered."""
    pending: Effect | None = None
    """Effect that was given out and not heard of since."""
    over: bool = False

    @classmethod
    def through(cls, total: int) -> ReviewSession:
        """Return a session that stands before the first of so many cases."""
        return cls(total, over=not total)

    @property
    def asking(self) -> Ask | None:
        """The question that is open; None when an act is to be picked."""
        return QUESTIONS[self.draft.act][self.answered] if self.draft is not None else None

    @property
    def at_end(self) -> bool:
        """Whether all cases were shown, and there is something that could be taken back."""
        return self.place == self.total and not self.over

    @property
    def settled(self) -> frozenset[int]:
        """Places at which nothing is open any more."""
        return self.gone | {decided.place for decided in self.decided if decided.settled}

    @property
    def left(self) -> int:
        """Cases that are open, the one that is shown included."""
        return self.total - len(self.settled)

    # -- what a person types -------------------------------------------------------------------

    def answer(self, line: str, actions: Sequence[AvailableAction]) -> Step:
        """Take a typed line, given the actions that are available for the case that is shown.

        Raises:
            ValueError: the session is over, or the last effect was not heard of.
        """
        if self.over or self.pending is not None:
            raise ValueError("the session is over" if self.over else "the last effect is neither done nor refused")
        text = line.strip()
        word = text.lower()
        if word == "q":
            return Step(replace(self._open(), over=True))
        if self.draft is not None:
            return Step(self._open()) if word == "b" else self._replied(text)
        moves = {"s": self._skipped, "b": self._back, "u": self._undone}
        if self.at_end:
            moves["s"] = moves[""] = self._ended
        if word in moves:
            return moves[word]()
        picked = next((action for action in actions if text == action.key), None)
        picked = picked or next((action for action in actions if word in (action.key.lower(), action.act)), None)
        if picked is None or self.at_end:
            return Step(self, note="type one of the letters on the left" if not self.at_end else "type u, b, or Enter alone")
        return Step(replace(self, draft=Answer(picked.act, basis=picked.basis, reasons=picked.reasons), answered=0))

    def _replied(self, text: str) -> Step:
        """Return the answer to one of the act's questions."""
        assert self.draft is not None  # an act was picked
        assert self.asking is not None
        changed = replied(self.draft, self.asking, text)
        if isinstance(changed, str):
            return Step(self, note=changed)
        session = replace(self, draft=changed, answered=self.answered + 1)
        if session.answered < len(QUESTIONS[changed.act]):
            return Step(session)
        return Step(replace(session._open(), pending=changed), changed)

    def _skipped(self) -> Step:
        return Step(self._to_next(self.place + 1))

    def _ended(self) -> Step:
        return Step(replace(self, over=True))

    def _back(self) -> Step:
        before = [place for place in range(self.place) if place not in self.settled]
        if not before:
            return Step(self, note="nothing before this one is open; u takes the last decision back")
        return Step(replace(self, place=before[-1]))

    def _undone(self) -> Step:
        if not self.decided:
            return Step(self, note="nothing was decided in this run, so there is nothing to take back")
        effect = Undo(self.decided[-1].place)
        return Step(replace(self, pending=effect), effect)

    # -- what came of it -----------------------------------------------------------------------

    def done(self, *, settled: bool = True) -> ReviewSession:
        """Go on after the effect was written; ``settled``: nothing is left to decide at the place of an answer."""
        if isinstance(self.pending, Undo):
            return replace(self, pending=None, decided=self.decided[:-1], place=self.pending.place)
        if self.pending is None:
            raise ValueError("there is no effect that could be done")
        decided = replace(self, pending=None, decided=(*self.decided, WrittenAnswer(self.place, self.pending, settled)))
        return decided._to_next(self.place + 1) if settled else decided

    def refused(self) -> ReviewSession:
        """Go on as before, after the effect could not be written."""
        if self.pending is None:
            raise ValueError("there is no effect that could be refused")
        return replace(self, pending=None)

    def settled_elsewhere(self) -> ReviewSession:
        """Go on after somebody else settled the case that is shown."""
        if self.pending is not None or self.place == self.total:
            raise ValueError("no case is shown")
        return replace(self._open(), gone=self.gone | {self.place})._to_next(self.place + 1)

    def _open(self) -> ReviewSession:
        """Drop the act that was picked."""
        return replace(self, draft=None, answered=0)

    def _to_next(self, place: int) -> ReviewSession:
        while place < self.total and place in self.settled:
            place += 1
        return replace(self, place=place, over=place == self.total and not self.decided)
