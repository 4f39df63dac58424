"""Lock files and folders against other processes; a lock goes with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl


def try_flock(descriptor: int) -> bool:
    """Lock an open file or folder exclusively, without waiting; False if another open file holds its lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
