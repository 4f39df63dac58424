"""Records in portions: those with some ids, one page after another, and those that changed since."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from vhashdb.store import schema
from vhashdb.store.changes import counting
from vhashdb.store.records import Record, Selection
from vhashdb.store.records_file import Store
from vhashdb.store.rows import read_records

_AT_ONCE: Final = 500
"""Values in one statement. Engineering bound: under what SQLite takes."""


@dataclass(frozen=True)
class ChangedRecord:
    """A record as it is now, and the number of the last write to it."""

    change: int
    record: Record


def records_with_ids(store: Store, identifiers: Collection[str]) -> dict[str, Record]:
    """Return the records with these full ids, by id; those that there are not are left out."""
    wanted, found = list(dict.fromkeys(identifiers)), dict[str, Record]()
    for start in range(0, len(wanted), _AT_ONCE):
        some = schema.record.c.id.in_(wanted[start : start + _AT_ONCE])
        found |= {record.id: record for record, _ in _read(store, sa.select(schema.record).where(some))}
    return found


def records_after(store: Store, selection: Selection, limit: int, after: str = "") -> list[Record]:
    """Return the next records in the order in which they were added.

    Args:
        store: where they are.
        selection: which count.
        limit: at most so many.
        after: full id of the record before; empty: from the first.

    Raises:
        RecordNotFound: there is no such record.
    """
    query = sa.select(schema.record).where(*counting(selection)).order_by(schema.record.c.number).limit(limit)
    if after:
        query = query.where(schema.record.c.number > store.number(after))
    return [record for record, _ in _read(store, query)]


def records_changed_since(store: Store, change: int, limit: int) -> list[ChangedRecord]:
    """Return the records that were written after a change, in the order of the last write to each.

    A record that is written again meanwhile comes later, as it is then: whoever goes on from the last change that they got misses nothing.
    """
    query = sa.select(schema.record).where(schema.record.c.change > change).order_by(schema.record.c.change, schema.record.c.number)
    return [ChangedRecord(row["change"], record) for record, row in _read(store, query.limit(limit))]


def _read(store: Store, query: sa.Select[Any]) -> Sequence[tuple[Record, Any]]:
    with store.transactions.reading() as connection:
        rows = connection.execute(query).mappings().all()
        return list(zip(read_records(connection, rows), rows, strict=True))
