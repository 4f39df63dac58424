"""Stop hashes: hashes of pictures that occur in unrelated videos, such as test cards, countdowns, gradients, cards of text.

Like a stop word in text retrieval, a frame that looks like one of them says little about where a video comes from.
`make_background` drew the pictures and wrote their hashes to ``background.bin``: PDQ hashes of 32 bytes one after another, and
nothing else.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.bits import PackedHashes

RADIUS: Final = 24
"""Bits within which a hash shows a background picture. Measured: `bench.accuracy` and `tests/test_background.py`; a re-encoded copy of a
background picture is nearer, real footage further away, so that next to nothing of it is masked."""
_BLOCK_PAIRS: Final = 1 << 17
"""Pairs compared together. Engineering bound: 1 MB of scratch memory, which stays in the processor's cache."""


def stop_hash_mask(hashes: PackedHashes, algorithm: AlgorithmId) -> npt.NDArray[np.bool_]:
    """Return which hashes ``(n, bytes)`` uint8 are within `RADIUS` bits of a stop hash: ``(n,)`` bool.

    There are stop hashes for PDQ only: with any other algorithm none is masked.
    """
    found = np.zeros(len(hashes), np.bool_)
    if algorithm != Pdq.id:
        return found
    stops = _words(_background())
    first = np.ascontiguousarray(stops[:, 0])
    queries = _words(hashes)
    step = max(1, _BLOCK_PAIRS // len(stops))
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        # A quarter of the bits rules out nearly all pairs; only the rest is compared in full.
        near = np.flatnonzero(np.bitwise_count(block[:, :1] ^ first) <= RADIUS)
        query, stop = np.divmod(near, len(stops))
        bits = np.bitwise_count(block[query] ^ stops[stop]).sum(axis=1, dtype=np.int16)
        found[start + query[bits <= RADIUS]] = True
    return found


@functools.cache
def _background() -> PackedHashes:
    """Return the stop hashes ``(m, 32)`` uint8, read when they are first needed."""
    data = resources.files(__name__).joinpath("background.bin").read_bytes()
    return np.frombuffer(data, np.uint8).reshape(-1, Pdq.id.bytes)


def _words(hashes: PackedHashes) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64)
