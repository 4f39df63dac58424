"""`vhashdb feed publish`: say what is new."""

from __future__ import annotations

from pathlib import Path

import click

from ..codes import ExitCode
from ..common import db_option, json_option, opened
from ..output import counted, printable, say
from ..settings import OneOf
from .common import feed_argument, keys_options, publisher, show


@click.command("publish", short_help="Tell what is new in the database.")
@feed_argument
@click.option("--erase", multiple=True, metavar="RECORD", help="Retract this record and take it out of the feed's files as well.")
@click.option(
    "--reason", type=OneOf("vhashdb.exchange.events", "RETRACTION_REASONS"), default="withdrawn", help="Reason of the retractions told now."
)
@click.option("--taxonomy", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Labels and inclusion criteria, as JSON.")
@db_option
@keys_options
@json_option
def command(
    feed: Path,
    erase: tuple[str, ...],
    reason: str,
    taxonomy: Path | None,
    db: Path,
    places: tuple[Path, ...],
    passphrase_file: Path | None,
    as_json: bool,
) -> int:
    """Tell members what is new: own records that were added, changed or retracted since the feed spoke of them.

    Records from elsewhere, held ones, and those that may not be passed on stay at home. A record whose words contain a
    link, a name of a file, an account or an address is left out, and named.

    \b
    Example:
      vhashdb feed publish acme-tvec --db industry.vhdb
    """
    from vhashdb.errors import UsageError
    from vhashdb.exchange.outbox import Outbox

    own = publisher(feed, places, passphrase_file)
    try:
        criteria = taxonomy.read_bytes() if taxonomy else None
    except OSError as error:
        raise UsageError(f"the taxonomy {taxonomy} cannot be read: {error.strerror}") from error
    before = own.listing()
    with opened(db) as database:
        erased = frozenset(database.get(identifier).id for identifier in erase)
        outbox = Outbox(database.records(), database.fingerprint, own.state(), erase=erased, reason=reason)
        listing = own.publish(outbox, taxonomy=criteria)
    for identifier, why in outbox.refused:
        say(f"rec {identifier[:8]}  not published: {printable(why)}")
    show(listing, feed, as_json, f"{counted(listing.seq - before.seq, 'event')} published,")
    return ExitCode.INCOMPLETE if outbox.refused else ExitCode.FINISHED
