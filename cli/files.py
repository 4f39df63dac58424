"""Which files a command line names: files, folders, patterns, and lists on standard input."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from vhashdb.errors import LimitExceeded, MediaNotFound

if TYPE_CHECKING:
    from vhashdb import Fingerprint

STDIN: Final = "-"
MAX_FINGERPRINT_BYTES: Final = 256 << 20
"""Of a fingerprint file, which is read as a whole."""

_MAGIC: Final = b"VHFP"
_VPDQ_LINE: Final = re.compile(rb"\s*\d+,\d+,[0-9a-fA-F]{64},[0-9.]+\s")
_HEAD: Final = 256


class InputFiles:
    """The files that arguments name. What is named explicitly is always given; within folders, only media files are."""

    def __init__(self, arguments: Sequence[str], *, null: bool = False) -> None:
        self._arguments = arguments
        self._separator = b"\0" if null else b"\n"
        self.skipped = 0
        """Files in folders that were passed over because of their names, so far."""

    @property
    def streamed(self) -> bool:
        """Whether the list comes from standard input, so that its length is not known."""
        return STDIN in self._arguments

    def __iter__(self) -> Iterator[str]:
        for argument in self._arguments:
            if argument == STDIN:
                for name in _names(sys.stdin.buffer, self._separator):
                    yield from self._under(name)
            else:
                for name in _expanded(argument):
                    yield from self._under(name)

    def _under(self, name: str) -> Iterator[str]:
        from vhashdb.inputs import walk

        if not os.path.isdir(name) or not os.access(name, os.R_OK | os.X_OK):
            yield name
            return
        for path, is_media in walk(Path(name)):
            if is_media:
                yield str(path)
            else:
                self.skipped += 1


def _expanded(argument: str) -> list[str]:
    """A pattern that the shell left as it is; one that fits nothing stands for itself and gets an error of its own."""
    if os.path.lexists(argument) or not glob.has_magic(argument):
        return [argument]
    return sorted(glob.glob(argument, recursive=True)) or [argument]


def _names(stream: BinaryIO, separator: bytes) -> Iterator[str]:
    rest = b""
    while block := stream.readline() if separator == b"\n" else stream.read(65536):
        *names, rest = (rest + block).split(separator)
        yield from (os.fsdecode(name.removesuffix(b"\r")) for name in names if name)
    if rest:
        yield os.fsdecode(rest)


def source_of(path: str) -> str | Fingerprint:
    """What a path stands for: the fingerprint in it, if it is a fingerprint file, or else the path itself.

    Raises:
        MediaNotFound: it cannot be opened.
        FingerprintError: it looks like a fingerprint file and is a damaged one.
    """
    if not os.path.isfile(path):
        return path
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            kind = _kind(head)
            if kind is None:
                return path
            data = head + file.read(MAX_FINGERPRINT_BYTES)
    except OSError as error:
        raise MediaNotFound(f"{path}: {error.strerror or error}") from error
    if len(data) > MAX_FINGERPRINT_BYTES:
        raise LimitExceeded(f"{path}: the fingerprint file is larger than {MAX_FINGERPRINT_BYTES >> 20} MiB")
    return _read(kind, data)


def _kind(head: bytes) -> str | None:
    if head.startswith(_MAGIC):
        return "binary"
    if head.lstrip().startswith(b"{"):
        return "json"
    return "vpdq" if _VPDQ_LINE.match(head + b"\n") else None


def _read(kind: str, data: bytes) -> Fingerprint:
    import vhashdb

    if kind == "binary":
        return vhashdb.from_bytes(data)
    text = data.decode("utf-8", "replace")
    return vhashdb.from_json(text) if kind == "json" else vhashdb.from_vpdq(text)
