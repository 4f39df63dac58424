"""Search a segment of hashes: a linear scan with FAISS, or probes of its tables (Norouzi, Punjani and Fleet 2012)."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.index.permutation import WORD_BYTES, PermutedHashes, keys, unkeyed_word
from vhashdb.index.planning import ProbeParams, Strategy, word_limit
from vhashdb.index.segment import IndexSegment, max_threads

_BLOCK: Final = 1 << 15
"""Candidates compared at once. Engineering bound: the scratch arrays stay in the processor's cache, and few calls of NumPy do much; half as
many candidates took a tenth longer.
"""
_MAX_PROBES: Final = 1 << 20
"""Keys looked up at once. Engineering bound: on memory, 16 MB of places and sizes of buckets."""
_MANY_BLOCKS: Final = 16
"""Blocks of candidates from which on a search uses all threads. Engineering bound: one thread compares as many in 15 ms; a question about
one video has fewer."""
_MANY_PAIRS: Final = 1 << 30
"""Pairs of hashes above which a scan uses all threads. Engineering bound: one thread compares as many in 1.3 s (`bench.index`)."""


@dataclass(frozen=True)
class RowHits:
    """The rows near query hashes, one hit each, in no particular order."""

    query: npt.NDArray[np.int64]
    """``(k,)`` index of the query hash."""
    row: npt.NDArray[np.int64]
    """``(k,)`` row of the stored hash."""
    distance: npt.NDArray[np.int32]
    """``(k,)`` bits."""


def search(segment: IndexSegment, queries: PermutedHashes, radius: int, strategy: Strategy) -> RowHits:
    """Find rows within ``radius`` bits of the permuted hashes ``(n, words)``: all by a scan, or those that probing finds.

    Raises:
        IndexError: the tables name a row or a bucket that is not there, which only damaged ones do.
    """
    if strategy is None:
        return _scan(segment, queries, radius)
    params = strategy.limited_to(segment.width)
    step = max(1, _MAX_PROBES // (len(segment.tables[:: params.stride]) * params.probes))
    found = [_probe(segment, queries[start : start + step], radius, params) for start in range(0, len(queries), step)]
    query = np.concatenate([hits.query + number * step for number, hits in enumerate(found)])
    return RowHits(query, np.concatenate([h.row for h in found]), np.concatenate([h.distance for h in found]))


def _scan(segment: IndexSegment, queries: PermutedHashes, radius: int) -> RowHits:
    """Compare all rows with all queries."""
    import faiss

    result = faiss.RangeSearchResult(len(queries))
    size = queries.shape[1] * WORD_BYTES
    queries, stored = np.ascontiguousarray(queries).view(np.uint8), segment.words.view(np.uint8)
    limit_threads(len(queries) * segment.rows)
    # FAISS finds distances below its radius; ours is inclusive.
    faiss.hamming_range_search(faiss.swig_ptr(queries), faiss.swig_ptr(stored), len(queries), segment.rows, radius + 1, size, result)  # type: ignore[attr-defined]  # FAISS's stubs lack it
    limits = faiss.rev_swig_ptr(result.lims, len(queries) + 1).astype(np.int64)
    rows = faiss.rev_swig_ptr(result.labels, int(limits[-1])).copy()
    distances = faiss.rev_swig_ptr(result.distances, int(limits[-1])).astype(np.int32)
    return RowHits(np.repeat(np.arange(len(queries)), np.diff(limits)), rows, distances)


def _probe(segment: IndexSegment, queries: PermutedHashes, radius: int, params: ProbeParams) -> RowHits:
    """Probe the tables, and compare the candidates in the buckets."""
    buckets = _buckets(segment, queries, params)
    blocks = list(_blocks(buckets.count))

    def compare(some: slice) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        return _compare(segment, queries, radius, buckets.within(some))

    if len(blocks) < _MANY_BLOCKS:
        found = [compare(block) for block in blocks]
    else:
        with ThreadPoolExecutor(max_threads()) as pool:
            found = list(pool.map(compare, blocks))
    # Several tables find the same pair.
    pairs, once = np.unique(np.concatenate([f[0] for f in found] or [np.zeros(0, np.int64)]), return_index=True)
    distance = np.concatenate([f[1] for f in found] or [np.zeros(0, np.int32)])[once]
    return RowHits(*np.divmod(pairs, max(1, segment.rows)), distance)


def _blocks(count: npt.NDArray[np.int64]) -> Iterator[slice]:
    """Yield runs of buckets with these numbers of rows: as many as hold a block of candidates, and one at least."""
    ends = np.cumsum(count)
    start = 0
    while start < len(count):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
        yield slice(start, stop)
        start = stop


@dataclass(frozen=True)
class _Buckets:
    """The buckets of some probes that hold anything, by the query that probes them."""

    first: npt.NDArray[np.int64]
    """``(k,)`` where each begins, in the tables laid end to end."""
    count: npt.NDArray[np.int64]
    """``(k,)`` its number of rows."""
    query: npt.NDArray[np.int64]
    """``(k,)`` index of the query hash."""
    word: npt.NDArray[np.int64]
    """``(k,)`` the word of the rows in it that is compared first: one that its key is not from, where there is one."""

    def within(self, some: slice) -> _Buckets:
        """Return some of them."""
        return _Buckets(self.first[some], self.count[some], self.query[some], self.word[some])


def _buckets(segment: IndexSegment, queries: PermutedHashes, params: ProbeParams) -> _Buckets:
    """Look the key of each probe up."""
    tables = range(0, len(segment.tables), params.stride)
    first = np.empty((len(tables), len(queries), params.probes), np.int64)  # one table after the other: what is read lies closer together
    count = np.empty_like(first)
    omitted_bits = segment.width - params.width
    for place, table in enumerate(tables):
        probes = (keys(queries, table, len(segment.tables), params.width)[:, None] ^ _flip_masks(params)).astype(np.int64) << omitted_bits
        begin = segment.begins[table].take(probes)
        np.subtract(segment.begins[table].take(probes + (1 << omitted_bits)), begin, out=count[place], casting="unsafe")
        np.add(begin, table * segment.rows, out=first[place], casting="unsafe")
    if (count > segment.rows).any():
        raise IndexError("a bucket ends before it begins")
    filled = np.flatnonzero(count)
    of_table, query = np.divmod(filled // params.probes, max(1, len(queries)))
    word = np.array([unkeyed_word(table, segment.kind.words) for table in tables])[of_table]
    return _Buckets(first.ravel()[filled], count.ravel()[filled], query, word)


def _compare(
    segment: IndexSegment, queries: PermutedHashes, radius: int, buckets: _Buckets
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the near pairs among the candidates in some buckets, as query × rows + row, and their distances."""
    ends, words = np.cumsum(buckets.count), segment.kind.words
    place = np.repeat(buckets.first - (ends - buckets.count), buckets.count)
    place += np.arange(len(place))
    row = segment.tables.reshape(-1).take(place).astype(np.int64)
    # Few candidates are near, and one word rules out nearly all others.
    word = row * words
    word += np.repeat(buckets.word, buckets.count)
    differing = segment.words.reshape(-1).take(word)
    differing ^= np.repeat(queries[buckets.query, buckets.word], buckets.count)
    likely = np.flatnonzero(np.bitwise_count(differing) <= word_limit(segment.kind.bits, radius))
    row, query = row[likely], buckets.query[np.searchsorted(ends, likely, side="right")]
    differing = segment.words[row]
    differing ^= queries[query]
    distance = np.zeros(len(row), np.int32)
    for number in range(words):  # a sum along an axis this short takes several times as long
        distance += np.bitwise_count(differing[:, number])
    near = np.flatnonzero(distance <= radius)
    return query[near] * segment.rows + row[near], distance[near]


@functools.lru_cache(maxsize=64)
def _flip_masks(params: ProbeParams) -> npt.NDArray[np.uint32]:
    """List the masks ``(probes,)`` uint32 that flip at most `nflip` bits of a key, the empty one first."""
    flipped = (bits for n in range(params.nflip + 1) for bits in combinations(range(params.width), n))
    return np.array([sum(1 << bit for bit in bits) for bits in flipped], np.uint32)


def limit_threads(pairs: int) -> None:
    """Allow FAISS one thread for the next scan of this thread, or all of them for very many pairs of hashes.

    Several queries are answered in parallel already; waking more threads for a small scan costs more than it saves.
    """
    import faiss

    most = max_threads()  # asked before anything is set
    faiss.omp_set_num_threads(1 if pairs < _MANY_PAIRS else most)
