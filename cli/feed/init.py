"""`vhashdb feed init`: begin a feed."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import click

from ..common import json_option
from ..output import emit, emit_json, printable
from ..settings import OneOf
from .common import facts, feed_argument, keyring, keys_folder, keys_options, passphrase

_COUNT = click.IntRange(1, 20)


@click.command("init", short_help="Begin a feed, with its keys.")
@feed_argument
@click.option("--id", "feed_id", required=True, metavar="NAME", help="The feed's name, for good, such as acme-tvec.")
@click.option("--root-keys", type=_COUNT, default=1, metavar="N", help="Root keys to make, if there are none yet.  [default: 1]")
@click.option("--root-threshold", type=_COUNT, default=1, metavar="N", help="How many root keys have to sign.  [default: 1]")
@click.option("--targets-keys", type=_COUNT, default=1, metavar="N", help="Targets keys to make, if there are none yet.  [default: 1]")
@click.option("--targets-threshold", type=_COUNT, default=1, metavar="N", help="How many targets keys have to sign.  [default: 1]")
@click.option("--tlp", type=OneOf("vhashdb.store", "TLP"), default="amber", help="Whom members may pass it on to.")
@click.option("--max-action", type=OneOf("vhashdb.store", "MAX_ACTIONS"), default="review", help="The most a match may lead to.")
@click.option("--contact", default="", metavar="TEXT", help="Whom to ask: a team, in words; no person and no address.")
@keys_options
@json_option
def command(
    feed: Path,
    feed_id: str,
    root_keys: int,
    root_threshold: int,
    targets_keys: int,
    targets_threshold: int,
    tlp: str,
    max_action: str,
    contact: str,
    places: tuple[Path, ...],
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Begin a feed in the folder FEED, and make its keys in a folder beside it.

    Key files whose names begin with root, targets or online are used if they are there already; docs/keys.md says how to
    keep them apart, and how to use keys in a KMS. Send metadata/1.root.json to the members, and tell them its SHA-256
    over another channel.

    \b
    Example:
      vhashdb feed init acme-tvec --id acme-tvec --root-keys 3 --root-threshold 2
      vhashdb feed init acme-tvec --id acme-tvec --max-action block --contact "trust and safety desk"
    """
    from vhashdb.exchange import ROLES, Policy, Publisher, make_key

    folder = keys_folder(feed, places)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ask = functools.partial(passphrase, file=passphrase_file, new=True)
    ring = keyring(feed, places, passphrase_file)
    for role, count in {"root": root_keys, "targets": targets_keys, "online": 1}.items():
        if not ring.of_role(role):
            ring.take(make_key(folder, role, ask) for _ in range(count))
    keys = {role: [file.public for file in ring.of_role(role)] for role in ROLES}
    thresholds = {"root": root_threshold, "targets": targets_threshold}
    listing = Publisher(feed, ring).init(feed_id, keys, thresholds, Policy(tlp, max_action, contact))
    digest = hashlib.sha256((feed / "metadata" / "1.root.json").read_bytes()).hexdigest()
    if as_json:
        emit_json(facts(listing, feed) | {"root_sha256": digest})
        return
    emit(f"feed {feed_id}  begun in {printable(str(feed))}, keys in {printable(str(folder))}")
    emit(f"root of trust   {printable(str(feed / 'metadata' / '1.root.json'))}")
    emit(f"its SHA-256     {digest}")
