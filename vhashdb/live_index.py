"""The index of one database, brought up to date with the records whenever it is asked.

Two paths lead here. A *reader* takes the current generation from the folder and replays, in memory, what the store has
since. A *writer* does the same, and from time to time puts what it replayed on disk as a new generation; merging segments
goes on in a thread of its own beside later work. The folder's lock lets one process write at a time, and nothing breaks
if none does for long: readers only replay more.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.errors import DatabaseDamaged, DatabaseError, FingerprintError
from vhashdb.fingerprints import Fingerprint, from_bytes
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.folder import Generation, IndexFolder, StoredSegment, Vanished
from vhashdb.index.frames import FrameIndex, Layer
from vhashdb.index.segment import MAX_ROWS, Part, Segment, build, merge
from vhashdb.index.upkeep import RECENT_CHANGES, RECENT_HASHES, due
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import Candidates, Source, retrieve
from vhashdb.store import Selection, Store
from vhashdb.store.changes import Change
from vhashdb.store.sources import sources

_Settle = Callable[[Sequence[Part]], Layer]
_NO_HASHES: Final[PackedHashes] = np.zeros((0, 1), np.uint8)
_TRIES: Final = 10
"""How often a generation may vanish while it is opened before that is an error."""


@dataclass(frozen=True)
class IndexState:
    """What is on disk, and how far behind the records it is."""

    generation: int
    """0: nothing is on disk yet."""
    segments: int
    hashes: int
    """On disk, removed ones included …"""
    removed: int
    """… and removed ones alone: their space comes back when segments are merged."""
    bytes: int
    recent: int
    """Hashes that are in no segment yet."""
    behind: int
    """Changes of the records that the generation on disk does not have."""


class LiveIndex:
    """Keeps a `FrameIndex` equal to what the store holds. Safe from several threads."""

    def __init__(self, path: Path, store: Store, algorithm: AlgorithmId) -> None:
        self._store, self._algorithm = store, algorithm
        self._folder = IndexFolder(path, algorithm)
        self._lock = threading.RLock()
        self._index: FrameIndex | None = None
        self._generation = Generation(0, str(algorithm), 0)
        self._stamp: tuple[int, int] | None = None
        self._merging: threading.Thread | None = None
        self._problem: str | None = None
        self._selected: tuple[Selection, int, npt.NDArray[np.bool_]] | None = None

    # -- reading -------------------------------------------------------------------------------

    @property
    def problem(self) -> str | None:
        """Why the index on disk could not be used and was made again, if so."""
        with self._lock:
            _ = self.current
            return self._problem

    @property
    def current(self) -> FrameIndex:
        """The index with everything in it that is in the store."""
        with self._lock:
            if self._index is None or self._folder.stamp() != self._stamp:
                self._open()
            assert self._index is not None
            if self._index.change != self._store.changes.last():
                try:
                    self._replay(self._index)
                except BaseException:  # it has some of the changes, and calls all of them its own
                    self._index = None
                    raise
            return self._index

    def candidates(self, query: Fingerprint, radius_bits: float, config: MatchingConfig, among: Selection | None = None) -> Candidates:
        """Records with a hash near the query's, best first; of those that count, if not all do."""
        try:
            index = self.current
            return self._retrieved(query, index, radius_bits, config, among)
        except IndexError:  # tables that name rows which are not there
            with self._lock:
                self._start_over("its tables are damaged")
                index = self.current
            return self._retrieved(query, index, radius_bits, config, among)

    def _retrieved(
        self, query: Fingerprint, index: FrameIndex, radius_bits: float, config: MatchingConfig, among: Selection | None
    ) -> Candidates:
        counting = self._counting(among, index.change)
        return retrieve(query, index, radius_bits, config, where=counting, sources=self._sources)

    def damaged(self, among: Selection | None = None) -> int:
        """How many records, of those that count, cannot be found because their fingerprints are damaged."""
        index = self.current
        counts = self._counting(among, index.change) if index.damaged else None
        return len(index.damaged) if counts is None else sum(number < len(counts) and bool(counts[number]) for number in index.damaged)

    def state(self) -> IndexState:
        """Generation, sizes and lag."""
        with self._lock:
            index, generation = self.current, self._generation
            on_disk = sum(s.rows for s in generation.segments)
            return IndexState(
                generation.number,
                len(generation.segments),
                on_disk,
                on_disk - sum(layer.rows for layer in index.layers if layer.stored),
                sum(s.size for s in generation.segments),
                sum(len(part.hashes) for part in index.recent) + sum(layer.rows for layer in index.layers if not layer.stored),
                self._store.changes.last() - generation.change,
            )

    # -- writing -------------------------------------------------------------------------------

    def keep(self) -> None:
        """Put on disk what came last, if it is much, and merge segments that should be one; for those who wrote records."""
        with self._lock:
            index = self.current
            lag = index.change - self._generation.change
            much = sum(len(part.hashes) for part in index.recent) >= RECENT_HASHES or any(layer.stored is None for layer in index.layers)
            if much or lag >= RECENT_CHANGES:
                with contextlib.suppress(OSError), self._folder.writing() as ours:  # a full disk: tried again next time
                    if ours:
                        self._freeze(index)
            idle = self._merging is None or not self._merging.is_alive()
            if idle and due(self._on_disk(self.current)):
                self._merging = threading.Thread(target=self._merge, name="vhashdb-merge", daemon=True)
                self._merging.start()

    def finish(self) -> None:
        """Wait until no segments are being merged."""
        if self._merging is not None:
            self._merging.join()

    def rebuild(self) -> None:
        """Make the index again from the records, on disk if this process may write there."""
        self.finish()
        with self._lock:
            self._start_over(None)

    def check(self, sample: int) -> str | None:
        """What is wrong with the index, in words: its checksums, and so many records looked up in it; None if nothing is."""
        with self._lock:
            wrong = self.problem
            for _ in range(_TRIES if wrong is None else 0):
                index, stamp = self.current, self._stamp
                wrong = self._wrong(index, sample)
                if wrong is None or (stamp == self._folder.stamp() and index.change == self._store.changes.last()):
                    return wrong  # and not because another process wrote meanwhile
            return wrong

    # -- inside --------------------------------------------------------------------------------

    def _sources(self, numbers: Sequence[int]) -> Mapping[int, Source]:
        return sources(self._store, numbers)

    def _counting(self, among: Selection | None, change: int) -> npt.NDArray[np.bool_] | None:
        """By number, whether a record counts; None: all do."""
        if among is None:
            return None
        with self._lock:
            if self._selected is None or self._selected[:2] != (among, change):
                numbers = self._store.changes.selected(among)
                counts = np.zeros(max(numbers, default=0) + 1, np.bool_)
                counts[numbers] = True
                self._selected = among, change, counts
            return self._selected[2]

    def _open(self) -> None:
        """Take over the current generation, keeping what is mapped already; start over if it cannot be used."""
        for _ in range(_TRIES):
            stamp = self._folder.stamp()
            try:
                generation = self._folder.current() or Generation(0, str(self._algorithm), 0)
                if generation.change > self._store.changes.last():
                    raise DatabaseDamaged(f"the index {self._folder.path} is newer than the records")
                self._folder.check(tuple(s for s in generation.segments if self._mapped(s) is None))
                layers = [self._layer(stored) for stored in generation.segments]
            except Vanished:
                continue
            except DatabaseDamaged as error:
                if self._folder.stamp() != stamp:  # looked at while another process was clearing it away
                    continue
                self._start_over(str(error))
                return
            self._generation, self._stamp = generation, stamp
            self._index = FrameIndex(self._algorithm, layers, generation.change, generation.damaged)
            return
        self._start_over(f"the index {self._folder.path} names segments that are not there")

    def _mapped(self, stored: StoredSegment) -> Segment | None:
        """The segment, if it is mapped already: of these very files, as a name comes back when all after it are gone."""
        layers = self._index.layers if self._index is not None else ()
        same = (each.segment for each in layers if each.stored and (each.stored.name, each.stored.files) == (stored.name, stored.files))
        return next(same, None)

    def _layer(self, stored: StoredSegment) -> Layer:
        segment = self._mapped(stored) or self._folder.open(stored)
        return Layer(segment, np.isin(segment.records[:, 0], np.array(stored.removed, np.int64)), stored)

    def _start_over(self, problem: str | None) -> None:
        self._problem = problem
        with self._folder.writing() as ours:
            if ours:
                with contextlib.suppress(OSError):  # a full disk: in memory, then
                    self._rewrite()
                    return
        index, stamp = FrameIndex(self._algorithm), self._folder.stamp()
        self._generation = replace(self._generation, change=0, segments=())
        self._replay(index)
        self._index, self._stamp = index, stamp

    def _rewrite(self) -> None:
        """The same on disk; this process holds the folder's lock."""
        with contextlib.suppress(DatabaseDamaged):  # its number only has to grow
            self._generation = self._folder.current() or self._generation
        self._generation = replace(self._generation, change=0, segments=())
        index = FrameIndex(self._algorithm)
        self._replay(index, self._write)
        self._index = index
        self._commit(index, 0 if index.recent else None)  # what is in memory alone is to be replayed

    def _replay(self, index: FrameIndex, settle: _Settle | None = None) -> None:
        """Bring an index up to date; many hashes at once become segments right away."""
        settle = settle or self._hold
        layers: list[Future[Layer]] = []
        parts: list[Part] = []
        rows = 0
        with ThreadPoolExecutor(1) as builder:  # builds a segment while the next one's records are read
            for change in self._store.changes.since(index.change):
                if change.fingerprint is None or index.fingerprint(change.record) != change.fingerprint:
                    index.remove(change.record)
                    part = _part(change)
                    if part is None:
                        index.add_damaged(change.record)
                        part = Part(change.record, change.fingerprint or 0, _NO_HASHES)
                    if rows + len(part.hashes) > MAX_ROWS:
                        layers.append(builder.submit(settle, parts))
                        parts, rows = [], 0
                        if len(layers) > 1:
                            layers[-2].result()  # no more than two batches in memory
                    if len(part.hashes):
                        parts.append(part)
                        rows += len(part.hashes)
                index.change = change.change
            if layers or rows >= RECENT_HASHES:
                parts = [*index.recent, *parts]
                layers += [builder.submit(settle, parts)] if parts else []
                index.freeze([*index.layers, *(layer.result() for layer in layers)])
            else:
                for part in parts:
                    index.add(part)

    def _hold(self, parts: Sequence[Part]) -> Layer:
        """A segment in memory."""
        segment = build(parts, self._algorithm.bits)
        return Layer(segment, np.zeros(len(parts), np.bool_))

    def _write(self, parts: Sequence[Part]) -> Layer:
        """A segment on disk."""
        stored, segment = self._folder.write(lambda allocate: build(parts, self._algorithm.bits, allocate))
        return Layer(segment, np.zeros(len(parts), np.bool_), stored)

    def _freeze(self, index: FrameIndex) -> None:
        """Put on disk all that is not; this process holds the folder's lock."""
        if self._folder.stamp() != self._stamp:  # somebody else wrote since: go on from there
            self._open()
            index = self.current
        in_memory = [layer for layer in index.layers if layer.stored is None]
        if in_memory:  # many changes came at once: read them again, straight to disk
            kept = self._generation
            index = FrameIndex(self._algorithm, [self._layer(s) for s in kept.segments], kept.change, kept.damaged)
            self._replay(index, self._write)
            self._index = index
        if index.recent:
            index.freeze([*index.layers, self._write(index.recent)])
        self._commit(index)

    def _commit(self, index: FrameIndex, change: int | None = None) -> None:
        """Make what is on disk of an index the current generation; this process holds the folder's lock."""
        segments = tuple(
            replace(layer.stored, removed=tuple(layer.segment.records[layer.removed, 0].tolist()))
            for layer in index.layers
            if layer.stored is not None
        )
        change = index.change if change is None else change
        generation = Generation(self._generation.number + 1, str(self._algorithm), change, segments, tuple(sorted(index.damaged)))
        self._folder.commit(generation)
        self._generation, self._stamp = generation, self._folder.stamp()

    def _on_disk(self, index: FrameIndex) -> list[Layer]:
        return [layer for layer in index.layers if layer.stored is not None]

    def _merge(self) -> None:
        """Merge what should be one, until nothing is left; runs in a thread of its own."""
        with contextlib.suppress(DatabaseError, OSError), self._folder.writing() as ours:  # on disk all is as it was
            while ours:
                with self._lock:
                    if self._folder.stamp() != self._stamp:
                        self._open()
                    index = self.current
                    layers = due(self._on_disk(index))
                if not layers:
                    return
                try:  # no damage is handed on
                    self._folder.check(tuple(layer.stored for layer in layers if layer.stored), budget=None)
                except (DatabaseDamaged, Vanished) as error:
                    with self._lock:
                        self._start_over(str(error))
                    return
                merged = self._merged(layers)
                with self._lock:
                    if self._index is not index:  # made again in the meantime
                        return
                    index.swap(layers, merged)
                    self._commit(index, self._generation.change)

    def _merged(self, layers: Sequence[Layer]) -> list[Layer]:
        alive = [~layer.removed for layer in layers]
        if not any(a.any() for a in alive):
            return []
        segments = [layer.segment for layer in layers]
        stored, segment = self._folder.write(lambda allocate: merge(segments, alive, allocate))
        return [Layer(segment, np.zeros(len(segment.records), np.bool_), stored)]

    def _wrong(self, index: FrameIndex, sample: int) -> str | None:
        try:
            self._folder.check(self._generation.segments, budget=None)
            return self._difference(index, sample)
        except DatabaseDamaged as error:
            return str(error)
        except (Vanished, IndexError) as error:
            return f"the index cannot be used: {error}"

    def _difference(self, index: FrameIndex, sample: int) -> str | None:
        """The first of some records that the index does not have as the store does."""
        numbers = self._store.changes.matchable()
        if len(extra := np.setdiff1d(index.numbers, numbers)):
            return f"the index finds record number {extra[0]}, which cannot be matched"
        for change in self._store.changes.of(random.sample(numbers, min(sample, len(numbers)))):
            part = _part(change)
            if part is None or not len(part.hashes):
                continue
            hits = index.search(part.hashes, 0)
            found = np.unique(hits.query[hits.record == part.record])
            if index.fingerprint(part.record) != part.fingerprint or len(found) != len(part.hashes):
                return f"the index does not hold record number {part.record} as the database does"
        return None


def _part(change: Change) -> Part | None:
    """What the index has of a record, no hashes if it cannot be matched; None if its fingerprint is damaged."""
    hashes = _NO_HASHES
    if change.packed is not None:
        try:
            fingerprint = from_bytes(change.packed)
        except FingerprintError:  # `Store.problems` names it
            return None
        hashes = fingerprint.hash[fingerprint.usable]
    return Part(change.record, change.fingerprint or 0, hashes)
