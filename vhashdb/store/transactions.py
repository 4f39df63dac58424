"""Transactions on one SQLite file: whoever reads or writes the records does it through these two."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import DatabaseError, UsageError
from vhashdb.store.sqlite import check_unchanged, sqlite_errors

_log: Final = logging.getLogger(__name__)


class Transactions:
    """Read one file, or write to it in one step."""

    def __init__(
        self, path: Path, engine: sa.Engine, *, refusal: DatabaseError | None = None, ending: Callable[[Connection], None] | None = None
    ) -> None:
        """Prepare; ``refusal`` is why nothing can be written, if so, and ``ending`` is called at the end of each write."""
        self.path = path
        self.refusal = refusal
        self._engine, self._ending = engine, ending
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading."""
        self._require_open()
        with sqlite_errors(self.path), self._engine.connect() as connection:
            yield connection
            if self.refusal is not None:
                check_unchanged(self.path, connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a connection for several queries about one moment; what is made in temporary tables is gone afterwards."""
        with self.reading() as connection:
            connection.exec_driver_sql("BEGIN")  # in WAL mode it neither waits for a writer nor makes one wait
            try:
                yield connection
            finally:
                if not connection.invalidated:
                    connection.exec_driver_sql("ROLLBACK")

    @contextlib.contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Connection]:
        """Open a transaction that holds the write lock from its start, so that it cannot fail halfway for want of it.

        Args:
            wait: for another writer, as long as the file was opened for; else it fails at once.

        Raises:
            DatabaseLocked: somebody else writes.
            DatabaseError: the file may only be read, or the disk is full.
        """
        self._require_open()
        if self.refusal is not None:
            raise self.refusal
        with sqlite_errors(self.path), self._engine.connect() as connection:
            with _patience(connection, wait=wait):
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                if self._ending is not None:
                    self._ending(connection)
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                # SQLite ends some by itself, and SQLAlchemy closes a connection that was interrupted, which rolls back as well.
                if not connection.invalidated and connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
                    connection.exec_driver_sql("ROLLBACK")
                raise

    def empty_log(self) -> None:
        """Empty the write-ahead log, which has pages as they were before an erasure."""
        with self.reading() as connection:
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        if busy:
            _log.warning("what was erased from %s stays in its write-ahead log until nobody else reads the database", self.path)

    def close(self) -> None:
        """Release the file. Whoever reads or writes afterwards is told so, rather than given the file anew."""
        self._engine.dispose()
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise UsageError("the database is closed", hint="use it inside its `with` statement, or open it again")


@contextlib.contextmanager
def _patience(connection: Connection, *, wait: bool) -> Iterator[None]:
    """Set for how long a lock is waited for."""
    if wait:
        yield
        return
    usual = int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one())
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")
