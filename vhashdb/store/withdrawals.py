"""Retractions of one's own records: that they stop matching here at once, and what the feed is to say of them."""

from __future__ import annotations

import datetime
from typing import NamedTuple

import sqlalchemy as sa

from vhashdb.codes import RETRACTION_REASONS, WITHDRAWN
from vhashdb.errors import UsageError
from vhashdb.store import feed_schema as tables
from vhashdb.store import schema
from vhashdb.store.clock import now_utc
from vhashdb.store.dialect import upsert
from vhashdb.store.promotion import erase as blank
from vhashdb.store.records import Record, State
from vhashdb.store.records_file import Store
from vhashdb.store.rows import require_revision
from vhashdb.store.sqlite import erasing


class Withdrawal(NamedTuple):
    """Why a record of one's own was retracted, as feeds say it."""

    code: str
    erase: bool
    at: datetime.datetime


def withdraw(
    store: Store, record: Record, *, reason: str, code: str = WITHDRAWN, erase: bool = False, revision: int | None = None
) -> Record:
    """Retract a record; with ``erase`` nothing of its content is kept, here or by whoever follows the feed.

    Raises:
        UsageError: there is no such code.
        RecordChanged: it has not this revision any more.
    """
    if code not in RETRACTION_REASONS:
        raise UsageError(f"{code!r} is not a reason of a retraction", hint=f"known: {', '.join(RETRACTION_REASONS)}")
    values = {"code": code, "erase": erase, "at": now_utc()}
    with store.transactions.writing() as connection:
        require_revision(connection, record.id, revision)
        upsert(connection, tables.withdrawal, {"record": record.id, **values})
        change = {"state": State.RETRACTED.value, "revision": schema.record.c.revision + 1, "change": store.next_change(connection)}
        connection.execute(schema.record.update().where(schema.record.c.id == record.id).values(**change))
        if erase:
            with erasing(connection):
                blank(connection, "SELECT number FROM record WHERE id = :id", id=record.id)
        store.audit.log_in(connection, "erase" if erase else "retract", record.id, reason=reason, code=code, state=State.RETRACTED.value)
    if erase:
        store.transactions.empty_log()
    return store.get(record.id)


def withdrawals(store: Store) -> dict[str, Withdrawal]:
    """Return the retractions by people here, by the record's id."""
    with store.transactions.reading() as connection:
        rows = connection.execute(sa.select(tables.withdrawal))
        return {row.record: Withdrawal(row.code, row.erase, row.at) for row in rows}
