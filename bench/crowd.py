"""Millions of hashes a second with the structure of real ones: what a large index is filled with.

`bench.synthetic` makes whole fingerprints that look like videos; this makes only their hashes, a hundred times faster.
They come in runs, as neighbouring entries of a fingerprint do. A run is

* 3 to 20 neighbouring hashes of one real fingerprint, recombined with as many of another: whole rows, or whole columns, of
  PDQ's matrix of frequencies come from the one or the other, the same throughout the run;
* changed in 8, 16 or 32 bits on average that are the same throughout the run, and in 4 more of each hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from vhashdb import Fingerprint
from vhashdb.hashing.bits import PackedHashes

RUN = (3, 20)
RUN_NOISE = (3, 4, 5)
"""Bits that change throughout a run: 256 halved so many times, on average …"""
NOISE = 6
"""… and those that change in each hash."""
BYTES = 32
BLOCK = 1 << 20


def pool_of(prints: Sequence[Fingerprint]) -> PackedHashes:
    """The usable hashes of real fingerprints, one after the other."""
    return np.concatenate([fingerprint.hash[fingerprint.usable] for fingerprint in prints])


def realistic(pool: PackedHashes, rng: Generator) -> Iterator[PackedHashes]:
    """Endless blocks ``(BLOCK, 32)`` of hashes made from those of ``pool``."""
    real = np.ascontiguousarray(pool).view(np.uint64)
    while True:
        lengths = rng.integers(RUN[0], RUN[1] + 1, BLOCK // RUN[0] + 1)
        lengths = lengths[: int(np.searchsorted(np.cumsum(lengths), BLOCK)) + 1]
        run = np.repeat(np.arange(len(lengths)), lengths)[:BLOCK]
        within = np.arange(BLOCK) - (np.cumsum(lengths) - lengths)[run]
        one, other = (rng.integers(0, len(real) - RUN[1], len(lengths))[run] + within for _ in range(2))
        mask = rows_or_columns(len(lengths), rng)[run]
        noise = np.stack([sparse(len(lengths), halvings, rng) for halvings in RUN_NOISE])[
            rng.integers(0, 3, len(lengths)), np.arange(len(lengths))
        ]
        hashes = (real[one] & mask) | (real[other] & ~mask)
        hashes ^= noise[run] ^ sparse(BLOCK, NOISE, rng)
        yield hashes.view(np.uint8)


def uniform(rng: Generator) -> Iterator[PackedHashes]:
    """Endless blocks ``(BLOCK, 32)`` of hashes of which every bit is a coin toss."""
    while True:
        yield rng.integers(0, 256, (BLOCK, BYTES), np.uint8)


def altered(hashes: PackedHashes, bits: tuple[int, int], rng: Generator) -> PackedHashes:
    """The same with so many bits changed in each, from and to."""
    order = np.argsort(rng.random((len(hashes), 8 * BYTES)), axis=1)
    flips = order < rng.integers(bits[0], bits[1] + 1, (len(hashes), 1))
    return hashes ^ np.packbits(flips, axis=1)


def rows_or_columns(count: int, rng: Generator) -> npt.NDArray[np.uint64]:
    """``(count, 4)`` masks that select some whole rows, or some whole columns, of a 16 × 16 matrix of bits."""
    chosen = rng.integers(0, 1 << 16, count).astype(np.uint16)
    rows = np.where((chosen[:, None] >> np.arange(16)) & 1, 0xFFFF, 0)
    return np.where(rng.random(count)[:, None] < 0.5, rows, chosen[:, None]).astype(np.uint16).view(np.uint64)


def sparse(count: int, halvings: int, rng: Generator) -> npt.NDArray[np.uint64]:
    """``(count, 4)`` words in which one bit of 2**halvings is set, on average."""
    words = rng.integers(0, 1 << 64, (count, 4), np.uint64)
    for _ in range(halvings - 1):
        words &= rng.integers(0, 1 << 64, (count, 4), np.uint64)
    return words
