"""`vhashdb feed verify`: look at a feed as a member would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..codes import ExitCode
from ..common import json_option
from ..output import counted, emit, emit_json, printable, say
from ..trust import MAX_ROOT
from .common import facts, feed_argument

if TYPE_CHECKING:
    from vhashdb.exchange import Findings


@click.command("verify", short_help="Check a feed as a member would, and every file of it.")
@feed_argument
@click.option(
    "--root", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Root of trust; otherwise the feed's own 1.root.json."
)
@json_option
def command(feed: Path, root: Path | None, as_json: bool) -> int:
    """Check signatures, dates, the chain and every file of a feed in a folder.

    Without --root this says that the feed is whole, not whose it is.

    \b
    Example:
      vhashdb feed verify acme-tvec
      vhashdb feed verify acme-tvec --root acme-root.json
    """
    from vhashdb.errors import FeedUnreachable
    from vhashdb.exchange import verify_feed
    from vhashdb.opening import content_of

    path = root or feed / "metadata" / "1.root.json"
    try:
        trusted = content_of(path, MAX_ROOT)
    except OSError as error:
        raise FeedUnreachable(f"{path} cannot be read: {error.strerror}", hint="FEED is a folder made by `vhashdb feed init`") from error
    report = verify_feed(feed, trusted)
    for seq, why in report.malformed:
        say(f"event {seq}  skipped by members: {printable(why)}")
    if as_json:
        emit_json(
            facts(report.head.listing, feed)
            | {
                "expires": report.head.expires,
                "root_version": report.head.position.root_version,
                "records": report.records,
                "retracted": report.retracted,
                "malformed": len(report.malformed),
                "whole": report.whole,
                "stray_files": report.stray,
            }
        )
    else:
        for name, value in _rows(report):
            emit(f"{name:<18}{value}")
    return ExitCode.INCOMPLETE if report.malformed else ExitCode.FINISHED


def _rows(report: Findings) -> list[tuple[str, str]]:
    head = report.head
    return [
        ("feed", head.feed),
        ("events", f"{head.seq:,} (epoch {head.epoch})"),
        ("records", f"{report.records:,} ({report.retracted:,} retracted)"),
        ("expires", f"{head.expires.isoformat(sep=' ')}"),
        ("root", f"version {head.position.root_version}"),
        ("history", "whole" if report.whole else "old events are in a snapshot only"),
        ("files", f"{len(head.listing.files):,}, and {counted(report.stray, 'file')} that nothing refers to"),
        ("verdict", "a member would accept it"),
    ]
