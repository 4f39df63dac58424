"""`vhashdb feed roster`: the members of a federation, as its keeper lists them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..codes import ExitCode
from ..common import json_option
from ..help import Group
from ..output import counted, decoded, emit, emit_json, printable
from ..trust import MAX_ROOT
from .common import feed_argument, keys_options, publisher, sure, without_keys, yes_option

if TYPE_CHECKING:
    from vhashdb.exchange import Checked


@click.group("roster", cls=Group, short_help="Keep the roster of a federation: who is a member, with which feed.")
def command() -> None:
    """Keep the roster of a federation: who is a member, with which feed and which root of trust.

    FEED is the folder of a feed that is begun with `vhashdb feed init` for the roster alone. Whoever follows it by
    `vhashdb trust federation` trusts the feeds that it lists, as they join and leave.

    \b
    Example:
      vhashdb feed roster check federation
      vhashdb feed roster remove federation acme-tvec
    """


def _root_bytes(path: Path) -> bytes:
    from vhashdb.errors import UsageError
    from vhashdb.opening import content_of

    try:
        return content_of(path, MAX_ROOT)
    except OSError as error:
        raise UsageError(f"the root {path} cannot be read: {error.strerror}", hint="check its path and permissions") from error


@command.command("add", short_help="List a member's feed, and publish the roster.")
@feed_argument
@click.argument("place", metavar="URL")
@click.option(
    "--root", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Its root.json, compared over another channel."
)
@click.option("--member", required=True, metavar="NAME", help="The organisation; all its feeds count as one.")
@click.option("--allow-host", "hosts", multiple=True, metavar="HOST", help="Another host that it may send on to, and that may be internal.")
@keys_options
@json_option
def add(
    feed: Path,
    place: str,
    root: Path,
    member: str,
    hosts: tuple[str, ...],
    places: tuple[Path, ...],
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """List a member's feed, or another address of one that is listed, and publish the roster.

    URL is where the members will read the feed. It is read now, and has to be signed by FILE, its root of trust: compare
    that with somebody at the other company, as nobody who follows the roster will.

    \b
    Example:
      vhashdb feed roster add federation https://feeds.acme.example/tvec --root acme-root.json --member acme.example
      vhashdb feed roster add federation /mnt/share/bold-tvec --root bold-root.json --member bold.example
    """
    from vhashdb.exchange import listed_member, publish_roster, roster_of

    own, trusted = publisher(feed, places, passphrase_file), _root_bytes(root)
    roster = roster_of(own)
    found = listed_member(place, trusted, member, hosts=hosts)
    roster = roster.with_member(found)
    publish_roster(own, roster)
    digest = hashlib.sha256(trusted).hexdigest()
    if as_json:
        emit_json(_facts(feed, roster.members) | {"added": found.feed, "root_sha256": digest})
        return
    emit(f"{found.feed}  of {printable(found.member)} is listed; {counted(len(roster.members), 'feed')} in the roster")
    emit(f"SHA-256 of root {digest}")


@command.command("remove", short_help="Take feeds off the roster, and publish it.")
@feed_argument
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@yes_option
@keys_options
@json_option
def remove(feed: Path, names: tuple[str, ...], yes: bool, places: tuple[Path, ...], passphrase_file: Path | None, as_json: bool) -> None:
    """Take feeds off the roster, and publish it.

    For everybody who follows the roster the feeds drop to the level none: their records go on being there and lead to
    nothing. So it asks first; a script says --yes.

    \b
    Example:
      vhashdb feed roster remove federation acme-tvec
      vhashdb feed roster remove federation acme-tvec bold-tvec --yes
    """
    from vhashdb.exchange import publish_roster, roster_of

    own = publisher(feed, places, passphrase_file)
    roster = roster_of(own)
    fewer = roster.without(names)
    gone = len(roster.members) - len(fewer.members)
    sure(f"everybody who follows this roster stops trusting {gone} of its {counted(len(roster.members), 'feed')}", yes=yes)
    publish_roster(own, fewer)
    if as_json:
        emit_json(_facts(feed, fewer.members) | {"removed": sorted(set(names))})
    else:
        emit(f"{', '.join(sorted(set(names)))}  no longer listed; {counted(len(fewer.members), 'feed')} in the roster")


@command.command("check", short_help="Read every feed of the roster as those who follow it do.")
@feed_argument
@json_option
def check(feed: Path, as_json: bool) -> int:
    """Read every feed of the roster as those who follow it do: with the root that is listed, from where it is listed.

    Nothing is changed, and no key is needed.

    \b
    Example:
      vhashdb feed roster check federation
      vhashdb feed roster check federation --json
    """
    from vhashdb.exchange import check_roster, roster_of

    roster, failed = roster_of(without_keys(feed)), 0
    if not roster.members and not as_json:
        emit("the roster lists no feed")
    for done in check_roster(roster):
        failed += done.error is not None
        _tell(done, as_json)
    return ExitCode.FEED if failed else ExitCode.FINISHED


def _tell(done: Checked, as_json: bool) -> None:
    member, head, error = done.member, done.head, done.error
    if as_json:
        value: dict[str, Any] = {"type": "member", "feed": member.feed, "member": member.member, "url": member.url}
        value |= {"root_sha256": hashlib.sha256(member.root).hexdigest(), "seq": head.seq if head else None}
        emit_json(value | {"error": type(error).__name__ if error else None, "message": error.message if error else ""})
    elif error is not None:
        emit(f"{member.feed}  FAILED  {printable(member.member)}  {printable(error.message)}")
    else:
        assert head is not None
        emit(f"{member.feed}  {printable(member.member)}  {printable(member.url)}  at event {head.seq:,}")


def _facts(feed: Path, members: tuple[Any, ...]) -> dict[str, Any]:
    return {"type": "members", "path": decoded(feed), "feeds": [member.feed for member in members]}
