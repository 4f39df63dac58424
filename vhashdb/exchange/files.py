"""Hash and lock what a feed has on disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from vhashdb.errors import FeedBusy
from vhashdb.locking import try_flock


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file of a feed, in hexadecimal; `vhashdb.inputs.sha256_of` is for files of strangers."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder for as long as the ``with`` statement lasts.

    Raises:
        FeedBusy: another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not try_flock(descriptor):
            raise FeedBusy(f"another process works on {folder}")
        yield
    finally:
        os.close(descriptor)
