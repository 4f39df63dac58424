"""Copy all records, and everything that is said about them, to a new database of the other kind: a folder's to PostgreSQL, or back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import DatabaseDamaged
from vhashdb.store import feed_schema, job_schema, schema, service_schema
from vhashdb.store.dialect import is_postgresql
from vhashdb.store.postgresql import CLUSTER
from vhashdb.store.records_file import LOCK_TIMEOUT_S, Store

_AT_ONCE: Final = 500
"""Rows that are written together. Engineering bound."""
_DERIVED: Final = frozenset(
    {
        schema.checksum, schema.changed, schema.sounding, schema.ungrouped, schema.loosened, service_schema.front, *feed_schema.STAGING,
        *job_schema.TABLES,
    }
)  # fmt: skip
"""Tables that triggers fill from the others, that hold what is on its way in, or that say who serves the database; jobs are of the server
that they run on."""
_OWN: Final = ("identity", CLUSTER)
"""Names of what a database on PostgreSQL has of its own in `meta`."""


def copy_to(source: Store, place: Path | str, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Store:
    """Copy a database to a file that is not there yet, or to a URL at which there is none; compare every row; return the copy, open.

    All of it is one transaction, so that there is either a whole copy or none, and it can be begun again. What is written to the source
    meanwhile is not in it.

    Raises:
        DatabaseExists: there is one at the place.
        DatabaseDamaged: the source is not as it was written, or the copy is not as the source is.
    """
    problems = source.problems()
    if problems:
        raise DatabaseDamaged(f"{source.path} is damaged and is not copied: {problems[0]}", hint="restore it from a backup first")
    return Store.create(
        place, source.algorithm, squares=source.squares, sound=source.sound, lock_timeout_s=lock_timeout_s, actor=source.actor,
        filled=lambda connection: _fill(source, connection),
    )  # fmt: skip


def _fill(source: Store, target: Connection) -> None:
    own = schema.meta.c.name.in_(_OWN)
    target.execute(schema.meta.delete().where(~own))
    with source.transactions.snapshot() as origin:
        for table in _tables():
            for rows in _batches(_rows(origin, table)):
                target.execute(table.insert(), rows)
        for table in _tables():
            _compare(table, _rows(origin, table), _rows(target, table))
    if is_postgresql(target):
        _continue_numbers(target)


def _tables() -> list[sa.Table]:
    return [table for table in schema.metadata.sorted_tables if table not in _DERIVED]


def _rows(connection: Connection, table: sa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table in the order of its key, which is the same in both kinds."""
    query = sa.select(table).order_by(*table.primary_key)
    if table is schema.meta:
        query = query.where(schema.meta.c.name.not_in(_OWN))
    for row in connection.execute(query, execution_options={"yield_per": _AT_ONCE}).mappings():
        yield dict(row)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while some := list(itertools.islice(rows, _AT_ONCE)):
        yield some


def _compare(table: sa.Table, one: Iterator[dict[str, Any]], other: Iterator[dict[str, Any]]) -> None:
    for row, copied in itertools.zip_longest(one, other):
        if row != copied:
            key = " ".join(str((row or copied)[column.name]) for column in table.primary_key)
            raise DatabaseDamaged(f"{table.name} {key} was not copied as it is", hint="nothing was written; tell whoever maintains this")


def _continue_numbers(connection: Connection) -> None:
    """Let PostgreSQL number new rows after those that are there."""
    for table in _tables():
        column = table.autoincrement_column
        if column is not None:
            sequence = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
            connection.exec_driver_sql(f"SELECT setval({sequence}, coalesce(max({column.name}), 0) + 1, false) FROM {table.name}")
