"""`vhashdb allow`: what must never act automatically."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import db_option, json_option, opened
from .help import Group
from .output import emit, emit_json, printable
from .sources import kind_option, source_of

if TYPE_CHECKING:
    from vhashdb.store import Allowed


@click.group(cls=Group, short_help="Keep a list of what must never act automatically.")
def command() -> None:
    """Keep a list of what must never act automatically: intros of news, logos, test cards, counter-speech.

    What is on it still matches; a person decides. Members that follow your feed read your list as well.

    \b
    Example:
      vhashdb allow list
    """


@command.command("add", short_help="Put a video or picture on the list.")
@click.argument("file", type=click.Path())
@click.option("--reason", required=True, metavar="TEXT", help="Why, in words that may leave this company.")
@kind_option
@db_option
@json_option
def add(file: str, reason: str, kind: str, db: Path, as_json: bool) -> None:
    """Put a video or picture on the list.

    It is compared second by second: wherever an upload shows it, a match of that stretch leads to no more than a review.

    \b
    Example:
      vhashdb allow add news-intro.mp4 --reason "intro of the evening news"
      vhashdb allow add --as fingerprint logo.vhfp --reason "a broadcaster's logo"
    """
    with opened(db) as database:
        prepared = database.prepare(source_of(file, kind=kind))
        sha256 = prepared.hashes.sha256 if prepared.hashes else None
        entry = database.moderation.opinions.allow(prepared.reference, sha256, reason=reason)
    emit_json(entry.to_json()) if as_json else emit(_line(entry))


@command.command("list", short_help="Show what is on the lists, of people here and of the trusted feeds.")
@db_option
@json_option
def list_entries(db: Path, as_json: bool) -> None:
    """Show what is on the lists, of people here and of the trusted feeds.

    Each line begins with the entry's id, which `vhashdb allow revoke` takes.

    \b
    Example:
      vhashdb allow list
    """
    with opened(db) as database:
        entries = database.moderation.opinions.allowed()
    for entry in entries:
        emit_json(entry.to_json()) if as_json else emit(_line(entry))
    if not entries and not as_json:
        emit("the lists are empty")


@command.command("revoke", short_help="Take an entry off your list.")
@click.argument("identifier", metavar="ENTRY")
@db_option
def revoke(identifier: str, db: Path) -> None:
    """Take an entry off your list.

    What it shows may lead to more than a review again. Entries of other companies are theirs to take off.

    \b
    Example:
      vhashdb allow revoke 4be1d0
    """
    with opened(db) as database:
        database.moderation.opinions.revoke(identifier)
    emit(f"{identifier}  is off the list")


def _line(entry: Allowed) -> str:
    return f"{entry.rid[:8]}  from {printable(entry.author)}  {entry.at.date()}  {printable(entry.reason)}"
