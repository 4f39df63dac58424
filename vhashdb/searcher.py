"""What answers which records have hashes near some, or landmarks with some keys: the index of this process, or shards of it elsewhere.

Whoever asks knows a `Searcher` and nothing of where it searches. Each answer says the change of the store up to which it holds; what the
records are now (in force, selected, retracted) is read from the store afterwards, so that an older answer revives nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.errors import IndexUnavailable
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.landmarks import BUDGET, MOST, Keys, LandmarkHits
from vhashdb.store import Selection, Store

__all__ = ["IndexParts", "IndexState", "LandmarkLookup", "NearHashes", "Searcher", "SearcherOf", "Sizes"]


@dataclass(frozen=True)
class NearHashes:
    """The stored hashes near query hashes, one hit each, in no particular order."""

    query: npt.NDArray[np.int64]
    """``(k,)`` index of the query hash."""
    record: npt.NDArray[np.int64]
    """``(k,)`` number of the record."""
    distance: npt.NDArray[np.int32]
    """``(k,)`` bits."""
    change: int
    """The change of the store up to which this holds; what was written later may be in it or not."""
    unsearched: str = ""
    """What was not searched, in words; empty: everything was."""

    def require_complete(self) -> NearHashes:
        """Return this answer if everything was searched.

        Raises:
            IndexUnavailable: something was not.
        """
        if self.unsearched:
            raise IndexUnavailable(self.unsearched)
        return self


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
    change: int
    """The change of the store up to which this holds; what was written later may be in it or not."""
    unsearched: str = ""
    """What was not searched, in words; empty: everything was."""


@dataclass(frozen=True)
class Sizes:
    """What can be found."""

    hashes: int
    landmarks: int


@dataclass(frozen=True)
class IndexState:
    """What is on disk, and how far it lags behind the records."""

    manifest: int
    """Number of the manifest; 0: nothing is on disk yet, or there are several indexes with manifests of their own."""
    segments: int
    rows: int
    """Hashes or landmarks on disk, those of deleted records included."""
    deleted: int
    """Those of them whose records are deleted; merging segments frees their space."""
    bytes: int
    """Size of the segments on disk."""
    memtable: int
    """Hashes or landmarks that are in no segment on disk yet."""
    lag: int
    """Changes of the records that the manifest on disk does not include; 0 where no record has anything to index."""


@dataclass(frozen=True)
class IndexParts:
    """The parts that an index is divided into, and which of them do not answer at the moment."""

    count: int
    """How many there are: 1 of the index of one process, or the number of shards."""
    missing: tuple[int, ...] = ()
    """Numbers of those that do not answer, from 1 on."""
    unsearched: str = ""
    """What cannot be searched, in words; empty: everything can."""


class Searcher(Protocol):
    """Finds hashes and landmarks of the records of one database. Safe from several threads.

    ``at_least`` is a change of the store that an answer has to include, such as one that was just written. Without it an answer includes
    all that the store had when it was asked, unless the searcher was told to be content with less.
    An answer that cannot be had is an `IndexUnavailable`, or says what is missing in it (``unsearched``), and never looks like one in
    which nothing was found.
    """

    def near(
        self,
        hashes: PackedHashes,
        radius: int,
        *,
        times: int = 1,
        where: Selection | None = None,
        budget: float = 1.0,
        at_least: int = 0,
    ) -> NearHashes:
        """Find stored hashes within ``radius`` bits of the hashes ``(n, bytes)`` uint8.

        Args:
            hashes: the query hashes.
            radius: bits.
            times: number of times of a video that they are of, for what is found by any of them; 1 if each hash has to be found.
            where: which records may be found; None: all.
            budget: share of the work that one search may cost at most (`vhashdb.index.planning`).
            at_least: the change that the answer has to include.

        Raises:
            IndexUnavailable: nothing can be said.
        """
        ...

    def glance(
        self, hashes: PackedHashes, radius: int, *, quick: bool = False, where: Selection | None = None, at_least: int = 0
    ) -> NearHashes:
        """Find some of what is within ``radius`` bits of tens of thousands of hashes; see `FrameIndex.glance`.

        With ``quick`` some of the tables are enough, for what is near at several of the hashes.
        """
        ...

    def landmarks(
        self, keys: Keys, *, where: Selection | None = None, most: int = MOST, budget: int = BUDGET, at_least: int = 0
    ) -> LandmarkLookup:
        """Find all landmarks that have one of some keys, as far as the keys are not too frequent.

        The answer is exact for each key that is answered: every landmark with it, of every record that can be matched and that
        ``where`` selects, with the record and the word as it is stored, and nothing else. Keys are answered from the rarest on, for
        as long as the landmarks that have them are no more than ``budget`` together.

        Args:
            keys: ``(n,)`` uint32. A key that is asked twice is answered twice, or not at all, and counts twice for the budget.
            where: which records may be found; None: all. Others count for ``most`` and ``budget`` all the same.
            most: landmarks above which a key is not answered: a stop landmark.
            budget: landmarks to read at most, which bounds the time. Memory is bounded in any case, by the size of a block.
            at_least: the change that the answer has to include.

        Raises:
            ValueError: a key has more than 24 bits.
            IndexUnavailable: nothing can be said.
        """
        ...

    def damaged(self, where: Selection | None = None) -> int:
        """Count the records, of those selected, that could not be found for the last answer because their fingerprints are damaged."""
        ...

    def sizes(self) -> Sizes:
        """Count the hashes and landmarks that can be found."""
        ...

    def parts(self) -> IndexParts:
        """Ask each part of the index whether it answers.

        Raises:
            IndexUnavailable: there is none at all.
        """
        ...

    def states(self) -> tuple[IndexState, IndexState]:
        """Describe the index of hashes and that of landmarks on disk."""
        ...

    def problems(self) -> tuple[str | None, str | None]:
        """Say of both why they could not be used and were made again from the records, if so."""
        ...


class SearcherOf(Protocol):
    """Makes what searches a database, given its records: `vhashdb.cluster.connect` returns one."""

    def __call__(self, store: Store, /) -> Searcher: ...
