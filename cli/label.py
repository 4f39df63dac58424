"""`vhashdb label`: add and take away labels of a record."""

from __future__ import annotations

from pathlib import Path

import click

from .common import db_option, json_option, opened
from .output import emit, emit_json, labels_text


@click.command(short_help="Add labels to a record, or remove them.")
@click.argument("identifier", metavar="ID")
@click.option("--add", multiple=True, metavar="LABEL", help="A label to add; can be given several times.")
@click.option("--remove", multiple=True, metavar="LABEL", help="A label to remove; can be given several times.")
@db_option
@json_option
def command(identifier: str, add: tuple[str, ...], remove: tuple[str, ...], db: Path, as_json: bool) -> None:
    """Add labels to a record, or remove them.

    Both options may be given several times. Labels are words of your own choice; one that nobody has used before is simply
    new; `vhashdb info` shows those in use. Members that follow your feed see the change with its next publication.

    \b
    Example:
      vhashdb label 9f3c2a --add graphic-violence --remove unreviewed
      vhashdb label 9f3c2a --add terrorism --add propaganda
    """
    if not add and not remove:
        raise click.UsageError("nothing to do: give --add or --remove")
    with opened(db) as database:
        record = database.label(identifier, add=add, remove=remove)
    if as_json:
        emit_json(record.to_json())
    else:
        emit(f"rec {record.short_id}  {labels_text(record.labels)}")
