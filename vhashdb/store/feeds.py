"""Feeds in the database: whom to trust, how far each was read, and what was wrong with it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from vhashdb.codes import LOCAL
from vhashdb.errors import UsageError
from vhashdb.json_values import json_value
from vhashdb.store import feed_schema as tables
from vhashdb.store import feed_ties, schema
from vhashdb.store.clock import now_utc
from vhashdb.store.dialect import upsert
from vhashdb.store.promotion import clear, erase, refresh_disputes_of
from vhashdb.store.records_file import Store
from vhashdb.store.settings import read_hosts, write_hosts
from vhashdb.store.sqlite import erasing

TRUST: Final = ("none", "log", "review", "block")
NEW, SYNCED, QUARANTINED, REMOVED = "new", "synced", "quarantined", "removed"
"""Values of `Feed.status`. Whether a synced feed is fresh or stale is a matter of the time at which one asks."""


Row = dict[str, Any]


@dataclass(frozen=True)
class Feed:
    """One feed as it stands in the database."""

    number: int
    id: str
    member: str
    """The organisation behind it."""
    url: str
    root: bytes
    """The root metadata that was trusted first."""
    own: bool
    federation: str | None
    trust: str
    status: str
    why: str
    evidence: str
    epoch: int
    seq: int
    """Number of the last event that is in the records."""
    chain: str
    """The chain's value after that event, in hexadecimal."""
    head_seq: int
    head_chain: str
    root_version: int
    expires_at: datetime.datetime | None
    max_action: str
    tlp: str
    contact: str
    note: str
    skipped: int
    checked_at: datetime.datetime | None
    synced_at: datetime.datetime | None
    trouble: str
    staging: str
    same_video: bool
    """Whether it is believed which records show the same video."""

    def to_json(self) -> dict[str, Any]:
        """Return it with what was seen of it, as `followed`."""
        value = {"type": "followed", "feed": self.id, "level": self.trust}
        return value | {name: json_value(getattr(self, name)) for name in _TOLD}


_TOLD: Final = (
    *("status", "why", "member", "url", "federation", "epoch", "seq", "head_seq", "expires_at", "max_action", "tlp", "contact", "note"),
    "same_video",
    *("skipped", "checked_at", "synced_at", "trouble"),
)
_COLUMNS: Final = tuple(f.name for f in fields(Feed) if f.name in tables.feed.c)


class Feeds:
    """The feeds of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transactions = store.transactions

    # -- trust ---------------------------------------------------------------------------------

    def add(
        self, identifier: str, *, url: str, root: bytes, trust: str, member: str = "", own: bool = False, federation: str | None = None
    ) -> Feed:
        """Trust a feed from now on, or again.

        Raises:
            UsageError: it is trusted already, or there is no such level.
        """
        _check_level(trust)
        if identifier == LOCAL:
            raise UsageError(f"no feed may be called {LOCAL!r}: it stands for the people here", hint="ask the publisher for another id")
        before = self.find(identifier)
        if before is not None and before.status != REMOVED:
            raise UsageError(f"feed {identifier} is trusted already", hint="`Feeds.set_level` changes how far")
        values = {"url": url, "root": root, "trust": trust, "member": member or identifier, "own": own, "federation": federation}
        values |= {"status": NEW, "why": "", "evidence": "{}", "trouble": ""}
        with self._transactions.writing() as connection:
            upsert(connection, tables.feed, {"id": identifier, **values})
            self._store.audit.log_in(connection, "trust", None, feed=identifier, url=url, level=trust)
        return self.get(identifier)

    def find(self, identifier: str) -> Feed | None:
        """Return the feed with that id, if it was ever known."""
        with self._transactions.reading() as connection:
            row = connection.execute(sa.select(tables.feed).where(tables.feed.c.id == identifier)).mappings().first()
            return None if row is None else _feeds(connection, [row])[0]

    def get(self, identifier: str) -> Feed:
        """Return the trusted feed with that id.

        Raises:
            UsageError: there is none.
        """
        feed = self.find(identifier)
        if feed is None or feed.status == REMOVED:
            raise UsageError(f"no feed {identifier!r} is trusted", hint="`Feeds.all` lists the feeds")
        return feed

    def all(self, *, own: bool = False) -> list[Feed]:
        """Return the trusted feeds of others, or one's own, by id."""
        query = sa.select(tables.feed).where(tables.feed.c.own == own, tables.feed.c.status != REMOVED).order_by(tables.feed.c.id)
        with self._transactions.reading() as connection:
            return _feeds(connection, connection.execute(query).mappings().all())

    def set_level(self, identifier: str, trust: str, *, same_video: bool | None = None) -> Feed:
        """Change how far a feed is trusted.

        Args:
            identifier: of the feed.
            trust: the most that its records may lead to by themselves.
            same_video: whether it is believed which records show the same video; None: from ``review`` on it is.
        """
        _check_level(trust)
        self._change(self.get(identifier), "trust-level", {"trust": trust}, level=trust, same_video=same_video)
        with self._transactions.writing() as connection:
            refresh_disputes_of(connection, identifier)
            feed_ties.write_belief(connection, identifier, same_video)
            feed_ties.loosen_author(connection, identifier)
        return self.get(identifier)

    def release(self, identifier: str, reason: str) -> Feed:
        """Take a feed out of quarantine: somebody asked its publisher. It is then read from its beginning."""
        values = {
            "status": NEW,
            "why": "",
            "evidence": "{}",
            "seq": 0,
            "chain": "",
            "head_seq": 0,
            "head_chain": "",
            "epoch": 0,
            "root_version": 0,
        }
        self._change(self.get(identifier), "trust-release", values, reason=reason)
        return self.get(identifier)

    def hosts(self, identifier: str) -> frozenset[str]:
        """Return the other hosts that people here named for the feed: it may send on to them, and they may be internal."""
        with self._transactions.reading() as connection:
            return read_hosts(connection, f"feed {identifier}")

    def name_hosts(self, identifier: str, hosts: frozenset[str]) -> None:
        """Name these hosts for the feed, and no others any more."""
        with self._transactions.writing() as connection:
            write_hosts(connection, f"feed {identifier}", hosts)
            self._store.audit.log_in(connection, "trust-hosts", None, feed=identifier, hosts=sorted(hosts))

    def move(self, identifier: str, *, url: str, root: bytes | None = None) -> Feed:
        """Read the feed at another place from now on, or with a new root of trust that was received over another channel."""
        self._change(self.get(identifier), "trust-move", {"url": url, **({"root": root} if root is not None else {})}, url=url)
        return self.get(identifier)

    def remove(self, identifier: str) -> int:
        """Trust a feed no longer: its records stop matching and are blanked, its opinions are forgotten; how many records."""
        feed = self.get(identifier)
        which = "SELECT record FROM origin WHERE feed = :feed AND record IS NOT NULL"
        with self._transactions.writing() as connection:
            values = {"feed": feed.number}
            with erasing(connection):
                change = int(connection.exec_driver_sql("SELECT max(change) FROM record").scalar() or 0)
                # A feed that is trusted again starts from nothing; what was erased stays so, and what people here retracted.
                forgetting = (
                    f"UPDATE origin SET rev = 0, withdrawn = withdrawn OR coalesce((SELECT {schema.NOT_RETRACTED} FROM record "
                    "WHERE number = origin.record), true) WHERE feed = :feed"
                )
                connection.execute(sa.text(forgetting), values)
                retracting = sa.text(
                    "UPDATE record SET state = 'retracted', revision = revision + 1, change = :change + n.place FROM "
                    f"(SELECT record, row_number() OVER (ORDER BY record) AS place FROM ({which}) AS mine) n WHERE record.number = n.record"
                )
                removed = connection.execute(retracting, values | {"change": change}).rowcount
                erase(connection, which, **values)
                feed_ties.forget_author(connection, feed.id)
                feed_ties.write_belief(connection, feed.id, None)
                for table in (tables.opinion, tables.allow):
                    connection.execute(table.delete().where(table.c.author == feed.id, table.c.author != LOCAL))
                clear(connection, feed.number)
                write_hosts(connection, f"feed {identifier}", ())
                blank = {
                    "status": REMOVED,
                    "seq": 0,
                    "chain": "",
                    "head_seq": 0,
                    "head_chain": "",
                    "epoch": 0,
                    "root_version": 0,
                    "expires_at": None,
                }
                connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**blank))
            self._store.audit.log_in(connection, "trust-remove", None, feed=feed.id, records=removed)
        return removed

    # -- what a sync found ---------------------------------------------------------------------

    def saw_head(self, feed: Feed, values: Mapping[str, Any]) -> None:
        """Keep what a signed head says: ``head_seq``, ``head_chain``, ``expires_at`` and the feed's policy."""
        self._set(feed, {**values, "checked_at": now_utc(), "trouble": ""})

    def failed(self, feed: Feed, trouble: str) -> None:
        """Keep why a sync failed; the records stay as they are."""
        self._set(feed, {"trouble": trouble, "checked_at": now_utc()})

    def quarantine(self, feed: Feed, why: str, evidence: Mapping[str, Any]) -> None:
        """Quarantine a feed that broke a rule of trust: keep the evidence, the last good state, and nothing of what was staged."""
        with self._transactions.writing() as connection:
            clear(connection, feed.number)
            values = {"status": QUARANTINED, "why": why, "evidence": json.dumps(dict(evidence), sort_keys=True), "checked_at": now_utc()}
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))
            self._store.audit.log_in(connection, "quarantine", None, feed=feed.id, why=why, **evidence)

    # -- inside --------------------------------------------------------------------------------

    def _set(self, feed: Feed, values: Mapping[str, Any]) -> None:
        with self._transactions.writing() as connection:
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))

    def _change(self, feed: Feed, action: str, values: Mapping[str, Any], **said: Any) -> None:
        with self._transactions.writing() as connection:
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))
            self._store.audit.log_in(connection, action, None, feed=feed.id, **said)


def _feeds(connection: Connection, rows: Sequence[RowMapping]) -> list[Feed]:
    believed = feed_ties.beliefs(connection, ((row["id"], row["trust"]) for row in rows))
    return [Feed(**{name: row[name] for name in _COLUMNS}, same_video=believed[row["id"]]) for row in rows]


def _check_level(trust: str) -> None:
    if trust not in TRUST:
        raise UsageError(f"{trust!r} is not a level of trust", hint=f"known: {', '.join(TRUST)}")
