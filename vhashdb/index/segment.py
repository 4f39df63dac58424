"""Hold the hashes of many records in immutable arrays, with tables for multi-index hashing (Norouzi, Punjani and Fleet 2012).

Rows are the hashes of one record after another. A table lists all rows, sorted by one key of their hashes, and where the
bucket of each key begins. Instead of the paper's hash tables these are sorted arrays: a prefix of the key selects a range of
them as well, they merge, and they can be mapped from files, which processes then share.
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
from vhashdb.index.permutation import WORD_BYTES, PermutedHashes, keys, permute, tables_of, words_of
from vhashdb.index.planning import KEY_WIDTHS, ProbeParams, Strategy, first_word_limit

MAX_THREADS: Final = faiss.omp_get_max_threads()
"""Threads that FAISS may use. Derived: the processors of this machine."""

_MIN_ROWS_PER_KEY: Final = 4.75
"""Minimum rows for each key of a table. Engineering bound: on the space of the starts, of which `bench.index` shows the bytes a hash."""
_BLOCK: Final = 1 << 14
"""Candidates compared at once. Engineering bound: the scratch arrays stay in the processor's cache."""
_MAX_PROBES: Final = 1 << 20
"""Keys looked up at once. Engineering bound: on memory, 16 MB of places and sizes of buckets."""
_MANY_ROWS: Final = 1 << 20
"""Rows above which tables are sorted in parallel. Engineering bound: a segment of as many is built in half a second (`bench.index`)."""
_MANY_PAIRS: Final = 1 << 30
"""Pairs of hashes above which a scan uses all threads. Engineering bound: one thread compares as many in 1.3 s (`bench.index`)."""
_PERMUTE_AT_ONCE: Final = 1 << 15
"""Hashes permuted or copied at once. Engineering bound: on memory, 1 MB of PDQ hashes."""

Allocate = Callable[[str, tuple[int, ...], npt.DTypeLike], npt.NDArray[Any]]
"""Makes the array of a name, shape and dtype, in memory or in a file."""


@dataclass(frozen=True)
class RecordHashes:
    """The hashes of one record."""

    record: int
    """Number of the record."""
    fingerprint: int
    """Number of the fingerprint that the hashes are from."""
    hashes: PackedHashes
    """``(n, bytes)`` uint8, in their original order of bits."""


@dataclass(frozen=True)
class RowHits:
    """The rows near query hashes, one hit each, in no particular order."""

    query: npt.NDArray[np.int64]
    """``(k,)`` index of the query hash."""
    row: npt.NDArray[np.int64]
    """``(k,)`` row of the stored hash."""
    distance: npt.NDArray[np.int32]
    """``(k,)`` bits."""


@dataclass(frozen=True)
class IndexSegment:
    """Many hashes that never change; the arrays have the names of their files."""

    bits: int
    hashes: PermutedHashes
    """``(rows, words)`` uint64."""
    records: npt.NDArray[np.int64]
    """``(m, 3)`` int64: number of the record, number of its fingerprint, first row."""
    tables: npt.NDArray[np.uint32]
    """``(tables, rows)`` uint32: rows sorted by key."""
    begins: npt.NDArray[np.uint32]
    """``(tables, 2**width + 1)`` uint32: where the bucket of each key begins in its table."""

    @property
    def rows(self) -> int:
        """Number of hashes, those of deleted records included."""
        return len(self.hashes)

    @property
    def width(self) -> int:
        """Bits of the tables' keys."""
        return int(self.begins.shape[1] - 1).bit_length() - 1

    def is_consistent(self) -> bool:
        """Tell whether shapes, dtypes and ends of the arrays fit together."""
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
        """``(m,)`` int64: number of rows of each record."""
        return np.diff(self.records[:, 2], append=self.rows)

    @functools.cached_property
    def positions(self) -> dict[int, int]:
        """The index in `records` of each record, by its number."""
        return {int(number): position for position, number in enumerate(self.records[:, 0])}

    def position_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the index in `records` of the record of each row."""
        return np.searchsorted(self.records[:, 2], rows, side="right") - 1

    def bucket_size(self, width: int) -> float:
        """Return the mean number of hashes that share a key of ``width`` bits with a stored one."""
        return self._bucket_sizes[min(width, self.width)]

    @functools.cached_property
    def _bucket_sizes(self) -> dict[int, float]:
        # One table is like another; 512 of its rows are sample enough of the buckets, weighted by their sizes.
        table = np.asarray(self.begins[0])
        some = np.linspace(0, self.rows - 1, min(self.rows, 512)).astype(np.int64)
        key = np.searchsorted(table, some, side="right") - 1
        shared = {}
        for width in range(min(KEY_WIDTHS.start, self.width), self.width + 1):
            short = key >> (self.width - width) << (self.width - width)
            shared[width] = float((table[short + (1 << (self.width - width))] - table[short]).mean())
        return shared

    def search(self, queries: PermutedHashes, radius: int, strategy: Strategy) -> RowHits:
        """Find rows within ``radius`` bits of the permuted hashes ``(n, words)``: all by a scan, or those that probing finds.

        Raises:
            IndexError: the tables name a row or a bucket that is not there, which only damaged ones do.
        """
        if strategy is None:
            return self._scan(queries, radius)
        params = strategy.limited_to(self.width)
        step = max(1, _MAX_PROBES // (len(self.tables[:: params.stride]) * params.probes))
        found = [self._probe(queries[start : start + step], radius, params) for start in range(0, len(queries), step)]
        query = np.concatenate([hits.query + number * step for number, hits in enumerate(found)])
        return RowHits(query, np.concatenate([h.row for h in found]), np.concatenate([h.distance for h in found]))

    def _scan(self, queries: PermutedHashes, radius: int) -> RowHits:
        """Compare all rows with all queries."""
        result = faiss.RangeSearchResult(len(queries))
        size = queries.shape[1] * WORD_BYTES
        queries, stored = np.ascontiguousarray(queries).view(np.uint8), self.hashes.view(np.uint8)
        limit_threads(len(queries) * self.rows)
        # FAISS finds distances below its radius; ours is inclusive.
        faiss.hamming_range_search(faiss.swig_ptr(queries), faiss.swig_ptr(stored), len(queries), self.rows, radius + 1, size, result)  # type: ignore[attr-defined]  # FAISS's stubs lack it
        limits = faiss.rev_swig_ptr(result.lims, len(queries) + 1).astype(np.int64)
        rows = faiss.rev_swig_ptr(result.labels, int(limits[-1])).copy()
        distances = faiss.rev_swig_ptr(result.distances, int(limits[-1])).astype(np.int32)
        return RowHits(np.repeat(np.arange(len(queries)), np.diff(limits)), rows, distances)

    def _probe(self, queries: PermutedHashes, radius: int, params: ProbeParams) -> RowHits:
        """Probe the tables, and compare the candidates in the buckets."""
        first, count = self._buckets(queries, params)
        filled = np.flatnonzero(count)
        first, count, query = first[filled], count[filled], filled // (len(self.tables[:: params.stride]) * params.probes)
        found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]] = []
        ends = np.cumsum(count)
        start = 0
        while start < len(count):  # as many buckets as hold a block of candidates, and one at least
            done = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
            found.append(self._compare(queries, radius, first[start:stop], count[start:stop], query[start:stop]))
            start = stop
        # Several tables find the same pair.
        pairs, once = np.unique(np.concatenate([f[0] for f in found] or [np.zeros(0, np.int64)]), return_index=True)
        distance = np.concatenate([f[1] for f in found] or [np.zeros(0, np.int32)])[once]
        return RowHits(*np.divmod(pairs, max(1, self.rows)), distance)

    def _buckets(self, queries: PermutedHashes, params: ProbeParams) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return where the bucket of each probe begins, in the tables laid end to end, and its number of rows."""
        tables = range(0, len(self.tables), params.stride)
        first = np.empty((len(queries), len(tables), params.probes), np.int64)
        count = np.empty_like(first)
        omitted_bits = self.width - params.width
        for place, table in enumerate(tables):
            probes = (keys(queries, table, len(self.tables), params.width)[:, None] ^ _flip_masks(params)).astype(np.int64) << omitted_bits
            begin = self.begins[table][probes]
            np.subtract(self.begins[table][probes + (1 << omitted_bits)], begin, out=count[:, place], casting="unsafe")
            np.add(begin, table * self.rows, out=first[:, place], casting="unsafe")
        if (count > self.rows).any():
            raise IndexError("a bucket ends before it begins")
        return first.ravel(), count.ravel()

    def _compare(
        self, queries: PermutedHashes, radius: int, first: npt.NDArray[np.int64], count: npt.NDArray[np.int64], query: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        """Return the near pairs among the candidates in some buckets, as query × rows + row, and their distances."""
        place = np.repeat(first - (np.cumsum(count) - count), count)
        place += np.arange(len(place))
        row = self.tables.reshape(-1)[place].astype(np.int64)
        of_query = np.repeat(query, count)
        # Few candidates are near, and the first word rules out nearly all others.
        likely = np.flatnonzero(np.bitwise_count(self.hashes[:, 0][row] ^ queries[:, 0][of_query]) <= first_word_limit(self.bits, radius))
        row, of_query = row[likely], of_query[likely]
        distance = np.bitwise_count(self.hashes[row] ^ queries[of_query]).sum(axis=1, dtype=np.int32)
        near = distance <= radius
        return of_query[near] * self.rows + row[near], distance[near]


@functools.lru_cache(maxsize=64)
def _flip_masks(params: ProbeParams) -> npt.NDArray[np.uint32]:
    """List the masks ``(probes,)`` uint32 that flip at most `nflip` bits of a key, the empty one first."""
    flipped = (bits for n in range(params.nflip + 1) for bits in combinations(range(params.width), n))
    return np.array([sum(1 << bit for bit in bits) for bits in flipped], np.uint32)


def limit_threads(pairs: int) -> None:
    """Allow FAISS one thread for the next scan of this thread, or all of them for very many pairs of hashes.

    Several queries are answered in parallel already; waking more threads for a small scan costs more than it saves.
    """
    faiss.omp_set_num_threads(1 if pairs < _MANY_PAIRS else MAX_THREADS)


def in_memory(name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:  # noqa: ARG001  # only files have names
    """Allocate an array in memory."""
    return np.empty(shape, dtype)


def build(records: Sequence[RecordHashes], bits: int, allocate: Allocate = in_memory, *, width: int | None = None) -> IndexSegment:
    """Build a segment of the hashes of these records, none of which is without any; ``width`` bits of its keys if they are given."""
    table = np.array([(each.record, each.fingerprint, len(each.hashes)) for each in records], np.int64).reshape(-1, 3)
    return _assemble(table, _permuted(records), bits, allocate, width)


def merge(segments: Sequence[IndexSegment], alive: Sequence[npt.NDArray[np.bool_]], allocate: Allocate = in_memory) -> IndexSegment:
    """Merge several segments into one, with those of their records that ``alive`` ``(m,)`` bool selects."""
    kept = [np.column_stack((s.records[a, :2], s.counts[a])) for s, a in zip(segments, alive, strict=True)]
    hashes = (block for s, a in zip(segments, alive, strict=True) for block in _rows_of(s, a))
    return _assemble(np.concatenate(kept), hashes, segments[0].bits, allocate)


def _permuted(records: Sequence[RecordHashes]) -> Iterator[PermutedHashes]:
    """Permute the records' hashes, many at a time."""
    waiting: list[PackedHashes] = []
    for record in records:
        waiting.append(record.hashes)
        if sum(len(hashes) for hashes in waiting) >= _PERMUTE_AT_ONCE:
            yield permute(np.concatenate(waiting))
            waiting = []
    if waiting:
        yield permute(np.concatenate(waiting))


def _rows_of(segment: IndexSegment, alive: npt.NDArray[np.bool_]) -> Iterator[PermutedHashes]:
    """Copy the hashes of the records that ``alive`` selects, many at a time."""
    ends = segment.records[:, 2] + segment.counts
    edges = np.flatnonzero(np.diff(alive.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    for first, stop in edges.tolist():
        for row in range(segment.records[first, 2], ends[stop - 1], _PERMUTE_AT_ONCE):
            yield segment.hashes[row : min(row + _PERMUTE_AT_ONCE, ends[stop - 1])]


def _assemble(
    records: npt.NDArray[np.int64], hashes: Iterable[PermutedHashes], bits: int, allocate: Allocate, width: int | None = None
) -> IndexSegment:
    """Assemble a segment of records ``(m, 3)``, as number, fingerprint and number of rows, and their hashes in order."""
    count = records[:, 2]
    rows = int(count.sum())
    width = width or max(KEY_WIDTHS.start, min(KEY_WIDTHS.stop - 1, int(rows / _MIN_ROWS_PER_KEY).bit_length() - 1))
    made = IndexSegment(
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
        for number, table in enumerate(made.tables):  # the key of each row, until sorting puts the rows in their place
            table[row : row + len(block)] = keys(block, number, len(made.tables), width)
        row += len(block)

    def sort(number: int) -> None:
        # A counting sort, which also yields where each bucket begins.
        made.begins[number], made.tables[number] = faiss.bucket_sort(made.tables[number].view(np.int32), nbucket=1 << width, nt=1)

    with ThreadPoolExecutor(MAX_THREADS if rows > _MANY_ROWS else 1) as pool:
        list(pool.map(sort, range(len(made.tables))))
    return made
