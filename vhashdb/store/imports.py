"""What was imported from files of others: which record came from which id of which source, and what it brought along."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.fingerprints import Fingerprint, to_bytes
from vhashdb.store import feed_schema, promotion, schema
from vhashdb.store.clock import now_utc
from vhashdb.store.records import NewRecord, State
from vhashdb.store.store import Store, detail_values, set_labels


@dataclass(frozen=True)
class Place:
    """Where a record is known: an id of a source."""

    source: str
    external_id: str

    @property
    def key(self) -> str:
        """What it is looked up by; it does not tell the id, which may be a hash that must be forgotten."""
        return hashlib.sha256(f"{self.source}\n{self.external_id}".encode()).hexdigest()


@dataclass(frozen=True)
class Imported:
    """What is known of one id of one source."""

    record: str
    """The record's id here."""
    state: State
    digest: str
    """Of what was last said of it."""
    withdrawn: bool
    """By its source, as opposed to people here."""


@dataclass(frozen=True)
class Content:
    """What one item of a file brings."""

    new: NewRecord
    fingerprint: Fingerprint
    others: tuple[tuple[str, str], ...]
    """Algorithm and value of hashes that are kept for others."""
    state: State
    held: str
    """Why it is held, if it is."""
    digest: str


class Imports:
    """The imports of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, place: Place) -> Imported | None:
        """What is known of a place."""
        with self._store.transactions.reading() as connection:
            return _find(connection, place)

    def others(self, record: str) -> tuple[tuple[str, str], ...]:
        """Algorithm and value of the hashes that a record, by its id, keeps for others."""
        table = schema.other_hash
        query = sa.select(table.c.algorithm, table.c.value).join(schema.record).where(schema.record.c.id == record)
        with self._store.transactions.reading() as connection:
            return tuple((algorithm, value) for algorithm, value in connection.execute(query.order_by(table.c.algorithm, table.c.value)))

    @contextlib.contextmanager
    def batch(self) -> Iterator[Batch]:
        """Several changes as one transaction."""
        with self._store.transactions.writing() as connection:
            yield Batch(self._store, connection)


class Batch:
    """Changes within one transaction."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store, self._connection = store, connection

    def find(self, place: Place) -> Imported | None:
        """What is known of a place, changes of this transaction included."""
        return _find(self._connection, place)

    def add(self, place: Place, content: Content) -> str:
        """A new record; its id."""
        identifier = secrets.token_hex(16)
        values = self._values(content) | {"id": identifier, "revision": 1, "added_at": now_utc()}
        number = self._connection.execute(schema.record.insert().values(**values)).inserted_primary_key[0]  # type: ignore[index]  # one row
        self._bring(number, content)
        row = {"source": place.source, "key": place.key, "external_id": place.external_id, "record": number, "at": now_utc()}
        self._connection.execute(schema.imported.insert().values(**row, digest=content.digest, withdrawn=False))
        self._log("import", identifier, place, held=content.held)
        return identifier

    def update(self, place: Place, known: Imported, content: Content) -> None:
        """Everything that its source says of a record, anew."""
        number = self._number(known)
        for table in (schema.fingerprint, schema.other_hash, feed_schema.held):
            self._connection.execute(table.delete().where(table.c.record == number))
        values = self._values(content) | {"revision": schema.record.c.revision + 1}
        self._connection.execute(schema.record.update().where(schema.record.c.number == number).values(**values))
        self._bring(number, content)
        self._mark(place, digest=content.digest, withdrawn=False, external_id=place.external_id)
        self._log("import", known.record, place, held=content.held)

    def retract(self, place: Place, known: Imported, *, reason: str, erase: bool) -> None:
        """Withdraw a record that its source withdrew; with ``erase``, forget what it was."""
        number = self._number(known)
        change = self._store.next_change(self._connection)
        values = {"state": State.RETRACTED.value, "revision": schema.record.c.revision + 1, "change": change}
        self._connection.execute(schema.record.update().where(schema.record.c.number == number).values(**values))
        self._mark(place, digest="", withdrawn=True)
        self._log("erase" if erase else "retract", known.record, place, reason=reason)
        if erase:
            self._connection.exec_driver_sql("PRAGMA secure_delete = ON")  # what is erased must not stay in free pages
            promotion.erase(self._connection, "SELECT :number", number=number)
            self._connection.execute(schema.other_hash.delete().where(schema.other_hash.c.record == number))
            self._mark(place, external_id="")
            self._connection.exec_driver_sql("PRAGMA secure_delete = OFF")

    # -- inside --------------------------------------------------------------------------------

    def _values(self, content: Content) -> dict[str, Any]:
        new = content.new
        values = {"state": content.state.value, "duration_s": new.duration_s, "sha256": new.sha256, "md5": new.md5}
        return values | {"change": self._store.next_change(self._connection)} | detail_values(new.details)

    def _bring(self, number: int, content: Content) -> None:
        """Everything of a record that is in other tables."""
        set_labels(self._connection, number, content.new.details.labels)
        algorithm, blob = str(content.fingerprint.algorithm), to_bytes(content.fingerprint)
        self._connection.execute(schema.fingerprint.insert().values(record=number, algorithm=algorithm, blob=blob))
        if content.others:
            rows = [{"record": number, "algorithm": algorithm, "value": value} for algorithm, value in content.others]
            self._connection.execute(schema.other_hash.insert(), rows)
        if content.held:
            self._connection.execute(feed_schema.held.insert().values(record=number, reason=content.held, at=now_utc()))

    def _mark(self, place: Place, **values: object) -> None:
        table = schema.imported
        where = (table.c.source == place.source) & (table.c.key == place.key)
        self._connection.execute(table.update().where(where).values(**values, at=now_utc()))

    def _number(self, known: Imported) -> int:
        return int(self._connection.execute(sa.select(schema.record.c.number).where(schema.record.c.id == known.record)).scalar_one())

    def _log(self, action: str, record: str, place: Place, **details: object) -> None:
        said = {name: value for name, value in details.items() if value}
        self._store.log_in(self._connection, action, record, source=place.source, **said)


def _find(connection: Connection, place: Place) -> Imported | None:
    table = schema.imported
    query = (
        sa.select(schema.record.c.id, schema.record.c.state, table.c.digest, table.c.withdrawn)
        .join(schema.record, schema.record.c.number == table.c.record)
        .where(table.c.source == place.source, table.c.key == place.key)
    )
    row = connection.execute(query).first()
    return None if row is None else Imported(row.id, State(row.state), row.digest, row.withdrawn)
