"""Search the hashes of frames of one database."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.frames import FrameIndex, Hits
from vhashdb.index.planning import GLANCE, ProbeParams
from vhashdb.live_index.reader import IndexReader
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import Candidates, Source, retrieve
from vhashdb.store import Selection, Store
from vhashdb.store.sources import sources
from vhashdb.store.videos import editions_of


class FrameReader(IndexReader[FrameIndex]):
    """Keep the index of hashes equal to the store, and search it. Safe from several threads."""

    def __init__(self, path: Path, store: Store, algorithm: AlgorithmId) -> None:
        super().__init__(path, store, functools.partial(FrameIndex, algorithm))

    def candidates(self, query: Fingerprint, radius_bits: float, config: MatchingConfig, where: Selection | None = None) -> Candidates:
        """Find records with a hash near the query's, best first.

        Args:
            query: what is searched for.
            radius_bits: bits within which a hash is near.
            config: thresholds of matching.
            where: which records may be found; None: all.
        """
        return self._ask(
            lambda index: retrieve(
                query, index, radius_bits, config,
                where=self._allowed(where, index.change), sources=self.sources, editions=self.editions,
            )
        )  # fmt: skip

    def glance(self, hashes: PackedHashes, radius_bits: float, where: Selection | None = None, *, params: ProbeParams = GLANCE) -> Hits:
        """Find some of what is within ``radius_bits`` of tens of thousands of hashes; see `FrameIndex.glance`."""
        return self._ask(lambda index: index.glance(hashes, round(radius_bits), params, where=self._allowed(where, index.change)))

    def sources(self, numbers: Sequence[int]) -> Mapping[int, Source]:
        """Return where records come from, by number."""
        return sources(self.store, numbers)

    def editions(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """Return the edition that each record is a copy of, by number, as far as it is grouped."""
        with self.store.transactions.reading() as connection:
            return editions_of(connection, numbers)
