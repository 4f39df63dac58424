"""Search the hashes of frames within a Hamming radius: segments and memtable as one index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.kinds import FrameHashes, RecordRows
from vhashdb.index.layers import Layer, LayeredIndex, selected
from vhashdb.index.memtable import FrameMemtable
from vhashdb.index.permutation import PermutedHashes, permute
from vhashdb.index.planning import GLANCE, ProbeParams, Strategy, choose_strategy, strategy_in
from vhashdb.index.probing import search


@dataclass(frozen=True)
class Hits:
    """The stored hashes near query hashes, one hit each, in no particular order."""

    query: npt.NDArray[np.int64]
    """``(k,)`` index of the query hash."""
    record: npt.NDArray[np.int64]
    """``(k,)`` number of the record."""
    distance: npt.NDArray[np.int32]
    """``(k,)`` bits."""


class FrameIndex(LayeredIndex):
    """Search the hashes of many records. Safe while another thread adds, removes or replaces layers."""

    _memtable: FrameMemtable

    def __init__(self, algorithm: AlgorithmId, layers: Sequence[Layer] = (), change: int = 0, damaged: Iterable[int] = ()) -> None:
        super().__init__(FrameHashes(algorithm), layers, change, damaged)
        self.algorithm = algorithm

    def _new_memtable(self) -> FrameMemtable:
        return FrameMemtable(self.kind)

    def search(
        self,
        hashes: PackedHashes,
        radius: int,
        *,
        times: int = 1,
        where: npt.NDArray[np.bool_] | None = None,
        exact: bool = False,
        budget: float = 1.0,
    ) -> Hits:
        """Find stored hashes within ``radius`` bits of the hashes ``(n, bytes)`` uint8.

        Args:
            hashes: the query hashes.
            radius: bits.
            times: number of times of a video that they are of, for what is found by any of them; 1 if each hash has to be found.
            where: whether a record may be found, by its number; those beyond the end may not. None: all may.
            exact: scan linearly instead of probing tables. A search in a small index is exact in any case;
                see `vhashdb.index.planning` for the recall of others.
            budget: see `vhashdb.index.planning.choose_strategy`.

        Raises:
            IndexError: a segment is damaged.
        """
        radius = min(radius, self.algorithm.bits)
        with self._lock:  # the memtable must not change while FAISS searches it
            layers = self._layers
            record, hits = self._memtable.search(hashes, radius)
        found = [Hits(hits.query, record, hits.distance)]
        if layers and len(hashes):
            segments = [layer.segment.statistics for layer in layers]
            strategy = None if exact else choose_strategy(segments, self.algorithm.bits, radius, len(hashes), times, budget)
            queries = permute(hashes)
            found += [_in_layer(layer, queries, radius, strategy) for layer in layers]
        joined = Hits(*(np.concatenate([getattr(f, name) for f in found]) for name in ("query", "record", "distance")))
        return joined if where is None else _only(joined, where)

    def glance(
        self, hashes: PackedHashes, radius: int, params: ProbeParams = GLANCE, *, where: npt.NDArray[np.bool_] | None = None
    ) -> Hits:
        """Find some of the stored hashes within ``radius`` bits of tens of thousands of hashes, at a small cost for each.

        As `search`, but each table that ``params`` names is looked into once for each hash: what many of the hashes are near is found,
        not each pair.

        Raises:
            IndexError: a segment is damaged.
        """
        radius = min(radius, self.algorithm.bits)
        with self._lock:
            layers = self._layers
            record, hits = self._memtable.glance(hashes, radius, params)
        found = [Hits(hits.query, record, hits.distance)]
        if layers and len(hashes):
            queries = permute(hashes)
            found += [_in_layer(layer, queries, radius, params, planned=False) for layer in layers]
        joined = Hits(*(np.concatenate([getattr(f, name) for f in found]) for name in ("query", "record", "distance")))
        return joined if where is None else _only(joined, where)

    def confirms(self, record: RecordRows) -> bool:
        hits = self.search(record.values, 0)
        found = np.unique(hits.query[hits.record == record.record])
        return self.fingerprint(record.record) == record.fingerprint and len(found) == len(record)


def _in_layer(layer: Layer, queries: PermutedHashes, radius: int, strategy: Strategy, *, planned: bool = True) -> Hits:
    """Find what is near in one segment, without its deleted records; if ``planned``, by a scan where that costs less."""
    strategy = strategy_in(layer.segment.statistics, layer.segment.kind.bits, strategy) if planned and strategy else strategy
    hits = search(layer.segment, queries, radius, strategy)
    position = layer.segment.position_of(hits.row)
    live = ~layer.tombstones[position]
    return Hits(hits.query[live], layer.segment.records[position[live], 0], hits.distance[live])


def _only(hits: Hits, where: npt.NDArray[np.bool_]) -> Hits:
    """Keep the hits of records that may be found."""
    kept = selected(hits.record, where)
    return Hits(hits.query[kept], hits.record[kept], hits.distance[kept])
