"""Hold the latest hashes, which are in no segment yet, and scan them with FAISS."""

from __future__ import annotations

import faiss
import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.permutation import SUBSTRING_BITS, permute
from vhashdb.index.planning import GLANCE
from vhashdb.index.segment import IndexSegment, RecordHashes, RowHits, build, limit_threads


class Memtable:
    """Hold the hashes of a few records in memory. Not safe to change while it is searched."""

    def __init__(self, bits: int) -> None:
        self._faiss = faiss.IndexBinaryFlat(bits)
        self._records: dict[int, RecordHashes] = {}
        self._record_of_row = np.zeros(0, np.int64)
        self._tables: IndexSegment | None = None

    def __len__(self) -> int:
        """Count the hashes in the memtable."""
        return sum(len(each.hashes) for each in self._records.values())

    @property
    def records(self) -> list[RecordHashes]:
        """The records in the order in which they were added."""
        return list(self._records.values())

    def fingerprint(self, record: int) -> int | None:
        """Return the number of the fingerprint that a record's hashes are from; None if the record is not in here."""
        held = self._records.get(record)
        return None if held is None else held.fingerprint

    def add(self, record: RecordHashes) -> None:
        """Add the hashes of a record that is not in here yet."""
        self._tables = None
        self._faiss.add(np.ascontiguousarray(record.hashes))
        self._record_of_row = np.concatenate((self._record_of_row, np.full(len(record.hashes), record.record, np.int64)))
        self._records[record.record] = record

    def remove(self, record: int) -> None:
        """Remove a record; do nothing if it is not in here."""
        if self._records.pop(record, None) is not None:
            self._tables = None
            left, bits = self.records, self._faiss.d
            self._faiss = faiss.IndexBinaryFlat(bits)
            self._record_of_row = np.repeat([each.record for each in left], [len(each.hashes) for each in left]).astype(np.int64)
            if left:
                self._faiss.add(np.concatenate([each.hashes for each in left]))

    def search(self, queries: PackedHashes, radius: int) -> tuple[npt.NDArray[np.int64], RowHits]:
        """Find all pairs within ``radius`` bits of the hashes ``(n, bytes)`` uint8: the record of each hit, and the hits."""
        limit_threads(len(queries) * len(self._record_of_row))
        # FAISS finds distances below its radius; ours is inclusive.
        limits, distances, rows = self._faiss.range_search(np.ascontiguousarray(queries), radius + 1)
        query = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
        return self._record_of_row[rows], RowHits(query, rows, distances.astype(np.int32))

    def glance(self, queries: PackedHashes, radius: int) -> tuple[npt.NDArray[np.int64], RowHits]:
        """As `search`, for very many hashes of which few need be found: by tables made for it, as in a segment."""
        if not len(self):
            return self.search(queries, radius)
        if self._tables is None:
            self._tables = build(self.records, self._faiss.d, width=SUBSTRING_BITS)
        hits = self._tables.search(permute(queries), radius, GLANCE)
        return self._tables.records[self._tables.position_of(hits.row), 0], hits
