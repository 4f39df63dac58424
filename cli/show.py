"""`vhashdb show`: everything about one record."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import db_option, json_option, opened
from .output import clock, emit, emit_json, printable

if TYPE_CHECKING:
    from vhashdb import Record
    from vhashdb.store import AuditEntry

_LATEST: Final = 12
"""Entries of the history shown on a terminal."""


@click.command(short_help="Show everything about one record.")
@click.argument("identifier", metavar="ID")
@db_option
@json_option
def command(identifier: str, db: Path, as_json: bool) -> None:
    """Show everything about one record, and what was done with it.

    ID is the record's id, or as many of its first characters as are needed to tell it from others; here and wherever a
    record is named, FEED:RID is understood as well. That is the shared id, by which other companies can name the record.

    \b
    Example:
      vhashdb show 9f3c2a
      vhashdb show 9f3c2a --json
    """
    from vhashdb.forms import record_with_history_json

    with opened(db) as database:
        record = database.get(identifier)
        audit = database.audit(record=record.id)
        facts = record_with_history_json(database, record)
    if as_json:
        emit_json(facts)
        return
    facts |= {"added_at": record.added_at}
    del facts["audit"]
    rows = [(name.replace("_", " "), _text(value)) for name, value in facts.items() if name != "type"]
    if sys.stdout.isatty():
        _on_screen(record, rows, audit)
        return
    for name, value in rows:
        emit(f"{name:<15}{value}".rstrip())
    emit("history")
    for entry in audit:
        emit(f"  {_when(entry)}  {printable(entry.actor)}  {entry.action}  {_what(entry)}".rstrip())


def _on_screen(record: Record, rows: Sequence[tuple[str, str]], audit: Sequence[AuditEntry]) -> None:
    """What is known of it; what nobody said takes no line."""
    from .screen.screen import Screen

    screen = Screen()
    lengths = {"duration s": ("length", clock(record.duration_s))}
    screen.facts([lengths.get(name, (name, value)) for name, value in rows if value != "-"])
    latest = [(_when(entry), printable(entry.actor), entry.action, _what(entry)) for entry in audit[-_LATEST:]]
    screen.table(("history", "who", "did", "what"), latest, roomy=("what",))
    if (earlier := len(audit) - _LATEST) > 0:
        screen.line(f"and {earlier:,} earlier; all of it: vhashdb show {record.short_id} | less")


def _when(entry: AuditEntry) -> str:
    return f"{entry.at.isoformat(sep=' ', timespec='seconds')} UTC"


def _what(entry: AuditEntry) -> str:
    return ", ".join(f"{name}: {_text(value)}" for name, value in entry.details.items() if value)


def _text(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return printable(", ".join(map(str, value))) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(json.dumps(value) if isinstance(value, dict) else str(value))
