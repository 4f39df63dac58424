"""`vhashdb feed publish`: say what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from ..codes import ExitCode
from ..common import db_option, json_option, opened
from ..output import counted, decoded, printable, say
from .common import feed_argument, keys_options, publisher, show, sure, yes_option

_MAX_TAXONOMY = 16 << 20
MANY: Final = 5
MANY_SHARE: Final = 0.1
"""Records, and share of all that the feed gives, from which on it is asked whether they are to be taken back."""


@click.command("publish", short_help="Publish what is new in the database.")
@feed_argument
@click.option("--taxonomy", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Labels and inclusion criteria, as JSON.")
@click.option("--squares", is_flag=True, help="Publish squares too, of a database that stores them.")
@click.option("--no-sound", is_flag=True, help="Keep the landmarks of the sound at home.")
@yes_option
@db_option
@keys_options
@json_option
def command(
    feed: Path,
    taxonomy: Path | None,
    squares: bool,
    no_sound: bool,
    yes: bool,
    db: Path,
    places: tuple[Path, ...],
    passphrase_file: Path | None,
    as_json: bool,
) -> int:
    """Publish what is new to the members: records, retractions, opinions and the allow-list of people here.

    Records from elsewhere, held ones, and those that may not be passed on are not published. A record whose text contains a
    link, an address, an account, a telephone number or the name of a file is left out and listed; names of people are not
    recognised, so leave them out of what you write. `vhashdb retract --erase` takes a record out of the feed's files too.

    Squares stay at home unless --squares is given, now and each time: members that do not store any pass over them. The
    landmarks of the sound are published unless --no-sound is given, now and each time. What was published before stays as
    it is until the record changes.

    If members would drop more than a tenth of the records, as after a wrong mass retraction, it asks first; a script says
    --yes.

    \b
    Example:
      vhashdb feed publish acme-tvec --db industry.vhdb
      vhashdb feed publish acme-tvec --passphrase-file targets.passphrase
    """
    from vhashdb.errors import UsageError
    from vhashdb.opening import content_of

    own = publisher(feed, places, passphrase_file)
    try:
        criteria = content_of(taxonomy, _MAX_TAXONOMY) if taxonomy else None
    except OSError as error:
        raise UsageError(f"the taxonomy {taxonomy} cannot be read: {error.strerror}", hint="check its path and permissions") from error
    before = own.listing()
    with opened(db) as database:
        database.exchange.publishes(before.feed, place=decoded(feed))
        pending = database.exchange.pending_events(own.entries(), squares=squares, sound=not no_sound)
        gone, given = pending.retractions()
        if gone > MANY and gone > MANY_SHARE * given:
            sure(f"members would drop {gone:,} of the {counted(given, 'record')} of this feed", yes=yes)
        listing = own.publish(pending, taxonomy=criteria)
        database.store.audit.log("publish", feed=listing.feed, since=before.seq, seq=listing.seq, refused=len(pending.refused))
    for identifier, why in pending.refused:
        say(f"{identifier[:8]}  not published: {printable(why)}")
    for identifier in pending.without_sound:
        say(f"{identifier[:8]}  its sound was left out: it is too long for one event")
    show(listing, feed, as_json, f"{counted(listing.seq - before.seq, 'event')} published")
    return ExitCode.INCOMPLETE if pending.refused else ExitCode.FINISHED
