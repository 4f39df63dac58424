"""Files that are whole or absent: written aside, synced, renamed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from vhashdb.errors import FeedBusy

TEMPORARY: Final = ".tmp-"
"""How the name of a file begins that is not whole yet."""
_BLOCK: Final = 1 << 20


@contextlib.contextmanager
def new_file(folder: Path) -> Iterator[BinaryIO]:
    """A file to be written and then put in its place with `settle`; removed if that does not happen."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        with path.open("xb") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def settle(file: BinaryIO, path: Path) -> None:
    """Give a file from `new_file` its name, durably; what had the name before is replaced."""
    file.flush()
    os.fsync(file.fileno())
    os.replace(file.name, path)
    sync_folder(path.parent)


def write(path: Path, data: bytes) -> None:
    """Write a whole file, durably."""
    with new_file(path.parent) as file:
        file.write(data)
        settle(file, path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Work on a folder alone; the lock goes with the process, however it ends.

    Raises:
        FeedBusy: another process works on it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FeedBusy(f"another process works on {folder}") from None
        yield
    finally:
        os.close(descriptor)
