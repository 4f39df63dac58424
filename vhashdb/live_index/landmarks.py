"""Look up the landmarks of sound of one database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vhashdb.index.landmarks import BUDGET, MOST, Keys, LandmarkHits, LandmarkIndex, LandmarkSnapshot, blocks_of
from vhashdb.live_index.reader import IndexReader
from vhashdb.searcher import LandmarkLookup
from vhashdb.store import Selection, Store
from vhashdb.store.changes import EVERYTHING, Share


class LandmarkReader(IndexReader[LandmarkIndex]):
    """Keep the index of landmarks equal to the store, and look keys up in it. Safe from several threads."""

    def __init__(self, path: Path, store: Store, share: Share = EVERYTHING) -> None:
        super().__init__(path, store, LandmarkIndex, share)

    def landmarks(self, keys: Keys, *, where: Selection | None = None, most: int = MOST, budget: int = BUDGET) -> LandmarkLookup:
        """Find all landmarks that have one of some keys, as far as the keys are not too frequent; see `Searcher.landmarks`.

        All blocks are of the index as it is when this returns; only if damage comes to light later, the blocks that remain are of the
        index as it is rebuilt then.
        """
        snapshot, frequency = self._ask(lambda index, _: _counted(index.snapshot(), keys), None)
        blocks = list(blocks_of(frequency, most, budget))
        answered = frequency == 0
        for block in blocks:
            answered[block] = True
        hits = self._hits(snapshot, keys, blocks, where, self._allowed(where, snapshot.change))
        return LandmarkLookup(frequency, answered, hits, snapshot.change)

    def frequency(self, keys: Keys, *, at_least: int | None = None) -> tuple[npt.NDArray[np.int64], int]:
        """Count the landmarks ``(n,)`` int64 that have each of some keys; with the change of the store up to which this holds."""
        return self._ask(lambda index, change: (index.snapshot().frequency(keys), change), at_least)

    def look_up(self, keys: Keys, *, where: Selection | None = None, at_least: int | None = None) -> tuple[LandmarkHits, int]:
        """Find all landmarks that have one of some keys, however many; with the change of the store up to which this holds."""
        return self._ask(lambda index, change: (index.snapshot().look_up(keys, where=self._allowed(where, change)), change), at_least)

    def _hits(
        self,
        snapshot: LandmarkSnapshot,
        keys: Keys,
        blocks: Sequence[npt.NDArray[np.int64]],
        where: Selection | None,
        allowed: npt.NDArray[np.bool_] | None,
    ) -> Iterator[LandmarkHits]:
        for block in blocks:
            try:
                hits = snapshot.look_up(keys[block], where=allowed)
            except IndexError:  # as in `_ask`, but what was handed out is not taken back
                self.rebuild("its tables are damaged")
                snapshot = self.current.snapshot()
                allowed = self._allowed(where, snapshot.change)
                hits = snapshot.look_up(keys[block], where=allowed)
            yield LandmarkHits(block[hits.query], hits.record, hits.landmark)


def _counted(snapshot: LandmarkSnapshot, keys: Keys) -> tuple[LandmarkSnapshot, npt.NDArray[np.int64]]:
    return snapshot, snapshot.frequency(keys)
