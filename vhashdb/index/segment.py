"""Hold the rows of many records in immutable arrays, with sorted tables of their keys.

Rows are the hashes or landmarks of one record after another (`vhashdb.index.kinds`). A table lists all rows, sorted by one key of
them, and where the bucket of each key begins. Instead of hash tables, as in the paper on multi-index hashing (Norouzi, Punjani and
Fleet 2012), these are sorted arrays: a prefix of the key selects a range of them as well, they merge, and they can be mapped from
files, which processes then share.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vhashdb.index.kinds import IndexKind, RecordRows, Values, Words
from vhashdb.index.planning import KEY_WIDTHS

_MIN_ROWS_PER_KEY: Final = 4.75
"""Minimum rows for each key of a table. Engineering bound: on the space of the starts, of which `bench.index` shows the bytes a hash."""
_MANY_ROWS: Final = 1 << 17
"""Rows above which tables are sorted in parallel. Engineering bound: one thread sorts as many in 20 ms."""
_AT_ONCE: Final = 1 << 15
"""Rows made or copied at once. Engineering bound: on memory, 1 MB of PDQ hashes."""

Allocate = Callable[[str, tuple[int, ...], npt.DTypeLike], npt.NDArray[Any]]
"""Makes the array of a name, shape and dtype, in memory or in a file."""


@dataclass(frozen=True)
class BucketStatistics:
    """What the cost of a search in a segment depends on; a value, by which what was planned can be kept."""

    rows: int
    bucket_sizes: tuple[float, ...]
    """For keys of 0 bits, of 1 bit and so on up to the width: see `bucket_size`."""

    @property
    def width(self) -> int:
        """Bits of the keys that have buckets."""
        return len(self.bucket_sizes) - 1

    def bucket_size(self, width: int) -> float:
        """Return the mean number of rows that share a key of ``width`` bits with a stored one."""
        return self.bucket_sizes[min(width, self.width)]


@dataclass(frozen=True)
class IndexSegment:
    """Many rows that never change; the arrays have the names of their files, except that `words` is in the file of the kind's rows."""

    kind: IndexKind
    words: Words
    """``(rows, words)`` uint64."""
    records: npt.NDArray[np.int64]
    """``(m, 3)`` int64: number of the record, number of its fingerprint, first row."""
    tables: npt.NDArray[np.uint32]
    """``(tables, rows)`` uint32: rows sorted by key."""
    begins: npt.NDArray[np.uint32]
    """``(tables, 2**width + 1)`` uint32: where the bucket of each key begins in its table."""

    @property
    def rows(self) -> int:
        """Number of rows, those of deleted records included."""
        return len(self.words)

    @property
    def width(self) -> int:
        """Bits of the keys that have buckets."""
        return int(self.begins.shape[1] - 1).bit_length() - 1

    def is_consistent(self) -> bool:
        """Tell whether shapes, dtypes and ends of the arrays fit together."""
        tables, width, starts = self.kind.tables, self.width, self.records[:, 2]
        return (
            self.words.dtype == np.uint64 and self.tables.dtype == self.begins.dtype == np.uint32 and self.records.dtype == np.int64
            and self.words.shape == (self.rows, self.kind.words) and self.tables.shape == (tables, self.rows)
            and self.begins.shape == (tables, (1 << width) + 1) and bool((self.begins[:, -1] == self.rows).all())
            and len(starts) > 0 and starts[0] == 0 and bool((np.diff(starts) > 0).all()) and starts[-1] < self.rows
        )  # fmt: skip

    @functools.cached_property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(a.nbytes for a in (self.words, self.records, self.tables, self.begins))

    @functools.cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """``(m,)`` int64: number of rows of each record."""
        return np.diff(self.records[:, 2], append=self.rows)

    @functools.cached_property
    def positions(self) -> dict[int, int]:
        """The index in `records` of each record, by its number."""
        return {int(number): position for position, number in enumerate(self.records[:, 0])}

    @functools.cached_property
    def keys_in_order(self) -> npt.NDArray[np.uint32]:
        """``(rows,)`` uint32: the whole key of each row in the first table, in its order."""
        return self.kind.keys(self.words[self.tables[0]], 0, self.kind.sorted_bits(self.width))

    def position_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the index in `records` of the record of each row."""
        return np.searchsorted(self.records[:, 2], rows, side="right") - 1

    def rows_of(self, chosen: npt.NDArray[np.bool_]) -> Iterator[Words]:
        """Yield the rows of the records that ``chosen`` ``(m,)`` bool selects, many at a time."""
        ends = self.records[:, 2] + self.counts
        edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
        for first, stop in edges.tolist():
            for row in range(self.records[first, 2], ends[stop - 1], _AT_ONCE):
                yield self.words[row : min(row + _AT_ONCE, ends[stop - 1])]

    @functools.cached_property
    def statistics(self) -> BucketStatistics:
        """What planning knows of it."""
        # One table is like another; 512 of its rows are sample enough of the buckets, weighted by their sizes.
        table = np.asarray(self.begins[0])
        some = np.linspace(0, self.rows - 1, min(self.rows, 512)).astype(np.int64)
        key = np.searchsorted(table, some, side="right") - 1
        shared = []
        for width in range(self.width + 1):
            short = key >> (self.width - width) << (self.width - width)
            shared.append(float((table[short + (1 << (self.width - width))] - table[short]).mean()))
        return BucketStatistics(self.rows, tuple(shared))


def in_memory(name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:  # noqa: ARG001  # only files have names
    """Allocate an array in memory."""
    return np.empty(shape, dtype)


def build(records: Sequence[RecordRows], kind: IndexKind, allocate: Allocate = in_memory, *, width: int | None = None) -> IndexSegment:
    """Build a segment of these records, none of which is without rows; ``width`` bits of its keys have buckets if it is given."""
    table = np.array([(each.record, each.fingerprint, len(each)) for each in records], np.int64).reshape(-1, 3)
    return _assemble(table, _rows(records, kind), kind, allocate, width)


def merge(segments: Sequence[IndexSegment], alive: Sequence[npt.NDArray[np.bool_]], allocate: Allocate = in_memory) -> IndexSegment:
    """Merge several segments into one, with those of their records that ``alive`` ``(m,)`` bool selects."""
    kept = [np.column_stack((s.records[a, :2], s.counts[a])) for s, a in zip(segments, alive, strict=True)]
    rows = (block for s, a in zip(segments, alive, strict=True) for block in s.rows_of(a))
    return _assemble(np.concatenate(kept), rows, segments[0].kind, allocate)


def _rows(records: Sequence[RecordRows], kind: IndexKind) -> Iterator[Words]:
    """Make the rows of records, many at a time."""
    waiting: list[Values] = []
    rows = 0
    for record in records:
        waiting.append(record.values)
        rows += len(record)
        if rows >= _AT_ONCE:
            yield kind.rows_of(np.concatenate(waiting))
            waiting, rows = [], 0
    if waiting:
        yield kind.rows_of(np.concatenate(waiting))


def _assemble(
    records: npt.NDArray[np.int64], blocks: Iterable[Words], kind: IndexKind, allocate: Allocate, width: int | None = None
) -> IndexSegment:
    """Assemble a segment of records ``(m, 3)``, as number, fingerprint and number of rows, and their rows in order."""
    count = records[:, 2]
    rows = int(count.sum())
    width = width or max(KEY_WIDTHS.start, min(KEY_WIDTHS.stop - 1, int(rows / _MIN_ROWS_PER_KEY).bit_length() - 1))
    made = IndexSegment(
        kind,
        allocate(kind.row_name, (rows, kind.words), np.uint64),
        allocate("records", records.shape, np.int64),
        allocate("tables", (kind.tables, rows), np.uint32),
        allocate("begins", (kind.tables, (1 << width) + 1), np.uint32),
    )
    made.records[:] = np.column_stack((records[:, :2], np.cumsum(count) - count))
    row, bits = 0, kind.sorted_bits(width)
    for block in blocks:
        made.words[row : row + len(block)] = block
        for number, table in enumerate(made.tables):  # the key of each row, until sorting puts the rows in their place
            table[row : row + len(block)] = kind.keys(block, number, bits)
        row += len(block)

    def sort(number: int) -> None:
        made.begins[number], made.tables[number] = _sorted(made.tables[number], width, bits)

    with ThreadPoolExecutor(max_threads() if rows > _MANY_ROWS else 1) as pool:
        list(pool.map(sort, range(kind.tables)))
    return made


@functools.cache
def max_threads() -> int:
    """Return how many threads FAISS may use: one for each processor of this machine. It forgets that once another number is set."""
    import faiss  # here and in its other places within functions: verbs that search nothing need not wait for it

    return faiss.omp_get_max_threads()


def _sorted(keys: npt.NDArray[np.uint32], width: int, bits: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where the bucket of each value of the first ``width`` of the keys' ``bits`` begins, and the rows sorted by all of them.

    A counting sort, by the last bits first where there are more than ``width``; it leaves rows of one key in their order.
    """
    import faiss

    rest = np.uint32(bits - width)
    if not rest:
        begins, rows = faiss.bucket_sort(keys.view(np.int32), nbucket=1 << width, nt=1)
        return begins, rows
    _, before = faiss.bucket_sort((keys & np.uint32((1 << rest) - 1)).view(np.int32), nbucket=1 << int(rest), nt=1)
    begins, order = faiss.bucket_sort((keys >> rest)[before].view(np.int32), nbucket=1 << width, nt=1)
    return begins, before[order]
