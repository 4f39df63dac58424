"""`vhashdb feed rotate-key`: other keys."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import click

from vhashdb.errors import UsageError

from ..common import json_option
from ..output import emit, emit_json
from ..settings import OneOf
from .common import facts, feed_argument, keyring, keys_folder, keys_options, passphrase


@click.command("rotate-key", short_help="Replace the keys of a role.")
@feed_argument
@click.argument("role", type=OneOf("vhashdb.exchange", "ROLES"))
@click.option("--drop", multiple=True, metavar="KEY", help="Key to drop, by its id or the beginning of it; otherwise all keys of the role.")
@click.option("--add", type=click.Path(path_type=Path), multiple=True, metavar="FILE", help="Key file to add; otherwise new ones are made.")
@click.option("--threshold", type=click.IntRange(1, 20), metavar="N", help="How many keys of the role have to sign from now on.")
@click.option("--new-epoch", is_flag=True, help="Begin the history anew as well: for when a stolen key was used.")
@keys_options
@json_option
def command(
    feed: Path,
    role: str,
    drop: tuple[str, ...],
    add: tuple[Path, ...],
    threshold: int | None,
    new_epoch: bool,
    places: tuple[Path, ...],
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Replace keys of ROLE, which is root, targets or online; members follow by themselves.

    Needs enough old and new root keys, and the online key. As long as the old keys are at hand, members need not do
    anything.

    \b
    Example:
      vhashdb feed rotate-key acme-tvec online
      vhashdb feed rotate-key acme-tvec targets --drop 3eb25cbf --add colleague.key
    """
    from vhashdb.exchange import Publisher, make_key, read_key

    ring = keyring(feed, places, passphrase_file)
    own = Publisher(feed, ring)
    dropped = _dropped(own.root().roles["timestamp" if role == "online" else role].keyids, role, drop)
    ask = functools.partial(passphrase, file=passphrase_file, new=True)
    files = [read_key(path) for path in add] or [make_key(keys_folder(feed, places), role, ask) for _ in dropped]
    ring.take(files)
    root = own.rotate(role, drop=dropped, add=[file.public for file in files], threshold=threshold, new_epoch=new_epoch)
    listing = own.listing()
    added = [file.public.keyid for file in files]
    if as_json:
        emit_json(facts(listing, feed) | {"root_version": root.version, "role": role, "added": added, "dropped": dropped})
        return
    emit(f"feed {listing.feed}  root {root.version}, epoch {listing.epoch}: keys of {role} replaced")
    for word, keyids in (("added", added), ("dropped", dropped)):
        for keyid in keyids:
            emit(f"{word:<8}{keyid}")


def _dropped(keyids: Sequence[str], role: str, beginnings: tuple[str, ...]) -> list[str]:
    """Full ids of the keys that are meant."""
    if not beginnings:
        return list(keyids)
    dropped = []
    for beginning in beginnings:
        found = [keyid for keyid in keyids if keyid.startswith(beginning.lower())]
        if len(found) != 1:
            raise UsageError(f"{beginning!r} is not the beginning of one key of {role}", hint=f"its keys: {', '.join(keyids)}")
        dropped += found
    return dropped
