"""Write files whole or not at all: aside first, then put in their place in one step."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from vhashdb.errors import UsageError

__all__ = ["require_writable", "write_whole"]

TEMPORARY: Final = ".tmp-"
"""Beginning of the names of files from `new_file` that are not in their place yet."""


# -- for people --------------------------------------------------------------------------------------


def require_writable(path: str | os.PathLike[str]) -> Path:
    """Make sure that a file can be written at a path, before the costly part.

    Raises:
        UsageError: nothing can be written there.
    """
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"{target} is a folder", hint="name a file in it")
    if not target.parent.is_dir():
        raise UsageError(f"{target} cannot be written: there is no folder {target.parent}", hint="make it first")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise _unwritable(target, "its folder does not allow it")
    return target


def write_whole(target: Path, data: bytes) -> None:
    """Write a file for people in one step; see `replacing`."""
    with replacing(target) as part, open(part, "xb") as file:
        file.write(data)


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a path at which a file for people is written, and put it in its place in one step at the end of the ``with`` statement.

    An existing file is replaced. It is not synced: whoever wants it can write it again.

    Raises:
        UsageError: it cannot be written; what was there is still there.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, target)
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def _unwritable(target: Path, why: str) -> UsageError:
    return UsageError(f"{target} cannot be written: {why}", hint="check the path, its permissions and the disk")


# -- durably: what is in its place survives a power cut ------------------------------------------------


@contextlib.contextmanager
def new_file(folder: Path) -> Iterator[BinaryIO]:
    """Open a new file to be written and then put in its place with `settle`; it is removed if that does not happen."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        with path.open("xb") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def settle(file: BinaryIO, path: Path) -> None:
    """Give an open file its final name, durably; what had the name before is replaced."""
    file.flush()
    os.fsync(file.fileno())
    rename(Path(file.name), path)


def write_durably(path: Path, data: bytes) -> None:
    """Write a whole file, durably; an existing file is replaced."""
    with new_file(path.parent) as file:
        file.write(data)
        settle(file, path)


def rename(synced: Path, path: Path) -> None:
    """Rename a file that is synced already, durably; what had the name before is replaced."""
    os.replace(synced, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
