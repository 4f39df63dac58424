"""Feeds in the database: whom to trust, how far each was read, and the one transaction in which a sync takes effect."""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, RowMapping

from vhashdb.errors import FeedBusy, UsageError
from vhashdb.store import feed_schema as tables
from vhashdb.store.clock import now_utc
from vhashdb.store.promotion import Promotion, clear, erase, promote
from vhashdb.store.store import Store

TRUST: Final = ("none", "log", "review", "block")
NEW, SYNCED, QUARANTINED, REMOVED = "new", "synced", "quarantined", "removed"
"""What `Feed.status` may be. Whether a synced feed is fresh or stale is a matter of the time at which one asks."""

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
    """Everything up to here is in the records …"""
    chain: str
    """… and this is the chain's value there, in hexadecimal."""
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


@dataclass(frozen=True)
class Reached:
    """How far a sync got, which is to be kept together with what it brought."""

    epoch: int
    """Of the feed's history."""
    seq: int
    """The last event that is staged …"""
    chain: str
    """… and the chain's value there, in hexadecimal, which was compared with the signed one."""
    root_version: int
    whole: bool = False
    """Staging has everything that the feed says: what is absent is retracted."""
    anew: bool = False
    """The history is another one than before."""
    hold_new: str = ""
    """Why all new records must wait for a person; empty if they need not."""
    skipped: int = 0
    """Events that broke the schema."""
    note: str | None = None
    """The publisher's latest words, if there are new ones."""


_HOLD_NEW: Final = (
    "UPDATE staged SET held = CASE held WHEN '' THEN :why ELSE held || '; ' || :why END WHERE feed = :feed "
    "AND kind = 'put' AND NOT EXISTS (SELECT 1 FROM origin o WHERE o.feed = staged.feed AND o.rid = staged.rid)"
)
_COLUMNS: Final = tuple(f.name for f in fields(Feed))

_STAGED_COLUMNS: Final = tuple(c.name for c in tables.staged.c)
# Of what is said of one record the highest revision wins, a retraction also at the same one, an erasure for ever.
# Written out, because a million rows are too many to convert one by one.
_STAGE_RECORD: Final = f"""
INSERT INTO staged ({", ".join(_STAGED_COLUMNS)}) VALUES ({", ".join(f":{name}" for name in _STAGED_COLUMNS)})
ON CONFLICT (feed, rid) DO UPDATE SET {", ".join(f"{n} = excluded.{n}" for n in _STAGED_COLUMNS if n not in ("feed", "rid"))}
WHERE NOT (staged.kind = 'retract' AND staged.erase)
      AND (excluded.rev > staged.rev OR excluded.kind = 'retract' AND (excluded.erase OR excluded.rev = staged.rev))
"""


def _latest(table: sa.Table, keys: Sequence[str]) -> Any:
    """Insert, or replace what was said before of the same thing."""
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={c.name: statement.excluded[c.name] for c in table.c if c.name not in keys}
    )


_STAGE_OPINION: Final = _latest(tables.staged_opinion, ("feed", "on_feed", "on_rid"))
_STAGE_ALLOW: Final = _latest(tables.staged_allow, ("feed", "rid"))
_STAGE_STUB: Final = _latest(tables.staged_stub, ("feed", "seq"))


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
        before = self.find(identifier)
        if before is not None and before.status != REMOVED:
            raise UsageError(f"feed {identifier} is trusted already", hint="`vhashdb trust level` changes how far")
        values = {"url": url, "root": root, "trust": trust, "member": member or identifier, "own": own, "federation": federation}
        values |= {"status": NEW, "why": "", "evidence": "{}", "trouble": ""}
        with self._transactions.writing() as connection:
            row = insert(tables.feed).values(id=identifier, **values)
            connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
            self._store.log_in(connection, "trust", None, feed=identifier, url=url, level=trust)
        return self.get(identifier)

    def find(self, identifier: str) -> Feed | None:
        """The feed with that id, if it was ever known."""
        with self._transactions.reading() as connection:
            row = connection.execute(sa.select(tables.feed).where(tables.feed.c.id == identifier)).mappings().first()
        return None if row is None else _feed(row)

    def get(self, identifier: str) -> Feed:
        """The trusted feed with that id.

        Raises:
            UsageError: there is none.
        """
        feed = self.find(identifier)
        if feed is None or feed.status == REMOVED:
            raise UsageError(f"no feed {identifier!r} is trusted", hint="`vhashdb trust list` shows the feeds")
        return feed

    def all(self, *, own: bool = False) -> list[Feed]:
        """The trusted feeds of others, or one's own, by id."""
        query = sa.select(tables.feed).where(tables.feed.c.own == own, tables.feed.c.status != REMOVED).order_by(tables.feed.c.id)
        with self._transactions.reading() as connection:
            return [_feed(row) for row in connection.execute(query).mappings()]

    def set_level(self, identifier: str, trust: str) -> Feed:
        """Change how far a feed is trusted."""
        _check_level(trust)
        self._change(self.get(identifier), "trust-level", {"trust": trust}, level=trust)
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

    def move(self, identifier: str, *, url: str, root: bytes | None = None) -> Feed:
        """The feed is somewhere else now, or has a new root of trust that was received over another channel."""
        self._change(self.get(identifier), "trust-move", {"url": url, **({"root": root} if root is not None else {})}, url=url)
        return self.get(identifier)

    def remove(self, identifier: str) -> int:
        """Trust a feed no longer: its records stop matching and are blanked, its opinions are forgotten; how many records."""
        feed = self.get(identifier)
        which = "SELECT record FROM origin WHERE feed = :feed AND record IS NOT NULL"
        with self._transactions.writing() as connection:
            values = {"feed": feed.number}
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            change = int(connection.exec_driver_sql("SELECT max(change) FROM record").scalar() or 0)
            # A feed that is trusted again starts from nothing; what was erased stays so, and what people here retracted.
            forgetting = (
                "UPDATE origin SET rev = 0, withdrawn = withdrawn OR coalesce((SELECT state != 'retracted' FROM record "
                "WHERE number = origin.record), 1) WHERE feed = :feed"
            )
            connection.execute(sa.text(forgetting), values)
            retracting = sa.text(
                "UPDATE record SET state = 'retracted', revision = revision + 1, change = :change + n.place FROM "
                f"(SELECT record, row_number() OVER (ORDER BY record) AS place FROM ({which})) n WHERE record.number = n.record"
            )
            removed = connection.execute(retracting, values | {"change": change}).rowcount
            erase(connection, which, **values)
            for table in (tables.opinion, tables.allow):
                connection.execute(table.delete().where(table.c.author == feed.id))
            clear(connection, feed.number)
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
            connection.exec_driver_sql("PRAGMA secure_delete = OFF")
            self._store.log_in(connection, "trust-remove", None, feed=feed.id, records=removed)
        return removed

    # -- the course of a sync ------------------------------------------------------------------

    def saw_head(self, feed: Feed, values: Mapping[str, Any]) -> None:
        """Keep what a signed head says: ``head_seq``, ``head_chain``, ``expires_at`` and the feed's policy."""
        self._set(feed, {**values, "checked_at": now_utc(), "trouble": ""})

    def failed(self, feed: Feed, trouble: str) -> None:
        """Keep why a sync failed; the records stay as they are."""
        self._set(feed, {"trouble": trouble, "checked_at": now_utc()})

    def quarantine(self, feed: Feed, why: str, evidence: Mapping[str, Any]) -> None:
        """A rule of trust was broken: keep the evidence, the last good state, and nothing of what was staged."""
        with self._transactions.writing() as connection:
            clear(connection, feed.number)
            values = {"status": QUARANTINED, "why": why, "evidence": json.dumps(dict(evidence), sort_keys=True), "checked_at": now_utc()}
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))
            self._store.log_in(connection, "quarantine", None, feed=feed.id, why=why, **evidence)

    def begin_staging(self, feed: Feed) -> Feed:
        """Forget what an interrupted sync staged; the feed, with its staging in the caller's name."""
        token = secrets.token_hex(16)
        with self._transactions.writing() as connection:
            clear(connection, feed.number)
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(staging=token))
        return replace(feed, staging=token)

    def stage(self, feed: Feed, records: Sequence[Row], stubs: Sequence[Row], opinions: Sequence[Row], allows: Sequence[Row]) -> None:
        """Put rows (`vhashdb.exchange.incoming`) where nothing matches them yet; those of records as SQLite stores them.

        Raises:
            FeedBusy: another sync of the feed has begun since.
        """
        pairs = ((_STAGE_STUB, stubs), (_STAGE_OPINION, opinions), (_STAGE_ALLOW, allows))
        with self._transactions.writing() as connection:
            _check_staging(connection, feed)
            if records:
                connection.exec_driver_sql(_STAGE_RECORD, list(records))
            for statement, rows in pairs:
                if rows:
                    connection.execute(statement, list(rows))

    def illegal_stubs(self, feed: Feed) -> list[str]:
        """``rid`` of staged stubs that no erasing retraction stands for."""
        query = sa.text(
            "SELECT DISTINCT rid FROM staged_stub b WHERE feed = :feed "
            "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.feed = b.feed AND s.rid = b.rid AND s.kind = 'retract' AND s.erase) "
            "AND NOT EXISTS (SELECT 1 FROM origin o WHERE o.feed = b.feed AND o.rid = b.rid AND o.erased) ORDER BY rid"
        )
        with self._transactions.reading() as connection:
            return list(connection.execute(query, {"feed": feed.number}).scalars())

    def staged_new(self, feed: Feed) -> tuple[int, int]:
        """Records on their way in that are new, and records that the feed has here already."""
        query = sa.text(
            "SELECT (SELECT count(*) FROM staged s WHERE s.feed = :feed AND s.kind = 'put' AND NOT EXISTS "
            "(SELECT 1 FROM origin o WHERE o.feed = s.feed AND o.rid = s.rid)), "
            "(SELECT count(*) FROM origin WHERE feed = :feed AND NOT withdrawn)"
        )
        with self._transactions.reading() as connection:
            new, before = connection.execute(query, {"feed": feed.number}).one()
        return int(new), int(before)

    def promote(self, feed: Feed, reached: Reached) -> Promotion:
        """What is staged becomes records, and the cursor moves, in one transaction.

        Raises:
            FeedBusy: another sync of the feed has begun since.
        """
        at = now_utc()
        with self._transactions.writing() as connection:
            _check_staging(connection, feed)
            if reached.anew:  # another history: its revisions are not to be compared with those of the one before
                connection.execute(tables.origin.update().where(tables.origin.c.feed == feed.number).values(rev=0))
            if reached.hold_new:
                connection.execute(sa.text(_HOLD_NEW), {"feed": feed.number, "why": reached.hold_new})
            done = promote(connection, feed.number, feed.id, whole=reached.whole, now=at, actor=self._store.actor)
            values: Row = {"epoch": reached.epoch, "seq": reached.seq, "chain": reached.chain, "root_version": reached.root_version}
            values |= {"status": SYNCED, "why": "", "evidence": "{}", "synced_at": at, "trouble": "", "staging": ""}
            values |= {"skipped": tables.feed.c.skipped + reached.skipped} | ({"note": reached.note} if reached.note is not None else {})
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))
            counts = {name: value for name, value in vars(done).items() if value}
            self._store.log_in(connection, "sync", None, feed=feed.id, since=feed.seq, seq=reached.seq, skipped=reached.skipped, **counts)
        if done.erased:
            self._empty_log()
        return done

    # -- inside --------------------------------------------------------------------------------

    def _empty_log(self) -> None:
        """The write-ahead log still has the pages as they were before an erasure."""
        with self._transactions.reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _set(self, feed: Feed, values: Mapping[str, Any]) -> None:
        with self._transactions.writing() as connection:
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))

    def _change(self, feed: Feed, action: str, values: Mapping[str, Any], **said: Any) -> None:
        with self._transactions.writing() as connection:
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))
            self._store.log_in(connection, action, None, feed=feed.id, **said)


def _feed(row: RowMapping) -> Feed:
    return Feed(**{name: row[name] for name in _COLUMNS})


def _check_staging(connection: Connection, feed: Feed) -> None:
    """Of two syncs at once, the one that began first must not promote what the other is staging."""
    token = connection.execute(sa.select(tables.feed.c.staging).where(tables.feed.c.number == feed.number)).scalar_one()
    if not feed.staging or token != feed.staging:
        raise FeedBusy(f"another sync of feed {feed.id} has begun", hint="it brings the same events; nothing is lost")


def _check_level(trust: str) -> None:
    if trust not in TRUST:
        raise UsageError(f"{trust!r} is not a level of trust", hint=f"known: {', '.join(TRUST)}")
