"""The index: which stored hashes are near a given one, over all segments and what came last."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.dealing import deal
from vhashdb.index.folder import StoredSegment
from vhashdb.index.planning import Keys, cheapest, plan
from vhashdb.index.recent import Recent
from vhashdb.index.segment import Part, Segment


@dataclass(frozen=True)
class Hits:
    """Stored hashes near the asked ones, one row each, in no particular order."""

    query: npt.NDArray[np.int64]
    """``(k,)`` which of the asked hashes."""
    record: npt.NDArray[np.int64]
    """``(k,)`` the number of the record."""
    distance: npt.NDArray[np.int32]
    """``(k,)`` bits."""


@dataclass(frozen=True)
class Layer:
    """A segment as one index sees it."""

    segment: Segment
    removed: npt.NDArray[np.bool_]
    """``(m,)`` which of its records no longer count."""
    stored: StoredSegment | None = None
    """Where it is on disk, if it is."""

    @property
    def rows(self) -> int:
        """Hashes that can be found."""
        return int(self.segment.counts[~self.removed].sum())

    def without(self, record: int) -> Layer:
        """The same without one of its records."""
        removed = self.removed.copy()
        removed[self.segment.positions[record]] = True
        return replace(self, removed=removed)

    def holds(self, record: int) -> bool:
        """Whether a record can be found in here."""
        position = self.segment.positions.get(record)
        return position is not None and not self.removed[position]


class FrameIndex:
    """Frame hashes of many records. Searching is safe while another thread adds, removes or puts other layers in."""

    def __init__(self, algorithm: AlgorithmId, layers: Sequence[Layer] = (), change: int = 0, damaged: Iterable[int] = ()) -> None:
        self.algorithm = algorithm
        self.change = change
        """The last change of the store that is in here."""
        self.damaged = frozenset(damaged)
        """Numbers of records that cannot be found, because their fingerprints are damaged."""
        self._lock = threading.Lock()
        self._layers = tuple(layers)
        self._recent = Recent(algorithm.bits)

    def __len__(self) -> int:
        """Hashes that can be found."""
        return sum(layer.rows for layer in self._layers) + len(self._recent)

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """``(m,)`` the numbers of the records that can be found."""
        recent = np.array([part.record for part in self._recent.parts], np.int64)
        return np.concatenate([*(layer.segment.records[~layer.removed, 0] for layer in self._layers), recent])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All segments."""
        return self._layers

    @property
    def recent(self) -> list[Part]:
        """What is in no segment yet."""
        return self._recent.parts

    def fingerprint(self, record: int) -> int | None:
        """The number of the fingerprint that a record can be found by; None if it cannot be found."""
        for layer in self._layers:
            if layer.holds(record):
                return int(layer.segment.records[layer.segment.positions[record], 1])
        return self._recent.fingerprint(record)

    def add(self, part: Part) -> None:
        """Make a record's hashes findable, and no others of it."""
        self.remove(part.record)
        if len(part.hashes):
            with self._lock:
                self._recent.add(part)

    def remove(self, record: int) -> None:
        """Make a record's hashes unfindable; no error if there are none."""
        self.damaged -= {record}
        with self._lock:
            self._recent.remove(record)
            if any(layer.holds(record) for layer in self._layers):
                self._layers = tuple(layer.without(record) if layer.holds(record) else layer for layer in self._layers)

    def add_damaged(self, record: int) -> None:
        """Note that a record ought to be found, and cannot be."""
        self.damaged |= {record}

    def freeze(self, layers: Sequence[Layer]) -> None:
        """Put these in the place of all layers there were and of what came last, which they hold."""
        with self._lock:
            self._layers, self._recent = tuple(layers), Recent(self.algorithm.bits)

    def swap(self, old: Sequence[Layer], new: Sequence[Layer]) -> None:
        """Put ``new``, made of the segments of ``old``, in their place; what was removed in the meantime stays removed."""
        with self._lock:
            gone = {id(layer.segment): layer for layer in old}
            kept = [layer for layer in self._layers if id(layer.segment) not in gone]
            for layer in self._layers:
                if id(layer.segment) in gone:
                    since = layer.removed & ~gone[id(layer.segment)].removed
                    for record in layer.segment.records[since, 0].tolist():
                        new = [n.without(record) if n.holds(record) else n for n in new]
            self._layers = (*kept, *new)

    def search(self, hashes: PackedHashes, radius: int, *, among: npt.NDArray[np.bool_] | None = None, exact: bool = False) -> Hits:
        """What is within ``radius`` bits of the hashes ``(n, bytes)`` uint8.

        Args:
            hashes: what is searched for.
            radius: bits.
            among: by number, whether a record counts, as those do not whose number is beyond its end; None: all of them.
            exact: compare with everything instead of looking keys up. A search in a small index is exact in any case;
                see `vhashdb.index.planning` for what others find.

        Raises:
            IndexError: a segment is damaged.
        """
        radius = min(radius, self.algorithm.bits)
        with self._lock:  # what came last must not change while FAISS is in it
            layers = self._layers
            record, hits = self._recent.search(hashes, radius)
        found = [Hits(hits.query, record, hits.distance)]
        if layers and len(hashes):
            segments = [layer.segment for layer in layers]
            way = None if exact else plan(segments, self.algorithm.bits, radius, len(hashes))
            asked = deal(hashes)
            found += [_in_layer(layer, asked, radius, way) for layer in layers]
        joined = Hits(*(np.concatenate([getattr(f, name) for f in found]) for name in ("query", "record", "distance")))
        return joined if among is None else _only(joined, among)


def _in_layer(layer: Layer, asked: npt.NDArray[np.uint64], radius: int, way: Keys | None) -> Hits:
    hits = layer.segment.search(asked, radius, way and cheapest(layer.segment, layer.segment.bits, way))
    position = layer.segment.position_of(hits.row)
    counts = ~layer.removed[position]
    return Hits(hits.query[counts], layer.segment.records[position[counts], 0], hits.distance[counts])


def _only(hits: Hits, among: npt.NDArray[np.bool_]) -> Hits:
    known = np.flatnonzero(hits.record < len(among))
    counts = known[among[hits.record[known]]]
    return Hits(hits.query[counts], hits.record[counts], hits.distance[counts])
