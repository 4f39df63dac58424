"""Keep an index in a folder: immutable segments, opened by mapping, and a manifest that is replaced atomically.

::

    index/
      current.json          the manifest: which segments make up the index, and their tombstones
      00000017/             a segment: plain NumPy arrays, never changed
        hashes.npy  records.npy  tables.npy  begins.npy     (landmarks.npy in an index of landmarks)
      lock                  held by the one process that writes in here

The manifest is replaced after everything that it names is on disk, so a crash leaves the last good one and perhaps a folder
that nothing names, which the next commit deletes. A reader that has mapped a file keeps it when the file is deleted.

The manifest has the files' checksums, one for each `BLOCK` bytes. Opening compares all of a small index, a sample of a large
one that takes no noticeable time, and in any case all of a file whose size or time of modification has changed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import shutil
import threading
import zlib
from collections.abc import Callable, Iterator
from itertools import accumulate, count, takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vhashdb.errors import DatabaseDamaged
from vhashdb.index.kinds import IndexKind
from vhashdb.index.manifest import FORMAT, Manifest, StoredFile, StoredSegment, decode, encode
from vhashdb.index.segment import Allocate, IndexSegment
from vhashdb.locking import try_flock
from vhashdb.writing import settle, sync_folder

_log: Final = logging.getLogger(__name__)

BLOCK: Final = 4 << 20
"""Bytes that share one checksum. Engineering bound: what is read at once, and enough to keep the manifest small."""
CHECKED_AT_OPENING: Final = 256 << 20
"""Bytes whose checksums are compared when an index is opened. Engineering bound: `bench.index` measures 0.1 s for opening."""

_MANIFEST: Final = "current.json"
_LOCK: Final = "lock"
_ARRAYS: Final = ("records", "tables", "begins")
"""Arrays of a segment beside its rows, the file of which has the name that the kind gives it."""

ManifestId = tuple[int, int]
"""Inode and time of modification of a manifest's file: another id, another manifest."""


class Vanished(Exception):
    """A segment is gone because another process has committed a newer manifest."""


class IndexFolder:
    """Read and write the files of an index. Reading needs no lock; who writes or commits must hold that of `try_lock`."""

    def __init__(self, path: Path, kind: IndexKind) -> None:
        self.path = path
        self.kind = kind
        self._holder: int | None = None
        """The thread that holds the lock."""

    # -- reading -------------------------------------------------------------------------------

    def manifest_id(self) -> ManifestId | None:
        """Return what changes whenever another manifest is committed; None if there is none."""
        try:
            status = (self.path / _MANIFEST).stat()
        except OSError:  # `manifest` says what is wrong, if it is not just missing
            return None
        return status.st_ino, status.st_mtime_ns

    def manifest(self) -> Manifest | None:
        """Read the manifest; None if there is none yet.

        Raises:
            DatabaseDamaged: it cannot be read, or is of another algorithm or format.
        """
        path = self.path / _MANIFEST
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DatabaseDamaged(f"the index {path} cannot be read: {error.strerror}") from error
        try:
            manifest = decode(data)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DatabaseDamaged(f"the index {path} cannot be used: it is malformed or its checksum does not fit") from error
        if manifest.format != FORMAT or manifest.algorithm != self.kind.version:
            raise DatabaseDamaged(f"the index {path} is of another format or algorithm")
        return manifest

    def open(self, stored: StoredSegment) -> IndexSegment:
        """Map a segment.

        Raises:
            Vanished: it is not there.
            DatabaseDamaged: it is not what was written.
        """
        folder = self.path / stored.name
        try:
            if not folder.is_dir():
                raise Vanished(stored.name)
            words, *others = (
                np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)) for name in (self.kind.row_name, *_ARRAYS)
            )
            segment = IndexSegment(self.kind, words, *others)
            if segment.rows != stored.rows or not segment.is_consistent():
                raise ValueError("its arrays do not fit together")
        except FileNotFoundError as error:
            raise (Vanished(stored.name) if not folder.is_dir() else _damaged(folder, "a file is missing")) from error
        except Vanished:
            raise
        except Exception as error:  # NumPy fails in many ways on a damaged header, and so does what relies on the shapes
            raise _damaged(folder, str(error)) from error
        return segment

    def check(self, segments: tuple[StoredSegment, ...], budget: int | None = CHECKED_AT_OPENING) -> None:
        """Compare the checksums of segments.

        Args:
            segments: what to check.
            budget: bytes to check, picked at random, besides all of any file that was modified; None: check everything.

        Raises:
            Vanished: a segment is not there.
            DatabaseDamaged: a file is missing, shorter or longer, or differs.
        """
        optional: list[tuple[Path, int, int, int]] = []
        required: list[tuple[Path, int, int, int]] = []
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
                modified = budget is None or status.st_mtime_ns != file.modified_ns
                (required if modified else optional).extend(
                    (path, at, min(BLOCK, file.size - at), crc) for at, crc in zip(count(0, BLOCK), file.checksums, strict=False)
                )
        if budget is not None:
            random.shuffle(optional)
            totals = accumulate(size for _, _, size, _ in optional)
            required += optional[: sum(1 for _ in takewhile(lambda total: total <= budget, totals))]
        for path, at, size, checksum in required:
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
    def try_lock(self) -> Iterator[bool]:
        """Try to lock the folder for writing, without waiting: False if another thread or process holds the lock.

        Raises:
            OSError: nothing can be written in the folder.
        """
        if self._holder == threading.get_ident():
            yield True
            return
        self.path.mkdir(exist_ok=True)
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not try_flock(descriptor):
                _log.debug("another process or thread is writing in the index %s", self.path)
                yield False
                return
            self._holder = threading.get_ident()
            try:
                yield True
            finally:
                self._holder = None
        finally:
            os.close(descriptor)

    def write(self, make: Callable[[Allocate], IndexSegment]) -> tuple[StoredSegment, IndexSegment]:
        """Write a segment that ``make`` builds in allocated arrays; it counts once a manifest that names it is committed."""
        names = [int(entry.name) for entry in self.path.iterdir() if entry.name.isdigit()]
        folder = self.path / f"{max(names, default=0) + 1:08d}"
        folder.mkdir()
        arrays: list[np.memmap[Any, Any]] = []

        def allocate(name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
            path = folder / f"{name}.npy"
            arrays.append(np.lib.format.open_memmap(path, "w+", dtype, shape))
            with path.open("r+b") as file:  # a full disk raises here; filling the array would crash the process
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            return np.asarray(arrays[-1])

        try:
            rows = make(allocate).rows
            for array in arrays:
                array.flush()
        except BaseException:
            _remove(folder)
            raise
        files = {path.name: _stored(path) for path in sorted(folder.iterdir())}
        sync_folder(folder)
        stored = StoredSegment(folder.name, rows, files)
        return stored, self.open(stored)

    def commit(self, manifest: Manifest) -> None:
        """Replace the manifest, and delete the segments that it does not name."""
        path = self.path / _MANIFEST
        fresh = path.with_suffix(".tmp")
        with fresh.open("wb") as file:
            file.write(encode(manifest))
            settle(file, path)
        needed = {segment.name for segment in manifest.segments}
        for entry in self.path.iterdir():
            if entry.name.isdigit() and entry.name not in needed:
                _remove(entry)


def _damaged(path: Path, why: str) -> DatabaseDamaged:
    """Make the error for a file of the index."""
    return DatabaseDamaged(f"the index {path} cannot be used: {why}")


def _remove(segment: Path) -> None:
    """Delete the folder of a segment that no manifest names; what cannot be deleted is left to the next commit."""
    shutil.rmtree(segment, ignore_errors=True)
    if segment.exists():
        _log.warning("the segment %s is not needed any more and could not be deleted; the next commit tries again", segment)


def _stored(path: Path) -> StoredFile:
    """Flush a file to disk, and describe it."""
    checksums = []
    with path.open("rb") as file:
        os.fsync(file.fileno())
        while block := file.read(BLOCK):
            checksums.append(zlib.crc32(block))
        status = os.fstat(file.fileno())
    return StoredFile(status.st_size, status.st_mtime_ns, tuple(checksums))
