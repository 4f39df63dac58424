"""`vhashdb show`: everything about one record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vhashdb.errors import RecordNotFound

from .common import db_option, json_option, opened
from .output import emit, emit_json, printable, record_json

if TYPE_CHECKING:
    from vhashdb import Database
    from vhashdb.store import AuditEntry


@click.command(short_help="Show everything about one record.")
@click.argument("identifier", metavar="ID")
@db_option
@json_option
def command(identifier: str, db: Path, as_json: bool) -> None:
    """Show everything about one record, and what was done with it.

    ID is the record's id, or as many of its first characters as are needed to tell it from others.

    \b
    Example:
      vhashdb show 9f3c2a
      vhashdb show 9f3c2a --json
    """
    with opened(db) as database:
        record = database.get(identifier)
        audit = database.audit(record=record.id)
        hashes = _hashes(database, record.id)
    facts = record_json(record) | {"hashes": hashes}
    if as_json:
        emit_json(facts | {"audit": [_audit_json(entry) for entry in audit]})
        return
    for name, value in facts.items():
        if name != "type":
            emit(f"{name.replace('_', ' '):<15}{_text(value)}".rstrip())
    emit("history")
    for entry in audit:
        what = ", ".join(f"{name}: {_text(value)}" for name, value in entry.details.items() if value)
        emit(f"  {entry.at.isoformat(sep=' ')} UTC  {printable(entry.actor)}  {entry.action}  {what}".rstrip())


def _hashes(database: Database, identifier: str) -> int:
    """How many the record has; none if it was erased, or came without."""
    try:
        return len(database.fingerprint(identifier))
    except RecordNotFound:
        return 0


def _audit_json(entry: AuditEntry) -> dict[str, Any]:
    return {"at": entry.at, "actor": entry.actor, "action": entry.action, "details": dict(entry.details)}


def _text(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return printable(", ".join(map(str, value))) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(json.dumps(value) if isinstance(value, dict) else str(value))
