"""`vhashdb canary`: innocent videos of one's own, which no record of others should match."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .codes import ExitCode
from .common import db_option, json_option, opened
from .files import InputFiles, input_options
from .help import Group
from .output import complain, counted, emit, emit_json, error_json, printable
from .sources import source_of

if TYPE_CHECKING:
    from vhashdb.store import Allowed


@click.group(cls=Group, short_help="Catch wrong records with innocent videos of your own.")
def command() -> None:
    """Catch wrong records with innocent videos of your own.

    A record of another company, from a feed or an import, that matches one of them is held for a person. Only their hashes
    are kept, and they are never published. Choose what your users post every day, of as many kinds as possible.

    \b
    Example:
      vhashdb canary add ordinary-uploads/
    """


@command.command("add", short_help="Add innocent videos; only their hashes are kept.")
@input_options
@db_option
@json_option
def add(inputs: InputFiles, db: Path, as_json: bool) -> int:
    """Add innocent videos; only their hashes are kept.

    The very same file is not added twice, so an interrupted command can simply be given again.

    \b
    Example:
      vhashdb canary add ordinary-uploads/
      vhashdb canary add holiday.mp4 recipe.mp4
    """
    from vhashdb.errors import VhashdbError
    from vhashdb.store import CANARY

    inputs.require()
    added = failed = 0
    with opened(db) as database:
        opinions = database.moderation.opinions
        known = {entry.sha256 for entry in opinions.allowed(author=CANARY)}
        for path in inputs:
            try:
                prepared = database.prepare(source_of(path))
            except VhashdbError as error:
                failed += 1
                emit_json(error_json(error, path)) if as_json else complain(f"{path}: {error.message}", error.hint)
                continue
            sha256 = prepared.hashes.sha256 if prepared.hashes else None
            if sha256 is None or sha256 not in known:
                known.add(sha256)
                entry = opinions.allow(prepared.reference, sha256, reason="", author=CANARY)
                added += 1
                emit_json(entry.to_json()) if as_json else emit(_line(entry))
    if not as_json:
        emit(f"{counted(added, 'innocent video')} added")
    return ExitCode.INCOMPLETE if failed else ExitCode.FINISHED


@command.command("list", short_help="Show the canaries.")
@db_option
@json_option
def list_entries(db: Path, as_json: bool) -> None:
    """Show the canaries.

    Each line begins with the id that `vhashdb canary remove` takes; the day it was added and its length follow.

    \b
    Example:
      vhashdb canary list
    """
    for entry in (entries := _entries(db)):
        emit_json(entry.to_json()) if as_json else emit(_line(entry))
    if not entries and not as_json:
        emit("there are none")


@command.command("stats", short_help="Show how many canaries there are, and what they hold.")
@db_option
@json_option
def stats(db: Path, as_json: bool) -> None:
    """Show how many canaries there are, and what they hold.

    Records that people accepted or rejected since are not counted.

    \b
    Example:
      vhashdb canary stats
    """
    from vhashdb.store import State

    entries = _entries(db)
    prints = [entry.fingerprint for entry in entries if entry.fingerprint is not None]
    with opened(db) as database:
        held = {case.record for case in database.moderation.reviews.queue() if "of your innocent videos" in case.why}
        waiting = sum(record.id in held for record in database.records(states=[State.HELD]))
    facts = {"canaries": len(entries), "hashes": sum(map(len, prints)), "seconds": round(sum(f.duration_s for f in prints), 1)}
    if as_json:
        emit_json({"type": "canaries", **facts, "held": waiting})
    else:
        emit(f"{counted(len(entries), 'innocent video')}, {facts['hashes']:,} hashes, {facts['seconds']:,} s; {waiting:,} held by them")


@command.command("remove", short_help="Remove a canary.")
@click.argument("identifier", metavar="CANARY")
@db_option
def remove(identifier: str, db: Path) -> None:
    """Remove a canary.

    Its hashes are blanked. What it held stays held until somebody accepts it.

    \b
    Example:
      vhashdb canary remove 4be1d0
    """
    from vhashdb.store import CANARY

    with opened(db) as database:
        database.moderation.opinions.revoke(identifier, author=CANARY)
    emit(f"{printable(identifier)}  is removed")


def _entries(db: Path) -> list[Allowed]:
    from vhashdb.store import CANARY

    with opened(db) as database:
        return database.moderation.opinions.allowed(author=CANARY)


def _line(entry: Allowed) -> str:
    return f"{entry.rid[:8]}  {entry.at.date()}  {entry.duration_ms / 1000:.1f} s"
