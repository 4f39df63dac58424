"""The exchange as one member company sees it: whom it trusts, what it takes in, what it thinks, and what it gives."""

from __future__ import annotations

import datetime
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from vhashdb.codes import SAW_MATCH
from vhashdb.errors import UsageError
from vhashdb.hashing.bits import PackedHashes
from vhashdb.live_index import IndexWriters
from vhashdb.moderation.import_gate import ImportGate
from vhashdb.moderation.policy import Action
from vhashdb.searcher import Searcher
from vhashdb.store.federations import Federations
from vhashdb.store.feeds import Feed, Feeds
from vhashdb.store.moderation import Moderation
from vhashdb.store.opinions import Opinion
from vhashdb.store.records_file import Store

if TYPE_CHECKING:
    from vhashdb.exchange.exporting import Export
    from vhashdb.exchange.following import Followed
    from vhashdb.exchange.formats import Format, Options, Sender
    from vhashdb.exchange.importing import Attribution, Importer
    from vhashdb.exchange.limits import FeedLimits
    from vhashdb.exchange.pending_events import PendingEvents
    from vhashdb.exchange.state import Entry
    from vhashdb.exchange.sync import Client, Synced

_log: Final = logging.getLogger(__name__)

FOLDER: Final = "feeds"
"""In the database's folder: what is known of each feed's metadata, and unfinished downloads."""


class Exchange:
    """The exchange as one member sees it. Made by `Database.exchange`."""

    def __init__(self, store: Store, folder: Path, moderation: Moderation, searcher: Searcher, index_writer: IndexWriters) -> None:
        self._store, self._moderation = store, moderation
        self._searcher, self._index_writer = searcher, index_writer
        self._folder = folder / FOLDER
        self.feeds = Feeds(store)
        """Whom this database trusts, and how far it has read."""
        self.federations = Federations(store)
        """Whose rosters it follows."""

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
                once with it.
            federation: the roster that lists it.
            hosts: other hosts that the feed may send on to, and that may be internal, as ``host`` or ``host:port``.

        Raises:
            FeedError: what is there is not signed by this root, or cannot be read.
            UsageError: the feed is trusted already, or is one's own.
        """
        from vhashdb.exchange.client import FeedClient
        from vhashdb.exchange.reach import checked_hosts
        from vhashdb.moderation.organisations import organisation_of

        named = checked_hosts(hosts)
        with tempfile.TemporaryDirectory(prefix="vhashdb-") as scratch:
            head = FeedClient(place, root, Path(scratch, "state"), hosts=named).refresh()
        self._forget(head.feed)  # of a feed that was trusted once
        who = organisation_of(member or head.feed, root, (*self.feeds.all(own=True), *self.feeds.all()))
        feed = self.feeds.add(head.feed, url=place, root=root, trust=level, member=who, federation=federation)
        if named:
            self.feeds.name_hosts(feed.id, named)
        return feed

    def move(self, identifier: str, place: str, *, hosts: Iterable[str] = ()) -> Feed:
        """Read a feed at another place from now on, with the same keys; it may send on to these other hosts alone."""
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
        self._forget(identifier)
        return removed

    def _forget(self, identifier: str) -> None:
        """Remove what was downloaded of a feed; what cannot be removed is left, as nothing reads it without trust in the feed."""
        folder = self._folder / identifier
        if folder.exists():
            shutil.rmtree(folder, onerror=lambda _, path, failed: _log.warning("%s could not be removed: %s", path, failed[1]))

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
                raise UsageError(f"{feed.id} is published from here; there is nothing to sync", hint="`Feeds.all` lists the others")
        bounds = limits or FeedLimits()
        client = client or _client({feed.id: self.feeds.hosts(feed.id) for feed in chosen}, bounds)
        store = self._store
        kept = store.squares, store.sound
        staging = Staging(store, self._folder)
        syncing = Syncing(self.feeds, staging, store.algorithm, lambda: self.import_gate().of_many, self._folder, client, bounds, *kept)
        for done in syncing.run(chosen, dry_run=dry_run):
            if done.changes.total:
                self._index_writer.note_change()
                self._index_writer.maintain()
            store.unpacked.forget()
            yield done

    def import_gate(self, *, crowds: bool = True) -> ImportGate:
        """Make the import gate for one sync or one file of others; with ``crowds`` it looks for the same pictures in other records."""
        return self._moderation.import_gate(self._neighbours if crowds else None)

    def _neighbours(self, hashes: PackedHashes, bits: int) -> set[int]:
        """Return the numbers of the records that have a picture within so many bits of these hashes."""
        return set(self._searcher.near(hashes, bits).require_complete().record.tolist())

    # -- what is given -------------------------------------------------------------------------

    def opinion(self, name: str, verdict: str, *, basis: str = SAW_MATCH, reason: str = "") -> Opinion:
        """Say what people here think of a record."""
        return self._moderation.opinions.give(self._store.get(name), verdict, basis=basis, reason=reason)

    def publishes(self, identifier: str, *, member: str = "", place: str = "") -> Feed:
        """Remember that a feed is one's own, so that what others say of its records is understood."""
        known = self.feeds.find(identifier)
        if known is not None and known.own:
            return known
        return self.feeds.add(identifier, url=place, root=b"", trust=Action.BLOCK, member=member, own=True)

    def import_from(
        self, stream: BinaryIO, said: Attribution | None = None, *, form: str = "", options: Options | None = None, dry_run: bool = False
    ) -> Importer:
        """Recognise a file of another format, and make what imports it; nothing is read or written before `Importer.run`.

        Raises:
            FormatError: it is of no known format.
            UsageError: there is no format of that name.
        """
        from vhashdb.exchange.importing import Importer

        gate = self.import_gate(crowds=False)
        return Importer(self._store, gate, self._index_writer, stream, said, form=form, options=options, dry_run=dry_run)

    def export_to(self, form: Format | None, sender: Sender, *, imported: bool = False, sound: bool = True) -> Export:
        """Make what exports records into a format; see `Export`."""
        from vhashdb.exchange.exporting import Export

        return Export(self._store, form, sender, imported=imported, sound=sound)

    def pending_events(
        self, entries: Iterable[Entry], *, squares: bool = False, sound: bool = True, now: datetime.datetime | None = None
    ) -> PendingEvents:
        """Collect the events that one's own feed, which says these entries, lacks, for `vhashdb.exchange.publisher.Publisher`.

        Args:
            entries: what the feed says.
            squares: whether records are published with their squares, as far as they have any.
            sound: whether they are published with the landmarks of their sound, as far as they have any.
            now: the time that the events get.
        """
        from vhashdb.exchange.pending_events import PendingEvents

        return PendingEvents(self._store, entries, squares=squares, sound=sound, now=now)


def _client(hosts: Mapping[str, frozenset[str]], limits: FeedLimits) -> Client:
    """Make the client of a feed; the hosts are looked up before, because reading leaves the database alone."""
    from vhashdb.exchange.client import FeedClient

    return lambda feed, folder: FeedClient(feed.url, feed.root, folder, limits, hosts=hosts[feed.id])
