"""Hashes of pictures that occur in unrelated videos: test cards, countdowns, gradients, cards of text, discs.

A frame that looks like one of them says little about where a video comes from. `make_background` drew the pictures and
wrote their hashes to ``background.bin``: PDQ hashes of 32 bytes one after another, and nothing else.
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
"""Bits within which a hash shows a background picture: near enough for a re-encoded copy of one, and further than real
footage is apart from them, so that next to nothing of it is marked."""
_BLOCK_PAIRS: Final = 1 << 17
"""Pairs looked at together: 1 MB of scratch memory, which stays in the processor's cache."""


def stop_hash_mask(hashes: PackedHashes, algorithm: AlgorithmId) -> npt.NDArray[np.bool_]:
    """Which hashes ``(n, bytes)`` uint8 are within `RADIUS` bits of a background picture's: ``(n,)`` bool.

    There are background pictures for PDQ only: with any other algorithm nothing is stop_hash_mask.
    """
    found = np.zeros(len(hashes), np.bool_)
    if algorithm != Pdq.id:
        return found
    known = _words(_background())
    first = np.ascontiguousarray(known[:, 0])
    asked = _words(hashes)
    step = max(1, _BLOCK_PAIRS // len(known))
    for start in range(0, len(asked), step):
        block = asked[start : start + step]
        # A quarter of the bits rules out nearly all pairs; only the rest is compared in full.
        left = np.flatnonzero(np.bitwise_count(block[:, :1] ^ first) <= RADIUS)
        query, background = np.divmod(left, len(known))
        bits = np.bitwise_count(block[query] ^ known[background]).sum(axis=1, dtype=np.int16)
        found[start + query[bits <= RADIUS]] = True
    return found


@functools.cache
def _background() -> PackedHashes:
    """The background hashes ``(m, 32)`` uint8, read when first asked for."""
    data = resources.files(__name__).joinpath("background.bin").read_bytes()
    return np.frombuffer(data, np.uint8).reshape(-1, Pdq.id.bytes)


def _words(hashes: PackedHashes) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64)
