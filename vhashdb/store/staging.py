"""Stage events on their way into the records, where nothing matches them, and promote them in the one transaction of a sync."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import FeedBusy
from vhashdb.fingerprints import Fingerprint
from vhashdb.store import feed_schema as tables
from vhashdb.store.clock import now_utc
from vhashdb.store.dialect import insert_rows, upsert
from vhashdb.store.feeds import SYNCED, Feed
from vhashdb.store.promotion import Promotion, clear, promote
from vhashdb.store.records_file import Store
from vhashdb.store.spool import Spool

Row = dict[str, Any]


@dataclass(frozen=True)
class Reached:
    """Position that a sync reached, to be kept together with what it brought."""

    epoch: int
    """Of the feed's history."""
    seq: int
    """The last event that is staged."""
    chain: str
    """The chain's value after that event, in hexadecimal, which was compared with the signed one."""
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
_PLACE: Final = "fingerprint"
"""The column that says where in the sync's `Spool` the packed fingerprint of a record is."""
_STAGED_COLUMNS: Final = (*(c.name for c in tables.staged.c if c.name != _PLACE), _PLACE)
_staged_values: Final = operator.itemgetter(*_STAGED_COLUMNS[:-1])
# Of what is said of one record the highest revision wins, a retraction also at the same one, an erasure for ever.
# Written out, because a million rows are too many to convert one by one.
_STAGE_RECORD: Final = f"INSERT INTO staged ({', '.join(_STAGED_COLUMNS)})"
_STAGE_WINNER: Final = f"""
ON CONFLICT (feed, rid) DO UPDATE SET {", ".join(f"{n} = excluded.{n}" for n in _STAGED_COLUMNS if n not in ("feed", "rid"))}
WHERE NOT (staged.kind = 'retract' AND staged.erase)
      AND (excluded.rev > staged.rev OR excluded.kind = 'retract' AND (excluded.erase OR excluded.rev = staged.rev))
"""


class Staging:
    """The staging of one database; every feed has its own part of it."""

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        """Prepare; ``folder`` is where packed fingerprints wait, see `Spool`."""
        self._store, self._folder = store, folder
        self._transactions = store.transactions
        self._spools: dict[int, Spool] = {}
        """Fingerprints of records that are staged, by the number of their feed."""

    def begin(self, feed: Feed) -> Feed:
        """Forget what an interrupted sync staged; the feed, with its staging in the caller's name."""
        token = secrets.token_hex(16)
        with self._transactions.writing() as connection:
            clear(connection, feed.number)
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(staging=token))
        self._forget(feed)
        self._spools[feed.number] = Spool(self._folder)
        return replace(feed, staging=token)

    def stage(
        self,
        feed: Feed,
        records: Sequence[Row],
        stubs: Sequence[Row],
        opinions: Sequence[Row],
        allows: Sequence[Row],
        ties: Sequence[Row] = (),
    ) -> None:
        """Put rows (`vhashdb.exchange.incoming`) where nothing matches them yet; those of records as SQLite stores them.

        Raises:
            FeedBusy: another sync of the feed has begun since.
        """
        pairs = (
            (tables.staged_stub, stubs),
            (tables.staged_opinion, opinions),
            (tables.staged_allow, allows),
            (tables.staged_same_video, ties),
        )
        with self._transactions.writing() as connection:
            _check_staging(connection, feed)
            places = self._spools[feed.number].put([row[_PLACE] for row in records])
            values = [(*_staged_values(row), place) for row, place in zip(records, places, strict=True)]
            insert_rows(connection, _STAGE_RECORD, values, _STAGE_WINNER)
            for table, rows in pairs:
                upsert(connection, table, rows)

    def remember(self, fingerprints: Iterable[tuple[bytes, Fingerprint]]) -> None:
        """Remember fingerprints on their way in, each with its packed form, for the indexes and for grouping."""
        self._store.unpacked.remember(fingerprints)

    def illegal_stubs(self, feed: Feed) -> list[str]:
        """Return ``rid`` of staged stubs that no erasing retraction stands for."""
        query = sa.text(
            "SELECT DISTINCT rid FROM staged_stub b WHERE feed = :feed "
            "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.feed = b.feed AND s.rid = b.rid AND s.kind = 'retract' AND s.erase) "
            "AND NOT EXISTS (SELECT 1 FROM origin o WHERE o.feed = b.feed AND o.rid = b.rid AND o.erased) ORDER BY rid"
        )
        with self._transactions.reading() as connection:
            return list(connection.execute(query, {"feed": feed.number}).scalars())

    def new_records(self, feed: Feed) -> tuple[int, int]:
        """Return records on their way in that are new, and records that the feed has here already."""
        query = sa.text(
            "SELECT (SELECT count(*) FROM staged s WHERE s.feed = :feed AND s.kind = 'put' AND NOT EXISTS "
            "(SELECT 1 FROM origin o WHERE o.feed = s.feed AND o.rid = s.rid)), "
            "(SELECT count(*) FROM origin WHERE feed = :feed AND NOT withdrawn)"
        )
        with self._transactions.reading() as connection:
            new, before = connection.execute(query, {"feed": feed.number}).one()
        return int(new), int(before)

    def promote(self, feed: Feed, reached: Reached) -> Promotion:
        """Turn what is staged into records and move the cursor, in one transaction.

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
            packed, actor = self._spools[feed.number].get, self._store.audit.actor
            done = promote(connection, feed.number, feed.id, packed, whole=reached.whole, now=at, actor=actor)
            values: Row = {"epoch": reached.epoch, "seq": reached.seq, "chain": reached.chain, "root_version": reached.root_version}
            values |= {"status": SYNCED, "why": "", "evidence": "{}", "synced_at": at, "trouble": "", "staging": ""}
            values |= {"skipped": tables.feed.c.skipped + reached.skipped} | ({"note": reached.note} if reached.note is not None else {})
            connection.execute(tables.feed.update().where(tables.feed.c.number == feed.number).values(**values))
            counts = {"skipped": reached.skipped} | {name: value for name, value in vars(done).items() if value}
            self._store.audit.log_in(connection, "sync", None, feed=feed.id, since=feed.seq, seq=reached.seq, **counts)
        self._forget(feed)
        if done.erased:
            self._transactions.empty_log()
        return done

    def _forget(self, feed: Feed) -> None:
        if spool := self._spools.pop(feed.number, None):
            spool.close()


def _check_staging(connection: Connection, feed: Feed) -> None:
    """Refuse to promote what another sync is staging: of two at once, the one that began first must not."""
    token = connection.execute(sa.select(tables.feed.c.staging).where(tables.feed.c.number == feed.number)).scalar_one()
    if not feed.staging or token != feed.staging:
        raise FeedBusy(f"another sync of feed {feed.id} has begun", hint="it brings the same events; nothing is lost")
