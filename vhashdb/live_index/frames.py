"""Search the hashes of frames of one database."""

from __future__ import annotations

import functools
from pathlib import Path

from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.frames import FrameIndex
from vhashdb.index.planning import GLANCE, QUICK_GLANCE
from vhashdb.live_index.reader import IndexReader
from vhashdb.searcher import NearHashes
from vhashdb.store import Selection, Store
from vhashdb.store.changes import EVERYTHING, Share


class FrameReader(IndexReader[FrameIndex]):
    """Keep the index of hashes equal to the store, and search it. Safe from several threads."""

    def __init__(self, path: Path, store: Store, algorithm: AlgorithmId, share: Share = EVERYTHING) -> None:
        super().__init__(path, store, functools.partial(FrameIndex, algorithm), share)

    def near(
        self,
        hashes: PackedHashes,
        radius: int,
        *,
        times: int = 1,
        where: Selection | None = None,
        budget: float = 1.0,
        at_least: int | None = None,
    ) -> NearHashes:
        """Find stored hashes within ``radius`` bits of some; see `Searcher.near`, and `IndexReader.including` for ``at_least``."""

        def ask(index: FrameIndex, change: int) -> NearHashes:
            hits = index.search(hashes, radius, times=times, where=self._allowed(where, change), budget=budget)
            return NearHashes(hits.query, hits.record, hits.distance, change)

        return self._ask(ask, at_least)

    def glance(
        self, hashes: PackedHashes, radius: int, *, quick: bool = False, where: Selection | None = None, at_least: int | None = None
    ) -> NearHashes:
        """Find some of what is within ``radius`` bits of tens of thousands of hashes; see `FrameIndex.glance`."""

        def ask(index: FrameIndex, change: int) -> NearHashes:
            hits = index.glance(hashes, radius, QUICK_GLANCE if quick else GLANCE, where=self._allowed(where, change))
            return NearHashes(hits.query, hits.record, hits.distance, change)

        return self._ask(ask, at_least)
