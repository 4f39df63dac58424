"""`vhashdb sync`: read what others published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .codes import ExitCode
from .common import db_option, json_option, opened, quiet_option
from .hints import with_options
from .output import Hints, counted, emit, emit_json, printable, say, size
from .progress import Progress
from .screen import emit_words

if TYPE_CHECKING:
    from vhashdb.exchange import Followed, Synced

_WORDS: Final = ("added", "changed", "retracted", "erased", "held")


@click.command(short_help="Read what the trusted feeds published.")
@click.argument("feeds", metavar="[FEED]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Say what would be read, and read nothing but signatures.")
@click.option(
    "--feed-time", type=click.FloatRange(1, 86_400), metavar="SECONDS", help="The most to wait for one feed in all.  [default: 600]"
)
@db_option
@quiet_option
@json_option
def command(feeds: tuple[str, ...], dry_run: bool, feed_time: float | None, db: Path, quiet: bool, as_json: bool) -> int:
    """Read what the trusted feeds published since the last time; all of them, unless some are named.

    Feeds are read side by side, each within its own time, bytes and requests. One that cannot be read, breaks a rule or
    causes an internal error does not stop the others: its last good state goes on matching, and exit code 5 says that there
    was one. What arrived of it stays, and the next run goes on from there.

    \b
    Example:
      vhashdb sync
      vhashdb sync --feed-time 60
      vhashdb sync acme-tvec --dry-run
    """
    from vhashdb.exchange import FeedLimits

    limits = FeedLimits() if feed_time is None else FeedLimits(feed_s=feed_time)
    trouble, hints = False, Hints(quiet=quiet)
    with opened(db) as database:
        if not feeds and not dry_run:
            for followed in database.exchange.refresh_rosters(limits):
                trouble |= followed.error is not None
                _tell_roster(followed, as_json)
        names = list(feeds) or [feed.id for feed in database.exchange.feeds.all()]
        with Progress(len(names), quiet=quiet, unit="feed") as progress:
            for done in _under_way(names, database.exchange.sync(names, dry_run=dry_run, limits=limits), progress):
                trouble |= done.error is not None
                emit_json(synced_json(done)) if as_json else emit_words(_line(done))
                if done.error is not None and not as_json:
                    hints.give(done.error.hint)
    if not names and not quiet:
        say("warning: no feed is trusted, so there was nothing to read; `vhashdb trust add` begins")
    return ExitCode.FEED if trouble else ExitCode.FINISHED


def _under_way(names: Sequence[str], synced: Iterator[Synced], progress: Progress) -> Iterator[Synced]:
    """What becomes of each feed, while the progress shows which one is read."""
    for name in names:
        progress.begin(name)
        yield next(synced)
        progress.end(name)
        progress.advance()


def synced_json(done: Synced) -> dict[str, Any]:
    """Return the line of one feed, with a hint of the command line."""
    return done.to_json() | ({"hint": with_options(done.error.hint)} if done.error is not None else {})


def _line(done: Synced) -> str:
    if done.error is not None:
        return f"{done.feed}  {done.outcome.upper()}  {printable(done.error.message)}"
    if done.outcome == "unchanged":
        return f"{done.feed}  up to date at event {done.seq}"
    if done.outcome == "would-update":
        return f"{done.feed}  would read {_events(done)}, {size(done.bytes)}"
    parts = [f"{getattr(done.changes, word)} {word}" for word in _WORDS if getattr(done.changes, word)]
    parts += [counted(done.changes.opinions, "opinion")] if done.changes.opinions else []
    parts += [f"{done.skipped} skipped"] if done.skipped else []
    held = f"; all new records are held: {printable(done.held)}" if done.held else ""
    return f"{done.feed}  {_events(done)}: {', '.join(parts) or 'nothing that concerns records'}{held}"


def _events(done: Synced) -> str:
    """Return which events are new; a feed may have none yet, and one that begins anew may have fewer than before."""
    return f"events {done.since + 1} to {done.seq}" if done.seq > done.since else "no events yet"


def _tell_roster(followed: Followed, as_json: bool) -> None:
    if as_json:
        emit_json(followed.to_json())
        return
    for word in ("joined", "moved", "left"):
        for name in getattr(followed, word):
            emit(f"{followed.federation}  {name} {word}")
    if followed.error is not None and followed.error.message:
        emit(f"{followed.federation}  roster not followed in everything: {printable(followed.error.message)}")
