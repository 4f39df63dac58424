"""How the bits of a hash are dealt into columns of 16, each of which is a key to look the hash up by.

PDQ's bits stand in a 16 × 16 matrix of frequencies, and those of one row or column change together. A column is therefore
a wrapped diagonal of that matrix: one bit of every row and of every column. The deal is a permutation, so distances stay
what they are; everything inside the index is dealt, and only `deal` knows the customary order.

Hashes of other sizes are dealt in the same way, with as many rows as 16 goes into their bits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import PackedHashes

COLUMN: Final = 16
"""Bits of a column."""
MAX_WIDTH: Final = 2 * COLUMN
"""Bits of a key, at most: a column and what it borrows of another."""
MAX_TABLES: Final = 16
WORD: Final = 8
"""Bytes of the words that dealt hashes are compared in."""

DealtHashes = npt.NDArray[np.uint64]
"""Array of shape ``(n, words)``, dtype uint64: columns in order, padded with zeros to whole words."""

_BORROWED: Final = 5
"""How many columns further on a wide key borrows its last bits; has no factor in common with any number of tables in use."""
_BLOCK: Final = 1 << 15
"""Hashes dealt at once: the scratch arrays stay in the processor's cache."""


def words_of(bits: int) -> int:
    """Words of one dealt hash."""
    return -(-bits // (8 * WORD))


def tables_of(bits: int) -> int:
    """Columns that serve as keys."""
    return min(bits // COLUMN, MAX_TABLES)


def deal(hashes: PackedHashes) -> DealtHashes:
    """Hashes ``(n, bytes)`` uint8 in the order of the index; ``bytes`` is even."""
    rows = hashes.shape[1] * 8 // COLUMN
    dealt = np.zeros((len(hashes), words_of(rows * COLUMN) * WORD // 2), np.uint16)
    for start in range(0, len(hashes), _BLOCK):
        block = np.ascontiguousarray(np.ascontiguousarray(hashes[start : start + _BLOCK]).view(">u2").astype(np.uint16).T)
        taken = np.zeros_like(block)
        scratch = np.empty(block.shape[1], np.uint16)
        for column in range(rows):
            for bit in range(COLUMN):
                np.bitwise_and(block[(column + bit) % rows], np.uint16(1 << (COLUMN - 1 - bit)), out=scratch)
                taken[column] |= scratch
        dealt[start : start + _BLOCK, :rows] = taken.T
    return dealt.view(np.uint64)


def keys(dealt: DealtHashes, table: int, tables: int, width: int) -> npt.NDArray[np.uint32]:
    """``(n,)`` uint32: what a table finds each hash by: a column, and beyond its 16 bits the first ones of another."""
    columns = dealt.view(np.uint16)
    key = columns[:, table].astype(np.uint32)
    if width <= COLUMN:
        return key >> np.uint32(COLUMN - width)
    key <<= np.uint32(width - COLUMN)
    key |= columns[:, (table + _BORROWED) % tables] >> np.uint16(MAX_WIDTH - width)
    return key
