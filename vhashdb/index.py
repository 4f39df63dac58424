"""The index over frame hashes: which stored hashes are near a given one. The only module that imports `faiss`.

Everything in here is derived from the store. The saved file says up to which change of the store it goes; whoever
opens it replays the changes that came later, so it may lag, be lost or be damaged without harm.

The saved file::

    "VHIX"  u8 version  u32 length of header  JSON header  rows  16 bytes BLAKE2b of everything before

where a row is the record's number, the entry in its fingerprint, and the hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import faiss
import numpy as np
import numpy.typing as npt

from vhashdb.errors import DatabaseDamaged
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes

_MAGIC: Final = b"VHIX"
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<4sBI")
_DIGEST: Final = 16
_COMPACT_SHARE: Final = 0.2
"""Share of removed rows at which they are really taken out."""
_GONE: Final = -1
_THREADS: Final = faiss.omp_get_max_threads()
_LARGE_SCAN: Final = 1 << 30
"""Pairs of hashes above which one search takes several threads."""


@dataclass(frozen=True)
class Hits:
    """Stored hashes near the asked ones, one row each."""

    query: npt.NDArray[np.int64]
    """``(k,)`` which of the asked hashes."""
    record: npt.NDArray[np.int32]
    """``(k,)`` the number of the record."""
    entry: npt.NDArray[np.int32]
    """``(k,)`` the entry of its fingerprint."""
    distance: npt.NDArray[np.int32]
    """``(k,)`` bits."""


class FrameIndex:
    """Frame hashes of many records, searched exactly. Not safe to change while it is searched."""

    def __init__(self, algorithm: AlgorithmId) -> None:
        self.algorithm = algorithm
        self.change = 0
        """The last change of the store that is in here."""
        self._faiss = faiss.IndexBinaryFlat(algorithm.bits)
        self._record = np.zeros(0, np.int32)
        self._entry = np.zeros(0, np.int32)
        self._gone = 0

    def __len__(self) -> int:
        """Hashes that can be found."""
        return len(self._record) - self._gone

    @property
    def records(self) -> int:
        """Records that can be found."""
        return int(np.count_nonzero(np.unique(self._record) != _GONE))

    def add(self, record: int, entries: npt.NDArray[np.integer], hashes: PackedHashes) -> None:
        """Make hashes ``(n, bytes)`` uint8, which are these ``(n,)`` entries of a record's fingerprint, findable."""
        self._faiss.add(np.ascontiguousarray(hashes))
        self._record = np.concatenate((self._record, np.full(len(hashes), record, np.int32)))
        self._entry = np.concatenate((self._entry, entries.astype(np.int32)))

    def remove(self, record: int) -> None:
        """Make a record's hashes unfindable; no error if there are none."""
        rows = self._record == record
        self._record[rows] = _GONE
        self._gone += int(np.count_nonzero(rows))
        if self._gone > _COMPACT_SHARE * max(1, len(self._record)):
            self._compact()

    def search(self, hashes: PackedHashes, radius: int) -> Hits:
        """Everything within ``radius`` bits of the hashes ``(n, bytes)`` uint8."""
        if not len(hashes) or not len(self._record):
            return Hits(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int32))
        # Files are searched for in parallel already; waking more threads for a small scan costs more than it saves.
        faiss.omp_set_num_threads(1 if len(hashes) * len(self._record) < _LARGE_SCAN else _THREADS)
        # FAISS finds what is nearer than its radius, this what is not further.
        limits, distances, rows = self._faiss.range_search(np.ascontiguousarray(hashes), radius + 1)
        query = np.repeat(np.arange(len(hashes)), np.diff(limits.astype(np.int64)))
        found = self._record[rows] != _GONE
        rows = rows[found]
        return Hits(query[found], self._record[rows], self._entry[rows], distances[found].astype(np.int32))

    def save(self, path: Path) -> None:
        """Write to ``path`` in one step: a crash leaves the old file or the new one."""
        self._compact()
        header = {
            "algorithm": self.algorithm.name,
            "bits": self.algorithm.bits,
            "spec": self.algorithm.spec,
            "change": self.change,
            "rows": len(self._record),
        }
        text = json.dumps(header).encode()
        digest = hashlib.blake2b(digest_size=_DIGEST)
        rows = np.empty(len(self._record), _row_type(self.algorithm))
        rows["record"], rows["entry"], rows["hash"] = self._record, self._entry, self._hashes()
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                for part in (_HEAD.pack(_MAGIC, _VERSION, len(text)), text, rows.data):
                    digest.update(part)
                    file.write(part)
                file.write(digest.digest())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    @classmethod
    def open(cls, path: Path, algorithm: AlgorithmId) -> FrameIndex:
        """Read what `save` wrote.

        Raises:
            DatabaseDamaged: the file is missing, cut short, changed, or of another algorithm or version; rebuild it.
        """
        try:
            data = path.read_bytes()
            if hashlib.blake2b(data[:-_DIGEST], digest_size=_DIGEST).digest() != data[-_DIGEST:]:
                raise ValueError("its checksum does not fit")
            magic, version, length = _HEAD.unpack_from(data)
            header = json.loads(data[_HEAD.size : _HEAD.size + length])
            if magic != _MAGIC or version != _VERSION or AlgorithmId(header["algorithm"], header["bits"], header["spec"]) != algorithm:
                raise ValueError("it is of another version or algorithm")
            rows = np.frombuffer(data, _row_type(algorithm), int(header["rows"]), _HEAD.size + length)
        except (OSError, ValueError, KeyError, struct.error) as error:
            raise DatabaseDamaged(f"the index {path} cannot be used: {error}") from error
        index = cls(algorithm)
        index._faiss.add(np.ascontiguousarray(rows["hash"]))
        index._record, index._entry = rows["record"].astype(np.int32), rows["entry"].astype(np.int32)
        index.change = int(header["change"])
        return index

    def _hashes(self) -> PackedHashes:
        if not self._faiss.ntotal:
            return np.zeros((0, self.algorithm.bytes), np.uint8)
        stored = self._faiss.xb  # type: ignore[attr-defined]  # FAISS's stubs lack it
        return np.asarray(faiss.vector_to_array(stored)).reshape(-1, self.algorithm.bytes)

    def _compact(self) -> None:
        if not self._gone:
            return
        kept = self._record != _GONE
        hashes = self._hashes()[kept]
        self._faiss.reset()
        self._faiss.add(np.ascontiguousarray(hashes))
        self._record, self._entry, self._gone = self._record[kept], self._entry[kept], 0


def _row_type(algorithm: AlgorithmId) -> np.dtype[np.void]:
    return np.dtype([("record", "<i4"), ("entry", "<i4"), ("hash", "u1", (algorithm.bytes,))])
