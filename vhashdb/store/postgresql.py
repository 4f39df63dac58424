"""Connect to a PostgreSQL server and translate its errors; what is particular to its connections is here.

Tables, functions and triggers there are made by `vhashdb.store.postgresql_schema`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from vhashdb import errors as failures
from vhashdb.store import schema
from vhashdb.store.dialect import upsert

OLDEST: Final = 15
"""Major version of the oldest server that is supported."""
LOCK: Final = 0x76684442
"""First number of the lock of writers; the second one tells schemas of one database apart."""
TURN: Final = LOCK + 1
"""Of the lock of whoever decides in several transactions."""
CLUSTER: Final = "cluster"
"""Name in the table ``meta`` of which server wrote last: its identifier, and its timeline, which is another after each promotion."""
LEFT_OUT: Final = 1 << 32
"""Numbers of changes that are left out after a promotion or a restored backup. Engineering bound: more than can have been lost, and exact
in JSON after two million times."""
_DRIVER: Final = "postgresql+psycopg"
_PING_AFTER_S: Final = 1.0
"""Seconds without use after which a connection is tried before it is used. Engineering bound: a round trip less, most of the time."""
_USED: Final = "used"
_CLUSTER: Final = "(SELECT system_identifier FROM pg_control_system()) || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
# Without news from a primary, nobody knows what was written there, so that the age of the last thing heard of counts.
_LAG: Final = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0
            WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
"""
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

    def __init__(self, url: str, lock_timeout_s: float, *, read_only: bool = False, max_lag_s: float | None = None) -> None:
        """Prepare; nothing is connected to yet. ``max_lag_s``: how far a standby may be behind, for what is read from it to count."""
        self._url, self._max_lag_s = url_of(url), max_lag_s
        self.path: str = self._url.render_as_string(hide_password=True)
        settings = _SETTINGS | {"lock_timeout": str(max(1, round(lock_timeout_s * 1000)))}
        settings |= {"default_transaction_read_only": "on"} if read_only else {}
        statement = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
        self._cluster, self._lag_s, self._lag_at_s = "", float("inf"), 0.0
        try:
            self.engine = sa.create_engine(self._url, isolation_level="READ COMMITTED", poolclass=sa.QueuePool, max_overflow=-1)
        except ModuleNotFoundError as error:
            raise failures.UsageError("databases on PostgreSQL need the package psycopg", hint="install vhashdb[postgres]") from error

        @sa.event.listens_for(self.engine, "connect")
        def _prepare(connection: Any, _: sa.pool.ConnectionPoolEntry) -> None:
            connection.autocommit = True  # else the settings would go with the first transaction that is rolled back
            connection.execute(f"SELECT {statement}")
            connection.autocommit = False

        @sa.event.listens_for(self.engine, "checkout")
        def _still_there(connection: Any, entry: sa.pool.ConnectionPoolEntry, _: object) -> None:
            used_s, now_s = entry.info.get(_USED, float("inf")), time.monotonic()
            entry.info[_USED] = now_s
            if now_s - used_s < _PING_AFTER_S:
                return
            try:
                connection.autocommit = True
                connection.execute("SELECT 1")
                connection.autocommit = False
            except Exception as error:  # whatever its driver raises, the pool connects anew
                raise sa.exc.DisconnectionError(str(error)) from error

    def is_standby(self) -> bool:
        """Tell whether the server follows another, so that nothing can be written there."""
        with self.errors(), self.engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one())

    def begin_reading(self, connection: sa.Connection) -> None:
        connection.execution_options(isolation_level="AUTOCOMMIT")  # each statement sees one moment; no round trips to begin and end

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
        lock = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        query = f"SELECT {lock}({LOCK}, hashtext(current_schema())), {_CLUSTER}"
        locked, cluster = connection.exec_driver_sql(query).one()
        if locked is False:
            raise self._locked()
        if cluster != self._cluster:
            self._skip_changes(connection, str(cluster))

    def begin_aside(self, connection: sa.Connection) -> None:
        connection.begin()

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        with self.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN}, hashtext(current_schema()))")
            yield

    def commit(self, connection: sa.Connection) -> None:
        connection.commit()

    def roll_back(self, connection: sa.Connection) -> None:
        if not connection.invalidated:
            connection.rollback()

    def _skip_changes(self, connection: sa.Connection, cluster: str) -> None:
        """Leave numbers of changes and fingerprints out if the records were restored or a standby was promoted since the last write.

        Those that were lost with the server before may have had the numbers that come next, and indexes may have followed them: a number
        must never stand for two things. The latest change is written down once more, so that whoever follows goes on from there.
        """
        if connection.exec_driver_sql("SELECT to_regclass('meta')").scalar() is None:  # it is being made
            return
        known = connection.exec_driver_sql(f"SELECT value FROM meta WHERE name = '{CLUSTER}'").scalar()
        if known is not None and known != cluster:
            connection.exec_driver_sql(f"UPDATE record SET change = change + {LEFT_OUT} WHERE change = (SELECT max(change) FROM record)")
            numbers = "pg_get_serial_sequence('fingerprint', 'number')"  # by which an index tells what it has already
            connection.exec_driver_sql(f"SELECT setval({numbers}, nextval({numbers}) + {LEFT_OUT})")
        if known != cluster:
            upsert(connection, schema.meta, {"name": CLUSTER, "value": cluster})
        self._cluster = cluster

    def check_read(self, connection: sa.Connection) -> None:
        """Make sure that what was read is not older than allowed.

        Raises:
            DatabaseError: it is, or nobody knows.
        """
        if self._max_lag_s is None:
            return
        now_s = time.monotonic()
        if self._lag_s + (now_s - self._lag_at_s) <= self._max_lag_s:  # it is no more than that by now
            return
        lag_s = connection.exec_driver_sql(_LAG).scalar_one()
        if lag_s is None:
            raise self._behind("nobody knows how far it is behind the primary, which it does not hear of")
        self._lag_s, self._lag_at_s = float(lag_s), now_s
        if self._lag_s > self._max_lag_s:
            raise self._behind(f"it is {self._lag_s:.1f} s behind the primary, or that long without news from it")

    def _behind(self, why: str) -> failures.DatabaseError:
        hint = "ask the primary, or allow more, with VHASHDB_MAX_LAG or `max_lag_s`"
        return failures.DatabaseError(f"{self.path} is a standby: {why}; {self._max_lag_s:g} s are allowed", hint=hint)

    def empty_log(self, connection: sa.Connection) -> bool:  # noqa: ARG002  # SQLite's needs it
        """Tell that nothing is to be warned of: how long what was erased stays is a matter of the server's settings."""
        return True

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
            return failures.DatabaseUnreachable(f"{self.path} cannot be reached: {words}")
        return failures.DatabaseError(f"{self.path}: {words}")
