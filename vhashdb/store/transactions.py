"""Transactions on one database: whoever reads or writes the records does it through these."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import DatabaseError, UsageError

_log: Final = logging.getLogger(__name__)


class Backend(Protocol):
    """One database of one kind, and how its transactions begin and end."""

    @property
    def path(self) -> Path | str:
        """What messages call it; the path of a file."""

    @property
    def engine(self) -> sa.Engine:
        """Connects to it."""

    def is_standby(self) -> bool:
        """Tell whether it is a server that follows another."""

    def errors(self) -> contextlib.AbstractContextManager[None]:
        """Turn what its driver raises into this library's errors."""

    def begin_reading(self, connection: Connection) -> None:
        """Prepare for queries each of which sees the moment at which it is made."""

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a transaction in which all queries see one moment."""

    def begin_writing(self, connection: Connection, *, wait: bool) -> None:
        """Begin a transaction that holds the one lock of writers; unless ``wait``, fail at once while somebody else has it."""

    def begin_aside(self, connection: Connection) -> None:
        """Begin a transaction that writes beside whoever holds the lock of writers, where that can be."""

    def in_turn(self) -> contextlib.AbstractContextManager[None]:
        """Keep others out of what is decided in several transactions, where several processes decide."""

    def commit(self, connection: Connection) -> None:
        """End a transaction that wrote, durably."""

    def roll_back(self, connection: Connection) -> None:
        """End a transaction as if it had never been, unless it is over already."""

    def check_read(self, connection: Connection) -> None:
        """Make sure, where it can only be read, that what was read is of one moment, and of no earlier one than is allowed."""

    def empty_log(self, connection: Connection) -> bool:
        """Empty the log of changes, which may have what was erased; tell whether that was possible."""


class Transactions:
    """Read one database, or write to it in one step."""

    def __init__(
        self, backend: Backend, *, refusal: DatabaseError | None = None, ending: Callable[[Connection], None] | None = None
    ) -> None:
        """Prepare; ``refusal`` is why nothing can be written, if so, and ``ending`` is called at the end of each write."""
        self.refusal = refusal
        self._backend, self._ending = backend, ending
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading."""
        with self._connected() as connection:
            self._backend.begin_reading(connection)
            yield connection
            if self.refusal is not None:
                self._backend.check_read(connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a connection for several queries about one moment; what is made in temporary tables is gone afterwards."""
        with self._connected() as connection:
            self._backend.begin_snapshot(connection)
            try:
                yield connection
            finally:
                self._backend.roll_back(connection)
            if self.refusal is not None:
                self._backend.check_read(connection)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        self._require_open()
        with self._backend.errors(), self._backend.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Connection]:
        """Open a transaction that holds the write lock from its start, so that it cannot fail halfway for want of it.

        Args:
            wait: for another writer, as long as the database was opened for; else it fails at once.

        Raises:
            DatabaseLocked: somebody else writes.
            DatabaseError: the database may only be read, or the disk is full.
        """
        with self._ended_well(lambda connection: self._backend.begin_writing(connection, wait=wait)) as connection:
            yield connection
            if self._ending is not None:
                self._ending(connection)

    @contextlib.contextmanager
    def aside(self) -> Iterator[Connection]:
        """Open a transaction for what has no checksum and no place in the order of changes: on PostgreSQL it waits for no writer."""
        with self._ended_well(self._backend.begin_aside) as connection:
            yield connection

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        """Do what takes several transactions, and must find the first still true at the last, one process after the other."""
        self._require_open()
        with self._backend.errors(), self._backend.in_turn():
            yield

    @contextlib.contextmanager
    def _ended_well(self, begin: Callable[[Connection], None]) -> Iterator[Connection]:
        self._require_open()
        if self.refusal is not None:
            raise self.refusal
        with self._connected() as connection:
            try:
                begin(connection)
                yield connection
                self._backend.commit(connection)
            except BaseException:
                self._backend.roll_back(connection)
                raise

    @contextlib.contextmanager
    def beside(self) -> Iterator[Connection]:
        """Open a transaction that writes without waiting for the turn of writers, on PostgreSQL alone.

        It is for rows that no index follows and that have no checksum, such as those of jobs.

        Raises:
            DatabaseError: the database may only be read.
        """
        if self.refusal is not None:
            raise self.refusal
        with self.reading() as connection:
            try:
                yield connection
                self._backend.commit(connection)
            except BaseException:
                self._backend.roll_back(connection)
                raise

    def empty_log(self) -> None:
        """Empty the log of changes, which has pages as they were before an erasure."""
        with self.reading() as connection:
            emptied = self._backend.empty_log(connection)
        if not emptied:
            _log.warning("what was erased from %s stays in its write-ahead log until nobody else reads the database", self._backend.path)

    def on_standby(self) -> bool:
        """Tell whether the server follows another, so that nothing can be written there."""
        return self._backend.is_standby()

    def close(self) -> None:
        """Release the database. Whoever reads or writes afterwards is told so, rather than given it anew."""
        self._backend.engine.dispose()
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise UsageError("the database is closed", hint="use it inside its `with` statement, or open it again")
