"""One feed is brought up to date: what is signed to be current, what is missing, staging, and one promotion.

Killed anywhere, the next run begins its staging again and comes to the same state: files that were downloaded are kept by
`vhashdb.exchange.client`, and nothing of staging ever matches.
"""

from __future__ import annotations

import datetime
import enum
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vhashdb.errors import FeedError, FeedFork, FeedGap, FeedIllegalStub, FeedRollback
from vhashdb.exchange import gate
from vhashdb.exchange.client import FeedClient, Fetch, Head
from vhashdb.exchange.incoming import Gate, Incoming
from vhashdb.exchange.position import Course, Position, course
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.store.feeds import QUARANTINED, Feed, Feeds
from vhashdb.store.promotion import Promotion
from vhashdb.store.staging import Reached, Staging

EVIDENCE: Final = "evidence"
"""In a feed's folder: the signed metadata for which it was quarantined."""
BATCH_EVENTS: Final = 5_000
BATCH_BYTES: Final = 32 << 20
"""What is held in memory between two writes to staging."""
_BROKEN_TRUST: Final = (FeedRollback, FeedFork, FeedGap, FeedIllegalStub)
"""What only the publisher's own keys can bring about: a reason for quarantine. The rest may be the network, a mirror, or
somebody who holds the web server but not the keys; it changes nothing here."""


class Outcome(enum.StrEnum):
    """What came of bringing one feed up to date."""

    UNCHANGED = "unchanged"
    UPDATED = "updated"
    WOULD_UPDATE = "would-update"
    FAILED = "failed"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Synced:
    """What bringing one feed up to date did."""

    feed: str
    outcome: Outcome
    since: int = 0
    seq: int = 0
    """Events known before and after."""
    changes: Promotion = field(default_factory=Promotion)
    skipped: int = 0
    """Events that broke the schema."""
    held: str = ""
    """Why all new records wait for a person, if they do."""
    bytes: int = 0
    """Compressed bytes of the files that were read."""
    elapsed_s: float = 0.0
    error: FeedError | None = None


Client = Callable[[Feed, Path], FeedClient]


@dataclass(frozen=True)
class Syncing:
    """What syncing needs of its surroundings."""

    feeds: Feeds
    staging: Staging
    algorithm: AlgorithmId
    gate: Gate
    folder: Path
    """Where clients keep their state, a folder for each feed."""
    client: Client

    def run(self, feed: Feed, *, dry_run: bool = False) -> Synced:
        """Bring one feed up to date. A feed that breaks a rule is an outcome, not an error: others go on."""
        started = time.monotonic()
        if feed.status == QUARANTINED:
            error = FeedFork(f"feed {feed.id} is in quarantine: {feed.why}", hint="ask its publisher, then `vhashdb trust release`")
            return Synced(feed.id, Outcome.QUARANTINED, feed.seq, feed.seq, error=error)
        client = self.client(feed, self.folder / feed.id)
        try:
            head = client.refresh()
        except FeedError as error:
            self._note(feed, error, dry_run)
            return Synced(feed.id, Outcome.FAILED, feed.seq, feed.seq, elapsed_s=time.monotonic() - started, error=error)
        try:
            return self._follow(feed, client, head, started, dry_run)
        except FeedError as error:
            outcome = self._broken(feed, client, head, error, dry_run)
            return Synced(feed.id, outcome, feed.seq, feed.seq, elapsed_s=time.monotonic() - started, error=error)

    def _follow(self, feed: Feed, client: FeedClient, head: Head, started: float, dry_run: bool) -> Synced:
        way = course(position_of(feed), head.position)
        if head.feed != feed.id:
            raise FeedFork(f"the feed calls itself {head.feed}; {feed.id} is trusted")
        if not dry_run:
            self._saw(feed, head)
        if way is Course.UNCHANGED:
            return Synced(feed.id, Outcome.UNCHANGED, feed.seq, feed.seq, elapsed_s=time.monotonic() - started)
        fetch = client.fetch() if way is Course.ANEW else client.fetch(feed.seq, bytes.fromhex(feed.chain))
        if dry_run:
            elapsed_s = time.monotonic() - started
            return Synced(feed.id, Outcome.WOULD_UPDATE, feed.seq, head.seq, bytes=fetch.length, elapsed_s=elapsed_s)
        feed = self.staging.begin(feed)
        skipped, note = self._stage(feed, fetch)
        if stubs := self.staging.illegal_stubs(feed):
            raise FeedIllegalStub(f"the record {stubs[0]} was erased from the feed, but nothing retracts it")
        held = gate.sudden(*self.staging.new_records(feed))
        at = head.position
        reached = Reached(at.epoch, at.seq, at.chain.hex(), at.root_version, fetch.replaces, way is Course.ANEW, held, skipped, note)
        done = self.staging.promote(feed, reached)
        elapsed_s = time.monotonic() - started
        return Synced(feed.id, Outcome.UPDATED, feed.seq, head.seq, done, skipped, held, fetch.length, elapsed_s)

    def _stage(self, feed: Feed, fetch: Fetch) -> tuple[int, str | None]:
        """Everything that is missing goes to staging; the loop's end proves that it is what was signed."""
        skipped, note = 0, None
        batch = self._batch(feed)
        for seq, _, event in fetch:
            batch.take(seq, event)
            if batch.count >= BATCH_EVENTS or batch.size >= BATCH_BYTES:
                self.staging.stage(feed, batch.records, batch.stubs, batch.opinions, batch.allows)
                skipped, note, batch = skipped + batch.skipped, batch.note or note, self._batch(feed)
        self.staging.stage(feed, batch.records, batch.stubs, batch.opinions, batch.allows)
        return skipped + batch.skipped, batch.note or note

    def _batch(self, feed: Feed) -> Incoming:
        return Incoming(feed.number, feed.id, self.algorithm, self.gate)

    def _saw(self, feed: Feed, head: Head) -> None:
        expires = head.expires.astimezone(datetime.UTC).replace(tzinfo=None)
        said = {"head_seq": head.seq, "head_chain": head.chain.hex(), "expires_at": expires}
        policy = head.policy
        self.feeds.saw_head(feed, said | {"max_action": policy.max_action, "tlp": policy.tlp, "contact": policy.contact})

    def _broken(self, feed: Feed, client: FeedClient, head: Head, error: FeedError, dry_run: bool) -> Outcome:
        if not isinstance(error, _BROKEN_TRUST):
            self._note(feed, error, dry_run)
            return Outcome.FAILED
        if not dry_run:
            self._keep(feed, client.evidence())
            known = {"known_epoch": feed.epoch, "known_seq": feed.seq, "known_chain": feed.chain, "known_root": feed.root_version}
            at = head.position
            shown = {"shown_epoch": at.epoch, "shown_seq": at.seq, "shown_chain": at.chain.hex(), "shown_root": at.root_version}
            self.feeds.quarantine(feed, error.message, {"rule": type(error).__name__, **known, **shown})
        return Outcome.QUARANTINED

    def _keep(self, feed: Feed, evidence: Mapping[str, bytes]) -> None:
        """What the feed's own keys signed, as files that prove it to others."""
        folder = self.folder / feed.id / EVIDENCE
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in evidence.items():
            (folder / name).write_bytes(data)

    def _note(self, feed: Feed, error: FeedError, dry_run: bool) -> None:
        if not dry_run:
            self.feeds.failed(feed, error.message)


def position_of(feed: Feed) -> Position | None:
    """Up to where a feed was accepted; None at first."""
    if not feed.chain:
        return None
    return Position(feed.id, feed.epoch, feed.seq, bytes.fromhex(feed.chain), feed.root_version)
