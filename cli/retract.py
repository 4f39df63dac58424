"""`vhashdb retract`: withdraw a record."""

from __future__ import annotations

from pathlib import Path

import click

from .common import db_option, json_option, opened
from .output import emit, emit_json, record_json


@click.command(short_help="Withdraw a record, so that it never matches again.")
@click.argument("identifier", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept in the record's history.")
@db_option
@json_option
def command(identifier: str, reason: str, db: Path, as_json: bool) -> None:
    """Withdraw a record, so that it never matches again; it stays on file with the reason.

    \b
    Example:
      vhashdb retract 9f3c2a --reason "news footage, recorded by mistake"
    """
    with opened(db) as database:
        record = database.get(identifier)
        already = record.state == "retracted"
        if not already:
            record = database.retract(record.id, reason=reason)
    if as_json:
        emit_json(record_json(record))
    else:
        emit(f"rec {record.short_id}  {'was retracted before' if already else 'retracted'}")
