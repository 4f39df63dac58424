"""`vhashdb report`: what an industry owes the public."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Final

import click

from vhashdb.errors import UsageError

from .common import day_or, db_option, opened, period_options, today
from .help import Group
from .output import emit

_FORMS: Final = ("markdown", "json", "csv", "html")


@click.group(cls=Group, short_help="Make reports about the database.")
def command() -> None:
    """Make reports about the database.

    They count; they name no person, no file and no upload.

    \b
    Example:
      vhashdb report transparency
    """


@command.command("transparency", short_help="Count records, matches, opinions, appeals and retractions of a period.")
@period_options("that of this year")
@click.option("--format", "form", type=click.Choice(_FORMS), default="markdown", show_default=True, help="The format.")
@db_option
def transparency(since: datetime.datetime | None, until: datetime.datetime | None, form: str, db: Path) -> None:
    """Count records, matches, opinions, appeals and retractions of a period; nothing in it is about a person.

    Matches are counted by source, with the share that people here found right, so that a source that is often wrong shows.

    \b
    Example:
      vhashdb report transparency --from 2026-01-01 --to 2026-06-30 --format csv > report.csv
      vhashdb report transparency --from 2026-01-01 --to 2026-06-30 --format html > report.html
    """
    from vhashdb.exchange import TRANSPARENCY_FORMATS
    from vhashdb.store import read_figures

    last = day_or(until, today())
    first = day_or(since, last.replace(month=1, day=1))
    if last < first:
        raise UsageError(f"the period ends on {last}, before it begins on {first}", hint="give --from before --to")
    with opened(db) as database:
        counted = read_figures(database.store, first, last)
    if form == "html":
        from vhashdb.charts import transparency_page as page

        emit(page(counted).rstrip())
        return
    emit(TRANSPARENCY_FORMATS[form](counted))
