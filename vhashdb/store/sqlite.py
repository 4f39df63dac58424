"""Open SQLite files and translate their errors; what is particular to SQLite is here."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import sqlalchemy as sa

from vhashdb import errors
from vhashdb.opening import head_of, release, reserve
from vhashdb.store.dialect import is_postgresql

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
"""Bytes at the beginning of every SQLite file that is not empty."""
_APPLICATION_ID_AT: Final = 68
_NO_ROOM: Final = 64 << 10
"""Bytes left on a disk under which SQLite may fail for want of room."""
_CACHE_KB: Final = 16 << 10
"""Kilobytes of pages that a connection keeps. Engineering bound: with SQLite's 2 MB a large transaction writes a page several times."""
_WRITING_KB: Final = 64 << 10
"""The same while it writes. Engineering bound: on memory; what does not fit goes to the log early, and is read from there again."""
_PAGES_AT_ONCE: Final = 4096
"""Free pages that are overwritten with one value. Engineering bound: 16 MB of memory."""
_UNCHANGED: Final = "unchanged"
"""In the notes about a connection: the state of a file that SQLite was told nobody writes to."""


class _Connection(sqlite3.Connection):
    """Keeps its file reserved until it is closed; see `vhashdb.opening.reserve`."""

    reserved: tuple[int, int] | None = None

    def close(self) -> None:
        """Close, and then release the file."""
        super().close()
        if self.reserved is not None:
            release(self.reserved)
            self.reserved = None


def sqlite_engine(path: Path, lock_timeout_s: float, *, durable: bool = True, read_only: bool = False) -> sa.Engine:
    """Make the engine for the file at ``path``, in WAL mode, whose connections wait so long for a lock.

    If ``durable``, what was acknowledged survives a power cut; else the file stays sound, and its newest part may be lost.
    With ``read_only``, nothing is written or made, and others may write meanwhile; see `check_unchanged`.
    """

    def connect() -> sqlite3.Connection:
        name = _name(path, _how(path)) if read_only else os.path.abspath(path)
        # In autocommit, transactions begin where `vhashdb.store.transactions` says so.
        connection = sqlite3.connect(
            name, timeout=lock_timeout_s, isolation_level=None, check_same_thread=False, uri=read_only, factory=_Connection
        )
        connection.reserved = reserve(path)  # it has locked nothing yet
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool, max_overflow=-1, isolation_level="AUTOCOMMIT")

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, entry: sa.pool.ConnectionPoolEntry) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = FAST")  # nothing of a row that is deleted stays on a page that does; see `erasing`
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        if read_only:
            entry.info[_UNCHANGED] = _state_of(path)
            return
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA journal_mode = WAL")

    @sa.event.listens_for(engine, "checkout")
    def _still_right(_: sqlite3.Connection, entry: sa.pool.ConnectionPoolEntry, __: object) -> None:
        if read_only and entry.info[_UNCHANGED] != _state_of(path):
            raise sa.exc.DisconnectionError("somebody writes to the file, or did")  # the pool connects anew

    return engine


class SqliteFile:
    """One file, as `vhashdb.store.transactions` needs it."""

    def __init__(self, path: Path, lock_timeout_s: float, *, durable: bool = True, read_only: bool = False) -> None:
        """See `sqlite_engine`."""
        self.path = path
        self.engine = sqlite_engine(path, lock_timeout_s, durable=durable, read_only=read_only)

    def is_standby(self) -> bool:
        return False

    def errors(self) -> contextlib.AbstractContextManager[None]:
        return sqlite_errors(self.path)

    def begin_reading(self, connection: sa.Connection) -> None:
        """Nothing: it is in no transaction."""

    def begin_snapshot(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # in WAL mode it neither waits for a writer nor makes one wait

    def begin_writing(self, connection: sa.Connection, *, wait: bool) -> None:
        with _patience(connection, wait=wait):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_WRITING_KB}")

    def begin_aside(self, connection: sa.Connection) -> None:
        self.begin_writing(connection, wait=True)

    def in_turn(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()  # one service serves a folder

    def commit(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")

    def roll_back(self, connection: sa.Connection) -> None:
        # SQLite ends some by itself, and SQLAlchemy closes a connection that was interrupted, which rolls back as well.
        if not connection.invalidated and connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")

    def check_read(self, connection: sa.Connection) -> None:
        check_unchanged(self.path, connection)

    def empty_log(self, connection: sa.Connection) -> bool:
        return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]


@contextlib.contextmanager
def _patience(connection: sa.Connection, *, wait: bool) -> Iterator[None]:
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


@contextlib.contextmanager
def erasing(connection: sa.Connection, *, when: bool = True) -> Iterator[None]:
    """Have nothing stay of what is deleted or overwritten meanwhile, nor of what was deleted before: free pages are overwritten.

    PostgreSQL cannot do that: there, what is deleted stays on pages, in the log and on standbys until they are written over.

    Args:
        connection: in a transaction that writes.
        when: whether anything is to be erased; else nothing is done.
    """
    if not when or is_postgresql(connection):
        yield
        return
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    try:
        yield
        free, size = (int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("freelist_count", "page_size"))
        if free:
            connection.exec_driver_sql("CREATE TABLE overwritten (page)")
            for start in range(0, free, _PAGES_AT_ONCE):
                zeros = min(_PAGES_AT_ONCE, free - start) * size
                connection.exec_driver_sql(f"INSERT INTO overwritten VALUES (zeroblob({zeros}))")
            connection.exec_driver_sql("DROP TABLE overwritten")
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql("PRAGMA secure_delete = FAST")


def _name(path: Path, how: str) -> str:
    """Return the name by which SQLite opens a file in a given way; in a URL, `?`, `#` and `%` would mean something else."""
    return f"file:{quote(os.fsencode(os.path.abspath(path)))}?{how}"


def may_write(path: Path) -> bool:
    """Tell whether this process may write to an SQLite file: to the file, and beside it, where the log of changes is kept."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def check_unchanged(path: Path, connection: sa.Connection) -> None:
    """Make sure that what was read without locks, from a file opened with ``read_only``, was read as it was at one moment.

    Raises:
        DatabaseLocked: somebody wrote to it meanwhile.
    """
    seen = connection.info.get(_UNCHANGED)
    if seen is not None and seen != _state_of(path):
        raise errors.DatabaseLocked(f"{path} was written to while it was read", hint="run the same again")


def _how(path: Path) -> str:
    """Return the options with which a file is opened for reading.

    Where a log of changes is left, it has to be read too, which takes locks. Otherwise SQLite is told that nothing
    changes, for it would make the log and the shared memory beside it even to read.
    """
    return "immutable=1" if _state_of(path) is not None else "mode=ro"


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """Of a file all of whose content is in itself; another state if it was written to. None: there is a log of changes."""
    with contextlib.suppress(OSError):
        if _beside(path, "-wal").stat().st_size:
            return None
    try:
        state = path.stat()
    except OSError as error:
        raise errors.DatabaseNotFound(f"{path} cannot be opened: {error.strerror}", hint="check the path and its permissions") from error
    return state.st_ino, state.st_size, state.st_mtime_ns


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}{ending}")


def application_of(path: Path) -> int | None:
    """Return the application id in the header of an SQLite file; None if it is no such file.

    A file that is open in this process is read by SQLite alone: whoever closes a file frees all POSIX locks that his process
    has on it, and another process would then take a database that is open here for one that is not.
    """
    try:
        header = head_of(path, _HEADER)
    except OSError as error:
        raise errors.DatabaseNotFound(f"{path} cannot be opened: {error.strerror}", hint="check the path and its permissions") from error
    if header is None:
        with contextlib.closing(sqlite3.connect(_name(path, _how(path)), uri=True)) as connection, sqlite_errors(path):
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
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
        raise _error_of(path, cause) from error
    except UnicodeDecodeError as error:  # SQLite's message quotes a definition that is not even text any more
        raise errors.DatabaseDamaged(f"{path}: the definitions of its tables are damaged") from error


def _error_of(path: Path, cause: BaseException | None) -> errors.DatabaseError:
    # Codes of one kind differ above their lowest byte.
    match (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return errors.DatabaseLocked(f"{path}: another process is writing")
        case sqlite3.SQLITE_NOTADB:
            return errors.NotADatabase(f"{path} is not a database")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return only_read(path)
        case sqlite3.SQLITE_FULL:
            return _disk_full(path)
        case sqlite3.SQLITE_CANTOPEN:
            if _state_of(path) is None and not may_write(path):
                return errors.DatabaseError(
                    f"{path} may only be read, and changes beside it in {path.name}-wal are not in it yet",
                    hint="open it once where it may be written, or copy the whole folder to such a place",
                )
            return errors.DatabaseError(
                f"{path} cannot be opened", hint="check its permissions, those of the files beside it, and the disk"
            )
        case sqlite3.SQLITE_IOERR:
            with contextlib.suppress(OSError):
                if shutil.disk_usage(path.parent).free < _NO_ROOM:  # no room for the shared memory beside the file
                    return _disk_full(path)
            return errors.DatabaseError(
                f"{path}: the disk fails to read or write ({cause})", hint="check the disk; what was acknowledged is not lost by this"
            )
    return errors.DatabaseDamaged(f"{path}: {cause}")


def _disk_full(path: Path) -> errors.DatabaseError:
    return errors.DatabaseError(f"{path}: the disk is full", hint="make room and run the same command again")


def only_read(path: Path) -> errors.DatabaseError:
    """Make the error for a writer of a file that may only be read."""
    return errors.DatabaseError(
        f"{path} may only be read", hint="write where it was copied from, or check the permissions of the folder and the file"
    )
