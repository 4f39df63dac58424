"""`vhashdb hash`: fingerprints of files."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final

import click

from vhashdb.errors import MediaError

from .batch import trace
from .codes import ExitCode
from .common import sound_option
from .files import InputFiles
from .limits import limit_options, limits
from .output import complain, shown, written_to
from .settings import OneOf
from .sources import media_of

if TYPE_CHECKING:
    from vhashdb import Fingerprint

_FORMATS: Final = ("text", "json", "vpdq", "binary")


@click.command(short_help="Print the fingerprints of files.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True, help="How to write them.")
@click.option("--algorithm", type=OneOf("vhashdb.hashing", "NAMES"), default="pdq", show_default=True, help="How frames are hashed.")
@click.option("--bits", type=int, default=256, metavar="N", show_default=True, help="Bits of one hash; pdq always has 256.")
@click.option(
    "--views",
    type=click.Choice(["reference", "squares", "query"]),
    default="reference",
    show_default=True,
    help="As a known video, to be stored; the same in a database with squares; or as one to be looked up.",
)
@sound_option
@click.option("--every-frame", is_flag=True, help="Hash each single frame of the whole picture, as vPDQ does.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True), help="Write to this file.")
@limit_options
def command(files: tuple[str, ...], form: str, output: str | None, every_frame: bool, **how: Any) -> int:
    """Print the fingerprints of files.

    The formats: text has a line for each entry (start and end in seconds, view, quality, hash); json has one object a
    file; vpdq has lines as vPDQ writes them; binary is the most compact. `match`, `compare`, `explain` and `add` read
    all four.

    \b
    Example:
      vhashdb hash clip.mp4
      vhashdb hash --format binary -o clip.vhfp clip.mp4
      vhashdb hash --every-frame --format vpdq clip.mp4 > clip.vpdq
    """
    inputs = InputFiles(files)
    inputs.sound = how["sound"] and not every_frame
    paths = list(inputs)
    if form == "binary" and (output is None or len(paths) != 1):
        raise click.UsageError("--format binary takes one file, and needs -o FILE")
    if every_frame and how["algorithm"] != "pdq":
        raise click.UsageError("--every-frame is for --algorithm pdq")
    failed = 0
    with written_to(output) as out:
        for path in paths:
            try:
                source = media_of(path, named=inputs.named(path))
                fingerprint = _fingerprint(source, every_frame, **how)
            except MediaError as error:
                failed += 1
                complain(error.message, error.hint)
                trace(error)
                continue
            _write(out, path, fingerprint, form, titled=len(paths) > 1)
        if failed == len(paths):
            raise click.exceptions.Exit(ExitCode.INCOMPLETE)  # nothing to replace an older file with
    return ExitCode.INCOMPLETE if failed else ExitCode.FINISHED


def _fingerprint(source: str | BinaryIO, every_frame: bool, algorithm: str, bits: int, views: str, sound: bool) -> Fingerprint:
    import vhashdb

    if every_frame:
        return vhashdb.every_frame(source, limits=limits())
    return vhashdb.fingerprint(source, views=views, algorithm=algorithm, bits=bits, sound=sound, limits=limits())


def _write(out: IO[bytes], path: str, fingerprint: Fingerprint, form: str, *, titled: bool) -> None:
    import vhashdb
    from vhashdb.fingerprints import to_lines

    if titled and form in ("text", "vpdq"):
        out.write(f"# {shown(path)}\n".encode())
    writers: dict[str, Callable[[Fingerprint], str | bytes]] = {
        "text": to_lines,
        "json": lambda f: vhashdb.to_json(f, name=shown(path) if titled else "") + "\n",
        "vpdq": vhashdb.to_vpdq,
        "binary": vhashdb.to_bytes,
    }
    data = writers[form](fingerprint)
    out.write(data if isinstance(data, bytes) else data.encode())
    out.flush()
