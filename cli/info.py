"""`vhashdb info`: what a database holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import db_option, json_option, opened
from .output import clock, decoded, emit, emit_json, printable, size

if TYPE_CHECKING:
    from vhashdb import Database


@click.command(short_help="Show what the database holds.")
@db_option
@json_option
def command(db: Path, as_json: bool) -> None:
    """Show what the database holds: counts, algorithm, versions, size and the state of the index.

    \b
    Example:
      vhashdb info --db industry.vhdb
    """
    with opened(db) as database:
        facts = _facts(database)
    if as_json:
        emit_json(facts)
        return
    for name, value in _rows(facts):
        emit(f"{name:<18}{value}")


def _facts(database: Database) -> dict[str, Any]:
    problem = database.index_problem
    hashes = len(database.index)
    video_s = sum(record.duration_s for record in database.records() if record.state != "retracted")
    return {
        "type": "info",
        "database": decoded(database.path),
        "records": len(database),
        "states": {state.value: count for state, count in database.store.counts().items()},
        "video_s": round(video_s, 3),
        "hashes": hashes,
        "hashes_per_s": round(hashes / video_s, 2) if video_s else None,
        "algorithm": str(database.algorithm),
        "schema_version": database.store.schema_version,
        "bytes": sum(file.stat().st_size for file in database.path.iterdir() if file.is_file()),
        "updated_at": database.store.updated_at(),
        "index": "ok" if problem is None else "to be rebuilt",
        "index_problem": problem,
    }


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rate = f" ({facts['hashes_per_s']:.1f} a second of video)" if facts["hashes_per_s"] else ""
    index = "ok" if facts["index"] == "ok" else f"to be rebuilt with `vhashdb doctor`: {printable(facts['index_problem'])}"
    states = ", ".join(f"{count:,} {state}" for state, count in facts["states"].items())
    return [
        ("database", printable(facts["database"])),
        ("records", f"{facts['records']:,} ({states})"),
        ("known video", clock(facts["video_s"], tenths=False)),
        ("hashes", f"{facts['hashes']:,}{rate}"),
        ("algorithm", facts["algorithm"]),
        ("schema version", str(facts["schema_version"])),
        ("size on disk", size(facts["bytes"])),
        ("last update", f"{facts['updated_at'].isoformat(sep=' ')} UTC" if facts["updated_at"] else "never"),
        ("index", index),
    ]
