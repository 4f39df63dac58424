"""Look up landmarks of sound by their keys, exactly, in segments and memtable as one index.

The rows of one key stand together in a segment's table (`vhashdb.index.segment`), so how many there are is known before any is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.index.kinds import KEY_SHIFT, Landmarks, RecordRows
from vhashdb.index.layers import Layer, LayeredIndex, selected
from vhashdb.index.memtable import Memtable
from vhashdb.index.segment import IndexSegment
from vhashdb.sound.fingerprint import KEY_BITS

MOST: Final = 1 << 14
"""Landmarks of one key above which it is a stop landmark. Engineering bound: sixteen times as many as a key has on average among a
billion landmarks of a million keys."""
BUDGET: Final = 1 << 23
"""Landmarks that a lookup reads. Engineering bound: on the time of an answer, which `bench.landmarks` measures."""
BLOCK: Final = 1 << 18
"""Hits that are handed out together. Engineering bound: on memory, 16 MB with what is needed to find them."""
_SMALL: Final = 1 << 18
"""Rows up to which the keys of a segment are held in memory, in order: reading each where it lies takes several times as long.
Engineering bound: 1 MB."""
_CHECKED: Final = 16
"""Keys of a record that a check looks up. Engineering bound: each of them may have thousands of landmarks."""

Keys = npt.NDArray[np.uint32]
"""Array of shape ``(n,)``, dtype uint32: keys of landmarks, of `KEY_BITS` bits."""
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LandmarkHits:
    """The stored landmarks with the keys that were asked, one hit each, in no particular order."""

    query: npt.NDArray[np.int64]
    """``(k,)`` index of the asked key."""
    record: npt.NDArray[np.int64]
    """``(k,)`` number of the record."""
    landmark: npt.NDArray[np.uint64]
    """``(k,)`` the landmark as it is stored."""


@dataclass(frozen=True)
class LandmarkSnapshot:
    """All landmarks of an index at one moment."""

    layers: tuple[Layer, ...]
    change: int
    """The last change of the store that is included."""

    def frequency(self, keys: Keys) -> npt.NDArray[np.int64]:
        """Count the landmarks ``(n,)`` int64 that have each of some keys; no landmark is read for it.

        Raises:
            IndexError: a segment is damaged.
        """
        # Neighbours of landmarks are often the same, and keys in order read what lies side by side.
        different, place = np.unique(keys, return_inverse=True)
        total = np.zeros(len(different), np.int64)
        for layer in self.layers:
            first, end = _range(layer.segment, different)
            total += end - first
            if len(deleted := layer.deleted_keys):
                total -= np.searchsorted(deleted, different, side="right") - np.searchsorted(deleted, different, side="left")
        return total[place]

    def look_up(self, keys: Keys, *, where: npt.NDArray[np.bool_] | None = None) -> LandmarkHits:
        """Find all landmarks that have one of some keys; a key that is asked twice has its hits twice.

        Args:
            keys: what to look up.
            where: whether a record may be found, by its number; those beyond the end may not. None: all may.

        Raises:
            IndexError: a segment is damaged.
        """
        found = [_in_layer(layer, keys, where) for layer in self.layers]
        none = LandmarkHits(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint64))
        return LandmarkHits(*(np.concatenate([getattr(f, name) for f in (none, *found)]) for name in ("query", "record", "landmark")))


class LandmarkIndex(LayeredIndex):
    """Look up the landmarks of many records. Safe while another thread adds, removes or replaces layers."""

    def __init__(self, layers: Sequence[Layer] = (), change: int = 0, damaged: Iterable[int] = ()) -> None:
        super().__init__(Landmarks(), layers, change, damaged)

    def _new_memtable(self) -> Memtable:
        return Memtable(self.kind)

    def snapshot(self) -> LandmarkSnapshot:
        """Return what can be found now, which later changes of the index leave as it is."""
        with self._lock:
            latest = self._memtable.segment()
            return LandmarkSnapshot(self._layers if latest is None else (*self._layers, Layer.whole(latest)), self.change)

    def confirms(self, record: RecordRows) -> bool:
        snapshot, keys = self.snapshot(), np.unique(self.kind.keys(self.kind.rows_of(record.values), 0, KEY_BITS))
        keys = keys[snapshot.frequency(keys) <= MOST]  # else memory would have no bound
        asked = keys[np.linspace(0, len(keys) - 1, min(_CHECKED, len(keys))).astype(np.int64)]
        hits = snapshot.look_up(asked)
        expected = record.values[np.isin(record.values >> KEY_SHIFT, asked)]
        found = hits.landmark[hits.record == record.record]
        return self.fingerprint(record.record) == record.fingerprint and np.array_equal(np.sort(found), np.sort(expected))


def blocks_of(frequency: npt.NDArray[np.int64], most: int, budget: int) -> Iterator[npt.NDArray[np.int64]]:
    """Choose which keys to look up, by index, and in what parts: the rarest first, as they say most.

    Args:
        frequency: ``(n,)`` int64, how many landmarks have each key.
        most: landmarks of one key above which it is left out.
        budget: landmarks of all chosen keys.
    """
    order = np.argsort(frequency, kind="stable")
    order = order[frequency[order] > 0]
    total = np.cumsum(frequency[order])
    order = order[(frequency[order] <= most) & (total <= budget)]
    total = total[: len(order)]
    start = 0
    while start < len(order):  # as many keys as have a block of landmarks, and one at least
        done = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + BLOCK, side="right")))
        yield order[start:stop]
        start = stop


def _in_layer(layer: Layer, keys: Keys, where: npt.NDArray[np.bool_] | None) -> LandmarkHits:
    """Find the landmarks of one segment, without those of deleted records and of records that may not be found."""
    segment = layer.segment
    different, which = np.unique(keys, return_inverse=True)
    first, end = (found[which] for found in _range(segment, different))
    count = end - first
    place = np.repeat(first - (np.cumsum(count) - count), count)
    place += np.arange(len(place))
    query = np.repeat(np.arange(len(keys)), count)
    row = segment.tables[0][place].astype(np.int64)
    landmark = segment.words[:, 0][row]
    if (landmark >> KEY_SHIFT != keys[query]).any():
        raise IndexError("a table is not sorted by its keys")
    position = segment.position_of(row)
    record = segment.records[:, 0][position]
    kept = ~layer.tombstones[position] if layer.tombstones.any() else None
    if where is not None:
        kept = selected(record, where) if kept is None else kept & selected(record, where)
    return LandmarkHits(query, record, landmark) if kept is None else LandmarkHits(query[kept], record[kept], landmark[kept])


def _range(segment: IndexSegment, keys: Keys) -> tuple[Places, Places]:
    """Return where in the table the rows of each key begin and end, for keys in order, none of which is there twice."""
    if len(keys) and keys[-1] >> KEY_BITS:
        raise ValueError(f"a key of a landmark has more than {KEY_BITS} bits")
    if segment.rows > _SMALL:
        return _range_in_buckets(segment, keys)
    first, end = (np.searchsorted(segment.keys_in_order, keys, side=side) for side in ("left", "right"))
    if (first > end).any():
        raise IndexError("a table is not sorted by its keys")
    return first, end


def _range_in_buckets(segment: IndexSegment, keys: Keys) -> tuple[Places, Places]:
    """Do the same where only the beginnings of buckets are at hand."""
    rest = np.uint32(KEY_BITS - segment.width)
    prefix = (keys >> rest).astype(np.int64)
    begins = segment.begins[0]
    first, end = begins[prefix].astype(np.int64), begins[prefix + 1].astype(np.int64)
    if (end > segment.rows).any() or (first > end).any():
        raise IndexError("a bucket ends before it begins")
    first = _lower_bound(segment, first, end, keys)
    # Where a key would begin another is, as a rule: the end is searched for only where it is there.
    there = np.flatnonzero(first < end)
    there = there[segment.words[:, 0][segment.tables[0][first[there]]] >> KEY_SHIFT == keys[there]]
    last = first.copy()
    last[there] = _lower_bound(segment, first[there], end[there], keys[there] + np.uint32(1))
    return first, last


def _lower_bound(segment: IndexSegment, low: Places, high: Places, keys: Keys) -> Places:
    """Return the first place from ``low`` on, and before ``high``, whose row has a key not below the given one; else ``high``."""
    low, high = low.copy(), high.copy()
    table, rows = segment.tables[0], segment.words[:, 0]
    while len(open := np.flatnonzero(low < high)):
        middle = (low[open] + high[open]) >> 1
        below = rows[table[middle]] >> KEY_SHIFT < keys[open]
        low[open[below]] = middle[below] + 1
        high[open[~below]] = middle[~below]
    return low
