"""What a name on the command line stands for: a video or picture, a pipe that brings one, or a fingerprint file.

A fingerprint is read from a file only if its ending says so, or an option. First bytes do not decide: behind those of a
fingerprint there may be a video that plays.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar, cast

import click

from vhashdb.errors import FingerprintError, FormatError, LimitExceeded

from .output import say, shown

if TYPE_CHECKING:
    from vhashdb import Fingerprint, HashQuery

FINGERPRINT_SUFFIXES: Final = frozenset(
    f".{name}" for name in "vhfp vpdq pdq hash hashes md5 sha256 txt lst json jsonl ndjson csv tsv xml stix misp".split()
)
"""Endings of files that hold fingerprints and other hashes, unless they begin as a video or picture does."""
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
    text = "What the named files are; auto: files that end in .vhfp, .vpdq, .json, .txt, .csv and the like hold hashes, others are media."
    return click.option("--as", "kind", type=click.Choice(KINDS), default=AUTO, show_default=True, help=text)(function)


def sources_of(path: str, *, kind: str = AUTO, named: bool = True) -> list[str | BinaryIO | HashQuery]:
    """Return what a path stands for: the hashes in it, of each video; a file object where it is a pipe; or the path itself.

    Args:
        path: of the file.
        kind: one of `KINDS`.
        named: whether somebody named this very path; a pipe that was only found in a folder is not read.

    Raises:
        MediaError: a file of hashes cannot be opened, or is too large.
        FingerprintError: it is a damaged one, or not only hashes.
    """
    source = media_of(path, named=named)
    if not isinstance(source, str):
        return [*_hashes(path, _all_of(path, source))] if kind == "fingerprint" else [source]
    if kind == "fingerprint" or (kind == AUTO and _says_fingerprint(path)):
        return [*_hashes(path, _content(path))]
    return [path]


def source_of(path: str, *, kind: str = AUTO) -> str | BinaryIO | Fingerprint:
    """Return the same where one video is meant: its fingerprint, if the file holds hashes.

    Raises:
        MediaError: see `sources_of`.
        FingerprintError: it is a file of hashes that cannot be read, or those of several videos.
    """
    from vhashdb.hash_query import HashQuery, only_one

    found = sources_of(path, kind=kind)
    queries = [source for source in found if isinstance(source, HashQuery)]
    if queries:
        return only_one(queries, path)
    (source,) = found
    return cast("str | BinaryIO", source)


def media_of(path: str, *, named: bool = True) -> str | BinaryIO:
    """Return the same for a path that stands for a video or picture alone."""
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


def _hashes(path: str, data: bytes) -> list[HashQuery]:
    """Return the hashes in a file, if there is nothing else in it."""
    from vhashdb import read_hashes
    from vhashdb.content import hides_video
    from vhashdb.exchange.formats import FormatLimits, Options

    try:
        if data.startswith(_MAGIC) and hides_video(data):
            raise FingerprintError("a video may be hidden in this fingerprint file")
        if not data.startswith(_MAGIC) and not _only_text(data):
            raise FingerprintError("it is not only text: something else is in it or follows it")
        return read_hashes(io.BytesIO(data), options=Options(FormatLimits(file_bytes=MAX_BINARY_BYTES)))
    except (FingerprintError, FormatError) as error:
        hint = "; ".join(filter(None, (error.hint, _OTHERWISE)))
        raise FingerprintError(f"{path}: {error.message}", hint=hint) from error
    except LimitExceeded as error:
        raise LimitExceeded(f"{path}: {error.message}", hint=error.hint) from error


def _only_text(data: bytes) -> bool:
    """Whether a whole file may be text: one bad line is left out of a list of hashes, so what follows must not be a video."""
    from vhashdb.content import is_text

    for marks, encoding in (((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-32"), ((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-16")):
        if data.startswith(marks):
            try:
                return is_text(data.decode(encoding).encode())
            except UnicodeError:
                return False
    return is_text(data)
