"""`vhashdb unmatch`: this file is not that record."""

from __future__ import annotations

from pathlib import Path

import click

from .common import db_option, json_option, opened
from .output import emit, emit_json, shown
from .sources import media_of


@click.command(short_help="Remember that a file is not a record, whatever the hashes say.")
@click.argument("file", type=click.Path())
@click.argument("identifier", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept in the record's history.")
@db_option
@json_option
def command(file: str, identifier: str, reason: str, db: Path, as_json: bool) -> None:
    """Remember that a file is not a record, whatever the hashes say.

    The mark is about this very file, stays in this database, and survives updates of the record.

    \b
    Example:
      vhashdb unmatch upload.mp4 9f3c2a --reason "a cover version"
      vhashdb unmatch interview.mp4 9f3c2a --reason "the record is quoted for two seconds in a news report"
    """
    with opened(db) as database:
        record = database.unmatch(media_of(file), identifier, reason=reason)
    if as_json:
        from vhashdb.forms import unmatch_json

        emit_json(unmatch_json(file, record.id, reason))
    else:
        emit(f"{shown(file)}  is not rec {record.short_id}, and will not match it again")
