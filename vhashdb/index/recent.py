"""The hashes that came last: few, in no segment yet, compared one by one by FAISS."""

from __future__ import annotations

from collections.abc import Iterable

import faiss
import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import PackedHashes
from vhashdb.index import threads
from vhashdb.index.segment import Part, RowHits


class Recent:
    """Hashes of a few records. Not safe to change while it is searched."""

    def __init__(self, bits: int, parts: Iterable[Part] = ()) -> None:
        self._faiss = faiss.IndexBinaryFlat(bits)
        self._parts: dict[int, Part] = {}
        self._record = np.zeros(0, np.int64)
        for part in parts:
            self.add(part)

    def __len__(self) -> int:
        """Hashes that can be found."""
        return sum(len(part.hashes) for part in self._parts.values())

    @property
    def parts(self) -> list[Part]:
        """What can be found, in the order in which it came."""
        return list(self._parts.values())

    def fingerprint(self, record: int) -> int | None:
        """The number of the fingerprint that a record can be found by, if it is in here."""
        part = self._parts.get(record)
        return None if part is None else part.fingerprint

    def add(self, part: Part) -> None:
        """Make a record's hashes findable that is not in here."""
        self._faiss.add(np.ascontiguousarray(part.hashes))
        self._record = np.concatenate((self._record, np.full(len(part.hashes), part.record, np.int64)))
        self._parts[part.record] = part

    def remove(self, record: int) -> None:
        """Take a record out, if it is in here."""
        if self._parts.pop(record, None) is not None:
            left, bits = self.parts, self._faiss.d
            self._faiss = faiss.IndexBinaryFlat(bits)
            self._record = np.repeat([p.record for p in left], [len(p.hashes) for p in left]).astype(np.int64)
            if left:
                self._faiss.add(np.concatenate([p.hashes for p in left]))

    def search(self, asked: PackedHashes, radius: int) -> tuple[npt.NDArray[np.int64], RowHits]:
        """The numbers of the records, and all pairs within ``radius`` bits of the asked hashes ``(n, bytes)`` uint8."""
        threads.for_pairs(len(asked) * len(self._record))
        # FAISS finds what is nearer than its radius, this what is not further.
        limits, distances, rows = self._faiss.range_search(np.ascontiguousarray(asked), radius + 1)
        query = np.repeat(np.arange(len(asked)), np.diff(limits.astype(np.int64)))
        return self._record[rows], RowHits(query, rows, distances.astype(np.int32))
