"""The exchange as one member company sees it: whom it trusts, what it takes in, what it thinks, and what it gives."""

from __future__ import annotations

import datetime
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vhashdb.errors import UsageError
from vhashdb.exchange import gate
from vhashdb.exchange.allowing import AllowList, Canaries
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.moderation import policy
from vhashdb.moderation.policy import Action, Ceiling, FeedStanding
from vhashdb.store.assessments import Assessments
from vhashdb.store.federations import Federations
from vhashdb.store.feeds import Feed, Feeds
from vhashdb.store.opinions import CANARY, LOCAL, Opinion, Opinions
from vhashdb.store.records import Record
from vhashdb.store.reviews import Reviews
from vhashdb.store.rules import read_rules
from vhashdb.store.standing import feed_standing, standings
from vhashdb.store.store import Store

if TYPE_CHECKING:
    from vhashdb.exchange.following import Followed
    from vhashdb.exchange.limits import FeedLimits
    from vhashdb.exchange.outbox import Outbox
    from vhashdb.exchange.state import Entry
    from vhashdb.exchange.sync import Client, Synced

FOLDER: Final = "feeds"
"""In the database's folder: what is known of each feed's metadata, and unfinished downloads."""

Search = Callable[[PackedHashes, int], Iterable[int]]
"""Numbers of the records that have a picture within so many bits of these hashes."""


class Exchange:
    """What a database shares with others. Made by `Database.exchange`."""

    def __init__(self, store: Store, folder: Path, algorithm: AlgorithmId, search: Search, wrote: Callable[[], None]) -> None:
        self._store, self._algorithm, self._search, self._wrote = store, algorithm, search, wrote
        self._allowing: tuple[object, AllowList] | None = None
        self._canaries: tuple[object, Canaries] | None = None
        self._folder = folder / FOLDER
        self.feeds = Feeds(store)
        """Whom this database trusts, and how far it has read."""
        self.opinions = Opinions(store)
        """What everybody thinks of records."""
        self.federations = Federations(store)
        """Whose rosters it follows."""
        self.reviews = Reviews(store)
        """What waits for a person here."""
        self.assessments = Assessments(store)
        """What people here say who looked at a record or a match."""

    # -- trust and sync ------------------------------------------------------------------------

    def trust(
        self, place: str, root: bytes, *, level: str = "review", member: str = "", federation: str | None = None, hosts: Iterable[str] = ()
    ) -> Feed:
        """Trust the feed at a URL or in a folder, whose root of trust was received and compared over another channel.

        Args:
            place: the URL or the folder.
            root: the root of trust.
            level: the most that its records may lead to by themselves.
            member: the organisation. A feed with the root keys of another one, or a name that looks like another's, counts
                as one voice with it.
            federation: the roster that lists it.
            hosts: other hosts that the feed may send on to, and that may be internal, as ``host`` or ``host:port``.

        Raises:
            FeedError: what is there is not signed by this root, or cannot be read.
            UsageError: the feed is trusted already, or is one's own.
        """
        from vhashdb.exchange.client import FeedClient
        from vhashdb.exchange.reach import checked_hosts
        from vhashdb.moderation.voices import voice

        named = checked_hosts(hosts)
        with tempfile.TemporaryDirectory(prefix="vhashdb-") as scratch:
            head = FeedClient(place, root, Path(scratch, "state"), hosts=named).refresh()
        shutil.rmtree(self._folder / head.feed, ignore_errors=True)  # of a feed that was trusted once
        who = voice(member or head.feed, root, (*self.feeds.all(own=True), *self.feeds.all()))
        feed = self.feeds.add(head.feed, url=place, root=root, trust=level, member=who, federation=federation)
        if named:
            self.feeds.name_hosts(feed.id, named)
        return feed

    def move(self, identifier: str, place: str, *, hosts: Iterable[str] = ()) -> Feed:
        """A feed is somewhere else now, with the same keys, and may send on to these other hosts alone."""
        from vhashdb.exchange.reach import checked_hosts

        named = checked_hosts(hosts)
        feed = self.feeds.move(identifier, url=place)
        if named != self.feeds.hosts(identifier):
            self.feeds.name_hosts(identifier, named)
        return feed

    def join(self, place: str, root: bytes, *, level: str = "review", hosts: Iterable[str] = ()) -> str:
        """Follow the roster of a federation, whose root of trust was compared over another channel; the federation's id.

        Raises:
            FeedError: what is there is not signed by this root, cannot be read, or is no roster.
        """
        from vhashdb.exchange.following import follow
        from vhashdb.exchange.reach import checked_hosts

        return follow(self.federations, place, root, level=level, hosts=checked_hosts(hosts))

    def refresh_rosters(self, limits: FeedLimits | None = None) -> Iterator[Followed]:
        """Read the rosters again: new members are trusted, those that left are trusted in nothing."""
        from vhashdb.exchange.following import refresh

        yield from refresh(self.federations, self.feeds, self._folder, limits)

    def distrust(self, identifier: str) -> int:
        """Trust a feed no longer; how many of its records stopped matching."""
        removed = self.feeds.remove(identifier)
        shutil.rmtree(self._folder / identifier, ignore_errors=True)
        return removed

    def sync(
        self,
        identifiers: Sequence[str] = (),
        *,
        dry_run: bool = False,
        client: Client | None = None,
        limits: FeedLimits | None = None,
    ) -> Iterator[Synced]:
        """Bring feeds up to date; all of them unless some are named. They are read side by side, and taken in in order.

        A feed that cannot be read, breaks a rule or makes this program stumble is an outcome, and the others go on.
        """
        from vhashdb.exchange.limits import FeedLimits
        from vhashdb.exchange.sync import Syncing
        from vhashdb.store.staging import Staging

        chosen = [self.feeds.get(identifier) for identifier in identifiers] or self.feeds.all()
        for feed in chosen:
            if feed.own:
                raise UsageError(
                    f"{feed.id} is published from here; there is nothing to sync", hint="`vhashdb trust list` shows the others"
                )
        bounds = limits or FeedLimits()
        client = client or _client({feed.id: self.feeds.hosts(feed.id) for feed in chosen}, bounds)
        syncing = Syncing(self.feeds, Staging(self._store), self._algorithm, self.gate, self._folder, client, bounds)
        for done in syncing.run(chosen, dry_run=dry_run):
            if done.changes.total:
                self._wrote()
            yield done

    def gate(self, *, crowds: bool = True) -> Callable[[Fingerprint], tuple[str, ...]]:
        """The import gate for one sync or one file of others; with ``crowds`` it looks for the same pictures in other records."""
        benign, left = self.allow_list().benign, gate.LIMITS.looked_up if crowds else 0
        canaries = self.canaries()
        innocent = canaries.matched if len(canaries) else None

        def examine(fingerprint: Fingerprint) -> tuple[str, ...]:
            nonlocal left
            left -= 1
            return gate.held_for(fingerprint, benign=benign, innocent=innocent, neighbours=self._search if left >= 0 else None)

        return examine

    def standing(self, feed: Feed) -> FeedStanding:
        """How far a feed can be relied upon now."""
        with self._store.transactions.reading() as connection:
            return feed_standing(connection, feed, self._store.now())

    # -- what may happen -----------------------------------------------------------------------

    def ceilings(
        self,
        records: Sequence[Record],
        query: Fingerprint | None = None,
        stretches: Sequence[Sequence[tuple[float, float]]] = (),
        sha256: str | None = None,
        possible: Sequence[bool] = (),
    ) -> list[Ceiling]:
        """What a match with each record may lead to without a person.

        Args:
            records: the records that were matched.
            query: what was asked, to be looked up in the allow-lists.
            stretches: for each record, the seconds of the query that matched it.
            sha256: of the file that was asked.
            possible: for each record, whether the match is only possible.
        """
        if not records:
            return []
        now = self._store.now()
        with self._store.transactions.reading() as connection:
            found, rules = standings(connection, records, now), read_rules(connection)
        allow_list = self.allow_list()
        ceilings = []
        for place, record in enumerate(records):
            standing = replace(found[record.id], possible=bool(possible) and possible[place])
            if query is not None:
                spans = stretches[place] if stretches else [(0.0, query.duration_s)]
                standing = replace(standing, allowed=allow_list.against(query, spans, sha256))
            ceilings.append(policy.ceiling(standing, today=now.date(), quorum=rules.quorum, seen_here=rules.seen_here))
        return ceilings

    def allow_list(self) -> AllowList:
        """Everything that must never act automatically, of people here and of feeds whose objections count."""
        version = self.opinions.allow_version()
        if self._allowing is None or self._allowing[0] != version:
            self._allowing = version, self._read_allow_list()
        return self._allowing[1]

    def canaries(self) -> Canaries:
        """The innocent videos of people here, which no record of others should match."""
        version = self.opinions.allow_version()
        if self._canaries is None or self._canaries[0] != version:
            entries = self.opinions.allowed(author=CANARY)
            self._canaries = version, Canaries([e.fingerprint for e in entries if e.fingerprint is not None], self._algorithm)
        return self._canaries[1]

    def _read_allow_list(self) -> AllowList:
        trusted = {LOCAL} | {feed.id for feed in self.feeds.all() if policy.counts(Action.REVIEW, Action(feed.trust))}
        entries = [entry for entry in self.opinions.allowed() if entry.author in trusted]
        prints = (entry.fingerprint for entry in entries if entry.fingerprint is not None)
        return AllowList.of(prints, (entry.sha256 for entry in entries if entry.sha256), self._algorithm)

    # -- what is given -------------------------------------------------------------------------

    def record_named(self, name: str) -> Record:
        """A record by its id here, or as ``FEED:RID``, which is how its publisher names it."""
        feed, colon, rid = name.partition(":")
        return self._store.get(self.opinions.named(feed, rid) if colon else name)

    def opinion(self, name: str, verdict: str, *, basis: str = "saw_match", reason: str = "") -> Opinion:
        """Say what people here think of a record."""
        return self.opinions.give(self.record_named(name), verdict, basis=basis, reason=reason)

    def publishes(self, identifier: str, *, member: str = "", place: str = "") -> Feed:
        """Remember that a feed is one's own, so that what others say of its records is understood."""
        known = self.feeds.find(identifier)
        if known is not None and known.own:
            return known
        return self.feeds.add(identifier, url=place, root=b"", trust=Action.BLOCK, member=member, own=True)

    def outbox(self, entries: Iterable[Entry], *, now: datetime.datetime | None = None) -> Outbox:
        """What one's own feed, which says these entries, does not say yet: events for `vhashdb.exchange.publisher.Publisher`."""
        from vhashdb.exchange.outbox import Outbox

        return Outbox(self._store, entries, now=now)


def _client(hosts: Mapping[str, frozenset[str]], limits: FeedLimits) -> Client:
    """What reads a feed; the hosts are looked up before, because reading leaves the database alone."""
    from vhashdb.exchange.client import FeedClient

    return lambda feed, folder: FeedClient(feed.url, feed.root, folder, limits, hosts=hosts[feed.id])
