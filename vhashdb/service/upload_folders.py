"""Where uploads lie on disk, and whose they are.

The service of a folder has the folder `uploads` in it, and is the only one. Of a database on PostgreSQL there may be several fronts: each
has a folder of its own among those of its machine, or of a disk that several machines share, and the name of that folder is the front's.
A file is named by its front's folder and its own name, so that each front that sees the folders can show it. Who holds the lock of a
folder cares for what is in it: that goes with the process, so that another front of the machine takes the folder of one that was killed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from vhashdb.errors import DatabaseLocked
from vhashdb.locking import try_flock


class UploadFolders:
    """The folders of uploads that one process sees, and those that it cares for."""

    def __init__(self, base: Path, *, several: bool) -> None:
        """Prepare; nothing is made yet. ``several``: there may be other fronts of the same database."""
        self.base, self._several = base, several
        self.front = ""
        """Name of the front that this process is, which is that of the folder where it receives uploads; empty where there is one alone."""
        self._locks: dict[str, int] = {}
        self._under_way: set[str] = set()

    @property
    def folder(self) -> Path:
        """Where new uploads go."""
        return self.base / self.front

    @property
    def held(self) -> frozenset[str]:
        """Fronts that this process is: itself, and those that are gone and whose folders it took."""
        return frozenset(self._locks)

    def take(self, busy: Collection[str] = ()) -> None:
        """Make the folder, and keep it from any other service until `release`: each would delete what the other is receiving.

        Args:
            busy: fronts of other machines whose folders are not to be taken, whatever their locks look like from here.

        Raises:
            DatabaseLocked: another process serves the database, which is a folder.
        """
        self.base.mkdir(mode=0o700, exist_ok=True, parents=True)
        if not self._several:
            if not self._lock(""):
                raise DatabaseLocked("another process serves this database", hint="end it first; one service serves one database")
            return
        free = self.adopt(busy)
        while not free:
            name = secrets.token_hex(8)
            (self.base / name).mkdir(mode=0o700)
            free = [name] if self._lock(name) else []
        self.front = free[0]

    def adopt(self, busy: Collection[str] = ()) -> list[str]:
        """Take the folders of fronts that are gone; return their names."""
        if not self._several:
            return []
        names = sorted(entry.name for entry in os.scandir(self.base) if entry.is_dir(follow_symlinks=False))
        return [name for name in names if name not in busy and name not in self._locks and self._lock(name)]

    def release(self) -> None:
        """Let another service have the folders."""
        for descriptor in self._locks.values():
            os.close(descriptor)
        self._locks.clear()

    def _lock(self, name: str) -> bool:
        descriptor = os.open(self.base / name, os.O_RDONLY | os.O_CLOEXEC)
        if not try_flock(descriptor):
            os.close(descriptor)
            return False
        self._locks[name] = descriptor
        return True

    # -- files -----------------------------------------------------------------------------------

    def path(self, file: str) -> Path:
        """Return where a file is, by the name that `new_file` gave it."""
        return self.base / file

    def cares_for(self, file: str) -> bool:
        """Tell whether a file lies in a folder that this process holds, so that it is the one to delete it."""
        return front_of(file) in self._locks

    def new_file(self) -> str:
        """Return the name of a file that is about to be received; it is nobody's to delete until `delete` or `written_down`."""
        name = f"{secrets.token_hex(16)}.upload"
        file = f"{self.front}/{name}" if self.front else name
        self._under_way.add(file)
        return file

    def written_down(self, file: str) -> None:
        """Note that a question has a file: from now on it stays as long as the question has it."""
        self._under_way.discard(file)

    def delete(self, file: str) -> None:
        """Delete a file; one that is gone already, or lies with another machine's front, is no error."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(file))
        self._under_way.discard(file)

    def tidy(self, kept: Callable[[], set[str]]) -> None:
        """Delete what lies in the folders that this process holds and nobody needs: of a process that was killed, or forgotten elsewhere.

        Args:
            kept: returns the files that questions have; asked after it was looked what there is.
        """
        found = [file for file, _ in self._files() if file not in self._under_way]
        if found:
            needed = kept()
            for file in found:
                if file not in needed:
                    self.delete(file)

    def used_bytes(self) -> int:
        """Add up what is on disk, in the folders that this process holds."""
        used = 0
        for _, entry in self._files():
            with contextlib.suppress(FileNotFoundError):
                used += entry.stat(follow_symlinks=False).st_size
        return used

    def _files(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        for name in list(self._locks):
            for entry in os.scandir(self.base / name):
                if not entry.is_dir(follow_symlinks=False):
                    yield (f"{name}/{entry.name}" if name else entry.name), entry


def front_of(file: str) -> str:
    """Return the front in whose folder a file lies."""
    return file.rpartition("/")[0]
