"""What the verbs of `vhashdb feed` share: the folder, the keys and their passphrases, and how a feed is shown."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vhashdb.errors import KeyUnusable, UsageError

from ..output import counted, decoded, emit, emit_json, printable
from ..settings import PASSPHRASE_VARIABLE

if TYPE_CHECKING:
    from vhashdb.exchange import Keyring, Listing, Publisher

_MAX_PASSPHRASE = 64 << 10
_F = TypeVar("_F", bound=Callable[..., Any])


def feed_argument(function: _F) -> _F:
    """``FEED``."""
    return click.argument("feed", metavar="FEED", type=click.Path(path_type=Path, file_okay=False))(function)


def keys_options(function: _F) -> _F:
    """``--keys`` and ``--passphrase-file``."""
    kind = click.Path(path_type=Path)
    text = f"Read the passphrase from this file; otherwise {PASSPHRASE_VARIABLE} is used, or it is asked for."
    function = click.option("--passphrase-file", type=kind, metavar="FILE", help=text)(function)
    text = "Folder of key files, or one of them; may be given several times. Otherwise FEED.keys."
    return click.option("--keys", "places", type=kind, multiple=True, metavar="PATH", help=text)(function)


def keys_folder(feed: Path, places: tuple[Path, ...]) -> Path:
    """Where new keys go: the first folder that is named, or the one beside the feed."""
    return next((place for place in places if not place.is_file()), _beside(feed))


def keyring(feed: Path, places: tuple[Path, ...], passphrase_file: Path | None) -> Keyring:
    """Return the keys at hand."""
    from vhashdb.exchange import Keyring

    named = places or (_beside(feed),)
    missing = [place for place in named if not place.exists()]
    if missing:
        raise KeyUnusable(f"{missing[0]}: no such folder of keys", hint="name the folder of the feed's keys with --keys")
    return Keyring.load(named, functools.partial(passphrase, file=passphrase_file))


def publisher(feed: Path, places: tuple[Path, ...], passphrase_file: Path | None) -> Publisher:
    """Return the feed, with its keys."""
    from vhashdb.exchange import Publisher

    return Publisher(feed, keyring(feed, places, passphrase_file))


def without_keys(feed: Path) -> Publisher:
    """Return the feed, to be read."""
    from vhashdb.exchange import Keyring, Publisher

    return Publisher(feed, Keyring.load((), functools.partial(passphrase, file=None)))


def passphrase(path: Path, *, file: Path | None, new: bool = False) -> str:
    """Return the passphrase of a key file: from a file, the environment, or the terminal."""
    from vhashdb.opening import content_of

    if file is not None:
        try:
            return content_of(file, _MAX_PASSPHRASE).decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            raise KeyUnusable(f"the passphrase file {file} cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise KeyUnusable(f"the passphrase file {file} is not in UTF-8") from error
    if PASSPHRASE_VARIABLE in os.environ:
        return os.environ[PASSPHRASE_VARIABLE]
    what = f"{'new ' if new else ''}passphrase of {printable(path.name)}"
    if not sys.stdin.isatty():  # whoever is asked there could not answer
        hint = f"set {PASSPHRASE_VARIABLE}, or name a file that has it with --passphrase-file"
        raise KeyUnusable(f"the {what} is needed, and there is no terminal to ask for it", hint=hint)
    text = what.capitalize()
    return str(click.prompt(text, hide_input=True, confirmation_prompt=new, err=True))


def yes_option(function: _F) -> _F:
    """``--yes``."""
    return click.option("--yes", is_flag=True, help="Do not ask; for scripts.")(function)


def sure(what: str, *, yes: bool) -> None:
    """Ask whether what would happen to others is meant; without a terminal, or without consent, nothing happens.

    Raises:
        UsageError: there is nobody to ask, or somebody said no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}, and there is no terminal to ask whether that is meant", hint="give --yes if it is")
    if not click.confirm(f"{what[0].upper()}{what[1:]}. Is that meant?", err=True):
        raise UsageError("nothing was published, as asked", hint="run it again if it is meant after all")


def show(listing: Listing, feed: Path, as_json: bool, what: str) -> None:
    """Say where the feed stands."""
    if as_json:
        emit_json(facts(listing, feed))
    else:
        emit(f"feed {listing.feed}  {what}: at event {listing.seq} of epoch {listing.epoch}, {counted(len(listing.files), 'file')}")


def facts(listing: Listing, feed: Path) -> dict[str, Any]:
    """Return the JSON line of a feed."""
    return {
        "type": "feed",
        "path": decoded(feed),
        "feed": listing.feed,
        "epoch": listing.epoch,
        "seq": listing.seq,
        "chain": listing.chain.hex(),
        "files": len(listing.files),
        "policy": {"tlp": listing.policy.tlp, "max_action": listing.policy.max_action, "contact": listing.policy.contact},
    }


def _beside(feed: Path) -> Path:
    return feed.with_name(f"{feed.resolve().name}.keys") if feed.name else Path(f"{feed.resolve()}.keys")
