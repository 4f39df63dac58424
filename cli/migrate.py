"""`vhashdb migrate`: move a database from a folder to PostgreSQL, or back."""

from __future__ import annotations

from pathlib import Path

import click

from .common import DatabasePlace, db_option, json_option, local_folder, opened
from .output import counted, decoded, emit, emit_json, shown


@click.command(short_help="Copy the database from a folder to PostgreSQL, or back.")
@click.argument("dest", type=DatabasePlace(path_type=Path))
@db_option
@json_option
def command(dest: Path | str, db: Path | str, as_json: bool) -> None:
    """Copy the database to DEST: the URL of a PostgreSQL database without records, or a folder that is not there yet.

    Records, decisions, feeds and the audit log are copied in one transaction, and every row is compared. If it is interrupted, nothing is
    there, and the same command begins again. The old database stays as it is: stop what writes to it before, and use DEST afterwards.

    \b
    Example:
      vhashdb migrate --db industry.vhdb postgresql+psycopg://moderation@db.example.org/hashes
      vhashdb migrate --db postgresql+psycopg://moderation@db.example.org/hashes industry.vhdb
    """
    from vhashdb.moving import copy_database

    with opened(db) as database:
        with copy_database(database, dest, local=local_folder()) as copy:
            records, place = sum(copy.store.counts().values()), copy.place
        source = database.place
    if as_json:
        emit_json({"type": "migration", "database": decoded(source), "copy": decoded(place), "records": records})
    else:
        emit(f"{shown(place)} has all that is in {shown(source)}: {counted(records, 'record')}, each compared")
