"""Decide about the records in the queue, alone or in pairs."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import LOCAL
from vhashdb.errors import UsageError
from vhashdb.store import feed_schema as tables
from vhashdb.store import queue, schema
from vhashdb.store.clock import now_utc
from vhashdb.store.hits import settle_in
from vhashdb.store.promotion import refresh_disputes
from vhashdb.store.queue import Case, Cause, RecentMatches
from vhashdb.store.records import Record, State
from vhashdb.store.records_file import Store
from vhashdb.store.settings import Rules, read_rules, write_rules
from vhashdb.store.undoing import UndoRecorder, UndoState, take_back

__all__ = ["Case", "Cause", "Decision", "Outcome", "Reviews"]


class Decision(enum.StrEnum):
    """Outcome of a review."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Outcome:
    """Result of a decision."""

    record: Record
    decision: Decision
    final: bool
    """False: a second person has to confirm it."""
    memory: UndoState
    """For `Reviews.undo`."""

    def to_json(self) -> dict[str, Any]:
        """Return the record with what was decided, as a `decided-record`."""
        return self.record.to_json() | {"decision": self.decision.value, "final": self.final}


class Reviews:
    """The queue of one database, and the decisions of its people."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transactions = store.transactions

    @property
    def rules(self) -> Rules:
        """Rules that the people here agreed on."""
        with self._transactions.reading() as connection:
            return read_rules(connection)

    def set_rules(self, rules: Rules) -> None:
        """Agree on something else."""
        with self._transactions.writing() as connection:
            write_rules(connection, rules)
            self._store.audit.log_in(connection, "rules", None, **vars(rules))

    # -- the queue -----------------------------------------------------------------------------

    def queue(
        self, *, record: str | None = None, today: datetime.date | None = None, matched_since: datetime.datetime | None = None
    ) -> list[Case]:
        """List the cases that wait for a person, oldest first; of one record or of all.

        Args:
            record: the full id of the only record to ask about.
            today: the day on which records are due or expire; today unless given.
            matched_since: also give the records that matched a file since then (UTC, without a time zone) about which nobody
                has decided, and that do not wait for another reason; the last match first.
        """
        with self._transactions.reading() as connection:
            return queue.waiting(connection, today or self._store.now().date(), matched_since=matched_since, record=record)

    def hits(self, record: Record, since: datetime.datetime) -> RecentMatches | None:
        """Count the files that matched a record since then (UTC, without a time zone); None if there were none."""
        with self._transactions.reading() as connection:
            return queue.hits(connection, [record.id], since).get(record.id)

    # -- decisions -----------------------------------------------------------------------------

    def decide(self, record: Record, decision: Decision, *, reason: str) -> Outcome:
        """Accept a record, which then matches as far as its action cap allows, or reject it, which retracts it here for good.

        Where two people are required, the first only proposes. To accept a record of one's own whose day has come also
        takes that day away; for another publisher's it is settled until the publisher names another day.

        Raises:
            UsageError: there is nothing to decide, or the same person would decide alone.
        """
        causes = {case.cause for case in self.queue(record=record.id)}
        if not causes and decision is Decision.ACCEPTED:
            raise UsageError(f"record {record.short_id} does not wait for a review", hint="`Reviews.queue` lists what does")
        with self._transactions.writing() as connection:
            row = connection.execute(sa.select(schema.record).where(schema.record.c.id == record.id)).mappings().one()
            if row["state"] == State.RETRACTED:
                raise UsageError(f"record {record.short_id} is retracted already")
            final = not read_rules(connection).two_person or self._seconded(connection, row["number"], decision)
            remembering = UndoRecorder(connection, record.id)
            if final:
                self._carry_out(connection, record, row["number"], decision)
            else:
                self._propose(connection, row["number"], decision)
            action = f"review-{decision}" if final else f"propose-{decision}"
            line = self._store.audit.log_in(connection, action, record.id, reason=reason, causes=sorted(causes))
            if final:
                settle_in(connection, record.id, line)
            memory = remembering.ended()
        return Outcome(self._store.get(record.id), decision, final, memory)

    def undo(self, *memories: UndoState) -> None:
        """Take a decision, an opinion or a mark back, as if it had not been made; the audit log keeps both.

        Args:
            memories: all that the decision gave, one for each record.

        Raises:
            UsageError: somebody did something with a record since, or others may know of it already.
        """
        take_back(self._store, memories)

    def _seconded(self, connection: Connection, number: int, decision: Decision) -> bool:
        """Tell whether somebody else proposed the same before."""
        row = connection.execute(sa.select(tables.held).where(tables.held.c.record == number)).mappings().first()
        if row is None or row["proposed"] != decision:
            return False
        if row["proposed_by"] == self._store.audit.actor:
            raise UsageError(f"{self._store.audit.actor} proposed it; somebody else has to confirm", hint="two people are required here")
        return True

    def _propose(self, connection: Connection, number: int, decision: Decision) -> None:
        self._write(connection, number, proposed=decision.value, proposed_by=self._store.audit.actor)

    def _carry_out(self, connection: Connection, record: Record, number: int, decision: Decision) -> None:
        self._write(
            connection,
            number,
            decided=decision.value,
            decided_by=self._store.audit.actor,
            decided_at=now_utc(),
            proposed="",
            proposed_by="",
        )
        values: dict[str, object] = {"revision": schema.record.c.revision + 1, "change": self._store.next_change(connection)}
        if decision is Decision.REJECTED:
            values["state"] = State.RETRACTED.value
        elif record.state is State.HELD:
            values["state"] = State.ACTIVE.value
        if decision is Decision.ACCEPTED and record.details.source == LOCAL:
            values |= _days_gone_by(record)  # somebody looked again; the next date is theirs to set
        connection.execute(schema.record.update().where(schema.record.c.number == number).values(**values))
        refresh_disputes(connection, "SELECT :number", number=number)

    def _write(self, connection: Connection, number: int, **values: object) -> None:
        done = connection.execute(tables.held.update().where(tables.held.c.record == number).values(**values)).rowcount
        if not done:
            connection.execute(tables.held.insert().values(record=number, reason="", at=now_utc(), **values))


def _days_gone_by(record: Record) -> dict[str, object]:
    details, today = record.details, now_utc().date()
    values: dict[str, object] = {} if details.review_by is None else {"review_by": None}
    return values | ({"expires": None} if details.expires is not None and details.expires < today else {})
