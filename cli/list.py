"""`vhashdb list`: the records."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import db_option, json_option, opened
from .output import clock, emit, emit_json, printable
from .settings import OneOf

if TYPE_CHECKING:
    from vhashdb import Record

_COLUMNS: Final = ("record", "state", "length", "labels", "source", "added", "reason")
_MOST_ON_A_TERMINAL: Final = 500
"""Nobody reads more at once, and a table is laid out as a whole."""


@click.command(short_help="List the records.")
@click.option(
    "--label", "labels", multiple=True, metavar="LABEL", help="Only records with this label; given several times, with all of them."
)
@click.option("--state", "states", multiple=True, type=OneOf("vhashdb.store", "State"), help="Only records in this state.")
@click.option("--source", metavar="NAME", help="Only records from this source, such as local.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many records.")
@db_option
@json_option
def command(labels: tuple[str, ...], states: tuple[str, ...], source: str | None, limit: int | None, db: Path, as_json: bool) -> None:
    """List the records, in the order they were added.

    A table on a terminal, of the first 500 unless --limit asks for more; otherwise one line a record, columns separated
    by tabs.

    \b
    Example:
      vhashdb list --label graphic-violence --limit 20
      vhashdb list --state held --source acme-tvec --json
    """
    from vhashdb import State

    with opened(db) as database:
        found = database.records(labels=labels, states=[State(state) for state in states], source=source, limit=limit)
        if as_json:
            for record in found:
                emit_json(record.to_json())
        elif sys.stdout.isatty():
            _table(map(_row, found), limit or _MOST_ON_A_TERMINAL)
        else:
            emit("\t".join(_COLUMNS))
            for record in found:
                emit("\t".join(_row(record)))


def _row(record: Record) -> tuple[str, ...]:
    labels, added = ", ".join(record.labels), record.added_at.date().isoformat()
    texts = (record.short_id, record.state.value, clock(record.duration_s), labels, record.details.source, added, record.reason)
    return tuple(map(printable, texts))


def _table(rows: Iterator[tuple[str, ...]], most: int) -> None:
    from .screen.screen import ROOMY, Screen

    screen = Screen()
    shown = [column for column in _COLUMNS if screen.columns >= ROOMY or column != "added"]
    places = [_COLUMNS.index(column) for column in shown]
    screen.table(shown, [[row[place] for place in places] for row in itertools.islice(rows, most)], roomy=("labels", "reason"))
    if more := sum(1 for _ in rows):
        screen.line(f"and {more:,} more; `vhashdb list | less` has all, --label, --state and --source narrow it down")
