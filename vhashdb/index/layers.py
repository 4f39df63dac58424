"""Keep segments, tombstones and memtable as one index, in which records can be added and removed."""

from __future__ import annotations

import functools
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vhashdb.index.kinds import IndexKind, RecordRows
from vhashdb.index.manifest import StoredSegment
from vhashdb.index.memtable import Memtable
from vhashdb.index.segment import IndexSegment


@dataclass(frozen=True)
class Layer:
    """A segment with the tombstones of one index: its records that are deleted."""

    segment: IndexSegment
    tombstones: npt.NDArray[np.bool_]
    """``(m,)`` which of the segment's records are deleted."""
    stored: StoredSegment | None = None
    """Where the segment is on disk; None if it is in memory alone."""

    @classmethod
    def whole(cls, segment: IndexSegment, stored: StoredSegment | None = None) -> Layer:
        """Make a layer of a segment without tombstones."""
        return cls(segment, np.zeros(len(segment.records), np.bool_), stored)

    @functools.cached_property
    def rows(self) -> int:
        """Number of rows that can be found."""
        return int(self.segment.counts[~self.tombstones].sum())

    def without(self, record: int) -> Layer:
        """Return the layer with a tombstone for one of its records."""
        tombstones = self.tombstones.copy()
        tombstones[self.segment.positions[record]] = True
        return replace(self, tombstones=tombstones)

    def holds(self, record: int) -> bool:
        """Tell whether a record can be found in this layer."""
        position = self.segment.positions.get(record)
        return position is not None and not self.tombstones[position]

    @functools.cached_property
    def deleted_keys(self) -> npt.NDArray[np.uint32]:
        """``(d,)`` uint32, sorted: the keys in the first table of all deleted rows, as far as the table is sorted by them."""
        kind, bits = self.segment.kind, self.segment.kind.sorted_bits(self.segment.width)
        keys = [kind.keys(rows, 0, bits) for rows in self.segment.rows_of(self.tombstones)]
        return np.sort(np.concatenate([np.zeros(0, np.uint32), *keys]))


class LayeredIndex(ABC):
    """Hold the rows of many records. Safe while another thread adds, removes or replaces layers."""

    def __init__(self, kind: IndexKind, layers: Sequence[Layer], change: int, damaged: Iterable[int]) -> None:
        self.kind = kind
        self.change = change
        """The last change of the store that is included."""
        self.damaged = frozenset(damaged)
        """Numbers of records that cannot be found, because their fingerprints are damaged."""
        self._lock = threading.Lock()
        self._layers = tuple(layers)
        self._memtable: Memtable = self._new_memtable()

    @abstractmethod
    def _new_memtable(self) -> Memtable:
        """Make an empty memtable."""

    def __len__(self) -> int:
        """Count the rows that can be found."""
        return sum(layer.rows for layer in self._layers) + len(self._memtable)

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """``(m,)`` int64: the numbers of the records that can be found."""
        latest = np.array([each.record for each in self._memtable.records], np.int64)
        return np.concatenate([*(layer.segment.records[~layer.tombstones, 0] for layer in self._layers), latest])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All segments, with their tombstones."""
        return self._layers

    @property
    def memtable(self) -> list[RecordRows]:
        """The records that are in no segment yet."""
        return self._memtable.records

    @property
    def memtable_rows(self) -> int:
        """Number of rows that are in no segment yet."""
        return len(self._memtable)

    def fingerprint(self, record: int) -> int | None:
        """Return the number of the fingerprint that a record can be found by; None if it cannot be found."""
        for layer in self._layers:
            if layer.holds(record):
                return int(layer.segment.records[layer.segment.positions[record], 1])
        return self._memtable.fingerprint(record)

    def add(self, record: RecordRows) -> None:
        """Add the rows of a record, in the place of those it had."""
        self.remove(record.record)
        if len(record):
            with self._lock:
                self._memtable.add(record)

    def remove(self, record: int) -> None:
        """Remove the rows of a record; do nothing if there are none."""
        self.damaged -= {record}
        with self._lock:
            self._memtable.remove(record)
            if any(layer.holds(record) for layer in self._layers):
                self._layers = tuple(layer.without(record) if layer.holds(record) else layer for layer in self._layers)

    def add_damaged(self, record: int) -> None:
        """Note that a record should be found but cannot be, as its fingerprint is damaged."""
        self.damaged |= {record}

    def flush(self, layers: Sequence[Layer]) -> None:
        """Replace all layers and empty the memtable, whose rows ``layers`` hold."""
        with self._lock:
            self._layers, self._memtable = tuple(layers), self._new_memtable()

    def replace(self, old: Sequence[Layer], new: Sequence[Layer]) -> None:
        """Replace layers by ``new``, merged from ``old``; records that were removed in the meantime stay removed."""
        with self._lock:
            gone = {id(layer.segment): layer for layer in old}
            kept = [layer for layer in self._layers if id(layer.segment) not in gone]
            for layer in self._layers:
                if id(layer.segment) in gone:
                    since = layer.tombstones & ~gone[id(layer.segment)].tombstones
                    for record in layer.segment.records[since, 0].tolist():
                        new = [n.without(record) if n.holds(record) else n for n in new]
            self._layers = (*kept, *new)

    @abstractmethod
    def confirms(self, record: RecordRows) -> bool:
        """Tell whether some of a record's rows, or all, are found as rows of this record and nothing else is: what a check asks."""


def selected(records: npt.NDArray[np.int64], where: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which of the hits with these record numbers are of records that may be found, as ``where`` says by number: ``(k,)`` bool."""
    found = np.zeros(len(records), np.bool_)
    within = np.flatnonzero(records < len(where))
    found[within] = where[records[within]]
    return found
