"""Files that the library writes for people: whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from vhashdb.errors import UsageError


def require_writable(path: str | os.PathLike[str]) -> Path:
    """Where a file can be written, known before the costly part.

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
    """Write all of it in one step; an existing file is replaced.

    Raises:
        UsageError: it cannot be written; what was there is still there.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(part, "xb") as file:
            file.write(data)
        os.replace(part, target)
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(target: Path, why: str) -> UsageError:
    return UsageError(f"{target} cannot be written: {why}", hint="check the path, its permissions and the disk")
