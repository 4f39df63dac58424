"""Generations of an index in a folder: written whole, switched in one step, opened by mapping.

::

    index/
      current.json          which segments make up the index, and what was removed from them
      00000017/             a segment: plain NumPy arrays, never changed
        hashes.npy  records.npy  tables.npy  begins.npy
      lock                  held by the one process that writes in here

``current.json`` is replaced in one step after everything that it names is on disk, so a crash leaves the last good
generation and perhaps a folder that nothing names, which the next writer clears away. A reader that has mapped a file
keeps it when the file is deleted.

The files' checksums are in ``current.json``, one for every `BLOCK` bytes. Opening checks everything of a small index, of
a large one as much as takes no noticeable time, and in any case all of a file that has not the size and time of
modification it was left with; `check` checks everything.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shutil
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate, count, takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vhashdb.errors import DatabaseDamaged
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.index.segment import Allocate, Segment
from vhashdb.writing import sync_folder

FORMAT: Final = 1
BLOCK: Final = 4 << 20
CHECKED_AT_OPENING: Final = 256 << 20
"""Bytes whose checksums are compared when an index is opened: a tenth of a second."""

_CURRENT: Final = "current.json"
_LOCK: Final = "lock"
_ARRAYS: Final = ("hashes", "records", "tables", "begins")


class Vanished(Exception):
    """A segment is gone: another process has switched to a newer generation."""


@dataclass(frozen=True)
class StoredFile:
    """One array on disk, as it was written."""

    size: int
    modified_ns: int
    checksums: tuple[int, ...]
    """CRC-32 of every `BLOCK` bytes."""


@dataclass(frozen=True)
class StoredSegment:
    """A segment on disk, and what of it no longer counts."""

    name: str
    rows: int
    files: dict[str, StoredFile]
    removed: tuple[int, ...] = ()
    """Numbers of the records that were removed since."""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True)
class Generation:
    """One state of the index."""

    number: int
    algorithm: str
    """The full id: name, bits and spec version."""
    change: int
    """The last change of the store that is in it."""
    segments: tuple[StoredSegment, ...] = ()
    damaged: tuple[int, ...] = ()
    """Numbers of records that cannot be found, because their fingerprints in the store are damaged."""
    format: int = field(default=FORMAT)


class IndexFolder:
    """The folder of an index. Reading needs no lock; writing needs `writing`."""

    def __init__(self, path: Path, algorithm: AlgorithmId) -> None:
        self.path = path
        self._algorithm = algorithm
        self._writer: int | None = None

    # -- reading -------------------------------------------------------------------------------

    def stamp(self) -> tuple[int, int] | None:
        """Changes whenever another generation becomes the current one; None if there is none."""
        try:
            status = (self.path / _CURRENT).stat()
        except OSError:  # `current` says what is wrong, if it is not just missing
            return None
        return status.st_ino, status.st_mtime_ns

    def current(self) -> Generation | None:
        """The current generation; None if there is none yet.

        Raises:
            DatabaseDamaged: it cannot be read, or is of another algorithm or format.
        """
        path = self.path / _CURRENT
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DatabaseDamaged(f"the index {path} cannot be read: {error.strerror}") from error
        try:
            generation = _parsed(text)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DatabaseDamaged(f"the index {path} cannot be used: it is malformed or its checksum does not fit") from error
        if generation.format != FORMAT or generation.algorithm != str(self._algorithm):
            raise DatabaseDamaged(f"the index {path} is of another format or algorithm")
        return generation

    def open(self, stored: StoredSegment) -> Segment:
        """Map a segment.

        Raises:
            Vanished: it is not there.
            DatabaseDamaged: it is not what was written.
        """
        folder = self.path / stored.name
        try:
            if not folder.is_dir():
                raise Vanished(stored.name)
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
            segment = Segment(self._algorithm.bits, **{name: np.asarray(array) for name, array in arrays.items()})
            if segment.rows != stored.rows or not segment.fits():
                raise ValueError("its arrays do not fit together")
        except FileNotFoundError as error:
            raise (Vanished(stored.name) if not folder.is_dir() else _damaged(folder, "a file is missing")) from error
        except Vanished:
            raise
        except Exception as error:  # NumPy fails in many ways on a damaged header, and so does what relies on the shapes
            raise _damaged(folder, str(error)) from error
        return segment

    def check(self, segments: tuple[StoredSegment, ...], budget: int | None = CHECKED_AT_OPENING) -> None:
        """Compare checksums: of so many bytes, picked at random, and of every file that was touched; None: of all.

        Raises:
            Vanished: a segment is not there.
            DatabaseDamaged: a file is missing, shorter or longer, or differs.
        """
        some: list[tuple[Path, int, int, int]] = []
        every: list[tuple[Path, int, int, int]] = []
        for stored in segments:
            for name, file in stored.files.items():
                path = self.path / stored.name / name
                try:
                    status = path.stat()
                except FileNotFoundError as error:
                    raise (Vanished(stored.name) if not path.parent.is_dir() else _damaged(path, "it is missing")) from error
                except OSError as error:
                    raise _damaged(path, str(error.strerror)) from error
                if status.st_size != file.size:
                    raise _damaged(path, f"it has {status.st_size} bytes instead of {file.size}")
                touched = budget is None or status.st_mtime_ns != file.modified_ns
                (every if touched else some).extend(
                    (path, at, min(BLOCK, file.size - at), crc) for at, crc in zip(count(0, BLOCK), file.checksums, strict=False)
                )
        if budget is not None:
            random.shuffle(some)
            totals = accumulate(size for _, _, size, _ in some)
            every += some[: sum(1 for _ in takewhile(lambda total: total <= budget, totals))]
        for path, at, size, checksum in every:
            try:
                with path.open("rb") as opened:
                    opened.seek(at)
                    block = opened.read(size)
            except OSError as error:
                raise _damaged(path, str(error.strerror)) from error
            if zlib.crc32(block) != checksum:
                raise _damaged(path, "its checksum does not fit")

    # -- writing -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self) -> Iterator[bool]:
        """Whether this thread may write in here now: not if another one or another process does, or the folder is read-only."""
        if self._writer == threading.get_ident():
            yield True
            return
        try:
            self.path.mkdir(exist_ok=True)
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            yield False
            return
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            self._writer = threading.get_ident()
            try:
                yield True
            finally:
                self._writer = None
        finally:
            os.close(descriptor)

    def write(self, make: Callable[[Allocate], Segment]) -> tuple[StoredSegment, Segment]:
        """Write a segment that ``make`` builds out of arrays it is given; it belongs to no generation yet."""
        names = [int(entry.name) for entry in self.path.iterdir() if entry.name.isdigit()]
        folder = self.path / f"{max(names, default=0) + 1:08d}"
        folder.mkdir()
        arrays: list[np.memmap[Any, Any]] = []

        def allocate(name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
            path = folder / f"{name}.npy"
            arrays.append(np.lib.format.open_memmap(path, "w+", dtype, shape))
            with path.open("r+b") as file:  # a full disk is an error here, and would be a crash when the array is filled
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            return np.asarray(arrays[-1])

        try:
            rows = make(allocate).rows
            for array in arrays:
                array.flush()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        files = {path.name: _stored(path) for path in sorted(folder.iterdir())}
        sync_folder(folder)
        stored = StoredSegment(folder.name, rows, files)
        return stored, self.open(stored)

    def commit(self, generation: Generation) -> None:
        """Make a generation the current one, and clear away what it does not need."""
        path = self.path / _CURRENT
        fresh = path.with_suffix(".tmp")
        with fresh.open("wb") as file:
            file.write(_packed(generation))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        sync_folder(self.path)
        needed = {segment.name for segment in generation.segments}
        for entry in self.path.iterdir():
            if entry.name.isdigit() and entry.name not in needed:
                shutil.rmtree(entry, ignore_errors=True)


def _damaged(path: Path, why: str) -> DatabaseDamaged:
    return DatabaseDamaged(f"the index {path} cannot be used: {why}")


def _stored(path: Path) -> StoredFile:
    checksums = []
    with path.open("rb") as file:
        os.fsync(file.fileno())
        while block := file.read(BLOCK):
            checksums.append(zlib.crc32(block))
        status = os.fstat(file.fileno())
    return StoredFile(status.st_size, status.st_mtime_ns, tuple(checksums))


def _packed(generation: Generation) -> bytes:
    body = json.dumps(asdict(generation), separators=(",", ":"), sort_keys=True).encode()
    return b'{"crc32":%d,"index":%s}\n' % (zlib.crc32(body), body)


def _parsed(text: bytes) -> Generation:
    envelope = json.loads(text)
    body = json.dumps(envelope["index"], separators=(",", ":"), sort_keys=True).encode()
    if zlib.crc32(body) != envelope["crc32"]:
        raise ValueError("the checksum does not fit")
    index = envelope["index"]
    segments = tuple(
        StoredSegment(
            s["name"],
            int(s["rows"]),
            {name: StoredFile(f["size"], f["modified_ns"], tuple(f["checksums"])) for name, f in s["files"].items()},
            tuple(s["removed"]),
        )
        for s in index["segments"]
    )
    damaged = tuple(int(number) for number in index.get("damaged", ()))  # earlier indexes did not say
    generation = Generation(int(index["number"]), index["algorithm"], int(index["change"]), segments, damaged)
    return replace(generation, format=index["format"])
