"""Open files from outside safely: regular files only, without ever waiting, and pipes for one reading.

Whatever is hashed or decoded is opened here. A named pipe, a device or a socket may block for ever or never end, so files are
checked before and after they are opened; reading ends where the file ended when it was opened, and a file that changes
meanwhile is noticed.
"""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import select
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from vhashdb.errors import LimitExceeded, MediaError, MediaNotFound, NotMedia, UnreadableMedia

__all__ = ["OpenFile", "Pipe", "content_of", "is_pipe", "open_file", "stream_of"]

BLOCK: Final = 1 << 20
"""Bytes read at a time. Engineering bound."""
SILENCE_S: Final = 60.0
"""Seconds to wait for whoever writes to a pipe. Engineering bound."""
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS: Final = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_PIPE_HINT: Final = "name the pipe itself rather than its folder, or write what comes through it to a file first"


_reserved: Final = Counter[tuple[int, int]]()
_reserving: Final = threading.Lock()


def reserve(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Keep `open_file` from a file that SQLite has open in this process, until it is released with the returned key.

    Closing a file releases every POSIX lock that the process holds on it, and SQLite's locks are POSIX locks.
    """
    state = os.stat(path)
    with _reserving:
        _reserved[state.st_dev, state.st_ino] += 1
    return state.st_dev, state.st_ino


def head_of(path: str | os.PathLike[str], length: int) -> bytes | None:
    """Return the first bytes of a file; None if SQLite has it open in this process.

    Closing it here would release SQLite's locks.

    Raises:
        OSError: it cannot be read.
    """
    with _reserving:  # SQLite reserves a file before it locks anything in it, so it waits until this is closed
        if is_reserved(path):
            return None
        with open(path, "rb") as file:
            return file.read(length)


def is_reserved(path: str | os.PathLike[str]) -> bool:
    """Say whether SQLite has this file open in this process."""
    with contextlib.suppress(OSError, ValueError):
        state = os.stat(path)
        return _reserved[state.st_dev, state.st_ino] > 0
    return False


def release(reserved: tuple[int, int]) -> None:
    """Let a reserved file be opened again."""
    with _reserving:
        _reserved[reserved] -= 1
        if not _reserved[reserved]:
            del _reserved[reserved]


class OpenFile:
    """Read a regular file that is open: the same file for as long as it is, whatever its name refers to meanwhile."""

    def __init__(self, descriptor: int, path: Path, name: str | None = None) -> None:
        """Take over a descriptor that `open_file` or a caller opened; ``name`` is what messages call it."""
        self.path = path
        self.name = str(path) if name is None else name
        self._descriptor = descriptor
        self._state = _state_of(descriptor)
        self.size = os.fstat(descriptor).st_size
        """Bytes, when it was opened."""

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def head(self, length: int) -> bytes:
        """Return the first bytes, at most ``length``.

        Raises:
            MediaNotFound: it cannot be read.
        """
        return self._read(min(length, self.size), 0) if self.size else b""

    def blocks(self, *, time_s: float | None = None) -> Iterator[bytes]:
        """Yield all of it, as it was when it was opened, in blocks.

        Raises:
            MediaNotFound: it cannot be read.
            LimitExceeded: it takes longer than ``time_s`` seconds.
            UnreadableMedia: it became shorter or longer meanwhile.
        """
        deadline_s = None if time_s is None else time.monotonic() + time_s
        position = 0
        while position < self.size:
            block = self._read(min(BLOCK, self.size - position), position)
            if not block:
                break
            position += len(block)
            if deadline_s is not None and time.monotonic() > deadline_s:
                raise LimitExceeded(f"{self.name}: not read to its end after {time_s:.0f} s")
            yield block
        if position < self.size:
            raise UnreadableMedia(f"{self.name}: ends before its size says", hint="the file is being changed, or is no ordinary file")
        self.require_unchanged()

    @property
    def unchanged(self) -> bool:
        """Whether nobody wrote to it since it was opened."""
        return _state_of(self._descriptor) == self._state

    def require_unchanged(self) -> None:
        """Require that nobody wrote to it since it was opened.

        Raises:
            UnreadableMedia: somebody did.
        """
        if not self.unchanged:
            raise UnreadableMedia(f"{self.name}: the file changed while it was read", hint="ask again when it is finished")

    def _read(self, length: int, position: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, position)
        except OSError as error:
            raise MediaNotFound(f"{self.name}: {error.strerror or error}") from error


def open_file(path: str | os.PathLike[str]) -> OpenFile:
    """Open a regular file for reading; never waits.

    Raises:
        MediaNotFound: there is no such file, it is a folder, or it cannot be opened.
        NotMedia: it is a pipe, a device or a socket.
    """
    name = os.fspath(path)
    try:
        # Checked before it is opened, because opening some devices has consequences, and after, because it may be another file by then.
        _require_regular(os.stat(name), name)
        if is_reserved(name):
            raise NotMedia(f"{name}: is a database that is open", hint="give a video or an image file")
        descriptor = os.open(name, _FLAGS)
        try:
            _require_regular(os.fstat(descriptor), name)
        except BaseException:
            os.close(descriptor)
            raise
    except (MediaNotFound, NotMedia):  # some are also OSError or ValueError
        raise
    except (OSError, ValueError) as error:
        raise cannot_open(name, error) from error
    return OpenFile(descriptor, Path(name))


def cannot_open(name: str, error: OSError | ValueError) -> MediaNotFound:
    """Return the error for a name that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return MediaNotFound(f"{name}: no such file")
    if isinstance(error, OSError):
        return MediaNotFound(f"{name}: {error.strerror or error}")
    return MediaNotFound(f"{name}: no such file, for no file can have this name")


def is_pipe(path: str | os.PathLike[str]) -> bool:
    """Say whether a name refers to a pipe: a named one, or an open one such as ``/dev/stdin``."""
    with contextlib.suppress(OSError, ValueError):
        return stat.S_ISFIFO(os.stat(path).st_mode)
    return False


class Pipe(io.RawIOBase):
    """Read a pipe once: a binary file object, opened when it is first read.

    Nobody may ever write to it, so reading waits no longer than ``silence_s`` for the next bytes, and no longer than
    ``time_s`` in all: `LimitExceeded`. A name that cannot be opened is a `MediaNotFound`.
    """

    def __init__(self, path: str, *, silence_s: float = SILENCE_S, time_s: float = math.inf) -> None:
        self.name = path
        self.named = os.path.exists(os.path.realpath(path))
        """Whether it is in a folder, so that somebody may still come and write; the other kind ends with its writers."""
        self._silence_s, self._time_s = silence_s, time_s
        self._descriptor: int | None = None
        self._began = self._ended = False
        self._deadline_s = math.inf

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Stop reading."""
        self._release()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next, at least one byte; return 0 at the end."""
        if self._ended:
            return 0
        try:
            block = self._next(len(buffer))
        except (OSError, ValueError) as error:
            self._release()
            raise cannot_open(self.name, error) from error
        except LimitExceeded:
            self._release()
            raise
        self._began = True
        if not block:
            self._release()
        buffer[: len(block)] = block
        return len(block)

    def read1(self, size: int = BLOCK) -> bytes:
        """Return what is available, at most ``size`` bytes; nothing at the end."""
        return self.read(size) or b""

    def _release(self) -> None:
        descriptor, self._descriptor, self._ended = self._descriptor, None, True
        if descriptor is not None:
            os.close(descriptor)

    def _next(self, size: int) -> bytes:
        if self._descriptor is None:
            self._descriptor = os.open(self.name, _FLAGS)
            self._deadline_s = time.monotonic() + self._time_s
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while True:
            with contextlib.suppress(BlockingIOError):
                block = os.read(self._descriptor, size)
                if block or self._began or not self.named:
                    return block
            wait_s = max(0.0, min(self._silence_s, self._deadline_s - time.monotonic()))
            events = poll.poll(wait_s * 1000)
            if not events:
                raise LimitExceeded(
                    f"{self.name}: nobody wrote to this pipe for {wait_s:.0f} s",
                    hint="start what writes to it, or write it to a file and name that",
                )
            if not events[0][1] & select.POLLIN:  # its writer came and went
                return b""


def stream_of(path: str) -> BinaryIO:
    """Open a regular file or a pipe by its name, to be read from its beginning to its end.

    Raises:
        MediaNotFound: there is no such file, it is a folder, or it cannot be opened.
        NotMedia: it is a device or a socket.
    """
    if is_pipe(path):
        return io.BufferedReader(Pipe(path))
    with open_file(path) as file:
        return open(os.dup(file.fileno()), "rb")


def content_of(path: str | os.PathLike[str], most: int) -> bytes:
    """Return all of a small file, such as a key or a list of settings; of a pipe, what comes through it.

    Raises:
        OSError: it cannot be read, is neither a file nor a pipe, or has more than ``most`` bytes; ``strerror`` says which.
    """
    name = os.fspath(path)
    try:
        with stream_of(name) as stream:
            data = stream.read(most + 1)
    except MediaError as error:
        raise OSError(errno.EIO, error.message.removeprefix(f"{name}: ")) from error
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return data


def _require_regular(state: os.stat_result, name: str) -> None:
    if stat.S_ISREG(state.st_mode):
        return
    if stat.S_ISDIR(state.st_mode):
        try:
            os.scandir(name).close()
        except OSError as error:
            raise MediaNotFound(f"{name}: the folder cannot be read: {error.strerror or error}") from error
        raise MediaNotFound(f"{name}: is a folder", hint="name the files in it, or use the command line, which walks folders")
    kind = next((word for is_kind, word in _KINDS if is_kind(state.st_mode)), "something else")
    raise NotMedia(f"{name}: is {kind}, not a regular file", hint=_PIPE_HINT if kind == "a pipe" else "give a video or an image file")


def _state_of(descriptor: int) -> tuple[Any, ...]:
    state = os.fstat(descriptor)
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
