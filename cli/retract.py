"""`vhashdb retract`: withdraw a record."""

from __future__ import annotations

from pathlib import Path

import click

from .common import db_option, json_option, opened
from .output import emit, emit_json
from .settings import OneOf


@click.command(short_help="Withdraw a record, so that it never matches again.")
@click.argument("identifier", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept in the record's history.")
@click.option(
    "--code",
    type=OneOf("vhashdb.codes", "RETRACTION_REASONS"),
    default="withdrawn",
    show_default=True,
    help="The reason that your feed gives.",
)
@click.option("--erase", is_flag=True, help="Keep nothing of its content, here or at members that follow your feed.")
@db_option
@json_option
def command(identifier: str, reason: str, code: str, erase: bool, db: Path, as_json: bool) -> None:
    """Withdraw a record, so that it never matches again; it stays on file with the reason.

    A record of your own is also withdrawn from your feed, with its next publication. One that came from a feed is only
    withdrawn here; its publisher's later versions do not bring it back.

    \b
    Example:
      vhashdb retract 9f3c2a --reason "news footage, recorded by mistake"
      vhashdb retract 9f3c2a --reason "ticket 4711" --code appeal --erase
    """
    with opened(db) as database:
        record = database.get(identifier)
        already = record.state == "retracted"
        if not already or erase:
            record = database.retract(record.id, reason=reason, code=code, erase=erase)
    if as_json:
        emit_json(record.to_json())
    else:
        emit(f"rec {record.short_id}  {'erased' if erase else 'was retracted before' if already else 'retracted'}")
