"""Hold the latest rows, which are in no segment on disk yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.kinds import IndexKind, RecordRows
from vhashdb.index.permutation import SUBSTRING_BITS, permute
from vhashdb.index.planning import ProbeParams
from vhashdb.index.probing import RowHits, limit_threads, search
from vhashdb.index.segment import IndexSegment, build

if TYPE_CHECKING:
    import faiss


class Memtable:
    """Hold the rows of a few records in memory. Not safe to change while it is searched."""

    def __init__(self, kind: IndexKind) -> None:
        self.kind = kind
        self._records: dict[int, RecordRows] = {}
        self._segment: IndexSegment | None = None

    def __len__(self) -> int:
        """Count the rows in the memtable."""
        return sum(len(each) for each in self._records.values())

    @property
    def records(self) -> list[RecordRows]:
        """The records in the order in which they were added."""
        return list(self._records.values())

    def fingerprint(self, record: int) -> int | None:
        """Return the number of the fingerprint that a record's rows are from; None if the record is not in here."""
        held = self._records.get(record)
        return None if held is None else held.fingerprint

    def add(self, record: RecordRows) -> None:
        """Add the rows of a record that is not in here yet."""
        self._segment = None
        self._records[record.record] = record

    def remove(self, record: int) -> bool:
        """Remove a record; False if it is not in here."""
        if self._records.pop(record, None) is None:
            return False
        self._segment = None
        return True

    def segment(self) -> IndexSegment | None:
        """Return everything in here as a segment, which is made once; None if there is nothing."""
        if self._segment is None and self._records:
            self._segment = build(self.records, self.kind, width=SUBSTRING_BITS)
        return self._segment


class FrameMemtable(Memtable):
    """Hold the hashes of a few records, and scan them with FAISS."""

    def __init__(self, kind: IndexKind) -> None:
        super().__init__(kind)
        self._faiss = _flat(kind.bits)
        self._record_of_row = np.zeros(0, np.int64)

    def add(self, record: RecordRows) -> None:
        super().add(record)
        self._faiss.add(np.ascontiguousarray(record.values))
        self._record_of_row = np.concatenate((self._record_of_row, np.full(len(record), record.record, np.int64)))

    def remove(self, record: int) -> bool:
        removed = super().remove(record)
        if removed:
            left = self.records
            self._faiss = _flat(self.kind.bits)
            self._record_of_row = np.repeat([each.record for each in left], [len(each) for each in left]).astype(np.int64)
            if left:
                self._faiss.add(np.concatenate([each.values for each in left]))
        return removed

    def search(self, queries: PackedHashes, radius: int) -> tuple[npt.NDArray[np.int64], RowHits]:
        """Find all pairs within ``radius`` bits of the hashes ``(n, bytes)`` uint8: the record of each hit, and the hits."""
        limit_threads(len(queries) * len(self._record_of_row))
        # FAISS finds distances below its radius; ours is inclusive.
        limits, distances, rows = self._faiss.range_search(np.ascontiguousarray(queries), radius + 1)
        query = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
        return self._record_of_row[rows], RowHits(query, rows, distances.astype(np.int32))

    def glance(self, queries: PackedHashes, radius: int, params: ProbeParams) -> tuple[npt.NDArray[np.int64], RowHits]:
        """As `search`, for very many hashes of which few need be found: by tables made for it, as in a segment."""
        segment = self.segment()
        if segment is None or not len(queries):
            return self.search(queries, radius)
        hits = search(segment, permute(queries), radius, params)
        return segment.records[segment.position_of(hits.row), 0], hits


def _flat(bits: int) -> faiss.IndexBinaryFlat:
    import faiss  # not where nothing is searched

    return faiss.IndexBinaryFlat(bits)
