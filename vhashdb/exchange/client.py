"""A feed somewhere else: what is signed to be current, and the events since a position, verified.

::

    client = FeedClient("https://feeds.example/acme-tvec", trusted_root, state_folder)
    head = client.refresh()
    if course(position, head.position) is not Course.UNCHANGED:       # or FeedRollback, FeedFork
        fetch = client.fetch(position.seq, position.chain)            # from nothing: client.fetch()
        for seq, line, event in fetch:
            ...                                                       # into staging, nowhere else
        ...                                                           # promote staging and head.position in one transaction

**Promote nothing before the loop has ended without an error.** Only its end proves that the lines lead to the chain that
was signed. If ``fetch.replaces`` is true, the events are a whole state: what it does not say is retracted.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vhashdb.errors import FeedFork, FeedOversize, UsageError
from vhashdb.exchange import chain as chains
from vhashdb.exchange import transport, trust
from vhashdb.exchange.download import bring, discard
from vhashdb.exchange.fetch_plan import FetchPlan, cheapest_plan
from vhashdb.exchange.files import locked
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import File, Listing, Policy, from_targets
from vhashdb.exchange.position import HistoryVerifier, Position, state_lines
from vhashdb.exchange.segments import read_lines
from vhashdb.exchange.state import Entry


@dataclass(frozen=True)
class Head:
    """Current state of a feed, as its keys signed it."""

    position: Position
    policy: Policy
    expires: datetime.datetime
    """When the first of the signed statements runs out, in UTC; after that the feed is stale."""
    unchanged: bool
    """The feed says, word for word, what it said at the last refresh with this state folder."""
    listing: Listing

    @property
    def feed(self) -> str:
        """The feed's id."""
        return self.position.feed

    @property
    def epoch(self) -> int:
        """Grows when history begins anew."""
        return self.position.epoch

    @property
    def seq(self) -> int:
        """The last event's number; 0 for an empty feed."""
        return self.position.seq

    @property
    def chain(self) -> bytes:
        """The chain value after the last event."""
        return self.position.chain


class Fetch:
    """Verified events from a position to a head. To be iterated once, to its end."""

    def __init__(
        self, source: transport.Source, folder: Path, head: Head, verifier: HistoryVerifier, plan: FetchPlan, limits: FeedLimits
    ) -> None:
        self._source, self._folder, self._limits = source, folder, limits
        self._verifier, self._plan = verifier, plan
        self.head = head
        self.replaces = plan.snapshot is not None or verifier.seq == 0
        """Whether the events are a whole state, so that everything else from this feed is retracted."""
        self.length = plan.length
        """Compressed bytes to be read."""

    def bring(self) -> None:
        """Fetch every file before the first is read, so that reading them waits for nobody.

        Raises:
            FeedDigest, FeedOversize, FeedUnreachable: what arrived whole by then stays for the next run.
        """
        with locked(self._folder.parent):
            discard(self._folder, keep=frozenset(file.sha256 for file in self._plan.files))
            for file in self._plan.files:
                bring(self._source, file, self._folder)

    def __iter__(self) -> Iterator[Entry]:
        """Yield the sequence number, the line without its newline, and the event.

        Raises:
            FeedError: at the line where a rule is broken, or at the end; nothing of what came before may then be used.
        """
        with locked(self._folder.parent):
            discard(self._folder, keep=frozenset(file.sha256 for file in self._plan.files))
            if self._plan.snapshot is not None:
                yield from self._state(self._plan.snapshot)
            for segment in self._plan.segments:
                yield from self._verifier.along(self._lines(segment), segment.custom.first)
                self._verifier.expect(segment.custom.last, segment.chain)
            self._verifier.expect(self.head.seq, self.head.chain)
            self._verifier.finish()
            discard(self._folder)

    def _state(self, snapshot: File) -> Iterator[Entry]:
        yield from state_lines(self._lines(snapshot), snapshot.custom.last, snapshot.custom.lines)
        self._verifier.seq, self._verifier.chain = snapshot.custom.last, snapshot.chain

    def _lines(self, file: File) -> Iterator[bytes]:
        with bring(self._source, file, self._folder).open("rb") as opened:
            yield from read_lines(opened, file.custom.raw, self._limits)


class FeedClient:
    """Reads one feed. Its state folder holds verified metadata and unfinished downloads; events are the caller's to keep."""

    def __init__(
        self,
        place: str | Path,
        trusted_root: bytes,
        state_folder: Path,
        limits: FeedLimits | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        hosts: Iterable[str] = (),
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            place: URL of http or https, or a folder.
            trusted_root: a root of the feed that was obtained and compared over another channel.
            state_folder: one folder for each feed; made if it is not there.
            limits: caps on everything.
            headers: sent to the feed's own host with every request, such as ``Authorization``.
            hosts: other hosts that the feed may send on to, and that may be internal, as ``host`` or ``host:port``.
        """
        self.limits = limits or FeedLimits()
        self._source = transport.source_of(place, self.limits, headers, hosts)
        self._root = trusted_root
        self._folder = state_folder
        self._head: Head | None = None

    def refresh(self) -> Head:
        """Read the current state. If nothing changed, this costs one small request.

        Raises:
            FeedExpired: the signed statement ran out: a retraction may be missing.
            FeedFork: history begins anew without the consent of the root keys.
            FeedSignature, FeedRollback, FeedDigest, FeedOversize, FeedMalformed, FeedUnreachable: as their names say.
        """
        self._source.budget.renew()
        with trust.in_our_words():
            self._folder.mkdir(parents=True, exist_ok=True)
            with locked(self._folder):
                trusted = trust.refresh(self._source, self._root, self._folder / "metadata", self.limits)
            listing = from_targets(trusted.targets, self.limits)
        if listing.epoch > trusted.root_epoch:
            raise FeedFork(f"the feed shows epoch {listing.epoch}; its root keys allow {trusted.root_epoch} only")
        position = Position(listing.feed, listing.epoch, listing.seq, listing.chain, trusted.root_version)
        self._head = Head(position, listing.policy, trusted.expires, trusted.unchanged, listing)
        return self._head

    def fetch(self, since_seq: int = 0, since_chain: bytes | None = None) -> Fetch:
        """Return the events after ``since_seq``, whose chain value is ``since_chain``; from nothing without them.

        Raises:
            FeedGap: the feed does not lead there.
            FeedOversize: it would take more bytes than allowed.
        """
        if self._head is None:
            raise UsageError("refresh the feed before fetching from it")
        if since_seq and since_chain is None:
            raise UsageError("a position has a sequence number and a chain value")
        head = self._head
        if since_seq > head.seq:
            raise UsageError(f"event {since_seq} is after the head, event {head.seq}", hint="ask `course` first")
        verifier = HistoryVerifier(since_seq, chains.start(head.feed) if since_chain is None else since_chain)
        plan = cheapest_plan(head.listing, since_seq)
        if plan.length > self.limits.fetch_bytes:
            raise FeedOversize(f"{plan.length} bytes are to be fetched; at most {self.limits.fetch_bytes} are allowed")
        return Fetch(self._source, self._folder / "files", head, verifier, plan, self.limits)

    def evidence(self) -> dict[str, bytes]:
        """Return the signed metadata that were accepted last, by file name: what proves a fork to others."""
        files = (self._folder / "metadata").glob("*.json")
        return {path.name: path.read_bytes() for path in sorted(files)}

    def taxonomy(self) -> bytes | None:
        """Return the labels and inclusion criteria that the feed pins, as JSON; None if it has none."""
        if self._head is None:
            raise UsageError("refresh the feed before fetching from it")
        file = self._head.listing.taxonomy
        return None if file is None else bring(self._source, file, self._folder / "files").read_bytes()
