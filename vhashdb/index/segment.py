"""A segment: frame hashes of many records that never change, in tables sorted by key.

Row by row the hashes of one record after another. A table is the list of all rows ordered by one key of their hashes, and
the place in it where each key begins; whoever shortens the key finds its rows in one stretch as well. The arrays may lie
in memory or in mapped files, which processes share.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import PackedHashes
from vhashdb.index import threads
from vhashdb.index.dealing import WORD, DealtHashes, deal, keys, tables_of, words_of
from vhashdb.index.planning import Keys, first_word_limit

MAX_ROWS: Final = 1 << 24
"""Rows of a segment: bounds what one merge has to do."""
_ROWS_PER_KEY: Final = 4.75
"""Rows for each key of a table, at least: with fewer, the beginnings of the keys would take too much room."""
_WIDTHS: Final = range(8, 25)
_BLOCK: Final = 1 << 14
"""Candidates looked at in one go: the scratch arrays stay in the processor's cache."""
_PROBES: Final = 1 << 20
"""Keys looked up in one go."""
_MANY_ROWS: Final = 1 << 20
"""Rows above which several tables are sorted at the same time."""

_DEALT_AT_ONCE: Final = 1 << 15

Allocate = Callable[[str, tuple[int, ...], npt.DTypeLike], npt.NDArray[Any]]
"""Makes the array of a name, shape and type: in memory, or in a file."""


@dataclass(frozen=True)
class Part:
    """The hashes of one record."""

    record: int
    """Its number …"""
    fingerprint: int
    """… and that of the fingerprint they are from."""
    hashes: PackedHashes
    """``(n, bytes)`` uint8, in their customary order."""


@dataclass(frozen=True)
class RowHits:
    """Rows near the asked hashes."""

    query: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Segment:
    """The arrays, by the names of their files."""

    bits: int
    hashes: DealtHashes
    """``(rows, words)`` uint64."""
    records: npt.NDArray[np.int64]
    """``(m, 3)`` int64: number of the record, number of its fingerprint, first row."""
    tables: npt.NDArray[np.uint32]
    """``(tables, rows)`` uint32: rows ordered by key."""
    begins: npt.NDArray[np.uint32]
    """``(tables, 2**width + 1)`` uint32: where each key begins in its table."""

    @property
    def rows(self) -> int:
        """Hashes in here, removed ones included."""
        return len(self.hashes)

    @property
    def width(self) -> int:
        """Bits of the tables' keys."""
        return int(self.begins.shape[1] - 1).bit_length() - 1

    def fits(self) -> bool:
        """Whether the arrays are of one segment, as far as their shapes and edges tell."""
        tables, width, starts = tables_of(self.bits), self.width, self.records[:, 2]
        return (
            self.hashes.dtype == np.uint64 and self.tables.dtype == self.begins.dtype == np.uint32 and self.records.dtype == np.int64
            and self.hashes.shape == (self.rows, words_of(self.bits)) and self.tables.shape == (tables, self.rows)
            and self.begins.shape == (tables, (1 << width) + 1) and bool((self.begins[:, -1] == self.rows).all())
            and len(starts) > 0 and starts[0] == 0 and bool((np.diff(starts) > 0).all()) and starts[-1] < self.rows
        )  # fmt: skip

    @functools.cached_property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(a.nbytes for a in (self.hashes, self.records, self.tables, self.begins))

    @functools.cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """``(m,)`` rows of each record."""
        return np.diff(self.records[:, 2], append=self.rows)

    @functools.cached_property
    def positions(self) -> dict[int, int]:
        """Where a record stands in `records`."""
        return {int(number): position for position, number in enumerate(self.records[:, 0])}

    def position_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where in `records` the records of some rows stand."""
        return np.searchsorted(self.records[:, 2], rows, side="right") - 1

    def in_bucket(self, width: int) -> float:
        """Hashes that share a key of ``width`` bits with a stored one, on average."""
        return self._in_bucket[min(width, self.width)]

    @functools.cached_property
    def _in_bucket(self) -> dict[int, float]:
        # One table is like another; a few hundred of its buckets, as often as they have rows, say enough.
        table = np.asarray(self.begins[0])
        some = np.linspace(0, self.rows - 1, min(self.rows, 512)).astype(np.int64)
        key = np.searchsorted(table, some, side="right") - 1
        shared = {}
        for width in range(min(_WIDTHS.start, self.width), self.width + 1):
            short = key >> (self.width - width) << (self.width - width)
            shared[width] = float((table[short + (1 << (self.width - width))] - table[short]).mean())
        return shared

    def search(self, asked: DealtHashes, radius: int, way: Keys | None) -> RowHits:
        """Rows within ``radius`` bits of the asked hashes ``(n, words)``: all of them, or those that some key finds.

        Raises:
            IndexError: the tables name a row or a stretch that is not there, which only damaged ones do.
        """
        if way is None:
            return self._scan(asked, radius)
        way = way.in_a_table_of(self.width)
        step = max(1, _PROBES // (len(self.tables[:: way.stride]) * way.probes))
        found = [self._look_up(asked[start : start + step], radius, way) for start in range(0, len(asked), step)]
        query = np.concatenate([hits.query + number * step for number, hits in enumerate(found)])
        return RowHits(query, np.concatenate([h.row for h in found]), np.concatenate([h.distance for h in found]))

    def _scan(self, asked: DealtHashes, radius: int) -> RowHits:
        result = faiss.RangeSearchResult(len(asked))
        size = asked.shape[1] * WORD
        asked, stored = np.ascontiguousarray(asked).view(np.uint8), self.hashes.view(np.uint8)
        threads.for_pairs(len(asked) * self.rows)
        # FAISS finds what is nearer than its radius, this what is not further.
        faiss.hamming_range_search(faiss.swig_ptr(asked), faiss.swig_ptr(stored), len(asked), self.rows, radius + 1, size, result)  # type: ignore[attr-defined]  # FAISS's stubs lack it
        limits = faiss.rev_swig_ptr(result.lims, len(asked) + 1).astype(np.int64)
        rows = faiss.rev_swig_ptr(result.labels, int(limits[-1])).copy()
        distances = faiss.rev_swig_ptr(result.distances, int(limits[-1])).astype(np.int32)
        return RowHits(np.repeat(np.arange(len(asked)), np.diff(limits)), rows, distances)

    def _look_up(self, asked: DealtHashes, radius: int, way: Keys) -> RowHits:
        """Try a way's keys in every table, and compare what stands there."""
        first, count = self._stretches(asked, way)
        some = np.flatnonzero(count)
        first, count, query = first[some], count[some], some // (len(self.tables[:: way.stride]) * way.probes)
        found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]] = []
        ends = np.cumsum(count)
        start = 0
        while start < len(count):  # as many stretches as hold a block of candidates, and one at least
            done = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
            found.append(self._compare(asked, radius, first[start:stop], count[start:stop], query[start:stop]))
            start = stop
        # Several tables find the same pair.
        pairs, once = np.unique(np.concatenate([f[0] for f in found] or [np.zeros(0, np.int64)]), return_index=True)
        distance = np.concatenate([f[1] for f in found] or [np.zeros(0, np.int32)])[once]
        return RowHits(*np.divmod(pairs, max(1, self.rows)), distance)

    def _stretches(self, asked: DealtHashes, way: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where in the tables, laid end to end, the rows of each key tried begin, and how many they are."""
        tables = range(0, len(self.tables), way.stride)
        first = np.empty((len(asked), len(tables), way.probes), np.int64)
        count = np.empty_like(first)
        left_out = self.width - way.width
        for place, table in enumerate(tables):
            tried = (keys(asked, table, len(self.tables), way.width)[:, None] ^ _flips(way)).astype(np.int64) << left_out
            begin = self.begins[table][tried]
            np.subtract(self.begins[table][tried + (1 << left_out)], begin, out=count[:, place], casting="unsafe")
            np.add(begin, table * self.rows, out=first[:, place], casting="unsafe")
        if (count > self.rows).any():
            raise IndexError("a key ends before it begins")
        return first.ravel(), count.ravel()

    def _compare(
        self, asked: DealtHashes, radius: int, first: npt.NDArray[np.int64], count: npt.NDArray[np.int64], query: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Pairs, as query × rows + row, and distances of the candidates in some stretches of the tables."""
        place = np.repeat(first - (np.cumsum(count) - count), count)
        place += np.arange(len(place))
        row = self.tables.reshape(-1)[place].astype(np.int64)
        asker = np.repeat(query, count)
        # Few candidates are near, and nearly all others show it in their first word.
        likely = np.flatnonzero(np.bitwise_count(self.hashes[:, 0][row] ^ asked[:, 0][asker]) <= first_word_limit(self.bits, radius))
        row, asker = row[likely], asker[likely]
        distance = np.bitwise_count(self.hashes[row] ^ asked[asker]).sum(axis=1, dtype=np.int32)
        near = distance <= radius
        return asker[near] * self.rows + row[near], distance[near]


@functools.lru_cache(maxsize=64)
def _flips(way: Keys) -> npt.NDArray[np.uint32]:
    """All ways to flip at most so many bits of a key, none first."""
    return np.array([sum(1 << bit for bit in bits) for n in range(way.flips + 1) for bits in combinations(range(way.width), n)], np.uint32)


def in_memory(name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:  # noqa: ARG001  # only files have names
    """An array that is not kept."""
    return np.empty(shape, dtype)


def build(parts: Sequence[Part], bits: int, allocate: Allocate = in_memory) -> Segment:
    """A segment of the hashes of these records, each of which has some."""
    records = np.array([(part.record, part.fingerprint, len(part.hashes)) for part in parts], np.int64).reshape(-1, 3)
    return _assembled(records, _dealt(parts), bits, allocate)


def merge(segments: Sequence[Segment], alive: Sequence[npt.NDArray[np.bool_]], allocate: Allocate = in_memory) -> Segment:
    """One segment of several, with those of their records that ``alive`` ``(m,)`` says."""
    kept = [np.column_stack((s.records[a, :2], s.counts[a])) for s, a in zip(segments, alive, strict=True)]
    hashes = (block for s, a in zip(segments, alive, strict=True) for block in _rows_of(s, a))
    return _assembled(np.concatenate(kept), hashes, segments[0].bits, allocate)


def _dealt(parts: Sequence[Part]) -> Iterator[DealtHashes]:
    """The parts' hashes in the order of the index, many at a time."""
    waiting: list[PackedHashes] = []
    for part in parts:
        waiting.append(part.hashes)
        if sum(len(hashes) for hashes in waiting) >= _DEALT_AT_ONCE:
            yield deal(np.concatenate(waiting))
            waiting = []
    if waiting:
        yield deal(np.concatenate(waiting))


def _rows_of(segment: Segment, alive: npt.NDArray[np.bool_]) -> Iterator[DealtHashes]:
    """The hashes of the records that are alive, some at a time."""
    ends = segment.records[:, 2] + segment.counts
    edges = np.flatnonzero(np.diff(alive.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    for first, stop in edges.tolist():
        for row in range(segment.records[first, 2], ends[stop - 1], _DEALT_AT_ONCE):
            yield segment.hashes[row : min(row + _DEALT_AT_ONCE, ends[stop - 1])]


def _assembled(records: npt.NDArray[np.int64], hashes: Iterable[DealtHashes], bits: int, allocate: Allocate) -> Segment:
    """A segment of records, given as number, fingerprint and count of rows, and their hashes in order."""
    count = records[:, 2]
    rows = int(count.sum())
    width = max(_WIDTHS.start, min(_WIDTHS.stop - 1, int(rows / _ROWS_PER_KEY).bit_length() - 1))
    made = Segment(
        bits,
        allocate("hashes", (rows, words_of(bits)), np.uint64),
        allocate("records", records.shape, np.int64),
        allocate("tables", (tables_of(bits), rows), np.uint32),
        allocate("begins", (tables_of(bits), (1 << width) + 1), np.uint32),
    )
    made.records[:] = np.column_stack((records[:, :2], np.cumsum(count) - count))
    row = 0
    for block in hashes:
        made.hashes[row : row + len(block)] = block
        for number, table in enumerate(made.tables):  # each row's key, until the rows in the order of their keys take their place
            table[row : row + len(block)] = keys(block, number, len(made.tables), width)
        row += len(block)

    def sort(number: int) -> None:
        # A counting sort, which also tells where each bucket begins.
        made.begins[number], made.tables[number] = faiss.bucket_sort(made.tables[number].view(np.int32), nbucket=1 << width, nt=1)

    with ThreadPoolExecutor(threads.ALL if rows > _MANY_ROWS else 1) as pool:
        list(pool.map(sort, range(len(made.tables))))
    return made
