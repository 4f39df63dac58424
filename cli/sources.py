"""What a name on the command line stands for: a video or picture, a pipe that brings one, or a fingerprint file.

A fingerprint is read from a file only if its ending says so, or an option. First bytes do not decide: behind those of a
fingerprint there may be a video that plays.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar, cast

import click

from vhashdb.errors import FingerprintError, LimitExceeded

from .output import say, shown

if TYPE_CHECKING:
    from vhashdb import Fingerprint

FINGERPRINT_SUFFIXES: Final = frozenset({".vhfp", ".json", ".vpdq", ".txt"})
"""Endings of files that hold a fingerprint, unless they begin as a video or picture does."""
MAX_BINARY_BYTES: Final = 256 << 20
"""Of a fingerprint file, which is read as a whole."""
MAX_TEXT_BYTES: Final = 64 << 20
"""The same where it is text, which takes up far more room when it is read."""
AUTO: Final = "auto"
KINDS: Final = (AUTO, "media", "fingerprint")

_OTHERWISE: Final = "if it is a video or picture, say so with --as media"
_MAGIC: Final = b"VHFP"
_F = TypeVar("_F", bound=Callable[..., Any])


def kind_option(function: _F) -> _F:
    """``--as``."""
    text = "What the named files are; auto: fingerprints are files that end in .vhfp, .json, .vpdq or .txt, and all others media."
    return click.option("--as", "kind", type=click.Choice(KINDS), default=AUTO, show_default=True, help=text)(function)


def source_of(path: str, *, kind: str = AUTO, named: bool = True) -> str | BinaryIO | Fingerprint:
    """What a path stands for: the fingerprint in it, a file object where it is a pipe, or the path itself.

    Args:
        path: of the file.
        kind: one of `KINDS`.
        named: whether somebody named this very path; a pipe that was only found in a folder is not read.

    Raises:
        MediaError: a fingerprint file cannot be opened, or is too large.
        FingerprintError: it is a damaged one, or not only a fingerprint.
    """
    source = media_of(path, named=named)
    if not isinstance(source, str):
        return _fingerprint(path, _all_of(path, source)) if kind == "fingerprint" else source
    if kind == "fingerprint" or (kind == AUTO and _says_fingerprint(path)):
        return _fingerprint(path, _content(path))
    return path


def media_of(path: str, *, named: bool = True) -> str | BinaryIO:
    """The same for a path that stands for a video or picture alone."""
    from vhashdb.limits import Limits
    from vhashdb.opening import Pipe, is_pipe

    if not named or not is_pipe(path):
        return path
    pipe = Pipe(path, silence_s=Limits().silence_s, time_s=Limits().time_s)
    if pipe.named:
        say(f"reading {shown(path)}, a pipe: waiting for whoever writes to it, at most {Limits().silence_s:.0f} s")
    return cast("BinaryIO", pipe)  # it has all of one that is used here


def _says_fingerprint(path: str) -> bool:
    """Whether a file's ending says that it is a fingerprint, and its first bytes do not say that it is a video."""
    from vhashdb.content import HEAD, begins_as_media, is_text
    from vhashdb.errors import MediaError
    from vhashdb.opening import open_file

    if PurePath(path).suffix.lower() not in FINGERPRINT_SUFFIXES:
        return False
    try:
        with open_file(path) as file:
            head = file.head(HEAD)
    except MediaError:
        return False  # an error of its own when it is looked at
    return head.startswith(_MAGIC) or (not begins_as_media(head) and (is_text(head) or head[:2] in (b"\xff\xfe", b"\xfe\xff")))


def _content(path: str) -> bytes:
    """A whole file, if it is no larger than a fingerprint can be."""
    from vhashdb.opening import open_file

    with open_file(path) as file:
        _require_size(path, file.size, file.head(len(_MAGIC)))
        return b"".join(file.blocks())


def _all_of(path: str, pipe: BinaryIO) -> bytes:
    data = bytearray()
    while block := pipe.read():
        data += block
        _require_size(path, len(data), data)
    return bytes(data)


def _require_size(path: str, size: int, head: bytes | bytearray) -> None:
    most = MAX_BINARY_BYTES if head.startswith(_MAGIC) else MAX_TEXT_BYTES
    if size > most:
        raise LimitExceeded(f"{path}: the fingerprint file is larger than {most >> 20} MiB", hint=_OTHERWISE)


def _fingerprint(path: str, data: bytes) -> Fingerprint:
    """The fingerprint in a file, if there is nothing else in it."""
    from vhashdb.content import plays_behind

    try:
        if data.startswith(_MAGIC) and plays_behind(data):
            raise FingerprintError("a video may be hidden in this fingerprint file")
        return read_fingerprint(data)
    except FingerprintError as error:
        raise type(error)(f"{path}: {error.message}", hint=f"{error.hint}; {_OTHERWISE}") from error


def read_fingerprint(data: bytes) -> Fingerprint:
    """The fingerprint that a whole file holds, in any of the forms that are read.

    Raises:
        FingerprintError: it is none, a damaged one, or something follows it.
    """
    import vhashdb

    if data.startswith(_MAGIC):
        return vhashdb.from_bytes(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FingerprintError(f"something other than text begins at byte {error.start}") from error
    return vhashdb.from_json(text) if text.lstrip().startswith("{") else vhashdb.from_vpdq(text)
