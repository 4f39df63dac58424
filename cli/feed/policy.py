"""`vhashdb feed policy`: what holds for all records of a feed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ..common import json_option
from ..output import emit, emit_json, printable
from ..settings import OneOf
from .common import facts, feed_argument, keys_options, publisher, without_keys


@click.command("policy", short_help="Show or change what holds for all records of a feed.")
@feed_argument
@click.option("--tlp", type=OneOf("vhashdb.store", "TLP"), help="Whom members may pass it on to.")
@click.option("--max-action", type=OneOf("vhashdb.store", "MAX_ACTIONS"), help="The most a match may lead to.")
@click.option("--contact", metavar="TEXT", help="Whom to ask: a team, in words; no person and no address.")
@keys_options
@json_option
def command(
    feed: Path,
    tlp: str | None,
    max_action: str | None,
    contact: str | None,
    places: tuple[Path, ...],
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Change what `vhashdb feed init` said of all records of a feed; without options, show it and change nothing.

    Members see the change with their next sync, and it holds for what was published before as well. Whose keys sign is
    changed by `vhashdb feed rotate-key`; the name of a feed is for good.

    \b
    Example:
      vhashdb feed policy acme-tvec
      vhashdb feed policy acme-tvec --max-action block --contact "trust and safety desk"
    """
    listing = without_keys(feed).listing()
    said = {name: value for name, value in (("tlp", tlp), ("max_action", max_action), ("contact", contact)) if value is not None}
    if said:
        listing = publisher(feed, places, passphrase_file).publish((), policy=replace(listing.policy, **said))
    if as_json:
        emit_json(facts(listing, feed))
        return
    policy = listing.policy
    contact_words = printable(policy.contact) or "nobody is named"
    for name, value in (("TLP", policy.tlp), ("maximum action", policy.max_action), ("contact", contact_words)):
        emit(f"{name:<16}{value}")
