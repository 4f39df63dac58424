"""Federations in the database: whose rosters are followed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from vhashdb.store import feed_schema as tables
from vhashdb.store.clock import now_utc
from vhashdb.store.dialect import upsert
from vhashdb.store.records_file import Store
from vhashdb.store.settings import read_hosts, write_hosts


@dataclass(frozen=True)
class Federation:
    """One federation whose roster is followed."""

    id: str
    url: str
    root: bytes
    trust: str
    """Trust in the feeds of its members, unless people here set it."""
    version: int
    """Epoch of the roster that was read last."""
    checked_at: datetime.datetime | None
    trouble: str


class Federations:
    """The federations of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transactions = store.transactions

    def follow(self, identifier: str, *, url: str, root: bytes, trust: str, hosts: frozenset[str] = frozenset()) -> None:
        """Follow a roster from now on."""
        values = {"url": url, "root": root, "trust": trust}
        with self._transactions.writing() as connection:
            upsert(connection, tables.federation, {"id": identifier, **values})
            write_hosts(connection, f"federation {identifier}", hosts)
            self._store.audit.log_in(connection, "federation", None, federation=identifier, url=url, level=trust)

    def hosts(self, identifier: str) -> frozenset[str]:
        """Return the other hosts that people here named for the roster."""
        with self._transactions.reading() as connection:
            return read_hosts(connection, f"federation {identifier}")

    def all(self) -> list[Federation]:
        """Return those that are followed, by id."""
        with self._transactions.reading() as connection:
            rows = connection.execute(sa.select(tables.federation).order_by(tables.federation.c.id)).mappings()
            return [Federation(**row) for row in rows]

    def checked(self, identifier: str, values: Mapping[str, Any]) -> None:
        """Keep what came of reading a roster."""
        change = tables.federation.update().where(tables.federation.c.id == identifier)
        with self._transactions.writing() as connection:
            connection.execute(change.values(checked_at=now_utc(), **values))
