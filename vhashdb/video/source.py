"""Hand a decoder process the file that it may read, open: it can open none by itself.

Code that reads the file asks for it by its name, as if it were opened again: each reader has a position of its own.
"""

from __future__ import annotations

import io
import os
from typing import IO, Any

_given: dict[str, tuple[int, int]] = {}


def give(name: str, descriptor: int, size: int) -> None:
    """Let `opened` find an open regular file of that size under a name from now on."""
    _given[name] = descriptor, size


def forget(name: str) -> None:
    """Undo `give`."""
    _given.pop(name, None)


def is_given(name: str) -> bool:
    """Say whether `opened` finds a file under this name."""
    return name in _given


def opened(name: str) -> IO[bytes]:
    """Return a new reader of the file of that name, at its beginning.

    Raises:
        FileNotFoundError: this process was given no file of that name.
    """
    if name not in _given:
        raise FileNotFoundError(name)
    return io.BufferedReader(_Reader(name, *_given[name]), io.DEFAULT_BUFFER_SIZE)


class _Reader(io.RawIOBase):
    """Read an open file without moving the position that others may share; closing it leaves the file open."""

    def __init__(self, name: str, descriptor: int, size: int) -> None:
        super().__init__()
        self.name, self._descriptor, self._size, self._at = name, descriptor, size, 0
        """``name`` is what FFmpeg and Pillow take the ending from."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    # No `fileno`: a library that had the descriptor would query the kernel about it, or move its position.

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._descriptor, [buffer], self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at < 0:
            raise OSError(22, os.strerror(22))
        self._at = at
        return at

    def tell(self) -> int:
        return self._at
