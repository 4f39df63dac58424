"""`vhashdb opinion`: say what people here think of a record."""

from __future__ import annotations

from pathlib import Path

import click

from .common import db_option, json_option, opened
from .output import emit, emit_json, printable
from .settings import OneOf


@click.command(short_help="Say what you think of a record; members that follow your feed will read it.")
@click.argument("identifier", metavar="ID")
@click.option("--verdict", required=True, type=OneOf("vhashdb.codes", "VERDICTS"), help="The opinion; the latest one counts.")
@click.option("--basis", type=OneOf("vhashdb.codes", "BASES"), default="saw_match", show_default=True, help="What it rests on.")
@click.option("--reason", default="", metavar="TEXT", help="Why, in words that may leave this company.")
@db_option
@json_option
def command(identifier: str, verdict: str, basis: str, reason: str, db: Path, as_json: bool) -> None:
    """Say what you think of a record; members that follow your feed will read it.

    ID is the record's id here, or FEED:RID, as its publisher names it. One opinion against a record makes it disputed: it
    still matches, but never leads to more than a review.

    \b
    Example:
      vhashdb opinion 9f3c2a --verdict agree --basis saw_content
      vhashdb opinion acme-tvec:4be1d0 --verdict false_positive --reason "news footage"
    """
    with opened(db) as database:
        record = database.get(identifier)
        given = database.exchange.opinion(record.id, verdict, basis=basis, reason=reason)
        record = database.get(record.id)
    if as_json:
        from vhashdb.forms import given_opinion_json

        emit_json(given_opinion_json(record, given))
    else:
        emit(f"rec {record.short_id}  {verdict} ({basis}){f'  {printable(reason)}' if reason else ''}  → {record.state.value}")
