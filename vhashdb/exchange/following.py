"""Following a federation: its roster decides which feeds are read, people here decide how far they are trusted."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from vhashdb.errors import FeedError, FeedFork, FeedMalformed
from vhashdb.exchange.client import FeedClient
from vhashdb.exchange.roster import Member, from_bytes
from vhashdb.store.federations import Federation, Federations
from vhashdb.store.feeds import Feeds

FOLDER = "federations"


@dataclass(frozen=True)
class Followed:
    """What reading one roster did."""

    federation: str
    joined: tuple[str, ...] = ()
    """Feeds that are trusted now …"""
    moved: tuple[str, ...] = ()
    """… that are somewhere else now …"""
    left: tuple[str, ...] = ()
    """… and that are no longer listed: their level is none from now on."""
    error: FeedError | None = None


def follow(federations: Federations, place: str, root: bytes, *, level: str) -> str:
    """Follow the roster at a URL or in a folder from now on; the federation's id.

    Raises:
        FeedError: what is there is not signed by this root, cannot be read, or is no roster.
    """
    with tempfile.TemporaryDirectory(prefix="vhashdb-") as scratch:
        client = FeedClient(place, root, Path(scratch, "state"))
        head = client.refresh()
        _members(client)
    federations.follow(head.feed, url=place, root=root, trust=level)
    return head.feed


def refresh(federation: Federation, federations: Federations, feeds: Feeds, folder: Path) -> Followed:
    """Read one roster again and trust accordingly; a roster that cannot be read changes nothing."""
    client = FeedClient(federation.url, federation.root, folder / FOLDER / federation.id)
    try:
        head = client.refresh()
        if head.feed != federation.id:
            raise FeedFork(f"the roster calls itself {head.feed}; {federation.id} is followed")
        members = _members(client)
    except FeedError as error:
        federations.checked(federation.id, {"trouble": error.message})
        return Followed(federation.id, error=error)
    done = _apply(federation, members, feeds)
    federations.checked(federation.id, {"trouble": "", "version": head.epoch})
    return done


def _members(client: FeedClient) -> tuple[Member, ...]:
    document = client.taxonomy()
    if document is None:
        raise FeedMalformed("there is no roster in it")
    return from_bytes(document)


def _apply(federation: Federation, members: tuple[Member, ...], feeds: Feeds) -> Followed:
    known = {feed.id: feed for feed in (*feeds.all(), *feeds.all(own=True))}
    joined, moved = [], []
    for member in members:
        feed = known.get(member.feed)
        if feed is None:
            level, whose = federation.trust, federation.id
            feeds.add(member.feed, url=member.url, root=member.root, trust=level, member=member.member, federation=whose)
            joined.append(member.feed)
        elif feed.federation == federation.id and not feed.own and feed.url != member.url:
            feeds.move(feed.id, url=member.url)
            moved.append(feed.id)
    listed = {member.feed for member in members}
    left = [feed.id for feed in known.values() if feed.federation == federation.id and feed.id not in listed and feed.trust != "none"]
    for identifier in left:
        feeds.set_level(identifier, "none")
    return Followed(federation.id, tuple(joined), tuple(moved), tuple(left))
