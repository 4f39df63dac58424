"""Stop hashes: hashes of pictures that occur in unrelated videos, such as test cards, countdowns, gradients, cards of text.

Like a stop word in text retrieval, a frame that looks like one of them says little about where a video comes from.
`make_background` drew the pictures and wrote their hashes to ``background.bin``: PDQ hashes of 32 bytes one after another, and
nothing else.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.bits import PackedHashes, paired_distances

RADIUS: Final = 24
"""Bits within which a hash shows a background picture. Measured: `bench.accuracy` and `tests/test_background.py`; a re-encoded copy of a
background picture is nearer, real footage further away, so that next to nothing of it is masked."""
_BLOCK_PAIRS: Final = 1 << 16
"""Pairs compared together. Engineering bound: 4 MB of scratch memory, and as much again for one hash that resembles many."""


def stop_hash_mask(hashes: PackedHashes, algorithm: AlgorithmId) -> npt.NDArray[np.bool_]:
    """Return which hashes ``(n, bytes)`` uint8 are within `RADIUS` bits of a stop hash: ``(n,)`` bool.

    There are stop hashes for PDQ only: with any other algorithm none is masked.
    """
    found = np.zeros(len(hashes), np.bool_)
    if algorithm != Pdq.id or not len(hashes):
        return found
    tables = _tables()
    queries = _words(hashes)
    parts = queries.view(np.uint16).astype(np.intp) + tables.first
    begin, end = tables.begins[parts], tables.begins[parts + 1]
    pairs = (end - begin).sum(axis=1).cumsum()
    edges = np.flatnonzero(np.diff(pairs // _BLOCK_PAIRS, prepend=-1))
    for start, stop in zip(edges, [*edges[1:], len(hashes)], strict=True):
        counts = (end - begin)[start:stop].ravel()
        at = np.repeat(begin[start:stop].ravel() - counts.cumsum() + counts, counts) + np.arange(counts.sum())
        query = np.repeat(np.arange(start, stop), np.diff(pairs[start:stop], prepend=pairs[start - 1] if start else 0))
        bits = paired_distances(hashes.take(query, axis=0), _background().take(tables.stops[at], axis=0))
        found[query[bits <= RADIUS]] = True
    return found


class _Tables(NamedTuple):
    """For each part of 16 bits of a hash and each of its values, the stop hashes that differ there by one bit at most."""

    first: npt.NDArray[np.intp]
    """``(16,)``: where in `begins` each part has its values."""
    begins: npt.NDArray[np.int32]
    """``(16 * 2**16 + 1,)``: where in `stops` the numbers for a value begin."""
    stops: npt.NDArray[np.uint16]


@functools.cache
def _tables() -> _Tables:
    """Sort the stop hashes by their parts: of two hashes within `RADIUS` bits one part differs by one bit at most."""
    # If each of the 16 differed by two, the hashes would differ by 32.
    parts = _words(_background()).view(np.uint16)
    changes = np.array([0, *(1 << bit for bit in range(16))], np.uint16)
    values = (parts.T[:, :, None] ^ changes).reshape(parts.shape[1], -1)
    first = np.arange(len(values)) << 16
    begins = np.bincount((values + first[:, None] + 1).ravel(), minlength=(len(values) << 16) + 1).cumsum().astype(np.int32)
    return _Tables(first, begins, (np.argsort(values, kind="stable").ravel() // len(changes)).astype(np.uint16))


@functools.cache
def _background() -> PackedHashes:
    """Return the stop hashes ``(m, 32)`` uint8, read when they are first needed."""
    data = resources.files(__name__).joinpath("background.bin").read_bytes()
    return np.frombuffer(data, np.uint8).reshape(-1, Pdq.id.bytes)


def _words(hashes: PackedHashes) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64)
