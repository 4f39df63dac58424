"""One's own feed, looked at as a member would, and every file of it besides."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vhashdb.errors import FeedFork, FeedGap
from vhashdb.exchange import chain as chains
from vhashdb.exchange.archive import Archive
from vhashdb.exchange.client import FeedClient, Head
from vhashdb.exchange.events import Malformed
from vhashdb.exchange.fetch_plan import cheapest_plan
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import Listing
from vhashdb.exchange.position import HistoryVerifier, state_lines
from vhashdb.exchange.state import Entry, FeedState, replay


@dataclass(frozen=True)
class Findings:
    """Findings about a feed. A broken rule is an error instead."""

    head: Head
    records: int
    """Records that match."""
    retracted: int
    malformed: tuple[tuple[int, str], ...]
    """Numbers of events that members skip, each with why."""
    whole: bool
    """Every event since the first is still there, so that the snapshots could be compared with the history."""
    stray: int
    """Files below ``targets`` that nothing refers to."""


def verify_feed(folder: Path, trusted_root: bytes, limits: FeedLimits | None = None) -> Findings:
    """Read a whole feed: as a new member does, then file by file.

    Raises:
        FeedError: what a member would see; or a file is damaged that this member did not need; or a snapshot is not what
            the history adds up to.
    """
    limits = limits or FeedLimits()
    archive, state = Archive(folder / "targets", limits), FeedState()
    malformed = []
    with tempfile.TemporaryDirectory() as state_folder:
        client = FeedClient(folder, trusted_root, Path(state_folder), limits)
        head = client.refresh()
        for seq, _, event in client.fetch():
            state.apply(seq, event)
            if isinstance(event, Malformed):
                malformed.append((seq, event.why))
    whole = _compare(head.listing, archive)
    named = {archive.path(file) for file in head.listing.files}
    stray = sum(path.is_file() and path not in named for path in archive.folder.rglob("*"))
    records = sum(not said.retracted for said in state.records.values())
    return Findings(head, records, len(state.records) - records, tuple(malformed), whole, stray)


def _compare(listing: Listing, archive: Archive) -> bool:
    """Read every file; compare snapshots with the history if all of it is there, and say whether it is."""
    segments = listing.segments
    for segment in segments:
        for _ in HistoryVerifier(segment.custom.first - 1, b"").along(archive.lines(segment), segment.custom.first):
            pass
    try:
        plan = cheapest_plan(Listing(listing.feed, listing.epoch, listing.seq, listing.chain, files=segments), 0)
    except FeedGap:
        plan = None
    for snapshot in listing.snapshots:
        last = snapshot.custom.last
        said = replay(state_lines(archive.lines(snapshot), last, snapshot.custom.lines))
        if plan is not None and said != replay(_until(archive, listing, last)):
            raise FeedFork(f"the snapshot of {last} events is not what the history adds up to", hint="call `Publisher.compact`")
    return plan is not None


def _until(archive: Archive, listing: Listing, last: int) -> Iterator[Entry]:
    """Yield the events up to one of them, from segments alone."""
    verifier = HistoryVerifier(0, chains.start(listing.feed))
    history = Listing(listing.feed, listing.epoch, listing.seq, listing.chain, files=listing.segments)
    for segment in cheapest_plan(history, 0).segments:
        for entry in verifier.along(archive.lines(segment), segment.custom.first):
            if entry[0] > last:
                return
            yield entry
