"""Turn anything that can be fingerprinted (a path, a picture, an array, a file object) into an open file or a picture."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from PIL import Image

from vhashdb.errors import LimitExceeded, UnreadableMedia, UsageError
from vhashdb.limits import Limits
from vhashdb.opening import BLOCK, OpenFile, open_file

Source = str | os.PathLike[str] | Image.Image | np.ndarray[Any, Any] | BinaryIO
"""Anything that the library accepts as a video or picture."""


@dataclass(frozen=True)
class FileHashes:
    """Hold exact hashes of a file, in hexadecimal."""

    sha256: str
    md5: str = ""
    """Empty where it is not needed."""


def hash_file(source: str | os.PathLike[str] | OpenFile, *, with_md5: bool = True, time_s: float | None = None) -> FileHashes:
    """Compute SHA-256 and, if wanted, MD5 of a file; one that is not open yet is given by its name.

    Raises:
        MediaNotFound: it cannot be opened.
        NotMedia: it is no regular file.
        LimitExceeded: reading it takes longer than ``time_s`` seconds.
        UnreadableMedia: it changed while it was read.
    """
    with contextlib.nullcontext(source) if isinstance(source, OpenFile) else open_file(source) as file:
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        for block in file.blocks(time_s=time_s):
            sha256.update(block)
            if with_md5:
                md5.update(block)
    return FileHashes(sha256.hexdigest(), md5.hexdigest() if with_md5 else "")


def sha256_of(source: str | os.PathLike[str] | OpenFile) -> str:
    """Compute SHA-256 of a file alone, which is all that a query needs; see `hash_file`."""
    return hash_file(source, with_md5=False).sha256


def as_image(source: Source) -> Image.Image | None:
    """Return the picture if the source is one in memory, else None.

    Raises:
        UsageError: it is an array that cannot be a picture.
    """
    if isinstance(source, Image.Image):
        return source
    if isinstance(source, np.ndarray):
        if not source.size or source.dtype != np.uint8 or source.ndim not in (2, 3) or (source.ndim == 3 and source.shape[2] not in (3, 4)):
            raise UsageError(f"a frame must be uint8 of shape (h, w), (h, w, 3) or (h, w, 4), not {source.dtype} {source.shape}")
        return Image.fromarray(source)
    return None


@contextlib.contextmanager
def as_file(source: Source | OpenFile, limits: Limits) -> Iterator[OpenFile]:
    """Open the source as a regular file for as long as the ``with`` statement lasts; a file object is copied to a temporary one.

    Raises:
        MediaNotFound: there is no such file, or it cannot be opened.
        NotMedia: it is a pipe, a device or a socket.
        LimitExceeded: a file object has more bytes than the limit.
        UsageError: it is nothing that can be read.
    """
    if isinstance(source, OpenFile):
        yield source
        return
    if isinstance(source, str | os.PathLike):
        with open_file(source) as file:
            if not file.size:  # nor have the files that the kernel makes up while they are read
                raise UnreadableMedia(f"{file.name}: the file is empty")
            yield file
        return
    if isinstance(source, Image.Image | np.ndarray) or not hasattr(source, "read"):
        raise UsageError(f"a {type(source).__name__} cannot be fingerprinted", hint="give a path, a picture, an array or a binary file")
    with tempfile.TemporaryFile() as copy:  # which has no name, so that nothing is left of it if this process is killed
        name = _name_of(source)
        _spool(source, copy, name, limits)
        yield OpenFile(copy.fileno(), Path(name), name)


def _spool(source: BinaryIO, copy: IO[bytes], name: str, limits: Limits) -> None:
    left = limits.upload_bytes
    while block := source.read(BLOCK):
        if not isinstance(block, bytes):
            raise UsageError("the file object gives text", hint="open the file in binary mode")
        left -= len(block)
        if left < 0:
            raise LimitExceeded(f"{name} gives more than {limits.upload_bytes} bytes")
        try:
            copy.write(block)
        except OSError as error:
            hint = "make room, or set TMPDIR to a folder with more"
            raise LimitExceeded(f"{name}: there is no room for a copy of it: {error.strerror or error}", hint=hint) from error
    copy.flush()
    if left == limits.upload_bytes:
        raise UnreadableMedia(f"{name}: nothing came through it")


def _name_of(source: BinaryIO) -> str:
    """Return what messages call a file object."""
    name = getattr(source, "name", None)
    return os.fsdecode(name) if isinstance(name, str | bytes) and name else "the file object"
