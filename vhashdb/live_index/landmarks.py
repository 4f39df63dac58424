"""Look up the landmarks of sound of one database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vhashdb.index.landmarks import BUDGET, MOST, Keys, LandmarkHits, LandmarkIndex, LandmarkSnapshot, blocks_of
from vhashdb.live_index.reader import IndexReader
from vhashdb.store import Selection, Store


@dataclass(frozen=True)
class LandmarkLookup:
    """What is known of some keys at once, and their landmarks one block after the other."""

    frequency: npt.NDArray[np.int64]
    """``(n,)`` int64: how many landmarks of all records have each key, whichever records may be found."""
    answered: npt.NDArray[np.bool_]
    """``(n,)`` bool: which keys have all their landmarks in `hits`, if there are any. Of the others none are."""
    hits: Iterator[LandmarkHits]
    """Everything that was found, each hit once, the rarest keys first. A block has all hits of some keys; it is read when it is asked
    for, and can be had once."""


class LandmarkReader(IndexReader[LandmarkIndex]):
    """Keep the index of landmarks equal to the store, and look keys up in it. Safe from several threads."""

    def __init__(self, path: Path, store: Store) -> None:
        super().__init__(path, store, LandmarkIndex)

    def landmarks(self, keys: Keys, *, where: Selection | None = None, most: int = MOST, budget: int = BUDGET) -> LandmarkLookup:
        """Find all landmarks that have one of some keys, as far as the keys are not too frequent.

        The answer is exact for each key that is answered: every landmark with it, of every record that can be matched and that
        ``where`` selects, with the record and the word as it is stored, and nothing else. Keys are answered from the rarest on, for
        as long as the landmarks that have them are no more than ``budget`` together. All blocks are of the index as it is when this
        returns; only if damage comes to light later, the blocks that remain are of the index as it is rebuilt then.

        Args:
            keys: ``(n,)`` uint32. A key that is asked twice is answered twice, or not at all, and counts twice for the budget.
            where: which records may be found; None: all. Others count for ``most`` and ``budget`` all the same.
            most: landmarks above which a key is not answered: a stop landmark.
            budget: landmarks to read at most, which bounds the time. Memory is bounded in any case, by the size of a block.

        Raises:
            ValueError: a key has more than 24 bits.
        """
        snapshot, frequency = self._ask(lambda index: _counted(index.snapshot(), keys))
        blocks = list(blocks_of(frequency, most, budget))
        answered = frequency == 0
        for block in blocks:
            answered[block] = True
        return LandmarkLookup(frequency, answered, self._hits(snapshot, keys, blocks, where, self._allowed(where, snapshot.change)))

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
