"""Transactions on one SQLite file: whoever reads or writes the records does it through these two."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import UsageError
from vhashdb.store.sqlite import sqlite_errors


class Transactions:
    """What can be done with one file: read it, or write to it in one step."""

    def __init__(self, path: Path, engine: sa.Engine) -> None:
        self.path = path
        self._engine = engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to ask with."""
        with sqlite_errors(self.path), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """The same for several questions about one moment; what is made in temporary tables is gone afterwards."""
        with self.reading() as connection:
            connection.exec_driver_sql("BEGIN")  # in WAL mode it neither waits for a writer nor makes one wait
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start, so that it cannot fail halfway for want of it."""
        with sqlite_errors(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def close(self) -> None:
        """Release the file. Whoever reads or writes afterwards is told so, rather than given the file anew."""
        self._engine.dispose()
        sa.event.listen(self._engine, "do_connect", _refuse)


def _refuse(*_: object) -> None:
    raise UsageError("the database is closed", hint="use it inside its `with` statement, or open it again")
