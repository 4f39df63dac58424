"""What waits for a person: held records, disputes, reviews that are due, and records past their time."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import UsageError
from vhashdb.store import feed_schema as tables
from vhashdb.store import schema
from vhashdb.store.clock import now_utc
from vhashdb.store.promotion import NEGATIVE, refresh_disputes
from vhashdb.store.records import Record, State
from vhashdb.store.rules import Rules, read_rules, write_rules
from vhashdb.store.store import Store


class Cause(enum.StrEnum):
    """Why a record is in the queue."""

    HELD = "held"
    DISPUTED = "disputed"
    DUE = "due"
    """The day by which somebody was to look again has gone by."""
    EXPIRED = "expired"
    """It stopped matching on the day its publisher set."""


class Decision(enum.StrEnum):
    """What came of a review."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Case:
    """One record in the queue."""

    record: str
    """Its id."""
    cause: Cause
    why: str
    since: datetime.datetime | None
    labels: tuple[str, ...]
    source: str
    proposed: str
    """What one person proposed, where two are required."""
    proposed_by: str


@dataclass(frozen=True)
class Outcome:
    """What a decision did."""

    record: Record
    decision: Decision
    final: bool
    """False: a second person has to confirm it."""


_QUEUE = f"""
SELECT r.number, r.id, 'held' AS cause, coalesce(h.reason, 'put aside by a person') AS why, h.at AS since
FROM record r LEFT JOIN held h ON h.record = r.number WHERE r.state = 'held'
UNION ALL
SELECT r.number, r.id, 'disputed',
       group_concat(p.author || ': ' || p.verdict || CASE p.reason WHEN '' THEN '' ELSE ' (' || p.reason || ')' END, '; '), max(p.at)
FROM record r LEFT JOIN origin o ON o.record = r.number LEFT JOIN feed f ON f.number = o.feed LEFT JOIN held h ON h.record = r.number
JOIN opinion p ON (p.on_feed = f.id AND p.on_rid = o.rid
                   OR o.record IS NULL AND p.on_rid = r.id AND p.on_feed IN (SELECT id FROM feed WHERE own UNION ALL SELECT 'local'))
WHERE r.state = 'disputed' AND p.verdict IN {NEGATIVE}
GROUP BY r.number HAVING coalesce(max(h.decided_at), '') < max(p.at)
UNION ALL
SELECT number, id, 'due', 'was to be reviewed by ' || review_by, review_by || ' 00:00:00.000000' FROM record
WHERE review_by < :today AND state NOT IN ('retracted', 'held') AND (expires IS NULL OR expires >= :today)
UNION ALL
SELECT number, id, 'expired', 'expired on ' || expires, expires || ' 00:00:00.000000' FROM record
WHERE expires < :today AND state != 'retracted'
ORDER BY since, id
"""


class Reviews:
    """The queue of one database, and the decisions of its people."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transactions = store.transactions

    @property
    def rules(self) -> Rules:
        """What the people here agreed on."""
        with self._transactions.reading() as connection:
            return read_rules(connection)

    def set_rules(self, rules: Rules) -> None:
        """Agree on something else."""
        with self._transactions.writing() as connection:
            write_rules(connection, rules)
            self._store.log_in(connection, "rules", None, **vars(rules))

    def queue(self, *, record: str | None = None, today: datetime.date | None = None) -> list[Case]:
        """What waits for a person, oldest first; of one record or of all."""
        today = today or now_utc().date()
        labels = "(SELECT json_group_array(label) FROM label WHERE record = q.number)"
        query = sa.text(
            f"SELECT q.id, q.cause, q.why, q.since, r.source, {labels} AS labels, coalesce(h.proposed, '') AS proposed, "
            f"coalesce(h.proposed_by, '') AS proposed_by FROM ({_QUEUE}) q JOIN record r ON r.number = q.number "
            "LEFT JOIN held h ON h.record = q.number WHERE :record IS NULL OR q.id = :record ORDER BY q.since, q.id"
        ).columns(since=sa.DateTime, labels=sa.JSON)
        with self._transactions.reading() as connection:
            rows = connection.execute(query, {"today": today.isoformat(), "record": record}).all()
        return [
            Case(row.id, Cause(row.cause), row.why, row.since, tuple(sorted(row.labels)), row.source, row.proposed, row.proposed_by)
            for row in rows
        ]

    def decide(self, record: Record, decision: Decision, *, reason: str) -> Outcome:
        """Accept a record, which then matches as far as its ceiling allows, or reject it, which retracts it here for good.

        Where two people are required, the first only proposes.

        Raises:
            UsageError: there is nothing to decide, or the same person would decide alone.
        """
        causes = {case.cause for case in self.queue(record=record.id)}
        if not causes and decision is Decision.ACCEPTED:
            raise UsageError(f"record {record.short_id} does not wait for a review", hint="`vhashdb review list` shows what does")
        if record.state is State.RETRACTED:
            raise UsageError(f"record {record.short_id} is retracted already")
        with self._transactions.writing() as connection:
            number = int(connection.execute(sa.select(schema.record.c.number).where(schema.record.c.id == record.id)).scalar_one())
            final = not read_rules(connection).two_person or self._seconded(connection, number, decision)
            if final:
                self._carry_out(connection, record, number, decision)
            else:
                self._propose(connection, number, decision)
            action = f"review-{decision}" if final else f"propose-{decision}"
            self._store.log_in(connection, action, record.id, reason=reason, causes=sorted(causes))
        return Outcome(self._store.get(record.id), decision, final)

    def _seconded(self, connection: Connection, number: int, decision: Decision) -> bool:
        """Whether somebody else proposed the same before."""
        row = connection.execute(sa.select(tables.held).where(tables.held.c.record == number)).mappings().first()
        if row is None or row["proposed"] != decision:
            return False
        if row["proposed_by"] == self._store.actor:
            raise UsageError(f"{self._store.actor} proposed it; somebody else has to confirm", hint="two people are required here")
        return True

    def _propose(self, connection: Connection, number: int, decision: Decision) -> None:
        self._write(connection, number, proposed=decision.value, proposed_by=self._store.actor)

    def _carry_out(self, connection: Connection, record: Record, number: int, decision: Decision) -> None:
        self._write(
            connection, number, decided=decision.value, decided_by=self._store.actor, decided_at=now_utc(), proposed="", proposed_by=""
        )
        values: dict[str, object] = {"revision": schema.record.c.revision + 1, "change": self._store.next_change(connection)}
        if decision is Decision.REJECTED:
            values["state"] = State.RETRACTED.value
        elif record.state is State.HELD:
            values["state"] = State.ACTIVE.value
        if decision is Decision.ACCEPTED and record.details.source == "local" and record.details.review_by is not None:
            values["review_by"] = None  # somebody looked again; the next date is theirs to set
        connection.execute(schema.record.update().where(schema.record.c.number == number).values(**values))
        refresh_disputes(connection, "SELECT :number", number=number)

    def _write(self, connection: Connection, number: int, **values: object) -> None:
        done = connection.execute(tables.held.update().where(tables.held.c.record == number).values(**values)).rowcount
        if not done:
            connection.execute(tables.held.insert().values(record=number, reason="", at=now_utc(), **values))


def waiting_in(connection: Connection, today: datetime.date) -> dict[Cause, int]:
    """How many records are in the queue, by cause."""
    query = sa.text(f"SELECT cause, count(*) FROM ({_QUEUE}) GROUP BY cause")
    found = {str(cause): int(number) for cause, number in connection.execute(query, {"today": today.isoformat()})}
    return {cause: found.get(cause, 0) for cause in Cause}
