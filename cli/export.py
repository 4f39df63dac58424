"""`vhashdb export`: write records in a format that others read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .codes import ExitCode
from .common import db_option, opened, quiet_option
from .output import counted, printable, say, written_to
from .settings import OneOf

if TYPE_CHECKING:
    from vhashdb.exchange import Export
    from vhashdb.exchange.formats import Format, Item, Sender


@click.command(short_help="Write records in a format that others read.")
@click.argument("identifiers", metavar="[ID]...", nargs=-1)
@click.option("--format", "form", type=OneOf("vhashdb.exchange.formats", "WRITTEN"), required=True, help="The format.")
@click.option("-o", "--output", metavar="PATH", type=click.Path(), help="A file; for Parquet, and for vPDQ of several records, a folder.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Only records with this label; with all of several.")
@click.option("--organisation", default="unnamed", metavar="NAME", help="Who publishes: your organisation, never a person.")
@click.option("--include-imported", is_flag=True, help="Also what came from others or may not be passed on: for a copy of your own.")
@click.option("--no-sound", is_flag=True, help="Leave out the landmarks of the sound.")
@db_option
@quiet_option
def command(
    identifiers: tuple[str, ...],
    form: str,
    output: str | None,
    labels: tuple[str, ...],
    organisation: str,
    include_imported: bool,
    no_sound: bool,
    db: Path,
    quiet: bool,
) -> int:
    """Write records in a format that others read: all of your own, or those with the given ids.

    Only records that originate here and may be passed on are written, with the landmarks of their sound where the format has a
    place for them, unless --no-sound is given. Withdrawn ones are written as withdrawals, where
    the format has such a thing. A record whose text contains a link, an
    address, an account, a telephone number or the name of a file stays, and the exit code is 3. Names of people are not
    recognised: whoever writes a reason leaves them out.

    \b
    Example:
      vhashdb export --format csv -o ours.csv
      vhashdb export --format stix --organisation "Example Video" --label graphic-violence -o ours.json
      vhashdb export --format vpdq 9f3c2a
    """
    from vhashdb.exchange.formats import Sender, format_named

    chosen = None if form == "parquet" else format_named(form)
    sender = Sender(organisation)
    with opened(db) as database:
        export = database.exchange.export_to(chosen, sender, imported=include_imported, sound=not no_sound)
        items = export.items(ids=identifiers, labels=labels)
        if chosen is None:
            from vhashdb.exchange.formats import write_parquet

            write_parquet(items, _folder(output, "Parquet is three files"))
        elif chosen.one_record and len(identifiers) != 1:
            _each(items, chosen, sender, _folder(output, f"a file of {form} holds one record"))
        else:
            assert chosen.write is not None  # it was among those that can be written
            with written_to(output) as out:
                chosen.write(items, out, sender)
        database.query_log.note("export", format=form, records=export.written, labels=sorted(labels), imported=include_imported)
    _tell(export, quiet)
    return ExitCode.INCOMPLETE if export.mistakes else ExitCode.FINISHED


def _folder(output: str | None, why: str) -> Path:
    if output in (None, "-"):
        raise click.UsageError(f"{why}: name a folder with -o")
    folder = Path(str(output))
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{why}: {output} is not a folder")
    return folder


def _each(items: Iterable[Item], form: Format, sender: Sender, folder: Path) -> None:
    """A file a record, named after the id that it has here: nothing that came from elsewhere becomes a name."""
    assert form.write is not None  # it was among those that can be written
    folder.mkdir(parents=True, exist_ok=True)
    for item in items:
        with written_to(os.fspath(folder / f"{item.external_id}.{form.suffix}")) as out:
            form.write([item], out, sender)


def _tell(export: Export, quiet: bool) -> None:
    for staying in export.mistakes:
        say(f"rec {staying.record.short_id} was not written: {printable(staying.reason)}")
    if quiet:
        return
    say(f"{counted(export.written, 'record')} written")
    if export.without_sound:
        say(f"{counted(export.without_sound, 'record')} written without sound, for which the format has no place")
    for reason, number in export.stayed.most_common():
        say(f"{counted(number, 'record')} not written: {printable(reason)}")
