"""Search segments and memtable as one index, in which records can be added and removed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.manifest import StoredSegment
from vhashdb.index.memtable import Memtable
from vhashdb.index.permutation import PermutedHashes, permute
from vhashdb.index.planning import GLANCE, Strategy, choose_strategy, strategy_in
from vhashdb.index.segment import IndexSegment, RecordHashes


@dataclass(frozen=True)
class Hits:
    """The stored hashes near query hashes, one hit each, in no particular order."""

    query: npt.NDArray[np.int64]
    """``(k,)`` index of the query hash."""
    record: npt.NDArray[np.int64]
    """``(k,)`` number of the record."""
    distance: npt.NDArray[np.int32]
    """``(k,)`` bits."""


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

    @property
    def rows(self) -> int:
        """Number of hashes that can be found."""
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


class FrameIndex:
    """Search the frame hashes of many records. Safe while another thread adds, removes or replaces layers."""

    def __init__(self, algorithm: AlgorithmId, layers: Sequence[Layer] = (), change: int = 0, damaged: Iterable[int] = ()) -> None:
        self.algorithm = algorithm
        self.change = change
        """The last change of the store that is included."""
        self.damaged = frozenset(damaged)
        """Numbers of records that cannot be found, because their fingerprints are damaged."""
        self._lock = threading.Lock()
        self._layers = tuple(layers)
        self._memtable = Memtable(algorithm.bits)

    def __len__(self) -> int:
        """Count the hashes that can be found."""
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
    def memtable(self) -> list[RecordHashes]:
        """The records that are in no segment yet."""
        return self._memtable.records

    @property
    def memtable_hashes(self) -> int:
        """Number of hashes that are in no segment yet."""
        return len(self._memtable)

    def fingerprint(self, record: int) -> int | None:
        """Return the number of the fingerprint that a record can be found by; None if it cannot be found."""
        for layer in self._layers:
            if layer.holds(record):
                return int(layer.segment.records[layer.segment.positions[record], 1])
        return self._memtable.fingerprint(record)

    def add(self, record: RecordHashes) -> None:
        """Add the hashes of a record, in the place of those it had."""
        self.remove(record.record)
        if len(record.hashes):
            with self._lock:
                self._memtable.add(record)

    def remove(self, record: int) -> None:
        """Remove the hashes of a record; do nothing if there are none."""
        self.damaged -= {record}
        with self._lock:
            self._memtable.remove(record)
            if any(layer.holds(record) for layer in self._layers):
                self._layers = tuple(layer.without(record) if layer.holds(record) else layer for layer in self._layers)

    def add_damaged(self, record: int) -> None:
        """Note that a record should be found but cannot be, as its fingerprint is damaged."""
        self.damaged |= {record}

    def flush(self, layers: Sequence[Layer]) -> None:
        """Replace all layers and empty the memtable, whose hashes ``layers`` hold."""
        with self._lock:
            self._layers, self._memtable = tuple(layers), Memtable(self.algorithm.bits)

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

    def search(self, hashes: PackedHashes, radius: int, *, where: npt.NDArray[np.bool_] | None = None, exact: bool = False) -> Hits:
        """Find stored hashes within ``radius`` bits of the hashes ``(n, bytes)`` uint8.

        Args:
            hashes: the query hashes.
            radius: bits.
            where: whether a record may be found, by its number; those beyond the end may not. None: all may.
            exact: scan linearly instead of probing tables. A search in a small index is exact in any case;
                see `vhashdb.index.planning` for the recall of others.

        Raises:
            IndexError: a segment is damaged.
        """
        radius = min(radius, self.algorithm.bits)
        with self._lock:  # the memtable must not change while FAISS searches it
            layers = self._layers
            record, hits = self._memtable.search(hashes, radius)
        found = [Hits(hits.query, record, hits.distance)]
        if layers and len(hashes):
            segments = [layer.segment for layer in layers]
            strategy = None if exact else choose_strategy(segments, self.algorithm.bits, radius, len(hashes))
            queries = permute(hashes)
            found += [_in_layer(layer, queries, radius, strategy) for layer in layers]
        joined = Hits(*(np.concatenate([getattr(f, name) for f in found]) for name in ("query", "record", "distance")))
        return joined if where is None else _only(joined, where)

    def glance(self, hashes: PackedHashes, radius: int, *, where: npt.NDArray[np.bool_] | None = None) -> Hits:
        """Find some of the stored hashes within ``radius`` bits of tens of thousands of hashes, at a small cost for each.

        As `search`, but each table is looked into once for each hash: what many of the hashes are near is found, not each pair.

        Raises:
            IndexError: a segment is damaged.
        """
        radius = min(radius, self.algorithm.bits)
        with self._lock:
            layers = self._layers
            record, hits = self._memtable.glance(hashes, radius)
        found = [Hits(hits.query, record, hits.distance)]
        if layers and len(hashes):
            queries = permute(hashes)
            found += [_in_layer(layer, queries, radius, GLANCE, planned=False) for layer in layers]
        joined = Hits(*(np.concatenate([getattr(f, name) for f in found]) for name in ("query", "record", "distance")))
        return joined if where is None else _only(joined, where)


def _in_layer(layer: Layer, queries: PermutedHashes, radius: int, strategy: Strategy, *, planned: bool = True) -> Hits:
    """Find what is near in one segment, without its deleted records; if ``planned``, by a scan where that costs less."""
    strategy = strategy_in(layer.segment, layer.segment.bits, strategy) if planned and strategy else strategy
    hits = layer.segment.search(queries, radius, strategy)
    position = layer.segment.position_of(hits.row)
    live = ~layer.tombstones[position]
    return Hits(hits.query[live], layer.segment.records[position[live], 0], hits.distance[live])


def _only(hits: Hits, where: npt.NDArray[np.bool_]) -> Hits:
    """Keep the hits of records that may be found."""
    within = np.flatnonzero(hits.record < len(where))
    kept = within[where[hits.record[within]]]
    return Hits(hits.query[kept], hits.record[kept], hits.distance[kept])
