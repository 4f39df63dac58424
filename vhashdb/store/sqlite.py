"""What is particular to SQLite: how it is opened, what is in a file's header, and what its errors mean."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from vhashdb import errors

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
_APPLICATION_ID_AT: Final = 68
_NOT_A_DATABASE: Final = "file is not a database"


def sqlite_engine(path: Path, lock_timeout_s: float, *, durable: bool = True) -> sa.Engine:
    """Connections to the file at ``path``, in WAL mode, that wait so long for a lock.

    If ``durable``, what was acknowledged survives a power cut; else the file stays sound, and its newest part may be lost.
    """
    # In autocommit, transactions begin where this module says so.
    engine = sa.create_engine(
        f"sqlite:///{path}", isolation_level="AUTOCOMMIT", connect_args={"timeout": lock_timeout_s, "check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA journal_mode = WAL")

    return engine


def application_of(path: Path) -> int | None:
    """The application id in the header of an SQLite file; None if it is no such file."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except OSError as error:
        raise errors.DatabaseNotFound(f"{path} cannot be opened: {error.strerror}") from error
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        return None
    return int.from_bytes(header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4])


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into this library's errors."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        text = str(cause)
        if "locked" in text or "busy" in text:
            raise errors.DatabaseLocked(f"{path}: another process is writing") from error
        if _NOT_A_DATABASE in text:
            raise errors.NotADatabase(f"{path} is not a database") from error
        if "unable to open" in text:
            raise errors.DatabaseNotFound(f"{path} cannot be opened") from error
        if "readonly" in text:
            raise errors.DatabaseError(f"{path} may not be written", hint="check the permissions of the folder") from error
        if "full" in text:
            raise errors.DatabaseError(f"{path}: the disk is full", hint="make room and run the same command again") from error
        raise errors.DatabaseDamaged(f"{path}: {text}") from error
