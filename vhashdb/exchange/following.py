"""Following a federation: its roster decides which feeds are read, people here decide how far they are trusted."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vhashdb.errors import DatabaseError, FeedError, FeedFork, FeedMalformed, FeedUnreachable
from vhashdb.exchange.client import FeedClient
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.reach import check_listed
from vhashdb.exchange.roster import Member, from_bytes
from vhashdb.exchange.side_by_side import side_by_side
from vhashdb.exchange.sync import as_feed_error
from vhashdb.moderation.organisations import keys_of, organisation_of
from vhashdb.store.federations import Federation, Federations
from vhashdb.store.feeds import Feeds
from vhashdb.text import printable

FOLDER = "federations"


@dataclass(frozen=True)
class Followed:
    """Result of reading one roster."""

    federation: str
    joined: tuple[str, ...] = ()
    """Feeds that are trusted from now on."""
    moved: tuple[str, ...] = ()
    """Feeds that have moved to another address."""
    left: tuple[str, ...] = ()
    """Feeds that are no longer listed: their level is none from now on."""
    error: FeedError | None = None
    """Why the roster could not be read, or what it says that is not done."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a `roster`."""
        lists = {"joined": list(self.joined), "moved": list(self.moved), "left": list(self.left)}
        return {"type": "roster", "federation": self.federation, **lists, "message": self.error.message if self.error is not None else ""}


def follow(federations: Federations, place: str, root: bytes, *, level: str, hosts: frozenset[str] = frozenset()) -> str:
    """Follow the roster at a URL or in a folder from now on; the federation's id.

    Raises:
        FeedError: what is there is not signed by this root, cannot be read, or is no roster.
    """
    with tempfile.TemporaryDirectory(prefix="vhashdb-") as scratch:
        client = FeedClient(place, root, Path(scratch, "state"), hosts=hosts)
        head = client.refresh()
        _members(client)
    federations.follow(head.feed, url=place, root=root, trust=level, hosts=hosts)
    return head.feed


def refresh(federations: Federations, feeds: Feeds, folder: Path, limits: FeedLimits | None = None) -> Iterator[Followed]:
    """Read the rosters again and trust accordingly; one that cannot be read changes nothing, and stops no other."""
    limits, followed = limits or FeedLimits(), federations.all()
    jobs = [functools.partial(_read, one, federations.hosts(one.id), folder / FOLDER / one.id, limits) for one in followed]
    read = side_by_side(jobs, limits.at_once, limits.feed_s + limits.grace_s)
    for federation, found in zip(followed, read, strict=True):
        if found is None:
            found = FeedUnreachable(f"the roster was given up after {limits.feed_s + limits.grace_s:g} s")
        if isinstance(found, FeedError):
            federations.checked(federation.id, {"trouble": printable(found.message)})
            yield Followed(federation.id, error=found)
            continue
        members, version = found
        try:
            done = _apply(federation, members, feeds)
        except DatabaseError:
            raise
        except Exception as error:
            done = Followed(federation.id, error=as_feed_error(error))
        federations.checked(federation.id, {"trouble": printable(done.error.message) if done.error else "", "version": version})
        yield done


def _read(federation: Federation, hosts: frozenset[str], folder: Path, limits: FeedLimits) -> tuple[tuple[Member, ...], int] | FeedError:
    """Return the members that a roster lists, and its version; or what went wrong."""
    try:
        client = FeedClient(federation.url, federation.root, folder, limits, hosts=hosts)
        head = client.refresh()
        if head.feed != federation.id:
            raise FeedFork(f"the roster calls itself {head.feed}; {federation.id} is followed")
        return _members(client), head.epoch
    except Exception as error:
        return as_feed_error(error)


def _members(client: FeedClient) -> tuple[Member, ...]:
    document = client.taxonomy()
    if document is None:
        raise FeedMalformed("there is no roster in it")
    return from_bytes(document)


def _apply(federation: Federation, members: tuple[Member, ...], feeds: Feeds) -> Followed:
    known = {feed.id: feed for feed in (*feeds.all(), *feeds.all(own=True))}
    joined, moved, wrong = [], [], []
    for member in members:
        feed = known.get(member.feed)
        try:
            check_listed(member.url, federation.url)
            if feed is not None and not feed.own and keys_of(member.root).isdisjoint(keys_of(feed.root)):
                raise FeedFork(f"the roster lists {member.feed} with other keys than those that are trusted under this name")
        except FeedError as error:
            wrong.append(error)
            continue
        if feed is None:
            level, whose = federation.trust, federation.id
            who = organisation_of(member.member, member.root, known.values())
            added = feeds.add(member.feed, url=member.url, root=member.root, trust=level, member=who, federation=whose)
            known[added.id] = added
            joined.append(member.feed)
        elif feed.federation == federation.id and not feed.own and feed.url != member.url:
            feeds.move(feed.id, url=member.url)
            moved.append(feed.id)
    listed = {member.feed for member in members}
    left = [feed.id for feed in known.values() if feed.federation == federation.id and feed.id not in listed and feed.trust != "none"]
    for identifier in left:
        feeds.set_level(identifier, "none")
    trouble = type(wrong[0])("; ".join(one.message for one in wrong), hint="ask whoever keeps the roster") if wrong else None
    return Followed(federation.id, tuple(joined), tuple(moved), tuple(left), trouble)
