"""What differs between the databases that records can be in, for statements that are written once.

Statements here are written in SQL that SQLite and PostgreSQL both understand. Where they have no such SQL, they use functions of
SQLite (``json_each``, ``json_extract``, ``json_group_array``, ``group_concat``, ``instr``), which `vhashdb.store.postgresql` gives
PostgreSQL too, or what is in this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

POSTGRESQL: Final = "postgresql"
"""What SQLAlchemy calls it."""

_MOST_VALUES: Final = 16_384
"""Values in one statement. Engineering bound: half of what SQLite takes; with more of them a statement is hardly cheaper."""


def is_postgresql(connection: Connection) -> bool:
    """Tell whether a connection is one to PostgreSQL; else it is one to SQLite."""
    return connection.dialect.name == POSTGRESQL


def upsert(
    connection: Connection, table: sa.Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, set: Iterable[str] = ()
) -> None:
    """Insert rows, or change those that have the same primary key, or the same unique ``id`` if it is given and the key is not.

    Args:
        connection: in a transaction that writes.
        table: where.
        rows: one, or several with the same columns.
        set: the columns that change in a row that is there; empty: all that are given.
    """
    some = [rows] if isinstance(rows, Mapping) else list(rows)
    if not some:
        return
    keys = [column.name for column in table.primary_key if column.name in some[0]] or ["id"]
    names = list(set) or [name for name in some[0] if name not in keys]
    insert = _insert_into_postgresql(table) if is_postgresql(connection) else sqlite.insert(table)
    values = {name: insert.excluded[name] for name in names}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=values), some)


def _insert_into_postgresql(table: sa.Table) -> postgresql.Insert:
    from sqlalchemy.dialects import postgresql  # with all its drivers, which a database that is a folder has no use for

    return postgresql.insert(table)


def insert_rows(connection: Connection, into: str, rows: Sequence[Sequence[Any]], ending: str) -> None:
    """Insert rows whose values are as the driver takes them, one after the other: of two with one key the later one meets the earlier.

    Args:
        connection: in a transaction that writes.
        into: what the statement begins with, up to ``VALUES``.
        rows: values in the order of the columns.
        ending: what follows on the values.
    """
    if not rows:
        return
    row = f"({marks(connection, len(rows[0]))})"
    if is_postgresql(connection):  # one statement may meet a row once
        connection.exec_driver_sql(f"{into} VALUES {row} {ending}", list(rows))
        return
    at_once = _MOST_VALUES // len(rows[0])
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        # In a long statement other threads go on; between many short ones they would have to wait for each other.
        connection.exec_driver_sql(f"{into} VALUES {', '.join([row] * len(some))} {ending}", tuple(chain.from_iterable(some)))


def marks(connection: Connection, count: int) -> str:
    """Return what stands for so many values in a statement that goes to the driver as it is."""
    return ", ".join(["%s" if is_postgresql(connection) else "?"] * count)


def sql_list(words: Iterable[str]) -> str:
    """Write words of this program, such as codes, as a list of SQL strings in parentheses."""
    quoted = ", ".join(f"'{word}'" for word in sorted(words))
    return f"({quoted})"
