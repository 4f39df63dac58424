"""`vhashdb feed compact`: a snapshot for new members."""

from __future__ import annotations

from pathlib import Path

import click

from ..common import json_option
from .common import feed_argument, keys_options, publisher, show


@click.command("compact", short_help="Write a snapshot for new members.")
@feed_argument
@click.option(
    "--keep-events", type=click.IntRange(min=0), metavar="N", help="Delete files of events that end more than N events before the last."
)
@keys_options
@json_option
def command(feed: Path, keep_events: int | None, places: tuple[Path, ...], passphrase_file: Path | None, as_json: bool) -> None:
    """Write a snapshot of what the events add up to, so that new members need not read them all.

    With --keep-events old events are deleted; a member that was away for longer starts from the snapshot.

    \b
    Example:
      vhashdb feed compact acme-tvec --keep-events 100000
      vhashdb feed compact acme-tvec
    """
    show(publisher(feed, places, passphrase_file).compact(keep_events=keep_events), feed, as_json, "compacted")
