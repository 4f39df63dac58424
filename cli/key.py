"""`vhashdb key`: who may use the service."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import db_option, json_option, opened
from .help import Group
from .limits import Amount
from .output import emit, emit_json, printable, say
from .settings import OneOf

if TYPE_CHECKING:
    from vhashdb.store import ApiKey

_BYTES: Final = Amount({"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}, 1, "2G")


@click.group(cls=Group, short_help="Say who may use the service, and what for.")
def command() -> None:
    """Say who may use the service, and what for.

    A key belongs to one program or one person, whose name is in the audit log. Its secret is shown once, and only a digest of it is kept.

    \b
    Example:
      vhashdb key list
    """


@command.command("add", short_help="Make a key.")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=OneOf("vhashdb.store", "Scope"), help="What it allows; repeatable.")
@click.option("--rate", type=click.IntRange(1), default=1200, show_default=True, metavar="N", help="Requests a minute.")
@click.option("--max-upload", type=_BYTES, default="2G", show_default=True, metavar="SIZE", help="Bytes of one upload.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Day on which it stops working, in UTC.")
@db_option
@json_option
def add(name: str, scopes: tuple[str, ...], rate: int, max_upload: int, expires: datetime.datetime | None, db: Path, as_json: bool) -> None:
    """Make a key, and print it: send it as X-API-KEY, or give it when the console asks.

    ask: ask about files. record: read, add, label and retract records. decide: see what waits for people, and decide.
    administer: make and revoke keys, see the state of feeds and of the service.

    \b
    Example:
      vhashdb key add upload-pipeline --scope ask
      vhashdb key add Ann --scope ask --scope decide
    """
    from vhashdb.store import ApiKeys

    with opened(db) as database:
        made, secret = ApiKeys(database.store).add(name, scopes, rate_per_minute=rate, upload_bytes=max_upload, expires_at=expires)
    if as_json:
        emit_json(made.to_json() | {"secret": secret})
        return
    emit(secret)
    say(f"this is shown once; it lets {printable(made.name)} {', '.join(sorted(made.scopes))}")


@command.command("list", short_help="Show the keys, without their secrets.")
@db_option
@json_option
def list_keys(db: Path, as_json: bool) -> None:
    """Show the keys, without their secrets.

    Those that were revoked are shown, too, as their names are in the audit log.

    \b
    Example:
      vhashdb key list
    """
    from vhashdb.store import ApiKeys

    with opened(db) as database:
        for key in ApiKeys(database.store).all():
            emit_json(key.to_json()) if as_json else emit(_line(key))


@command.command("revoke", short_help="Take a key back.")
@click.argument("name")
@db_option
@json_option
def revoke(name: str, db: Path, as_json: bool) -> None:
    """Take a key back, by its name or id.

    It opens nothing from now on, and the sessions of whoever used it end.

    \b
    Example:
      vhashdb key revoke upload-pipeline
    """
    from vhashdb.store import ApiKeys

    with opened(db) as database:
        key = ApiKeys(database.store).revoke(name)
    emit_json(key.to_json()) if as_json else emit(_line(key))


def _line(key: ApiKey) -> str:
    state = f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else "valid"
    state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else state
    made = f"made {key.made_at:%Y-%m-%d} by {printable(key.made_by)}"
    return f"{key.id}  {printable(key.name)}: {', '.join(sorted(key.scopes))}; {state}; {made}"
