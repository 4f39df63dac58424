"""What was asked of the service and has to be kept: questions that wait for an answer, and those that wait for people.

A question is written down before whoever asked is told that it was taken, so that it survives a process that is killed. Its file lies in
the folder of uploads until nobody needs it any more: without a match until it is answered, else until people have decided.
"""

from __future__ import annotations

import datetime
import enum
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.store.clock import now_utc
from vhashdb.store.records_file import Store
from vhashdb.store.service_schema import question

MAX_ATTEMPTS: Final = 3
"""How often a question is begun before it is given up: a file that ends the process each time must not do so for ever."""
CLAIM: Final = datetime.timedelta(minutes=30)
"""For how long a case is somebody's who claimed it, unless they claim it again."""


class QuestionState(enum.StrEnum):
    """How far a question is."""

    WAITING = "waiting"
    RUNNING = "running"
    ANSWERED = "answered"


class AlreadyClaimed(UsageError):
    """Somebody else is about to decide."""

    hint = "take another case"


@dataclass(frozen=True)
class Question:
    """One question, with its answer once there is one."""

    id: str
    state: QuestionState
    by: str
    """Name of the key that asked."""
    name: str
    """What whoever asked calls the file."""
    options: dict[str, Any]
    made_at: datetime.datetime
    changed_at: datetime.datetime
    attempts: int
    review: bool
    """Whether people look at it if something is found."""
    file: str
    """Its file in the folder of uploads; empty once it is gone."""
    size: int
    """Bytes of the file."""
    answer: dict[str, Any] | None
    """As whoever asked gets it."""
    webhook: str
    """Who is still to be told that it is answered; empty: nobody."""
    claimed_by: str = ""
    claimed_until: datetime.datetime | None = None
    front: str = ""
    """Which front of the service answers it and tells the webhook; empty where there is one alone."""


class Questions:
    """The questions of one database."""

    def __init__(self, store: Store, front: str = "") -> None:
        """``front``: which front of a service this is, if there may be several."""
        self._transactions, self._front = store.transactions, front

    def add(
        self,
        *,
        by: str,
        name: str,
        options: dict[str, Any],
        review: bool,
        file: str,
        size: int,
        webhook: str = "",
        answer: dict[str, Any] | None = None,
    ) -> Question:
        """Write a question down, waiting, or with the answer that it got already."""
        now, state = now_utc(), QuestionState.WAITING if answer is None else QuestionState.ANSWERED
        made = Question(
            secrets.token_hex(16), state, by, name, options, now, now, 0, review, file, size, answer, webhook, front=self._front
        )  # fmt: skip
        with self._transactions.writing() as connection:
            connection.execute(question.insert().values(**_row(made)))
        return made

    def get(self, identifier: str) -> Question:
        """Return a question.

        Raises:
            RecordNotFound: there is none, or it was dealt with and is not kept any more.
        """
        with self._transactions.reading() as connection:
            return _get(connection, identifier)

    def all(
        self,
        states: Collection[QuestionState] = tuple(QuestionState),
        *,
        by: str | None = None,
        review: bool | None = None,
        after: str = "",
        limit: int | None = None,
        newest: bool = False,
    ) -> list[Question]:
        """Return questions, oldest first.

        Args:
            states: those that count.
            by: name of the key that asked; None: of all.
            review: those that people look at, or those that they do not; None: both.
            after: id of the question after which to begin; empty: at the beginning.
            limit: how many at most.
            newest: whether the newest come first.

        Raises:
            UsageError: there is no question ``after``.
        """
        query = sa.select(question).where(question.c.state.in_([state.value for state in states]))
        query = query if by is None else query.where(question.c.by == by)
        query = query if review is None else query.where(question.c.review == review)
        order = (question.c.made_at.desc(), question.c.id.desc()) if newest else (question.c.made_at, question.c.id)
        with self._transactions.reading() as connection:
            if after:
                row = connection.execute(sa.select(question.c.made_at).where(question.c.id == after)).first()
                if row is None:
                    raise UsageError("the cursor is of a question that is not kept any more", hint="begin at the first page")
                query = query.where(sa.tuple_(question.c.made_at, question.c.id) > sa.tuple_(sa.literal(row.made_at), sa.literal(after)))
            return [_question(row) for row in connection.execute(query.order_by(*order).limit(limit)).mappings()]

    def names(self, identifiers: Collection[str]) -> dict[str, str]:
        """Return what the files of questions are called, by id."""
        query = sa.select(question.c.id, question.c.name).where(question.c.id.in_(identifiers))
        with self._transactions.reading() as connection:
            return {row.id: row.name for row in connection.execute(query)}

    def forget_answered(self, before: datetime.datetime) -> None:
        """Delete questions that nobody looks at, and of whose answers nobody has to be told, if they were answered before a time."""
        done = (
            question.c.state == QuestionState.ANSWERED.value,
            sa.not_(question.c.review),
            question.c.webhook == "",
            question.c.file == "",
        )
        with self._transactions.writing() as connection:
            connection.execute(question.delete().where(*done, question.c.changed_at < before))

    def count(self, state: QuestionState) -> int:
        """Count the questions of this front in a state."""
        query = sa.select(sa.func.count()).select_from(question).where(question.c.state == state.value, self._mine)
        with self._transactions.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def kept_bytes(self) -> int:
        """Add up the bytes of the files that are kept."""
        query = sa.select(sa.func.coalesce(sa.func.sum(question.c.size), 0)).where(question.c.file != "")
        with self._transactions.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def files(self) -> set[str]:
        """Return the names of all files that are kept."""
        with self._transactions.reading() as connection:
            return set(connection.execute(sa.select(question.c.file).where(question.c.file != "")).scalars())

    # -- answering -----------------------------------------------------------------------------

    def begin(self) -> Question | None:
        """Take the question of this front that has waited longest, so that nobody else begins it; None if none waits."""
        if not self.count(QuestionState.WAITING):  # without the lock that writing needs
            return None
        with self._transactions.writing() as connection:
            waiting = sa.select(question).where(question.c.state == QuestionState.WAITING.value, self._mine)
            query = waiting.order_by(question.c.made_at, question.c.id)
            row = connection.execute(query.limit(1)).mappings().first()
            if row is None:
                return None
            begun = replace(_question(row), state=QuestionState.RUNNING, attempts=row["attempts"] + 1, changed_at=now_utc())
            connection.execute(question.update().where(question.c.id == begun.id).values(**_row(begun)))
        return begun

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return question.c.front == self._front

    def again(self) -> int:
        """Let everything of this front wait again that was begun by a process that is gone; return how many that are."""
        with self._transactions.writing() as connection:
            running = question.update().where(question.c.state == QuestionState.RUNNING.value, self._mine)
            return int(connection.execute(running.values(state=QuestionState.WAITING.value)).rowcount)

    def take_over(self, fronts: Collection[str] | None, *, files: bool = True) -> int:
        """Make the questions of fronts that are gone this one's: what was begun waits again, and webhooks are told from here.

        Args:
            fronts: that are gone; None: all others, where there is one alone.
            files: whether this front sees their files; else what waits and has one is left to them.

        Returns:
            How many there were.
        """
        theirs = ~self._mine if fronts is None else question.c.front.in_(set(fronts) - {self._front})
        unanswered = question.c.state != QuestionState.ANSWERED.value
        open_ = sa.or_(unanswered, question.c.webhook != "")  # of all others it does not matter whose they are
        can_be = sa.true() if files else sa.or_(~unanswered, question.c.file == "")
        with self._transactions.reading() as connection:  # without the lock that writing needs
            if connection.execute(sa.select(question.c.id).where(theirs, open_, can_be).limit(1)).first() is None:
                return 0
        state = sa.case((unanswered, QuestionState.WAITING.value), else_=question.c.state)
        with self._transactions.writing() as connection:
            taken = question.update().where(theirs, open_, can_be).values(state=state, front=self._front)
            return int(connection.execute(taken).rowcount)

    def put_back(self, identifier: str) -> None:
        """Let a question wait again that could not be answered for want of the database; that was no attempt."""
        with self._transactions.writing() as connection:
            running = question.update().where(question.c.id == identifier, *self._begun)
            connection.execute(running.values(state=QuestionState.WAITING.value, attempts=question.c.attempts - 1))

    @property
    def _begun(self) -> tuple[sa.ColumnElement[bool], ...]:
        """Conditions on what this front began, and nobody took over since because it seemed to be gone."""
        return question.c.state == QuestionState.RUNNING.value, self._mine

    def answered(self, identifier: str, answer: dict[str, Any], *, keeps_file: bool) -> Question | None:
        """Write the answer down, and whether the file is needed any more; None if the question is not this front's any more."""
        values = {"state": QuestionState.ANSWERED.value, "answer": json.dumps(answer), "changed_at": now_utc()}
        values |= {} if keeps_file else {"file": "", "size": 0}
        with self._transactions.writing() as connection:
            if not connection.execute(question.update().where(question.c.id == identifier, *self._begun).values(**values)).rowcount:
                return None
            return _get(connection, identifier)

    def told(self, identifier: str) -> None:
        """Note that whoever was to be told of the answer was."""
        with self._transactions.writing() as connection:
            connection.execute(question.update().where(question.c.id == identifier).values(webhook=""))

    def untold(self) -> list[Question]:
        """Return the questions of this front that are answered and whose webhook was not told of it, oldest first."""
        query = sa.select(question).where(question.c.webhook != "", question.c.state == QuestionState.ANSWERED.value, self._mine)
        with self._transactions.reading() as connection:
            return [_question(row) for row in connection.execute(query.order_by(question.c.changed_at, question.c.id)).mappings()]

    # -- people --------------------------------------------------------------------------------

    def claim(self, identifiers: Sequence[str], who: str) -> None:
        """Say that somebody is about to decide, so that others take something else; for `CLAIM`.

        Raises:
            AlreadyClaimed: somebody else did.
        """
        now = now_utc()
        with self._transactions.writing() as connection:
            for identifier in identifiers:
                held = _get(connection, identifier)
                if held.claimed_by not in ("", who) and held.claimed_until is not None and held.claimed_until > now:
                    raise AlreadyClaimed(f"{held.claimed_by} is at it until {held.claimed_until:%H:%M} UTC")
            some = question.update().where(question.c.id.in_(identifiers))
            connection.execute(some.values(claimed_by=who, claimed_until=now + CLAIM))

    def give_up(self, identifiers: Sequence[str], who: str) -> None:
        """Let others decide about what somebody claimed."""
        with self._transactions.writing() as connection:
            some = question.update().where(question.c.id.in_(identifiers), question.c.claimed_by == who)
            connection.execute(some.values(claimed_by="", claimed_until=None))

    def file_gone(self, identifier: str) -> None:
        """Note that the file of a question is not kept any more."""
        with self._transactions.writing() as connection:
            connection.execute(question.update().where(question.c.id == identifier).values(file="", size=0))

    def files_gone(self, files: Collection[str]) -> None:
        """Note that files are not kept any more, by their names."""
        with self._transactions.writing() as connection:
            for file in files:
                connection.execute(question.update().where(question.c.file == file).values(file="", size=0))

    def forget(self, identifiers: Collection[str]) -> None:
        """Delete questions, with their answers and the names of their files."""
        with self._transactions.writing() as connection:
            connection.execute(question.delete().where(question.c.id.in_(identifiers)))


def _get(connection: Connection, identifier: str) -> Question:
    row = connection.execute(sa.select(question).where(question.c.id == identifier)).mappings().first()
    if row is None:
        raise no_question(identifier)
    return _question(row)


def no_question(identifier: str) -> RecordNotFound:
    """Return the error that says that there is no such question."""
    return RecordNotFound(f"there is no question {identifier!r}", hint="a question that was dealt with is kept for a while only")


def _row(value: Question) -> dict[str, Any]:
    answer = "" if value.answer is None else json.dumps(value.answer)
    return vars(value) | {"state": value.state.value, "options": json.dumps(value.options), "answer": answer}


def _question(row: Any) -> Question:
    answer = json.loads(row["answer"]) if row["answer"] else None
    changed = {"state": QuestionState(row["state"]), "options": json.loads(row["options"]), "answer": answer}
    return Question(**{**row, **changed})
