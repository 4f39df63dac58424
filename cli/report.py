"""`vhashdb report`: what an industry owes the public."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from vhashdb.errors import UsageError

from .common import db_option, opened
from .output import emit

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(short_help="Make reports about the database.")
def command() -> None:
    """Make reports about the database.

    They count; they name no person, no file and no upload.

    \b
    Example:
      vhashdb report transparency
    """


@command.command("transparency", short_help="Count records, matches, opinions, appeals and retractions of a period.")
@click.option("--from", "since", type=_DAY, metavar="DAY", help="First day, such as 2026-01-01; that of this year unless given.")
@click.option("--to", "until", type=_DAY, metavar="DAY", help="Last day; today unless given.")
@click.option("--format", "form", type=click.Choice(("markdown", "json", "csv")), default="markdown", show_default=True, help="Form.")
@db_option
def transparency(since: datetime.datetime | None, until: datetime.datetime | None, form: str, db: Path) -> None:
    """Count records, matches, opinions, appeals and retractions of a period; nothing in it is about a person.

    Matches are counted by source, with the share that people here found right, so that a source that is often wrong shows.

    \b
    Example:
      vhashdb report transparency --from 2026-01-01 --to 2026-06-30 --format csv > report.csv
      vhashdb report transparency --from 2026-01-01
    """
    from vhashdb.exchange.transparency import FORMATS
    from vhashdb.store.figures import figures

    last = until.date() if until else datetime.datetime.now(datetime.UTC).date()
    first = since.date() if since else last.replace(month=1, day=1)
    if last < first:
        raise UsageError(f"the period ends on {last}, before it begins on {first}", hint="give --from before --to")
    with opened(db) as database:
        counted = figures(database.store, first, last)
    emit(FORMATS[form](counted))
