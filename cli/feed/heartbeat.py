"""`vhashdb feed heartbeat`: sign that what is current is current."""

from __future__ import annotations

from pathlib import Path

import click

from ..common import json_option
from .common import feed_argument, keys_options, publisher, show


@click.command("heartbeat", short_help="Sign that the feed is up to date; run it daily.")
@feed_argument
@keys_options
@json_option
def command(feed: Path, places: tuple[Path, ...], passphrase_file: Path | None, as_json: bool) -> None:
    """Sign anew that the feed is up to date, so that members notice if somebody shows them an old state.

    Run it daily: without it the feed expires after a week. It needs the online key only.

    \b
    Example:
      vhashdb feed heartbeat acme-tvec --passphrase-file online.passphrase
      vhashdb feed heartbeat acme-tvec --keys online.key --passphrase-file online.passphrase
    """
    own = publisher(feed, places, passphrase_file)
    own.heartbeat()
    show(own.listing(), feed, as_json, "signed again")
