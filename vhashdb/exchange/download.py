"""One file of a feed, brought here: bounded, resumed where it broke off, and compared with its signed length and hash."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from vhashdb.errors import FeedDigest, FeedError, FeedOversize
from vhashdb.exchange.files import sha256_of
from vhashdb.exchange.listing import File
from vhashdb.exchange.transport import Source
from vhashdb.writing import rename

_PART: Final = ".part"


def bring(source: Source, file: File, folder: Path) -> Path:
    """Bring the file to ``folder``, under its hash.

    What is there already is used if it fits. A part that was left by an earlier run is continued; if the whole then does
    not fit, it is fetched once more from the beginning.

    Raises:
        FeedDigest: it is not the file that was signed.
        FeedOversize: the source sends more than was signed.
        FeedUnreachable: the source stopped sending; the part stays for the next run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        whole, part = folder / file.sha256, folder / f"{file.sha256}{_PART}"
        if whole.exists() and _fits(whole, file):
            return whole
        resumed = part.exists() and part.stat().st_size > 0
        _append(source, file, part)
        if resumed and not _fits(part, file):
            part.unlink()
            _append(source, file, part)
        if not _fits(part, file):
            part.unlink()
            raise FeedDigest(f"{file.path} is not the file that was signed: its length or its SHA-256 differs")
        rename(part, whole)
        return whole
    except OSError as error:
        if isinstance(error, FeedError):
            raise
        raise FeedError(f"{folder} cannot be written: {error.strerror}", hint="check the disk and its permissions") from error


def discard(folder: Path, *, keep: frozenset[str] = frozenset()) -> None:
    """Remove what was brought, except files with these hashes."""
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            if path.name.removesuffix(_PART) not in keep:
                path.unlink(missing_ok=True)


def _append(source: Source, file: File, part: Path) -> None:
    """Get what is missing of a part."""
    there = part.stat().st_size if part.exists() else 0
    if there == file.length:
        return
    if there > file.length:
        part.unlink()
        there = 0
    with source.open(f"targets/{file.stored}", there) as (start, blocks), part.open("r+b" if there else "wb") as out:
        out.truncate(start)
        out.seek(start)
        for block in blocks:
            if out.tell() + len(block) > file.length:
                out.truncate(0)
                raise FeedOversize(f"{file.path}: more is sent than the {file.length} bytes that are signed")
            out.write(block)
        out.flush()
        os.fsync(out.fileno())


def _fits(path: Path, file: File) -> bool:
    return path.stat().st_size == file.length and sha256_of(path) == file.sha256
