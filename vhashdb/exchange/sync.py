"""Feeds are brought up to date: what is signed to be current, what is missing, staging, and one promotion for each.

Reading waits for others, so it is done for several feeds side by side, each within bounds of its own; nothing in it touches
the database. Taking in what arrived waits for nobody, and is done one feed after the other.

Killed anywhere, the next run begins its staging again and comes to the same state: files that were downloaded are kept by
`vhashdb.exchange.client`, and nothing of staging ever matches.
"""

from __future__ import annotations

import datetime
import enum
import functools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from vhashdb.errors import DatabaseError, FeedError, FeedFork, FeedGap, FeedIllegalStub, FeedRollback, FeedUnreachable, VhashdbError
from vhashdb.exchange.client import FeedClient, Fetch, Head
from vhashdb.exchange.events import check_feed_id
from vhashdb.exchange.incoming import Gate, Incoming
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.position import Course, Position, course
from vhashdb.exchange.side_by_side import side_by_side
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.moderation.import_gate import sudden
from vhashdb.store.feeds import QUARANTINED, Feed, Feeds
from vhashdb.store.promotion import Promotion
from vhashdb.store.staging import Reached, Staging
from vhashdb.text import printable

_log: Final = logging.getLogger(__name__)

EVIDENCE: Final = "evidence"
"""In a feed's folder: the signed metadata for which it was quarantined."""
BATCH_EVENTS: Final = 5_000
BATCH_BYTES: Final = 16 << 20
"""Bytes of fingerprints that are written to staging together; as many are read meanwhile."""
_BROKEN_TRUST: Final = (FeedRollback, FeedFork, FeedGap, FeedIllegalStub)
"""Errors that only the publisher's own keys can bring about: a reason for quarantine. The rest may be the network, a mirror, or
somebody who holds the web server but not the keys; it changes nothing here."""


class Outcome(enum.StrEnum):
    """Outcome of bringing one feed up to date, in a word."""

    UNCHANGED = "unchanged"
    UPDATED = "updated"
    WOULD_UPDATE = "would-update"
    FAILED = "failed"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Synced:
    """Result of bringing one feed up to date."""

    feed: str
    outcome: Outcome
    since: int = 0
    seq: int = 0
    """Events of its history that were known before and after; none before if its history begins anew."""
    changes: Promotion = field(default_factory=Promotion)
    skipped: int = 0
    """Events that broke the schema."""
    held: str = ""
    """Why all new records wait for a person, if they do."""
    bytes: int = 0
    """Compressed bytes of the files that were read."""
    elapsed_s: float = 0.0
    error: FeedError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a `sync`."""
        error = self.error
        wrong = {} if error is None else {"error": type(error).__name__, "message": error.message, "hint": error.hint}
        facts = {"since": self.since, "seq": self.seq, "bytes": self.bytes, "skipped": self.skipped, "held_because": self.held}
        times = {"elapsed_s": round(self.elapsed_s, 3)}
        return {"type": "sync", "feed": self.feed, "outcome": self.outcome.value, **facts, **vars(self.changes), **times, **wrong}


Client = Callable[[Feed, Path], FeedClient]


@dataclass
class Arrived:
    """Everything that reading one feed brought here, as far as it got. Nothing of it is in the database yet."""

    feed: Feed
    client: FeedClient | None = None
    head: Head | None = None
    """Current state as its keys signed it, if that is known and of this feed."""
    way: Course = Course.UNCHANGED
    fetch: Fetch | None = None
    """The events that are missing; their files are here, except in a dry run."""
    error: FeedError | None = None
    elapsed_s: float = 0.0


@dataclass(frozen=True)
class Syncing:
    """A sync, with everything that it needs of its surroundings."""

    feeds: Feeds
    staging: Staging
    algorithm: AlgorithmId
    gate: Callable[[], Gate]
    """The import gate, made for each feed."""
    folder: Path
    """Where clients keep their state, a folder for each feed."""
    client: Client
    limits: FeedLimits
    squares: bool = False
    """Whether squares that a feed publishes are kept; see `vhashdb.store.records_file.Store.squares`."""
    sound: bool = True
    """The same of sound; see `vhashdb.store.records_file.Store.sound`."""

    def run(self, feeds: Sequence[Feed], *, dry_run: bool = False) -> Iterator[Synced]:
        """Bring feeds up to date: they are read side by side, and what arrived is taken in in their order.

        Whatever happens while one feed is read is an outcome of that feed. Only the database's own errors end the others.
        """
        jobs = [functools.partial(self._read, feed, dry_run) for feed in feeds]
        arrived = side_by_side(jobs, self.limits.at_once, self.limits.feed_s + self.limits.grace_s)
        for feed, one in zip(feeds, arrived, strict=True):
            yield self._take(one or Arrived(feed, error=_left_behind(feed, self.limits)), dry_run)

    # -- reading, which waits for others and leaves the database alone ----------------------------

    def _read(self, feed: Feed, dry_run: bool) -> Arrived:
        started, arrived = time.monotonic(), Arrived(feed)
        try:
            if feed.status != QUARANTINED:
                self._bring(arrived, dry_run)
        except Exception as error:
            arrived.error = as_feed_error(error)
        arrived.elapsed_s = time.monotonic() - started
        return arrived

    def _bring(self, arrived: Arrived, dry_run: bool) -> None:
        feed = arrived.feed
        check_feed_id(feed.id)  # also of a database that an older version wrote
        client = arrived.client = self.client(feed, self.folder / feed.id)
        head = client.refresh()
        arrived.head = head
        arrived.way = course(position_of(feed), head.position)
        if head.feed != feed.id:
            raise FeedFork(f"the feed calls itself {head.feed}; {feed.id} is trusted")
        if arrived.way is not Course.UNCHANGED:
            arrived.fetch = client.fetch() if arrived.way is Course.ANEW else client.fetch(feed.seq, bytes.fromhex(feed.chain))
            if not dry_run:
                arrived.fetch.bring()

    # -- taking in, which waits for nobody --------------------------------------------------------

    def _take(self, arrived: Arrived, dry_run: bool) -> Synced:
        started, feed = time.monotonic() - arrived.elapsed_s, arrived.feed
        if feed.status == QUARANTINED:
            known = FeedFork(f"feed {feed.id} is in quarantine: {feed.why}", hint="ask its publisher, then `Feeds.release`")
            return Synced(feed.id, Outcome.QUARANTINED, feed.seq, feed.seq, error=known)
        try:
            done = self._follow(arrived, dry_run)
            return replace(done, elapsed_s=time.monotonic() - started)
        except DatabaseError:
            raise
        except Exception as caught:
            error = as_feed_error(caught)
            outcome = self._broken(arrived, error, dry_run)
            return Synced(feed.id, outcome, feed.seq, feed.seq, elapsed_s=time.monotonic() - started, error=error)

    def _follow(self, arrived: Arrived, dry_run: bool) -> Synced:
        feed, head, fetch = arrived.feed, arrived.head, arrived.fetch
        if head is not None and head.feed == feed.id and not isinstance(arrived.error, _BROKEN_TRUST) and not dry_run:
            self._saw(feed, head)
        if arrived.error is not None:
            raise arrived.error
        if head is None or fetch is None:
            return Synced(feed.id, Outcome.UNCHANGED, feed.seq, feed.seq)
        anew = arrived.way is Course.ANEW
        since = 0 if anew else feed.seq
        if dry_run:
            return Synced(feed.id, Outcome.WOULD_UPDATE, since, head.seq, bytes=fetch.length)
        feed = self.staging.begin(feed)
        skipped, note = self._stage(feed, fetch)
        if stubs := self.staging.illegal_stubs(feed):
            raise FeedIllegalStub(f"the record {stubs[0]} was erased from the feed, but nothing retracts it")
        held = sudden(*self.staging.new_records(feed))
        at = head.position
        reached = Reached(at.epoch, at.seq, at.chain.hex(), at.root_version, fetch.replaces, anew, held, skipped, note)
        done = self.staging.promote(feed, reached)
        return Synced(feed.id, Outcome.UPDATED, since, head.seq, done, skipped, held, fetch.length)

    def _stage(self, feed: Feed, fetch: Fetch) -> tuple[int, str | None]:
        """Stage everything that is missing; the loop's end proves that it is what was signed.

        One batch is written while the next one is read.
        """
        skipped, note = 0, None
        written: Future[None] | None = None
        with ThreadPoolExecutor(1, "vhashdb-staging") as writer:
            for batch in self._batches(feed, fetch):
                if written is not None:
                    written.result()
                written = writer.submit(self.staging.stage, feed, batch.records, batch.stubs, batch.opinions, batch.allows, batch.ties)
                skipped, note = skipped + batch.skipped, batch.note or note
        if written is not None:
            written.result()
        return skipped, note

    def _batches(self, feed: Feed, fetch: Fetch) -> Iterator[Incoming]:
        examine = self.gate()
        batch = self._batch(feed, examine)
        for seq, _, event in fetch:
            batch.take(seq, event)
            if batch.count >= BATCH_EVENTS or batch.size >= BATCH_BYTES:
                yield self._finished(batch)
                batch = self._batch(feed, examine)
        yield self._finished(batch)

    def _finished(self, batch: Incoming) -> Incoming:
        batch.finish()
        self.staging.remember(batch.unpacked)
        return batch

    def _batch(self, feed: Feed, examine: Gate) -> Incoming:
        return Incoming(feed.number, feed.id, self.algorithm, examine, self.squares, self.sound)

    def _saw(self, feed: Feed, head: Head) -> None:
        expires = head.expires.astimezone(datetime.UTC).replace(tzinfo=None)
        said = {"head_seq": head.seq, "head_chain": head.chain.hex(), "expires_at": expires}
        policy = head.policy
        self.feeds.saw_head(feed, said | {"max_action": policy.max_action, "tlp": policy.tlp, "contact": policy.contact})

    def _broken(self, arrived: Arrived, error: FeedError, dry_run: bool) -> Outcome:
        feed, client, head = arrived.feed, arrived.client, arrived.head
        if client is None or head is None or not isinstance(error, _BROKEN_TRUST):
            if not dry_run:
                self.feeds.failed(feed, printable(error.message))
            return Outcome.FAILED
        if not dry_run:
            self._keep(feed, client.evidence())
            known = {"known_epoch": feed.epoch, "known_seq": feed.seq, "known_chain": feed.chain, "known_root": feed.root_version}
            at = head.position
            shown = {"shown_epoch": at.epoch, "shown_seq": at.seq, "shown_chain": at.chain.hex(), "shown_root": at.root_version}
            self.feeds.quarantine(feed, printable(error.message), {"rule": type(error).__name__, **known, **shown})
        return Outcome.QUARANTINED

    def _keep(self, feed: Feed, evidence: Mapping[str, bytes]) -> None:
        """Write what the feed's own keys signed to files that prove it to others."""
        folder = self.folder / feed.id / EVIDENCE
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in evidence.items():
            (folder / name).write_bytes(data)


def as_feed_error(error: Exception) -> FeedError:
    """Turn an error while one feed was read into a failure of that feed."""
    if isinstance(error, FeedError):
        return error
    if isinstance(error, VhashdbError):
        return FeedError(error.message, hint=error.hint)
    _log.warning("an internal error while a feed was read: %s: %s", type(error).__name__, printable(str(error)))
    _log.debug("it came from here", exc_info=error)  # apart, as its text may be a stranger's
    return FeedError(
        f"internal error while the feed was read: {type(error).__name__}: {printable(str(error))}",
        hint="this is a fault of vhashdb; the feed's records stay as they are, and other feeds are read",
    )


def _left_behind(feed: Feed, limits: FeedLimits) -> FeedUnreachable:
    return FeedUnreachable(f"feed {feed.id} was given up after {limits.feed_s + limits.grace_s:g} s")


def position_of(feed: Feed) -> Position | None:
    """Return the position up to which a feed was accepted; None at first."""
    if not feed.chain:
        return None
    return Position(feed.id, feed.epoch, feed.seq, bytes.fromhex(feed.chain), feed.root_version)
