"""The records file: SQLite in WAL mode through SQLAlchemy Core.

One process writes at a time, any number read. Every public method that writes is one transaction, acknowledged when it
returns and durable from then on.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb import errors
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.store import checksums, clock, integrity, migrations, schema
from vhashdb.store.additions import Item, insert
from vhashdb.store.audit import AuditLog, user_here
from vhashdb.store.changes import Changes, counting
from vhashdb.store.clock import now_utc
from vhashdb.store.hits import CaseState, Hits, decide_in
from vhashdb.store.placing import release, tighten
from vhashdb.store.postgresql import PostgresqlDatabase
from vhashdb.store.records import NewRecord, Record, Selection, State, texts
from vhashdb.store.rows import number_of, read_fingerprint, read_record, read_records, require_revision, with_shared_id, write_labels
from vhashdb.store.sqlite import SqliteFile, application_of, may_write, only_read
from vhashdb.store.transactions import Transactions
from vhashdb.store.unpacked import Unpacked

_log: Final = logging.getLogger(__name__)

LOCK_TIMEOUT_S: Final = 10.0
_IDENTITY: Final = "identity"
"""Name of it in the table ``meta``."""
_AT_ONCE: Final = 200
"""Records that are read together. Engineering bound: what other tables say of each costs several queries."""


class Store:
    """The records of one database."""

    def __init__(
        self,
        path: Path | str,
        *,
        lock_timeout_s: float,
        actor: str | None = None,
        refusal: errors.DatabaseError | None = None,
        max_lag_s: float | None = None,
    ) -> None:
        """Prepare; ``refusal`` is why nothing can be written, if so."""
        backend: SqliteFile | PostgresqlDatabase
        if isinstance(path, Path):
            backend = SqliteFile(path, lock_timeout_s, read_only=refusal is not None)
            sa.event.listen(backend.engine, "connect", lambda connection, _: checksums.prepare(connection))
        else:
            backend = PostgresqlDatabase(path, lock_timeout_s, read_only=refusal is not None, max_lag_s=max_lag_s)
        self.path: Path | str = backend.path
        """The file, or the URL of a database on PostgreSQL, without its password."""
        self.transactions = Transactions(backend, refusal=refusal, ending=_end)
        self.unpacked = Unpacked()
        """Fingerprints on their way in, for the indexes and for grouping."""
        self.changes = Changes(self.transactions, self.unpacked)
        """The records as the index needs them."""
        self.hits = Hits(self.transactions)
        """Which files matched which records, and what was decided about them."""
        self.audit = AuditLog(self.transactions, actor or user_here())

    @classmethod
    def create(
        cls,
        path: Path | str,
        algorithm: AlgorithmId,
        *,
        squares: bool = False,
        sound: bool = True,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        actor: str | None = None,
        filled: Callable[[Connection], None] | None = None,
    ) -> Store:
        """Make a new, empty file at ``path``, or tables at a URL of PostgreSQL, where nothing may be yet.

        `Store.squares` and `Store.sound` are as given from then on. ``filled`` puts something in, in the same transaction.
        """
        if isinstance(path, Path) and path.exists():
            raise errors.DatabaseExists(f"{path} exists already")
        store = cls(path, lock_timeout_s=lock_timeout_s, actor=actor)
        try:
            with store._writing() as connection:
                if integrity.version_of(connection):
                    raise errors.DatabaseExists(f"there is a database at {store.path} already")
                integrity.migrate(connection, 0)
                rows = {
                    "algorithm": algorithm.name,
                    "bits": str(algorithm.bits),
                    "spec": str(algorithm.spec),
                    "created_at": now_utc().isoformat(),
                    **{name: "1" for name, chosen in (("squares", squares), ("sound", sound)) if chosen},
                }
                connection.execute(schema.meta.insert(), [{"name": name, "value": value} for name, value in rows.items()])
                if isinstance(path, Path):
                    connection.exec_driver_sql(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
                else:
                    connection.execute(schema.meta.insert().values(name=_IDENTITY, value=secrets.token_hex(8)))
                if filled is not None:
                    filled(connection)
            store.transactions.empty_log()  # into the file itself, where `open` looks for the application id
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        actor: str | None = None,
        read_only: bool = False,
        max_lag_s: float | None = None,
    ) -> Store:
        """Open an existing file, or what is at a URL of PostgreSQL, bringing its tables up to date.

        A file that may not be written, and a standby, are opened as with ``read_only``. Of a standby, what was read is an error if it was
        more than ``max_lag_s`` behind.

        Raises:
            NotADatabase: it is something else.
            SchemaTooNew: a newer version wrote it.
            DatabaseDamaged: SQLite cannot read it.
        """
        if isinstance(path, str):
            refused = errors.DatabaseError("the database was opened to be read only") if read_only else None
            store = cls(path, lock_timeout_s=lock_timeout_s, actor=actor, refusal=refused, max_lag_s=max_lag_s)
            return store._refusing_on_standby()._brought_up_to_date()
        # Looked at before SQLite does: opening would already write to it.
        if application_of(path) != migrations.APPLICATION_ID:
            raise errors.NotADatabase(f"{path} is not a file of vhashdb")
        refusal = only_read(path) if read_only or not may_write(path) else None
        try:
            return cls(path, lock_timeout_s=lock_timeout_s, actor=actor, refusal=refusal)._brought_up_to_date()
        except errors.DatabaseError as error:
            if refusal is not None or type(error) is not errors.DatabaseError:
                raise
            # The disk is full, or let nothing be written after all: what is there can be read all the same.
            _log.warning("the database %s is opened to be read only: %s", path, error)
            return cls(path, lock_timeout_s=lock_timeout_s, actor=actor, refusal=error)._brought_up_to_date()

    def _refusing_on_standby(self) -> Self:
        try:
            if self.transactions.refusal is None and self.transactions.on_standby():
                self.transactions.refusal = errors.DatabaseError(
                    f"{self.path} is a standby and may only be read", hint="write to the primary"
                )
        except BaseException:
            self.close()
            raise
        return self

    def _brought_up_to_date(self) -> Self:
        try:
            version = self.schema_version
            if not version and isinstance(self.path, str):
                raise errors.DatabaseNotFound(f"there is no database of vhashdb at {self.path}")
            if version > migrations.VERSION:
                raise errors.SchemaTooNew(f"{self.path} has schema version {version}; this program knows up to {migrations.VERSION}")
            if version < migrations.VERSION:
                if self.transactions.refusal is not None:
                    raise errors.DatabaseError(
                        f"{self.path} was last written by an older vhashdb and cannot be brought up to date: {self.transactions.refusal}",
                        hint="open it once where it can be written, or copy the folder to such a place and open it there",
                    )
                with self._writing() as connection:
                    integrity.migrate(connection, version)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Release the file."""
        self.transactions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def actor(self) -> str:
        """Who decides here, as the audit log names them."""
        return self.audit.actor

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written: everything that only reads works all the same."""
        return self.transactions.refusal is not None

    # -- what the database is ------------------------------------------------------------------

    @property
    def algorithm(self) -> AlgorithmId:
        """The frame algorithm of all fingerprints in here."""
        with self._reading() as connection:
            values = {row.name: row.value for row in connection.execute(sa.select(schema.meta))}
        return AlgorithmId(values["algorithm"], int(values["bits"]), int(values["spec"]))

    @property
    def identity(self) -> str:
        """What tells a database on PostgreSQL from every other, whatever its URL; empty for a file."""
        with self._reading() as connection:
            return connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == _IDENTITY)).scalar() or ""

    @property
    def squares(self) -> bool:
        """Whether fingerprints in here have squares, as far as whoever made them gave them; chosen when the file was made."""
        return self._has_chosen("squares")

    @property
    def sound(self) -> bool:
        """Whether the sound of videos that are added is kept as well; chosen when the file was made, and not in one of before there was."""
        return self._has_chosen("sound")

    def _has_chosen(self, name: str) -> bool:
        with self._reading() as connection:
            return connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == name)).scalar() == "1"

    @property
    def schema_version(self) -> int:
        """Version of the tables."""
        with self._reading() as connection:
            return integrity.version_of(connection)

    def now(self) -> datetime.datetime:
        """Return the time that decides what is in force: never before a time that the database has seen, see `clock.latest`."""
        with self._reading() as connection:
            return max(now_utc(), clock.latest(connection))

    def counts(self) -> dict[State, int]:
        """Count the records in each state."""
        query = sa.select(schema.record.c.state, sa.func.count().label("number")).group_by(schema.record.c.state)
        with self._reading() as connection:
            found = {row.state: int(row.number) for row in connection.execute(query)}
        return {state: found.get(state.value, 0) for state in State}

    @property
    def is_empty(self) -> bool:
        """Whether there is no record that can be matched."""
        with self._reading() as connection:
            return connection.exec_driver_sql(f"SELECT 1 FROM record WHERE {schema.NOT_RETRACTED} LIMIT 1").scalar() is None

    def known_s(self) -> float:
        """Add up the seconds of all videos that can be matched."""
        query = sa.select(sa.func.sum(schema.record.c.duration_s)).where(schema.not_retracted)
        with self._reading() as connection:
            return float(connection.execute(query).scalar() or 0.0)

    def updated_at(self) -> datetime.datetime | None:
        """Return when a record was last added or changed."""
        query = sa.select(sa.func.max(schema.audit.c.at)).where(schema.audit.c.record.is_not(None), schema.audit.c.action != "match")
        with self._reading() as connection:
            return connection.execute(query).scalar()

    def problems(self) -> list[str]:
        """Check the records with the checksums of rows and fingerprints, and a file by SQLite's integrity check; empty if all is well."""
        with self._reading() as connection:
            return integrity.problems(connection)

    def check(self, identifiers: Sequence[str]) -> None:
        """Make sure that records, by their full ids, are as they were written.

        Raises:
            DatabaseDamaged: one is not.
        """
        if not identifiers:
            return
        with self._reading() as connection:
            wrong = checksums.wrong_records(connection, identifiers)
        if wrong:
            raise errors.DatabaseDamaged(f"{self.path}: record {wrong[0]} is not as it was written")

    # -- records -------------------------------------------------------------------------------

    def add(self, new: NewRecord, fingerprint: Fingerprint, near: Iterable[tuple[str, float]] = (), *, held: str = "") -> Record:
        """Record a known video.

        Args:
            new: what it is.
            fingerprint: how it is recognised.
            near: (record id, score) of what it is a near duplicate of.
            held: why somebody else has to confirm it before it may lead to more than a review; empty if nobody has to.
        """
        (record,) = self.add_many([Item(new, fingerprint, tuple(near))], held=held)
        return record

    def add_many(self, items: Sequence[Item], *, held: str = "") -> list[Record]:
        """Record known videos in one transaction; ``held`` as of `add`."""
        ours = self.algorithm
        for item in items:
            ours.require(item.fingerprint.algorithm)
        with self._writing() as connection:
            return insert(connection, items, actor=self.actor, held=held)

    def get(self, identifier: str) -> Record:
        """Return the record with this id or ``FEED:RID``, which is how its publisher names it, or whose id alone begins so.

        Raises:
            RecordNotFound: none has it, or several begin so.
        """
        wanted = identifier.lower()
        which = with_shared_id(wanted) if ":" in wanted else schema.record.c.id.startswith(wanted, autoescape=True)
        with self._reading() as connection:
            rows = connection.execute(sa.select(schema.record).where(which).limit(2)).mappings().all() if wanted.strip(":") else []
            if len(rows) != 1:
                problem = "more than one record's id begins with" if rows else "no record has the id"
                raise errors.RecordNotFound(f"{problem} {identifier!r}")
            return read_record(connection, rows[0])

    def by_number(self, numbers: Sequence[int]) -> dict[int, Record]:
        """Return records by the number that the index uses."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(schema.record).where(schema.record.c.number.in_(numbers))).mappings().all()
            return dict(zip((row["number"] for row in rows), read_records(connection, rows), strict=True))

    def number(self, identifier: str) -> int:
        """Return the number that the index uses for the record with this full id.

        Raises:
            RecordNotFound: there is no such record.
        """
        with self._reading() as connection:
            return number_of(connection, identifier)

    def by_sha256(self, sha256: str) -> Record | None:
        """Return the record made from a file with this hash that is not retracted, if there is one."""
        return self._by_file_hash(schema.record.c.sha256 == sha256)

    def by_md5(self, md5: str, *, alone: bool = True) -> Record | None:
        """Return the record with this MD5; ``alone``: only one of which no SHA-256 is known, which would tell more surely."""
        known = schema.record.c.md5 == md5
        return self._by_file_hash(known & schema.record.c.sha256.is_(None) if alone else known)

    def has_md5_alone(self) -> bool:
        """Tell whether there are such records: lists of others often have nothing better."""
        query = sa.select(sa.exists().where(schema.record.c.md5.is_not(None), schema.record.c.sha256.is_(None)))
        with self._reading() as connection:
            return bool(connection.execute(query).scalar())

    def _by_file_hash(self, condition: sa.ColumnElement[bool]) -> Record | None:
        query = sa.select(schema.record).where(condition, schema.not_retracted)
        with self._reading() as connection:
            row = connection.execute(query.order_by(schema.record.c.number)).mappings().first()
            return None if row is None else read_record(connection, row)

    def records(
        self, *, labels: Sequence[str] = (), states: Sequence[State] = (), source: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        """Yield records in the order they were added; every given label must be there."""
        labels, states = texts("labels", labels), texts("states", states)
        query = sa.select(schema.record).order_by(schema.record.c.number)
        query = query.where(*counting(Selection(tuple(labels), states=tuple(states), sources=() if source is None else (source,))))
        with self._reading() as connection:
            for rows in connection.execute(query.limit(limit)).mappings().partitions(_AT_ONCE):
                yield from read_records(connection, rows)

    def fingerprint(self, identifier: str) -> Fingerprint:
        """Return the fingerprint of the record with this full id."""
        query = sa.select(schema.fingerprint.c.blob).join(schema.record).where(schema.record.c.id == identifier)
        with self._reading() as connection:
            blob = connection.execute(query).scalar()
        if blob is None:
            raise errors.RecordNotFound(f"record {identifier} has no fingerprint")
        return read_fingerprint(identifier, blob, self.unpacked)

    def fingerprints(self, numbers: Sequence[int]) -> dict[int, Fingerprint]:
        """Return the fingerprints of records by the number that the index uses, read at once.

        Raises:
            DatabaseDamaged: one is damaged.
        """
        table = schema.fingerprint.c
        query = sa.select(table.record, schema.record.c.id, table.blob).join(schema.record).where(table.record.in_(numbers))
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return {number: read_fingerprint(identifier, blob, self.unpacked) for number, identifier, blob in rows}

    def relabel(self, identifier: str, *, add: Sequence[str] = (), remove: Sequence[str] = (), revision: int | None = None) -> Record:
        """Add and take away labels; see `Database.label`."""
        add, remove = texts("labels to add", add), texts("labels to remove", remove)
        old = self.get(identifier)
        details = replace(old.details, labels=tuple((set(old.labels) | set(add)) - set(remove)))
        with self._changing(old, "label", revision, added=sorted(add), removed=sorted(remove)) as (connection, number):
            write_labels(connection, number, details.labels)
        return self.get(old.id)

    def set_state(self, identifier: str, state: State, *, reason: str, action: str) -> Record:
        """Move a record to another state, with a reason."""
        old = self.get(identifier)
        with self._changing(old, action, reason=reason, state=state.value) as (connection, number):
            connection.execute(schema.record.update().where(schema.record.c.number == number).values(state=state.value))
        return self.get(old.id)

    def mark_not_this(self, identifier: str, sha256: str, reason: str) -> None:
        """Remember that the file with this hash is not this record. Said twice, it is remembered once."""
        record = self.get(identifier)
        with self._writing() as connection:
            self.mark_in(connection, record.id, sha256, reason)

    def mark_in(self, connection: Connection, record: str, sha256: str, reason: str) -> None:
        """Remember that a file is not a record, given by its full id, in a transaction that is under way."""
        self.decide_in(connection, "unmatch", record, self.hits.file(sha256), CaseState.NOT_THIS, reason=reason)

    def decide_in(
        self,
        connection: Connection,
        action: str,
        record: str,
        file: str,
        state: CaseState,
        *,
        reason: str,
        verdict: str = "",
        score: float = 0.0,
    ) -> None:
        """Decide about a file and a record, given by its full id, in a transaction that is under way; see `hits.decide_in`."""
        line = self.audit.log_in(connection, action, record or None, file=file, reason=reason)
        decide_in(connection, file, record, state, line, at=now_utc(), verdict=verdict, score=score)

    def not_this(self, sha256: str) -> frozenset[str]:
        """Return the ids of the records that the file with this hash is not."""
        return self.hits.unlike(self.hits.file(sha256))

    # -- inside --------------------------------------------------------------------------------

    @staticmethod
    def next_change(connection: Connection) -> int:
        """Return the number of the next write to a record."""
        return int(connection.execute(sa.select(sa.func.max(schema.record.c.change))).scalar() or 0) + 1

    @contextlib.contextmanager
    def _changing(self, old: Record, action: str, revision: int | None = None, /, **details: Any) -> Iterator[tuple[Connection, int]]:
        """Change one record, if it has this revision: raise it and log the change in the same transaction."""
        with self._writing() as connection:
            require_revision(connection, old.id, revision)
            number = number_of(connection, old.id)
            connection.execute(
                schema.record.update()
                .where(schema.record.c.number == number)
                .values(revision=schema.record.c.revision + 1, change=self.next_change(connection))
            )
            yield connection, number
            self.audit.log_in(connection, action, old.id, **details)

    def _reading(self) -> contextlib.AbstractContextManager[Connection]:
        return self.transactions.reading()

    def _writing(self) -> contextlib.AbstractContextManager[Connection]:
        return self.transactions.writing()


def _end(connection: Connection) -> None:
    """What every transaction that writes ends with."""
    release(connection)
    tighten(connection)
    checksums.renew(connection)
