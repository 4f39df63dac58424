"""Remember what was imported from files of others: which record came from which id of which source, and what it brought along."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import LOCAL
from vhashdb.fingerprints import Fingerprint, to_stored
from vhashdb.store import feed_schema, promotion, schema
from vhashdb.store.clock import now_utc
from vhashdb.store.records import NewRecord, State
from vhashdb.store.records_file import Store
from vhashdb.store.rows import detail_values
from vhashdb.store.sqlite import erasing

_TABLES: Final = (
    schema.record,
    schema.label,
    schema.fingerprint,
    schema.other_hash,
    feed_schema.held,
    feed_schema.opinion,
    schema.imported,
    schema.audit,
)
"""Those that an import writes to, in the order in which they refer to each other."""


@dataclass(frozen=True)
class Place:
    """Where a record is known: an id of a source."""

    source: str
    external_id: str

    @property
    def key(self) -> str:
        """Key by which it is looked up; it does not tell the id, which may be a hash that must be forgotten."""
        return hashlib.sha256(f"{self.source}\n{self.external_id}".encode()).hexdigest()


@dataclass(frozen=True)
class Imported:
    """State of one id of one source."""

    record: str
    """The record's id here."""
    state: State
    digest: str
    """Of what was last said of it."""
    withdrawn: bool
    """By its source, as opposed to people here."""


@dataclass(frozen=True)
class Content:
    """Content that one item of a file brings."""

    new: NewRecord
    fingerprint: Fingerprint
    others: tuple[tuple[str, str], ...]
    """Algorithm and value of hashes that are kept for others."""
    state: State
    held: str
    """Why it is held, if it is."""
    opinions: Mapping[str, tuple[str, str]]
    """Verdict and reason by author; an author's name begins with the source, so that no feed and nobody here is meant."""
    digest: str


class Imports:
    """The imports of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, place: Place) -> Imported | None:
        """Look up a place."""
        with self._store.transactions.reading() as connection:
            return _find(connection, place)

    def others(self, record: str) -> tuple[tuple[str, str], ...]:
        """Return algorithm and value of the hashes that a record, by its id, keeps for others."""
        table = schema.other_hash
        query = sa.select(table.c.algorithm, table.c.value).join(schema.record).where(schema.record.c.id == record)
        with self._store.transactions.reading() as connection:
            return tuple((algorithm, value) for algorithm, value in connection.execute(query.order_by(table.c.algorithm, table.c.value)))

    @contextlib.contextmanager
    def batch(self) -> Iterator[Batch]:
        """Open one transaction for several changes."""
        with self._store.transactions.writing() as connection:
            batch = Batch(self._store, connection)
            yield batch
            batch.flush()


class Batch:
    """Changes within one transaction. New records are written together: statements one by one cost more than the disk."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store, self._connection = store, connection
        self._change = store.next_change(connection)
        self._number = int(connection.execute(sa.select(sa.func.max(schema.record.c.number))).scalar() or 0)
        self._rows: dict[sa.Table, list[dict[str, Any]]] = {}
        self._added: dict[Place, Imported] = {}

    def find(self, place: Place) -> Imported | None:
        """Look up a place, changes of this transaction included."""
        return self._added.get(place) or _find(self._connection, place)

    def add(self, place: Place, content: Content) -> str:
        """Add a new record; return its id."""
        identifier = secrets.token_hex(16)
        self._number += 1
        self._write(schema.record, self._values(content) | {"number": self._number, "id": identifier, "revision": 1, "added_at": now_utc()})
        self._bring(self._number, identifier, content)
        row = {"source": place.source, "key": place.key, "external_id": place.external_id, "record": self._number, "at": now_utc()}
        self._write(schema.imported, row | {"digest": content.digest, "withdrawn": False})
        self._log("import", identifier, place, held=content.held)
        self._added[place] = Imported(identifier, content.state, content.digest, False)
        return identifier

    def update(self, place: Place, known: Imported, content: Content) -> None:
        """Replace everything that its source says of a record."""
        number = self._settled(known)
        for table in (schema.other_hash, schema.label, feed_schema.held):
            self._connection.execute(table.delete().where(table.c.record == number))
        prints = schema.fingerprint
        before = list(self._connection.execute(sa.select(prints.c.number).where(prints.c.record == number)).scalars())
        opinion = feed_schema.opinion
        mine = (opinion.c.on_rid == known.record) & opinion.c.author.startswith(f"{place.source}/", autoescape=True)
        self._connection.execute(opinion.delete().where(mine))
        values = self._values(content) | {"revision": schema.record.c.revision + 1}
        self._connection.execute(schema.record.update().where(schema.record.c.number == number).values(**values))
        self._bring(number, known.record, content)
        self.flush()  # before the old fingerprint goes: SQLite would give its number to the new one, and the index would see no change
        self._connection.execute(prints.delete().where(prints.c.number.in_(before)))
        self._mark(place, digest=content.digest, withdrawn=False, external_id=place.external_id)
        self._log("import", known.record, place, held=content.held)

    def retract(self, place: Place, known: Imported, *, reason: str, erase: bool) -> None:
        """Withdraw a record that its source withdrew; with ``erase``, forget what it was."""
        number = self._settled(known)
        values = {"state": State.RETRACTED.value, "revision": schema.record.c.revision + 1, "change": self._next_change()}
        self._connection.execute(schema.record.update().where(schema.record.c.number == number).values(**values))
        self._mark(place, digest="", withdrawn=True)
        self._log("erase" if erase else "retract", known.record, place, reason=reason)
        if erase:
            with erasing(self._connection):
                promotion.erase(self._connection, "SELECT :number", number=number)
                self._connection.execute(schema.other_hash.delete().where(schema.other_hash.c.record == number))
                self._connection.execute(feed_schema.opinion.delete().where(feed_schema.opinion.c.on_rid == known.record))
                self._mark(place, external_id="")

    def flush(self) -> None:
        """Write what was gathered."""
        for table in _TABLES:
            if rows := self._rows.pop(table, None):
                self._connection.execute(table.insert(), rows)
        self._added.clear()

    # -- inside --------------------------------------------------------------------------------

    def _write(self, table: sa.Table, row: dict[str, Any]) -> None:
        self._rows.setdefault(table, []).append(row)

    def _next_change(self) -> int:
        self._change += 1
        return self._change - 1

    def _values(self, content: Content) -> dict[str, Any]:
        new = content.new
        values = {"state": content.state.value, "duration_s": new.duration_s, "sha256": new.sha256, "md5": new.md5}
        return values | {"change": self._next_change()} | detail_values(new.details)

    def _bring(self, number: int, identifier: str, content: Content) -> None:
        """Everything of a record that is in other tables."""
        for label in content.new.details.labels:
            self._write(schema.label, {"record": number, "label": label})
        algorithm, blob = str(content.fingerprint.algorithm), to_stored(content.fingerprint)
        self._write(schema.fingerprint, {"record": number, "algorithm": algorithm, "blob": blob})
        for algorithm, value in content.others:
            self._write(schema.other_hash, {"record": number, "algorithm": algorithm, "value": value})
        for author, (verdict, reason) in content.opinions.items():
            row = {"author": author, "on_feed": LOCAL, "on_rid": identifier, "on_rev": 1, "verdict": verdict, "reason": reason}
            self._write(feed_schema.opinion, row | {"basis": "metadata", "at": now_utc()})
        if content.held:
            self._write(feed_schema.held, {"record": number, "reason": content.held, "at": now_utc()})

    def _mark(self, place: Place, **values: object) -> None:
        table = schema.imported
        where = (table.c.source == place.source) & (table.c.key == place.key)
        self._connection.execute(table.update().where(where).values(**values, at=now_utc()))

    def _settled(self, known: Imported) -> int:
        """Return the number of a record that is to be changed, once everything before it is written."""
        self.flush()
        return int(self._connection.execute(sa.select(schema.record.c.number).where(schema.record.c.id == known.record)).scalar_one())

    def _log(self, action: str, record: str, place: Place, **details: object) -> None:
        said = {"source": place.source} | {name: value for name, value in details.items() if value}
        self._write(schema.audit, self._store.audit.line(action, record, **said)._asdict())


_FIND: Final = (
    sa.select(schema.record.c.id, schema.record.c.state, schema.imported.c.digest, schema.imported.c.withdrawn)
    .join(schema.record, schema.record.c.number == schema.imported.c.record)
    .where(schema.imported.c.source == sa.bindparam("source"), schema.imported.c.key == sa.bindparam("key"))
)


def _find(connection: Connection, place: Place) -> Imported | None:
    row = connection.execute(_FIND, {"source": place.source, "key": place.key}).first()
    return None if row is None else Imported(row.id, State(row.state), row.digest, row.withdrawn)
