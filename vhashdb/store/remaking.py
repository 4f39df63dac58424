"""What steps of `vhashdb.store.migrations` have in common: tables and columns that are new, in either kind of database.

A file that was brought up to date has the same definitions as one that is new, which `vhashdb.store.integrity` compares.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.store import postgresql_schema
from vhashdb.store.dialect import is_postgresql
from vhashdb.store.sqlite import erasing


def create(connection: Connection, *tables: sa.Table) -> None:
    """Make tables that are not there yet."""
    if is_postgresql(connection):
        made = postgresql_schema.tables()
        made.create_all(connection, tables=[made.tables[table.name] for table in tables])
    else:
        tables[0].metadata.create_all(connection, tables=list(tables))


def add_column(connection: Connection, table: sa.Table, name: str, value: str) -> None:
    """Add a column of text to a table unless it is there, as in a new database, whose tables are made as they are now.

    Args:
        connection: in a transaction that writes.
        table: as it is meant to be, without triggers.
        name: of the column, which is the last of the table.
        value: SQL for what it is in the rows that are there.
    """
    if is_postgresql(connection):
        connection.exec_driver_sql(f'ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {name} text COLLATE "C" NOT NULL DEFAULT {value}')
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ALTER COLUMN {name} DROP DEFAULT")
        return
    there = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table.name})")]
    if name in there:
        return
    with erasing(connection):
        connection.exec_driver_sql(f"CREATE TABLE before AS SELECT * FROM {table.name}")
        connection.exec_driver_sql(f"DROP TABLE {table.name}")
        table.metadata.create_all(connection, tables=[table])
        columns = ", ".join(f'"{column}"' for column in there)
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}, {name}) SELECT {columns}, {value} FROM before")
        connection.exec_driver_sql("DROP TABLE before")
