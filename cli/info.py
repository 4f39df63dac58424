"""`vhashdb info`: what a database holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .common import db_option, json_option, opened
from .output import clock, counted, emit, emit_json, printable, size


@click.command(short_help="Show what the database holds.")
@db_option
@json_option
def command(db: Path, as_json: bool) -> None:
    """Show what the database holds: counts, algorithm, versions, size and the state of the index.

    Nothing is changed by it, and it may be run while others work with the database.

    \b
    Example:
      vhashdb info --db industry.vhdb
      vhashdb info --json
    """
    from vhashdb.forms import info_json

    with opened(db) as database:
        facts, updated_at = info_json(database), database.store.updated_at()
    if as_json:
        emit_json(facts)
        return
    facts["updated_at"] = updated_at
    if sys.stdout.isatty():
        from .screen.screen import Screen

        Screen().facts(_rows(facts))
        return
    for name, value in _rows(facts):
        emit(f"{name:<18}{value}")


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rate = f" ({facts['hashes_per_s']:.1f} a second of video)" if facts["hashes_per_s"] else ""
    states = ", ".join(f"{count:,} {state}" for state, count in facts["states"].items())
    return [
        ("database", printable(facts["database"])),
        ("records", f"{facts['records']:,} ({states})"),
        ("known video", clock(facts["video_s"], tenths=False)),
        ("hashes", f"{facts['hashes']:,}{rate}"),
        ("algorithm", facts["algorithm"]),
        ("squares", "stored" if facts["squares"] else "not stored"),
        ("sound", "stored" if facts["sound"] else "not stored"),
        ("schema version", str(facts["schema_version"])),
        ("size on disk", size(facts["bytes"])),
        ("last update", f"{facts['updated_at'].isoformat(sep=' ')} UTC" if facts["updated_at"] else "never"),
        ("index", _index(facts, "", "hashes")),
        *([("sound index", _index(facts, "sound_", "landmarks"))] if facts["landmarks"] or facts["sound_index_problem"] else []),
    ]


def _index(facts: dict[str, Any], prefix: str, rows: str) -> str:
    """What is on disk of an index, what is not yet, and what was wrong."""
    problem, generation, segments, held, gone, nbytes, recent, behind = (
        facts[f"{prefix}index_{name}"] for name in ("problem", "generation", "segments", rows, "removed", "bytes", "recent", "behind")
    )
    parts = []
    if segments:
        removed = f", {gone:,} of them removed" if gone else ""
        parts.append(f"generation {generation}: {held:,} {rows}{removed} in {counted(segments, 'segment')}, {size(nbytes)}")
    if recent or not parts:
        parts.append(f"{recent:,} {rows} {'not in it yet' if parts else 'read from the records'}")
    if behind and segments:
        parts.append(f"{counted(behind, 'change')} behind the records")
    if problem is not None:
        parts.append(f"made again from the records, as {printable(problem)}")
    return "; ".join(parts)
