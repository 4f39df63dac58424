"""Permute the bits of a hash into substrings of 16, each of which keys one table of the index.

Multi-index hashing (Norouzi, Punjani and Fleet 2012) splits a hash into disjoint substrings and assumes that bits change
independently. PDQ's bits stand in a 16 × 16 matrix of frequencies, and those of one row or column change together. A
substring is therefore a wrapped diagonal of that matrix: one bit of every row and of every column. A permutation of the bits
leaves distances as they are; everything inside the index is permuted, and only `permute` knows the original order.

Hashes of other sizes are permuted in the same way, with as many rows as 16 goes into their bits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import PackedHashes

SUBSTRING_BITS: Final = 16
"""Bits of a substring. Derived: the side of PDQ's matrix, so that a diagonal has one bit of each row and column."""
MAX_KEY_BITS: Final = 2 * SUBSTRING_BITS
"""Maximum bits of a table key. Derived: a substring and what it borrows of one other."""
MAX_TABLES: Final = 16
"""Maximum number of tables. Derived: the substrings of a PDQ hash; longer hashes leave the others without a table."""
WORD_BYTES: Final = 8
"""Bytes of the words in which permuted hashes are compared. Derived: the size of a uint64."""

_STEPS: Final = tuple(
    (step, np.uint16(sum(1 << (SUBSTRING_BITS - 1 - bit) for bit in range(SUBSTRING_BITS) if bit & step))) for step in (1, 2, 4, 8)
)
"""Rows to go further by, and which bits of a substring do. Derived: the binary digits of a bit's place in its substring."""

PermutedHashes = npt.NDArray[np.uint64]
"""Array of shape ``(n, words)``, dtype uint64: substrings in order, padded with zeros to whole words."""

_BORROW_STEP: Final = 5
"""Distance to the substring whose first bits extend a key. Engineering bound: coprime to every number of tables in use."""
_BLOCK: Final = 1 << 12
"""Hashes permuted at once. Engineering bound: the scratch arrays stay in the processor's cache."""


def words_of(bits: int) -> int:
    """Return the number of words of one permuted hash of ``bits`` bits."""
    return -(-bits // (8 * WORD_BYTES))


def tables_of(bits: int) -> int:
    """Return the number of substrings of a hash of ``bits`` bits that key a table."""
    return min(bits // SUBSTRING_BITS, MAX_TABLES)


def permute(hashes: PackedHashes) -> PermutedHashes:
    """Permute the bits of hashes ``(n, bytes)`` uint8 into the order of the index; ``bytes`` is even."""
    rows = hashes.shape[1] * 8 // SUBSTRING_BITS
    permuted = np.zeros((len(hashes), words_of(rows * SUBSTRING_BITS) * WORD_BYTES // 2), np.uint16)
    for start in range(0, len(hashes), _BLOCK):
        block = np.ascontiguousarray(np.ascontiguousarray(hashes[start : start + _BLOCK]).view(">u2").T.astype(np.uint16))
        # Bit b comes from b rows further on: as many steps of 1, 2, 4 and 8 rows as there are digits in b.
        for step, bits in _STEPS:
            further = np.roll(block, -step, axis=0)
            further ^= block
            further &= bits
            block ^= further
        permuted[start : start + _BLOCK, :rows] = block.T
    return permuted.view(np.uint64)


def keys(permuted: PermutedHashes, table: int, tables: int, width: int) -> npt.NDArray[np.uint32]:
    """Return the keys ``(n,)`` uint32 of hashes in one table: ``width`` bits, those beyond 16 borrowed from another substring."""
    substrings = permuted.view(np.uint16)
    key = substrings[:, table].astype(np.uint32)
    if width <= SUBSTRING_BITS:
        return key >> np.uint32(SUBSTRING_BITS - width)
    key <<= np.uint32(width - SUBSTRING_BITS)
    key |= substrings[:, (table + _BORROW_STEP) % tables] >> np.uint16(MAX_KEY_BITS - width)
    return key


def unkeyed_word(table: int, words: int) -> int:
    """Return a word of permuted hashes that the keys of a table are not from, or least from where there are less than three."""
    return (table * SUBSTRING_BITS // (8 * WORD_BYTES) - 1) % words
