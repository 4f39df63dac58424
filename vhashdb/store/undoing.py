"""Taking back the last decision about a record, as long as nobody else can have acted upon it.

Before a decision is written, what it may change is remembered; taking it back puts exactly that in its place again. Both
stay in the audit log.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import LOCAL
from vhashdb.errors import UsageError
from vhashdb.store import feed_schema as tables
from vhashdb.store import schema
from vhashdb.store.hits import open_rows, restore_in
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
    """Its id; empty where the decision was about files by themselves."""
    after: int
    """Number of the last line before the decision."""
    until: int
    """Number of the decision's last line."""
    columns: Mapping[str, Any]
    """The record's columns that a decision may change, as they were."""
    held: Mapping[str, Any] | None
    opinions: tuple[Mapping[str, Any], ...]
    hits: Mapping[str, Mapping[str, Any] | None]
    """What was decided about files that matched it, as it was, by file; None: nothing was known of the file."""


def to_text(memories: Sequence[UndoState]) -> str:
    """Write what is needed to take decisions back as JSON, so that another process can."""
    return json.dumps([vars(memory) for memory in memories], default=_tagged)


def from_text(text: str) -> tuple[UndoState, ...]:
    """Read what `to_text` returned."""
    return tuple(UndoState(**said | {"opinions": tuple(said["opinions"])}) for said in json.loads(text, object_hook=_untagged))


def _tagged(value: object) -> dict[str, str]:
    for name, kind in _TIMES.items():
        if type(value) is kind:
            return {name: value.isoformat()}  # type: ignore[attr-defined]
    raise TypeError(f"{type(value).__name__} is not kept")


def _untagged(value: dict[str, Any]) -> Any:
    ((name, said),) = value.items() if len(value) == 1 else [("", None)]
    return _TIMES[name].fromisoformat(said) if name in _TIMES else value


_TIMES: Final[Mapping[str, Any]] = {"$datetime": datetime.datetime, "$date": datetime.date}


class UndoRecorder:
    """A decision that is being written: made at the start of its transaction, ended before its end."""

    def __init__(self, connection: Connection, record: str, files: Sequence[str] = ()) -> None:
        self._connection, self._record, self._files = connection, record, files
        self._state = _state(connection, record) if record else _NO_RECORD
        self._hits = open_rows(connection, record, files)
        self._after = _last_line(connection)

    def ended(self) -> UndoState:
        """Return what is needed to take the decision back."""
        until = _last_line(self._connection)
        now = open_rows(self._connection, self._record, {*self._hits, *self._files})
        hits = {file: self._hits.get(file) for file, row in now.items() if row != self._hits.get(file)}
        return UndoState(self._record, self._after, until, *self._state, hits)


def take_back(store: Store, memories: Sequence[UndoState]) -> None:
    """Put the records of one decision back to how they stood.

    Raises:
        UsageError: somebody did something with one since, or others may know of the decision already.
    """
    with store.transactions.writing() as connection:
        for memory in memories:
            _refuse_if_known(connection, memory)
        for memory in memories:
            if memory.record:
                _put_back(connection, store, memory)
            restore_in(connection, memory.record, memory.hits)
            if memory.record:
                refresh_disputes(connection, "SELECT number FROM record WHERE id = :id", id=memory.record)
        lines = {line for memory in memories for line in range(memory.after + 1, memory.until + 1)}
        store.audit.log_in(connection, UNDONE, memories[0].record or None, lines=sorted(lines))


def _put_back(connection: Connection, store: Store, memory: UndoState) -> None:
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


def _refuse_if_known(connection: Connection, memory: UndoState) -> None:
    audit = schema.audit.c
    later = sa.select(schema.audit).where(audit.number > memory.until).order_by(audit.number)
    everywhere = audit.action.in_([*_REACHING_OUT, UNDONE])  # a decision about several records is taken back in one line
    about = later.where(sa.or_(audit.record == memory.record, everywhere), audit.action != "match")
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


_NO_RECORD: Final[tuple[Mapping[str, Any], None, tuple[()]]] = ({}, None, ())


def _state(connection: Connection, record: str) -> tuple[Mapping[str, Any], Mapping[str, Any] | None, tuple[Mapping[str, Any], ...]]:
    """Return what a decision may change of a record: its columns, whether it is held, and the opinions of people here."""
    row = connection.execute(sa.select(schema.record).where(schema.record.c.id == record)).mappings().one()
    held = connection.execute(sa.select(tables.held).where(tables.held.c.record == row["number"])).mappings().first()
    opinions = connection.execute(_own_opinions(connection, record, row["number"])).mappings()
    return {name: row[name] for name in _RECORD}, dict(held) if held is not None else None, tuple(dict(said) for said in opinions)


def _own_opinions(connection: Connection, record: str, number: int) -> sa.Select[Any]:
    """Select the opinions of people here on a record, under each name that feeds have for it."""
    published = sa.select(tables.origin.c.rid).where(tables.origin.c.record == number)
    rids = [record, *connection.execute(published).scalars()]
    return sa.select(tables.opinion).where(tables.opinion.c.author == LOCAL, tables.opinion.c.on_rid.in_(rids))


def _last_line(connection: Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(schema.audit.c.number))).scalar() or 0)
