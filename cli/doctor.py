"""`vhashdb doctor`: check a database and repair what can be repaired."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .codes import ExitCode
from .common import db_option, json_option, opened
from .output import decoded, emit, emit_json, printable, say, told

if TYPE_CHECKING:
    from vhashdb.video import InForce


@click.command(short_help="Check the database, and repair what can be repaired.")
@db_option
@json_option
def command(db: Path, as_json: bool) -> int:
    """Check the database, and repair what can be repaired.

    The records and the files of the index are checked against their checksums, and 1,000 records picked at random are
    looked up in the index. It is rebuilt if it is damaged or wrong. Exit code 4 says that something is left that cannot
    be repaired.

    \b
    Example:
      vhashdb doctor --db industry.vhdb
      vhashdb doctor --json
    """
    with opened(db) as database:
        health = database.check()
        records = len(database)
    from vhashdb.video import Decoder

    with Decoder() as decoder:
        held = decoder.confinement()
    code = ExitCode.DATABASE if health.left else ExitCode.FINISHED
    if as_json:
        found = {**asdict(health), "decoder": _decoder(held), "records": records}
        emit_json({"type": "health", "database": decoded(db), **found, "exit_code": told(code)})
        return code
    for title, lines in (("problem", health.problems), ("repaired", health.repaired), ("not repaired", health.left)):
        for line in lines:
            emit(f"{title}: {printable(line)}")
    say(_told(held))
    emit(f"{records:,} records · " + ("some damage is left" if health.left else "sound now" if health.problems else "sound"))
    if health.left:
        say("hint: restore the folder from a backup, or make a new database from the videos")
    return code


def _decoder(held: InForce) -> dict[str, object]:
    lists = {"layers": held.layers, "missing": held.missing, "possible": held.possible}
    return {"confined": held.complete, **lists, "problem": held.problem or None}


def _told(held: InForce) -> str:
    if held.problem:
        return f"warning: the process that reads videos could not be tried: {printable(held.problem)}"
    if held.complete:
        return f"note: the process that reads videos is confined to its file ({', '.join(held.layers)})"
    return (
        f"warning: on this system the process that reads videos is not fully confined (missing: {', '.join(held.missing) or 'nothing'}); "
        f"if a video took it over, it could {', '.join(held.possible)}"
    )
