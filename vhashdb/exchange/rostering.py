"""Keeping a federation's roster: its members are added, removed and looked at, and each change is published.

::

    member = listed_member("https://feeds.acme.example/tvec", root, "acme.example")      # read and verified with that root
    publish_roster(publisher, roster_of(publisher).with_member(member))
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from vhashdb.errors import FeedError, FeedFork, FeedMalformed, UsageError
from vhashdb.exchange.client import FeedClient, Head
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import Listing
from vhashdb.exchange.publisher import Publisher
from vhashdb.exchange.reach import checked_hosts
from vhashdb.exchange.roster import MAX_MEMBERS, Member, from_bytes, labels_in, to_bytes
from vhashdb.exchange.side_by_side import side_by_side
from vhashdb.exchange.sync import as_feed_error
from vhashdb.moderation.organisations import keys_of


@dataclass(frozen=True)
class Roster:
    """Members of a federation, and its labels in words."""

    members: tuple[Member, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)

    def with_member(self, member: Member) -> Roster:
        """Return the roster with a member's feed, in the place of what it said of that feed.

        Raises:
            UsageError: it is listed with keys that have nothing in common with these, or the roster is full.
        """
        before = next((known for known in self.members if known.feed == member.feed), None)
        if before is not None and keys_of(before.root).isdisjoint(keys_of(member.root)):
            hint = "members would refuse it; if the keys were lost, the feed begins again under another name"
            raise UsageError(f"{member.feed} is listed with other keys than those of this root", hint=hint)
        kept = tuple(known for known in self.members if known.feed != member.feed)
        if len(kept) >= MAX_MEMBERS:
            raise UsageError(f"the roster lists {len(kept):,} feeds, and can list no more", hint="remove those that are gone")
        return replace(self, members=(*kept, member))

    def without(self, feeds: Iterable[str]) -> Roster:
        """Return the roster without some feeds.

        Raises:
            UsageError: one of them is not listed.
        """
        gone, known = set(feeds), {member.feed for member in self.members}
        if unknown := sorted(gone - known):
            listed = ", ".join(sorted(known)) or "no feed"
            raise UsageError(f"the roster does not list {unknown[0]!r}", hint=f"it lists {listed}")
        return replace(self, members=tuple(member for member in self.members if member.feed not in gone))


@dataclass(frozen=True)
class Checked:
    """What became of reading the feed of one member as those who follow the roster do."""

    member: Member
    head: Head | None = None
    error: FeedError | None = None


def roster_of(publisher: Publisher) -> Roster:
    """Return the roster that a feed publishes; an empty one if it has published nothing yet.

    Raises:
        UsageError: it is a feed of records, or what it publishes is no roster.
    """
    document = publisher.taxonomy()
    if publisher.listing().seq:
        raise UsageError(f"{publisher.folder} is a feed of records", hint="a roster is a feed of its own: make one with `Publisher.init`")
    if document is None:
        return Roster()
    try:
        return Roster(from_bytes(document), labels_in(document))
    except FeedMalformed as error:
        raise UsageError(f"what {publisher.folder} publishes is no roster: {error.message}", hint="name the roster's folder") from error


def publish_roster(publisher: Publisher, roster: Roster) -> Listing:
    """Publish a roster in the place of the one before."""
    return publisher.publish((), taxonomy=to_bytes(roster.members, roster.labels))


def listed_member(place: str, root: bytes, member: str, *, hosts: Iterable[str] = (), limits: FeedLimits | None = None) -> Member:
    """Read the feed at a URL or in a folder, and return the entry of a roster for it.

    Args:
        place: where members will read it.
        root: its first root metadata, compared over another channel.
        member: the organisation.
        hosts: other hosts that the feed may send on to, and that may be internal.
        limits: caps on everything.

    Raises:
        FeedError: what is there is not signed by this root, or cannot be read.
        UsageError: the organisation has no name that a roster can list.
    """
    with tempfile.TemporaryDirectory(prefix="vhashdb-") as scratch:
        head = FeedClient(place, root, Path(scratch, "state"), limits, hosts=checked_hosts(hosts)).refresh()
    found = Member(member, head.feed, place, root)
    try:
        from_bytes(to_bytes([found]))
    except FeedMalformed as error:
        raise UsageError(error.message, hint="give the name of the organisation") from error
    return found


def check_roster(roster: Roster, limits: FeedLimits | None = None) -> Iterator[Checked]:
    """Read every feed of a roster with the root that it lists, side by side."""
    bounds = limits or FeedLimits()
    jobs = [functools.partial(_checked, member, bounds) for member in roster.members]
    for member, done in zip(roster.members, side_by_side(jobs, bounds.at_once, bounds.feed_s + bounds.grace_s), strict=True):
        yield done or Checked(member, error=FeedError(f"the feed was given up after {bounds.feed_s + bounds.grace_s:g} s"))


def _checked(member: Member, limits: FeedLimits) -> Checked:
    try:
        with tempfile.TemporaryDirectory(prefix="vhashdb-") as scratch:
            head = FeedClient(member.url, member.root, Path(scratch, "state"), limits).refresh()
        if head.feed != member.feed:
            raise FeedFork(f"the feed calls itself {head.feed}; the roster lists it as {member.feed}")
        return Checked(member, head)
    except Exception as error:
        return Checked(member, error=as_feed_error(error))
