"""`vhashdb explain`: why a file is said to match, or not to match, a record."""

from __future__ import annotations

import os
from pathlib import Path

import click

from .common import db_option, effort_option, exit_zero_option, json_option, opened
from .files import source_of
from .pair import code_of, doubts, fingerprints_of, tell


@click.command(short_help="Show why a file does or does not match a record: every condition with its value.")
@click.argument("a", type=click.Path())
@click.argument("b", metavar="ID|FILE")
@db_option
@effort_option
@json_option
@exit_zero_option
def command(a: str, b: str, db: Path, effort: str, as_json: bool, exit_zero: bool) -> int:
    """Show why a file does or does not match a record: every condition with its value.

    A is a video, a picture or a fingerprint file. It is compared with the record whose id begins with ID or, if there
    is a file of that name, with that file; then no database is needed and --effort says nothing.

    \b
    Example:
      vhashdb explain upload.mp4 9f3c2a
      vhashdb explain upload.mp4 original.mp4
    """
    from vhashdb import compare

    if os.path.exists(b):
        query, reference = fingerprints_of(a, b)
        comparison, notes = compare(query, reference), doubts((a, query), (b, reference))
    else:
        with opened(db) as database:
            record = database.get(b)
            comparison = database.explain(source_of(a), record.id, effort=effort)
            notes = ("this record is retracted, so it never matches",) if record.state == "retracted" else ()
            b = f"rec {record.short_id}"
    tell("explanation", a, b, comparison, notes, as_json=as_json)
    return code_of(comparison, exit_zero)
