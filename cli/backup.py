"""`vhashdb backup`: copy a database, and know that the copy is good."""

from __future__ import annotations

from pathlib import Path

import click

from .common import db_option, json_option, opened
from .output import counted, decoded, emit, emit_json, shown


@click.command(short_help="Copy the database to a new folder, and check the copy.")
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--uploads", is_flag=True, help="Copy the files, too, that the service keeps until people have decided.")
@db_option
@json_option
def command(dest: Path, uploads: bool, db: Path, as_json: bool) -> None:
    """Copy the database to DEST, a folder that is not there yet, and check the copy against its checksums.

    Others may go on reading and writing meanwhile; the copy is of one moment. It is a database as well: to go back to it,
    stop what uses the old one and put the copy in its place. The index is not copied, as it is made from the records.
    Nor are uploads that the service keeps for people, unless --uploads is given: the cases are there, and say that the file is gone.

    \b
    Example:
      vhashdb backup --db industry.vhdb /backup/industry-monday.vhdb
      vhashdb match --db /backup/industry-monday.vhdb upload.mp4
    """
    with opened(db) as database:
        database.backup(dest, uploads=uploads)
    with opened(dest) as copy:
        records = len(copy)
    if as_json:
        emit_json({"type": "backup", "database": decoded(db), "copy": decoded(dest), "records": records})
    else:
        emit(f"{shown(dest)} is a sound copy of {shown(db)}, with {counted(records, 'record')} that can match")
