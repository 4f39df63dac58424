"""A folder that is watched: files are given once each, when whoever writes them has finished.

Nobody tells when a file is finished; a file counts as such when its size and time have not changed for a while. It is
remembered as seen, by hash and not by name, once its verdict was printed: what is under way when the program ends is
given again by the next one, and nothing else is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from vhashdb.errors import UsageError

from .files import Skipped
from .output import counted, shown

SETTLE_S: Final = 2.0
"""How long a file must be as it is."""
_LOOKS: Final = 4
"""In this time."""

UNFINISHED: Final = "unfinished"
_UNFINISHED: Final = frozenset({".part", ".partial", ".crdownload", ".download", ".filepart"})
"""Endings under which a file is written before it gets its last name."""

State = str
"""Of a file, as hexadecimal: another size, time or inode is another state, and another name is the same one."""


@dataclass
class Settling:
    """Which files are finished, from one look at a folder after the other. Pure: no clock and no files."""

    settle_s: float
    seen: set[State] = field(default_factory=set)
    """States that were given and are done."""
    _waiting: dict[str, tuple[State, float]] = field(default_factory=dict)
    _given: dict[str, State] = field(default_factory=dict)

    def finished(self, files: Mapping[str, State], now_s: float) -> list[str]:
        """Paths that settled at last and were not given yet, in the order of ``files``: all there are, with their states."""
        self._given = {path: state for path, state in self._given.items() if files.get(path) == state}
        settled: list[str] = []
        waiting: dict[str, tuple[State, float]] = {}
        for path, state in files.items():
            if state in self.seen or path in self._given:
                continue
            before, since_s = self._waiting.get(path, ("", now_s))
            if before == state and now_s - since_s >= self.settle_s:
                settled.append(path)
                self._given[path] = state
            else:
                waiting[path] = (state, since_s if before == state else now_s)
        self._waiting = waiting
        return settled

    def done(self, path: str) -> State | None:
        """Note that a given file was dealt with; return its state when it was given, which is now seen, or None if it was not given."""
        state = self._given.get(path)
        if state is not None:
            self.seen.add(state)
        return state


class WatchedFolder:
    """Gives the files of a folder as they are finished, until it is stopped. Only one program watches with one memory."""

    endless = True

    def __init__(self, folder: Path, memory: Path, *, settle_s: float = SETTLE_S) -> None:
        """Raises: UsageError: the folder or the memory cannot be used, or another program uses it."""
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder", hint="--watch takes a folder in which files appear")
        self._folder, self._lock = folder, threading.Lock()
        self._memory = _opened(memory)
        self._settling = Settling(settle_s, set(self._memory.read().decode("ascii", "replace").split()))
        self.skipped = Skipped()
        self._because: dict[str, str] = {}
        """Paths that need not be looked into to be passed over, each with the reason."""
        self.older = 0
        self.stopped = False
        self.sound = False
        before = counted(len(self._settling.seen), "file")
        self.beginning = f"watching {shown(folder)} ({before} matched before); Ctrl-C ends it"

    def listed(self) -> list[str] | None:
        """Nobody knows what will come."""
        return None

    def __iter__(self) -> Iterator[str]:
        """Paths, one after the other, without end. What is no media is looked into once, when it has settled."""
        from vhashdb.content import skip_reason

        while True:
            with self._lock:
                ready = self._settling.finished(self._states(), time.monotonic())
            for path in ready:
                if reason := self._because.get(path) or skip_reason(path, sound=self.sound):
                    self.skipped.add(path, reason)
                else:
                    yield path
            if not ready:
                time.sleep(self._settling.settle_s / _LOOKS)

    def done(self, path: str) -> None:
        """The verdict on a given file is out: it is not given again as it is."""
        with self._lock:
            state = self._settling.done(path)
        if state is not None:
            self._memory.write(f"{state}\n".encode())
            self._memory.flush()
            os.fsync(self._memory.fileno())

    def close(self) -> None:
        """Let another program watch."""
        self._memory.close()

    def named(self, _path: str) -> bool:
        """Only the folder is named."""
        return False

    def _states(self) -> dict[str, State]:
        from vhashdb.walking import entries

        states: dict[str, State] = {}
        self._because.clear()
        for found in entries(self._folder):
            with suppress(OSError):  # it went away between two calls
                states[str(found.path)] = _state_of(found.path)
            if reason := found.skipped or (UNFINISHED if _waits(found.path, self._folder) else ""):
                self._because[str(found.path)] = reason
        return states


def _waits(path: Path, folder: Path) -> bool:
    """Whether a file, or a folder it is in, has a name that whoever writes it is going to change when it is finished."""
    parts = path.relative_to(folder).parts
    return any(part.startswith(".") for part in parts) or path.suffix.lower() in _UNFINISHED


def memory_path(folder: Path, database: Path | str) -> Path:
    """Where it is kept what of a folder was matched against a database."""
    import platformdirs

    both = b"\0".join(os.fsencode(place.resolve() if isinstance(place, Path) else place) for place in (folder, database))
    return Path(platformdirs.user_state_dir("vhashdb", appauthor=False), f"watched-{hashlib.sha256(both).hexdigest()[:16]}")


def _state_of(path: Path) -> State:
    try:
        state = path.stat()
    except OSError:  # a link that leads nowhere
        state = path.lstat()
    facts = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def _opened(path: Path) -> BinaryIO:
    """The memory, one state a line, held by this program alone; a last line that was not finished is cut off."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")  # noqa: SIM115  # held as long as the folder is watched
    except OSError as error:
        raise UsageError(f"{path} cannot be used: {error.strerror or error}", hint="name another file with --watch-memory") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise UsageError(
            f"another program watches this folder and holds {path}", hint="stop it, or name another memory with --watch-memory"
        ) from error
    content = file.read()
    file.truncate(content.rfind(b"\n") + 1)
    file.seek(0)
    return file
