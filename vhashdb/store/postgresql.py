"""Connect to a PostgreSQL server and translate its errors; what is particular to its connections is here.

Tables, functions and triggers there are made by `vhashdb.store.postgresql_schema`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from vhashdb import errors as failures

OLDEST: Final = 15
"""Major version of the oldest server that is supported."""
LOCK: Final = 0x76684442
"""First number of the lock of writers; the second one tells schemas of one database apart."""
TURN: Final = LOCK + 1
"""Of the lock of whoever decides in several transactions."""
_DRIVER: Final = "postgresql+psycopg"
# How values are written as text decides their checksums.
_SETTINGS: Final = {"timezone": "UTC", "datestyle": "ISO", "bytea_output": "hex", "extra_float_digits": "1"}


def url_of(text: str) -> sa.URL:
    """Read the URL of a database, such as ``postgresql+psycopg://host/name``; ``postgresql://`` means the same.

    Raises:
        UsageError: it is none, or of another kind.
    """
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError) as error:  # what it has is not quoted: there may be a password
        raise failures.UsageError("the URL of the database cannot be read", hint=f"write {_DRIVER}://USER@HOST/NAME") from error
    if url.drivername not in ("postgresql", _DRIVER):
        raise failures.UsageError(f"there are no databases of {url.drivername}", hint=f"write {_DRIVER}://USER@HOST/NAME")
    return url.set(drivername=_DRIVER)


class PostgresqlDatabase:
    """One schema of one database on a server, as `vhashdb.store.transactions` needs it."""

    def __init__(self, url: str, lock_timeout_s: float, *, read_only: bool = False) -> None:
        """Prepare; nothing is connected to yet."""
        self._url, self._lock_timeout_ms = url_of(url), max(1, round(lock_timeout_s * 1000))
        self.path: str = self._url.render_as_string(hide_password=True)
        settings = _SETTINGS | ({"default_transaction_read_only": "on"} if read_only else {})
        try:
            self.engine = sa.create_engine(
                self._url, isolation_level="READ COMMITTED", poolclass=sa.QueuePool, max_overflow=-1, pool_pre_ping=True
            )
        except ModuleNotFoundError as error:
            raise failures.UsageError("databases on PostgreSQL need the package psycopg", hint="install vhashdb[postgres]") from error

        @sa.event.listens_for(self.engine, "connect")
        def _prepare(connection: Any, _: sa.pool.ConnectionPoolEntry) -> None:
            connection.autocommit = True  # else the settings would go with the first transaction that is rolled back
            for name, value in settings.items():
                connection.execute(f"SET {name} = '{value}'")
            connection.autocommit = False

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise self._error_of(error.orig) from error

    def begin_snapshot(self, connection: sa.Connection) -> None:
        connection.execution_options(isolation_level="REPEATABLE READ")
        connection.begin()

    def begin_writing(self, connection: sa.Connection, *, wait: bool) -> None:
        """Take the lock of writers first of all: so the numbers of changes are in the order in which changes can be seen.

        Each later statement sees what was committed before it, so what the writer before this one wrote is there. With a sequence and
        no lock, a follower could see change 2 before change 1 and never learn of the latter.
        """
        if wait:
            self._lock(connection, LOCK)
        elif not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({LOCK}, hashtext(current_schema()))").scalar_one():
            raise self._locked()

    def begin_aside(self, connection: sa.Connection) -> None:
        connection.begin()

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        with self.engine.connect() as connection, connection.begin():
            self._lock(connection, TURN)
            yield

    def commit(self, connection: sa.Connection) -> None:
        connection.commit()

    def roll_back(self, connection: sa.Connection) -> None:
        if not connection.invalidated:
            connection.rollback()

    def check_read(self, connection: sa.Connection) -> None:
        """Nothing: each statement there sees one moment."""

    def empty_log(self, connection: sa.Connection) -> bool:  # noqa: ARG002
        """Tell that nothing is to be warned of: how long what was erased stays is a matter of the server's settings."""
        return True

    def _lock(self, connection: sa.Connection, number: int) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {self._lock_timeout_ms}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number}, hashtext(current_schema()))")

    def _locked(self) -> failures.DatabaseLocked:
        return failures.DatabaseLocked(f"{self.path}: another process is writing")

    def _error_of(self, cause: BaseException | None) -> failures.DatabaseError:
        state, words = getattr(cause, "sqlstate", None) or "", str(cause).strip().partition("\n")[0]
        if state in ("55P03", "40P01", "40001"):
            return self._locked()
        if state in ("25006", "42501"):
            return failures.DatabaseError(f"{self.path} may only be read", hint="write to the primary, as a role that may write")
        if state == "53100":
            return failures.DatabaseError(f"{self.path}: the disk of the server is full", hint="make room and run the same command again")
        if state in ("XX001", "XX002"):
            return failures.DatabaseDamaged(f"{self.path}: {words}")
        if state == "3D000":
            return failures.DatabaseNotFound(f"there is no database at {self.path}: {words}")
        if state[:2] in ("08", "28", "57") or (not state and type(cause).__name__ == "OperationalError"):
            return failures.DatabaseError(f"{self.path} cannot be reached: {words}", hint="check the server, the URL and the password")
        return failures.DatabaseError(f"{self.path}: {words}")
