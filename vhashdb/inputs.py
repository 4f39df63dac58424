"""What can be fingerprinted: a path, a picture, an array, a file object; and how each becomes frames."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image

from vhashdb.errors import LimitExceeded, MediaError, MediaNotFound, UsageError
from vhashdb.limits import Limits

Source = str | os.PathLike[str] | Image.Image | np.ndarray[Any, Any] | BinaryIO
"""Anything the library takes for a video or picture."""

MEDIA_SUFFIXES: Final = frozenset(
    f".{name}"
    for name in (
        "3g2 3gp apng asf avi avif bmp divx dv f4v flv gif h264 h265 hevc ivf jfif jpeg jpg m1v m2t m2ts m2v m4v mjpeg mjpg "
        "mkv mov mp4 mpe mpeg mpg mts mxf nut obu ogg ogm ogv png qt rm rmvb tif tiff ts vob webm webp wmv y4m "
    ).split()
)
"""Endings of files that a folder walk takes for media; everything else in a folder is skipped and counted."""

_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class FileHashes:
    """Exact hashes of a file, in hexadecimal."""

    sha256: str
    md5: str = ""
    """Empty where nobody needs it."""


def hash_file(path: str | os.PathLike[str]) -> FileHashes:
    """SHA-256 and MD5 of a file.

    Raises:
        MediaNotFound: it cannot be opened.
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    for block in _blocks(path):
        sha256.update(block)
        md5.update(block)
    return FileHashes(sha256.hexdigest(), md5.hexdigest())


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file alone, which is all that a question needs.

    Raises:
        MediaNotFound: it cannot be opened.
    """
    sha256 = hashlib.sha256()
    for block in _blocks(path):
        sha256.update(block)
    return sha256.hexdigest()


def _blocks(path: str | os.PathLike[str]) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise MediaNotFound(f"{os.fspath(path)}: {error.strerror or error}") from error


def as_image(source: Source) -> Image.Image | None:
    """The picture, if the source is one in memory."""
    if isinstance(source, Image.Image):
        return source
    if isinstance(source, np.ndarray):
        if not source.size or source.dtype != np.uint8 or source.ndim not in (2, 3) or (source.ndim == 3 and source.shape[2] not in (3, 4)):
            raise UsageError(f"a frame must be uint8 of shape (h, w), (h, w, 3) or (h, w, 4), not {source.dtype} {source.shape}")
        return Image.fromarray(source)
    return None


@contextlib.contextmanager
def as_path(source: Source, limits: Limits) -> Iterator[Path]:
    """A path under which the decoder can read the source; a file object is copied to a temporary file."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.exists():
            raise MediaNotFound(f"{path}: no such file")
        if path.is_dir():
            raise MediaNotFound(f"{path}: is a folder", hint="name the files in it, or use the command line, which walks folders")
        yield path
        return
    if isinstance(source, Image.Image | np.ndarray) or not hasattr(source, "read"):
        raise UsageError(f"a {type(source).__name__} cannot be fingerprinted", hint="give a path, a picture, an array or a binary file")
    with tempfile.NamedTemporaryFile(prefix="vhashdb-") as copy:
        left = limits.upload_bytes
        while block := source.read(_BLOCK):
            if not isinstance(block, bytes):
                raise UsageError("the file object gives text", hint="open the file in binary mode")
            left -= len(block)
            if left < 0:
                raise LimitExceeded(f"the file object gives more than {limits.upload_bytes} bytes")
            copy.write(block)
        copy.flush()
        try:
            yield Path(copy.name)
        except MediaError as error:  # nobody knows the name of the copy
            name = getattr(source, "name", None)
            raise type(error)(
                error.message.replace(copy.name, name if isinstance(name, str) else "the file object"), hint=error.hint
            ) from error


def walk(folder: Path) -> Iterator[tuple[Path, bool]]:
    """All files below a folder in a stable order, each with whether its name is that of a media file."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not name.endswith(".vhdb"))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root, name), Path(name).suffix.lower() in MEDIA_SUFFIXES
