"""`vhashdb trust`: whose feeds are read, and how far they are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from vhashdb.errors import UsageError

from .common import db_option, json_option, opened
from .help import Group
from .output import counted, emit, emit_json, printable, say

if TYPE_CHECKING:
    from vhashdb.store import Feed

LEVELS: Final = ("none", "log", "review", "block")
MAX_ROOT: Final = 1 << 20
_level = click.option(
    "--level", type=click.Choice(LEVELS), default="review", show_default=True, help="The most that its records may lead to by themselves."
)
_root = click.option(
    "--root", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Its root.json, compared over another channel."
)


_hosts = click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="Another host that it may send on to, and that may be internal; may be given several times.",
)


@click.group(cls=Group, short_help="Decide whose feeds are read, and how far they are trusted.")
def command() -> None:
    """Decide whose feeds are read, and how far they are trusted.

    Nothing that a feed says can lead to more than the level it is trusted with, and nothing is read before it is trusted.

    \b
    Example:
      vhashdb trust list
      vhashdb trust level acme-tvec block
    """


@command.command("add", short_help="Trust a feed from now on.")
@click.argument("place", metavar="URL")
@_root
@_level
@click.option("--member", default="", metavar="NAME", help="The organisation; all its feeds count as one.")
@_hosts
@db_option
@json_option
def add(place: str, root: Path, level: str, member: str, hosts: tuple[str, ...], db: Path, as_json: bool) -> None:
    """Trust a feed from now on.

    URL is where the feed is, or a folder. FILE is its root of trust: receive it over another channel than the feed, and
    compare it with somebody at the other company. The feed is read from the host in URL alone, and from no internal
    address that is not in URL, unless --allow-host names it.

    \b
    Example:
      vhashdb trust add https://feeds.acme.example/tvec --root acme-root.json --member acme.example
      vhashdb trust add /mnt/share/acme-tvec --root acme-root.json --level log
    """
    with opened(db) as database:
        feed = database.exchange.trust(place, _bytes_of(root), level=level, member=member, hosts=hosts)
        _tell(feed, as_json, f"{feed.id}  is trusted up to {feed.trust}; `vhashdb sync` reads it")


@command.command("federation", short_help="Follow the roster of a federation.")
@click.argument("place", metavar="URL")
@_root
@_level
@_hosts
@db_option
@json_option
def federation(place: str, root: Path, level: str, hosts: tuple[str, ...], db: Path, as_json: bool) -> None:
    """Follow the roster of a federation, so that the feeds of its members are trusted.

    The roster is read again with every sync: new members are added, and feeds of those that left get the level none.

    \b
    Example:
      vhashdb trust federation https://federation.example/roster --root federation-root.json
      vhashdb trust federation /mnt/share/roster --root federation-root.json --level log
    """
    with opened(db) as database:
        identifier = database.exchange.join(place, _bytes_of(root), level=level, hosts=hosts)
        followed = [done for done in database.exchange.refresh_rosters() if done.federation == identifier]
    joined = [name for done in followed for name in done.joined]
    for done in followed:
        if done.error is not None:
            say(f"warning: the roster is not followed in everything: {printable(done.error.message)}")
    if as_json:
        emit_json({"type": "federation", "federation": identifier, "level": level, "joined": joined})
    else:
        emit(f"{identifier}  is followed; {counted(len(joined), 'new feed')}{': ' if joined else ''}{', '.join(joined)}")


@command.command("list", short_help="List the feeds that are trusted.")
@db_option
@json_option
def list_feeds(db: Path, as_json: bool) -> None:
    """List the feeds that are trusted.

    One line a feed: its id, the level, the organisation, and where it is read. `vhashdb feed status` shows how current each
    one is.

    \b
    Example:
      vhashdb trust list
    """
    with opened(db) as database:
        feeds = database.exchange.feeds.all()
    for feed in feeds:
        by = f", listed by {feed.federation}" if feed.federation else ""
        _tell(feed, as_json, f"{feed.id}  {feed.trust:<6}  {printable(feed.member)}  {printable(feed.url)}{by}")
    if not feeds and not as_json:
        emit("no feed is trusted; `vhashdb trust add` begins")


@command.command("level", short_help="Change how far a feed is trusted.")
@click.argument("feed", metavar="FEED")
@click.argument("level", type=click.Choice(LEVELS))
@click.option(
    "--same-video/--no-same-video",
    "same_video",
    default=None,
    help="Whether it is believed which records show the same video; without it, from review on.",
)
@db_option
@json_option
def set_level(feed: str, level: str, same_video: bool | None, db: Path, as_json: bool) -> None:
    """Change how far a feed is trusted.

    It holds at once, for the records that are there already as well. With none, its records stay and lead to nothing.

    A feed may say that two records show the same video. Feeds with the level review or block are believed, unless you say
    --no-same-video; others are not, unless you say --same-video. What people here split stays apart whatever feeds say.

    \b
    Example:
      vhashdb trust level acme-tvec log
      vhashdb trust level acme-tvec review --no-same-video
    """
    with opened(db) as database:
        changed = database.exchange.feeds.set_level(feed, level, same_video=same_video)
    _tell(changed, as_json, f"{changed.id}  is trusted up to {changed.trust}")


@command.command("move", short_help="Read a feed from another place.")
@click.argument("feed", metavar="FEED")
@click.argument("place", metavar="URL")
@_hosts
@db_option
@json_option
def move(feed: str, place: str, hosts: tuple[str, ...], db: Path, as_json: bool) -> None:
    """Read a feed from another place, with the same keys.

    The next `vhashdb sync` reads it there and goes on where it was. A feed of other keys is refused, so a mirror need not be
    trusted. Hosts that --allow-host named before are forgotten.

    \b
    Example:
      vhashdb trust move acme-tvec https://mirror.example/acme-tvec
      vhashdb trust move acme-tvec https://feeds.corp/acme-tvec --allow-host feeds.corp
    """
    with opened(db) as database:
        changed = database.exchange.move(feed, place, hosts=hosts)
    _tell(changed, as_json, f"{changed.id}  is read from {printable(changed.url)}")


@command.command("release", short_help="Take a feed out of quarantine.")
@click.argument("feed", metavar="FEED")
@click.option("--reason", required=True, metavar="TEXT", help="What its publisher said; it is kept in the audit log.")
@db_option
@json_option
def release(feed: str, reason: str, db: Path, as_json: bool) -> None:
    """Take a feed out of quarantine, once its publisher explained what happened.

    Its history is then read from the beginning, and what it no longer says is retracted.

    \b
    Example:
      vhashdb trust release acme-tvec --reason "restored from a backup, confirmed by phone"
    """
    with opened(db) as database:
        if database.exchange.feeds.get(feed).status != "quarantined":
            raise UsageError(f"feed {feed} is not in quarantine", hint="`vhashdb feed status` shows what is")
        released = database.exchange.feeds.release(feed, reason)
    _tell(released, as_json, f"{released.id}  is out of quarantine; `vhashdb sync` reads it from its beginning")


@command.command("remove", short_help="Stop trusting a feed; its records stop matching.")
@click.argument("feed", metavar="FEED")
@db_option
@json_option
def remove(feed: str, db: Path, as_json: bool) -> None:
    """Stop trusting a feed: its records stop matching and are blanked, its opinions are forgotten.

    What people here retracted or rejected stays so, also when the feed is trusted again. To stop reading it for a while,
    `vhashdb trust level FEED none` is enough.

    \b
    Example:
      vhashdb trust remove acme-tvec
    """
    with opened(db) as database:
        removed = database.exchange.distrust(feed)
    if as_json:
        emit_json({"type": "removed", "feed": feed, "records": removed})
    else:
        emit(f"{feed}  is trusted no longer; {counted(removed, 'record')} blanked")


@command.command("rules", short_help="Show or change what people here agreed on.")
@click.option("--quorum", type=click.IntRange(1, 100), metavar="N", help="Organisations that must have seen the content before a block.")
@click.option("--seen-here/--seen-anywhere", "seen_here", default=None, help="Whether somebody here must be among them.")
@click.option("--two-person/--one-person", "two_person", default=None, help="Whether additions and reviews need two people.")
@db_option
@json_option
def rules(quorum: int | None, seen_here: bool | None, two_person: bool | None, db: Path, as_json: bool) -> None:
    """Show or change what people here agreed on: the quorum, and whether one person may decide alone.

    A match may block by itself only if as many organisations as the quorum says have seen the content and agree; this one
    has to be among them, unless you say --seen-anywhere. Where two people are required, the first one proposes an addition
    or a review, and somebody else confirms it. Without options, nothing is changed.

    \b
    Example:
      vhashdb trust rules --quorum 3 --two-person
      vhashdb trust rules
    """
    from dataclasses import replace

    with opened(db) as database:
        reviews = database.moderation.reviews
        wanted = {"quorum": quorum, "seen_here": seen_here, "two_person": two_person}
        changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        if changes:
            reviews.set_rules(replace(reviews.rules, **changes))
        now = reviews.rules
    if as_json:
        emit_json(now.to_json())
    else:
        emit(f"quorum      {now.quorum}  organisations must have seen the content before anything may be blocked without a person")
        emit(f"seen here   {'yes' if now.seen_here else 'no'}")
        emit(f"two-person  {'yes' if now.two_person else 'no'}")


def _tell(feed: Feed, as_json: bool, text: str) -> None:
    if as_json:
        emit_json(feed.to_json())
    else:
        emit(text)


def _bytes_of(path: Path) -> bytes:
    from vhashdb.opening import content_of

    try:
        return content_of(path, MAX_ROOT)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="ask the publisher for the feed's root.json") from error
