"""`vhashdb init`: make a database."""

from __future__ import annotations

from pathlib import Path

import click

from .common import DatabasePlace, db_option, made
from .output import emit, shown
from .settings import OneOf


@click.command(short_help="Make a new, empty database.")
@click.argument("path", required=False, type=DatabasePlace(path_type=Path))
@db_option
@click.option("--algorithm", type=OneOf("vhashdb.hashing", "NAMES"), default="pdq", show_default=True, help="How frames are hashed.")
@click.option("--bits", type=int, default=256, metavar="N", show_default=True, help="Bits of one hash; pdq always has 256.")
@click.option("--no-sound", is_flag=True, help="Keep no landmarks of sound.")
@click.option("--squares", is_flag=True, help="Store a grid of squares too, by which off-centre crops are found.")
def command(path: Path | str | None, db: Path | str, algorithm: str, bits: int, squares: bool, no_sound: bool) -> None:
    """Make a new, empty database at PATH, or where --db says.

    A database is a folder. All its hashes are of one algorithm, chosen here for good: pdq, which others use as well, or one of
    those that imagehash knows (pip install "vhashdb[imagehash]"). What is there already is never overwritten.

    With --squares records also store 16 squares of the picture, of which a crop anywhere down to a quarter of the area shows one
    whole. It doubles the hashes, and cannot be changed later; feeds and files of others know nothing of it.

    Records also store landmarks of their sound, by which copies are found and confirmed; with --no-sound they do not, and nothing
    is listened to when such a database is asked.

    \b
    Example:
      vhashdb init
      vhashdb init industry.vhdb
      vhashdb init --squares crops.vhdb
      vhashdb init --algorithm phash --bits 256 other.vhdb
    """
    place = path or db
    made(place, algorithm, bits, squares=squares, sound=not no_sound)
    more = f"{', with squares' if squares else ''}{', without sound' if no_sound else ''}"
    emit(f"made an empty database at {shown(place)} ({algorithm}, {bits} bits{more})")
