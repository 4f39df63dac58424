"""`vhashdb audit`: who did what."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .common import db_option, json_option, opened
from .output import emit, emit_json, printable


@click.command(short_help="Show who added, changed, matched and shared.")
@click.option("--record", "identifier", metavar="ID", help="Only what concerns this record.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="The newest so many lines.")
@db_option
@json_option
def command(identifier: str | None, limit: int, db: Path, as_json: bool) -> None:
    """Show who added, changed, matched and shared; lines are only ever added.

    Newest lines first. It has the names of accounts on this machine, and records by id; of the files that
    were matched it has numbers only, never a name or a hash.

    \b
    Example:
      vhashdb audit --limit 20
      vhashdb audit --record 9f3c2a --json
    """
    with opened(db) as database:
        record = database.get(identifier).id if identifier else None
        entries = database.audit(record=record, limit=limit)
    for entry in entries:
        if as_json:
            emit_json(entry.to_json())
        else:
            details = printable(json.dumps(dict(entry.details), sort_keys=True)) if entry.details else ""
            about = f"rec {entry.record[:8]}" if entry.record else "-"
            emit(f"{entry.at.isoformat(sep=' ')} UTC  {printable(entry.actor)}  {entry.action}  {about}  {details}".rstrip())
