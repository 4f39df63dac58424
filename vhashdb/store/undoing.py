"""Taking back the last decision about a record, as long as nobody else can have acted upon it.

Before a decision is written, what it may change is remembered; taking it back puts exactly that in its place again. Both
stay in the audit log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import LOCAL
from vhashdb.errors import UsageError
from vhashdb.store import feed_schema as tables
from vhashdb.store import schema
from vhashdb.store.promotion import refresh_disputes
from vhashdb.store.queue import UNDONE
from vhashdb.store.records_file import Store

_RECORD: Final = ("state", "review_by", "expires")
_REACHING_OUT: Final = {"publish": "the feed was published", "sync": "feeds were read", "export": "records were exported"}
"""Actions that leave others, or their records, behind with what was decided."""


@dataclass(frozen=True)
class UndoState:
    """State of a record before a decision about it, and the lines of the audit log that tell of the decision."""

    record: str
    """Its id."""
    after: int
    """Number of the last line before the decision."""
    until: int
    """Number of the decision's last line."""
    columns: Mapping[str, Any]
    """The record's columns that a decision may change, as they were."""
    held: Mapping[str, Any] | None
    opinions: tuple[Mapping[str, Any], ...]
    sha256: str | None
    """Of a file that was marked as not this record, if the mark is new."""


class UndoRecorder:
    """A decision that is being written: made at the start of its transaction, ended before its end."""

    def __init__(self, connection: Connection, record: str, sha256: str | None = None) -> None:
        self._connection, self._record = connection, record
        row = connection.execute(sa.select(schema.record).where(schema.record.c.id == record)).mappings().one()
        self._columns = {name: row[name] for name in _RECORD}
        held = connection.execute(sa.select(tables.held).where(tables.held.c.record == row["number"])).mappings().first()
        self._held = dict(held) if held is not None else None
        self._opinions = tuple(dict(said) for said in connection.execute(_own_opinions(connection, record, row["number"])).mappings())
        marked = sha256 is not None and connection.execute(sa.select(schema.not_this).where(*_mark(record, sha256))).first() is not None
        self._sha256 = None if marked else sha256
        self._after = _last_line(connection)

    def ended(self) -> UndoState:
        """Return what is needed to take the decision back."""
        until = _last_line(self._connection)
        return UndoState(self._record, self._after, until, self._columns, self._held, self._opinions, self._sha256)


def take_back(store: Store, memory: UndoState) -> None:
    """Put a record back to how it stood.

    Raises:
        UsageError: somebody did something with it since, or others may know of the decision already.
    """
    with store.transactions.writing() as connection:
        _refuse_if_known(connection, memory)
        record = schema.record.c
        row = connection.execute(sa.select(schema.record).where(record.id == memory.record)).mappings().one()
        number = row["number"]
        if {name: row[name] for name in _RECORD} != memory.columns:
            change = {"revision": row["revision"] + 1, "change": store.next_change(connection)}
            connection.execute(schema.record.update().where(record.number == number).values(**memory.columns, **change))
        connection.execute(tables.held.delete().where(tables.held.c.record == number))
        if memory.held is not None:
            connection.execute(tables.held.insert().values(**memory.held))
        for said in connection.execute(_own_opinions(connection, memory.record, number)).mappings().all():
            where = (tables.opinion.c[name] == said[name] for name in ("author", "on_feed", "on_rid"))
            connection.execute(tables.opinion.delete().where(*where))
        if memory.opinions:
            connection.execute(tables.opinion.insert(), [dict(said) for said in memory.opinions])
        if memory.sha256 is not None:
            connection.execute(schema.not_this.delete().where(*_mark(memory.record, memory.sha256)))
        refresh_disputes(connection, "SELECT :number", number=number)
        store.audit.log_in(connection, UNDONE, memory.record, lines=list(range(memory.after + 1, memory.until + 1)))


def _refuse_if_known(connection: Connection, memory: UndoState) -> None:
    audit = schema.audit.c
    later = sa.select(schema.audit).where(audit.number > memory.until).order_by(audit.number)
    about = later.where(sa.or_(audit.record == memory.record, audit.action.in_(list(_REACHING_OUT))), audit.action != "match")
    rows = connection.execute(about).mappings().all()
    undone = {line for row in rows if row["action"] == UNDONE for line in json.loads(row["details"])["lines"]}
    if memory.until in undone:
        raise UsageError("it was taken back already")
    row = next((row for row in rows if row["action"] != UNDONE and row["number"] not in undone), None)
    if row is None:
        return
    if row["action"] in _REACHING_OUT:
        raise UsageError(f"it cannot be taken back: {_REACHING_OUT[row['action']]} since, so others may know of it", hint=_DECIDE_AGAIN)
    raise UsageError(f"it cannot be taken back: {row['actor']} did something with the record since ({row['action']})", hint=_DECIDE_AGAIN)


_DECIDE_AGAIN: Final = "decide anew instead: give another opinion, or accept or reject the record"


def _own_opinions(connection: Connection, record: str, number: int) -> sa.Select[Any]:
    """Select the opinions of people here on a record, under each name that feeds have for it."""
    published = sa.select(tables.origin.c.rid).where(tables.origin.c.record == number)
    rids = [record, *connection.execute(published).scalars()]
    return sa.select(tables.opinion).where(tables.opinion.c.author == LOCAL, tables.opinion.c.on_rid.in_(rids))


def _mark(record: str, sha256: str) -> tuple[sa.ColumnElement[bool], ...]:
    return schema.not_this.c.record == record, schema.not_this.c.sha256 == sha256


def _last_line(connection: Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(schema.audit.c.number))).scalar() or 0)
