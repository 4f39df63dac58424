"""Ask all shards of an index, and merge what they answer: exactly what one index of all records answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.cluster.shard import selection_to_send
from vhashdb.errors import IndexUnavailable
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.landmarks import BUDGET, MOST, Keys, LandmarkHits, blocks_of
from vhashdb.searcher import IndexParts, IndexState, LandmarkLookup, NearHashes, Sizes
from vhashdb.sound.fingerprint import KEY_BITS
from vhashdb.store import Selection, Store

_NO_HITS: Final = (np.zeros(0, np.uint32), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Answers:
    """What the shards that answered said, in their order."""

    change: int
    """The lowest change over them."""
    values: tuple[tuple[Any, ...], ...]
    missing: tuple[int, ...]
    """Numbers of the shards that did not answer."""
    shards: int
    """How many there are."""
    why: str = ""
    """Why the first of the missing ones did not answer."""


class Shards(Protocol):
    """All shards of one index, each by whichever of its replicas answers."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def ask(self, what: str, *arguments: Any) -> Answers:
        """Ask all of them one thing, by the name of the method of `IndexShard`."""
        ...


class ShardedSearcher:
    """Searches the shards of one database as one index; see `Searcher`. Safe from several threads."""

    def __init__(self, shards: Shards, store: Store, *, partial: bool = False, fresh: bool = True) -> None:
        """Search shards.

        Args:
            shards: what to ask.
            store: the records, whose last change says what an answer has to include.
            partial: answer without shards that are missing, and say so in the answer; else an answer without them is an error.
            fresh: require all that the store has when it is asked; else what the shards have seen is enough.
        """
        self._shards, self._store, self._partial, self._fresh = shards, store, partial, fresh
        self._seen = 0
        """The last change that an answer included."""
        self._counted: tuple[int, Sizes, int] | None = None
        """A change, and the sizes and the number of damaged records up to it, which a question asks for many times."""

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
        return self._near(hashes, radius, times, where, budget, at_least)

    def glance(
        self,
        hashes: PackedHashes,
        radius: int,
        *,
        quick: bool = False,  # noqa: ARG002  # shards look into all tables
        where: Selection | None = None,
        at_least: int = 0,
    ) -> NearHashes:
        return self._near(hashes, radius, None, where, 1.0, at_least)

    def _near(
        self, hashes: PackedHashes, radius: int, times: int | None, where: Selection | None, budget: float, at_least: int
    ) -> NearHashes:
        """Ask all shards; without ``times`` for a glance."""
        # The shards are of about the same size, so that each may spend the same share of what the question may cost.
        share = budget / self._shards.count
        answers = self._ask("near", np.ascontiguousarray(hashes), radius, selection_to_send(where), share, times, self._change(at_least))
        query, record, distance = _joined(answers.values, (*_NO_HITS, np.zeros(0, np.uint16)))
        return NearHashes(query.astype(np.int64), record, distance.astype(np.int32), answers.change, _unsearched(answers))

    def landmarks(
        self, keys: Keys, *, where: Selection | None = None, most: int = MOST, budget: int = BUDGET, at_least: int = 0
    ) -> LandmarkLookup:
        """Find landmarks by keys: first how many each shard has, which says which keys are answered, and then these, block by block.

        A record that is written in between may be in a block and not in the frequencies.
        """
        if (keys >> np.uint32(KEY_BITS)).any():
            raise ValueError(f"a key of a landmark has more than {KEY_BITS} bits")
        answers = self._ask("frequency", np.ascontiguousarray(keys), self._change(at_least))
        frequency = sum((counted for (counted,) in answers.values), np.zeros(len(keys), np.int64))
        blocks = list(blocks_of(frequency, most, budget))
        answered = frequency == 0
        for block in blocks:
            answered[block] = True
        hits = self._hits(keys, blocks, where, answers.change, answers.missing)
        return LandmarkLookup(frequency, answered, hits, answers.change, _unsearched(answers))

    def _hits(
        self, keys: Keys, blocks: Sequence[npt.NDArray[np.int64]], where: Selection | None, change: int, missing: tuple[int, ...]
    ) -> Iterator[LandmarkHits]:
        for block in blocks:
            answers = self._ask("look_up", keys[block], selection_to_send(where), change)
            if set(answers.missing) - set(missing):  # it was there when it said how many there are: this was to be whole
                raise IndexUnavailable(_unsearched(answers))
            query, record, landmark = _joined(answers.values, (*_NO_HITS, np.zeros(0, np.uint64)))
            yield LandmarkHits(block[query], record, landmark)

    def damaged(self, where: Selection | None = None) -> int:
        _, damaged = self._sizes()
        if where is None or not damaged:
            return damaged
        return sum(count for (count,) in self._ask("damaged", selection_to_send(where), self._change(0)).values)

    def sizes(self) -> Sizes:
        return self._sizes()[0]

    def _sizes(self) -> tuple[Sizes, int]:
        needed = max(self._change(0), self._seen)
        if self._counted is not None and self._counted[0] >= needed:
            return self._counted[1:]
        answers = self._ask("sizes", needed)
        hashes, landmarks, damaged = (sum(column) for column in zip((0, 0, 0), *answers.values, strict=True))
        if not answers.missing:
            self._counted = answers.change, Sizes(hashes, landmarks), damaged
        return Sizes(hashes, landmarks), damaged

    def parts(self) -> IndexParts:
        answers = self._shards.ask("sizes", 0)  # what a shard has at hand
        return IndexParts(answers.shards, tuple(number + 1 for number in answers.missing), _unsearched(answers))

    def states(self) -> tuple[IndexState, IndexState]:
        frames, sound = zip(*self._ask("states").values, strict=True)
        return _sum([state for state, _ in frames]), _sum([state for state, _ in sound])

    def problems(self) -> tuple[str | None, str | None]:
        frames, sound = zip(*self._ask("states").values, strict=True)
        return next((why for _, why in frames if why), None), next((why for _, why in sound if why), None)

    # -- inside --------------------------------------------------------------------------------

    def _change(self, at_least: int) -> int:
        return max(at_least, self._store.changes.last()) if self._fresh else at_least

    def _ask(self, what: str, *arguments: Any) -> Answers:
        answers = self._shards.ask(what, *arguments)
        if answers.missing and not (self._partial and answers.values):
            raise IndexUnavailable(_unsearched(answers))
        self._seen = max(self._seen, answers.change)
        return answers


def _joined(values: Sequence[tuple[Any, ...]], none: tuple[Any, ...]) -> list[npt.NDArray[Any]]:
    return [np.concatenate(columns) for columns in zip(none, *values, strict=True)]


def _unsearched(answers: Answers) -> str:
    """Say which shards are missing, in words; empty if none is."""
    if not answers.missing:
        return ""
    which = ", ".join(str(number + 1) for number in answers.missing)
    several = "shard" if len(answers.missing) == 1 else "shards"
    return f"{several} {which} of {answers.shards} of the index did not answer{f': {answers.why}' if answers.why else ''}"


def _sum(states: Sequence[IndexState]) -> IndexState:
    """Add up what is on several disks; it lags as far as the one that lags most."""
    columns = {name: sum(getattr(state, name) for state in states) for name in ("segments", "rows", "deleted", "bytes", "memtable")}
    return IndexState(manifest=0, lag=max((state.lag for state in states), default=0), **columns)
