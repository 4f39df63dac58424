"""Packed bit vectors: the form in which hashes are stored, compared and exchanged.

A hash of ``b`` bits is ``b/8`` bytes in the order of its customary hexadecimal text, so
``packed.tobytes().hex()`` is what other tools print.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

PackedHashes = npt.NDArray[np.uint8]
"""Array of shape ``(n, bytes)``, dtype uint8."""

_BLOCK_PAIRS: Final = 1 << 16
"""Pairs compared at once by `distances`. Engineering bound: the scratch arrays stay in the processor's cache."""


def distances(left: PackedHashes, right: PackedHashes) -> npt.NDArray[np.int16]:
    """Compute the Hamming distance, in bits, of every hash of ``left`` to every hash of ``right``.

    Args:
        left: ``(n, bytes)`` uint8.
        right: ``(m, bytes)`` uint8.

    Returns:
        ``(n, m)`` int16.
    """
    words_left, words_right = _words(left), np.ascontiguousarray(_words(right).T)
    out = np.zeros((len(left), len(right)), np.int16)
    step = max(1, _BLOCK_PAIRS // max(1, len(right)))
    for start in range(0, len(left), step):
        block = out[start : start + step]
        for number, words in enumerate(words_right):  # one word of all pairs after the other: a sum over so few takes several times as long
            block += np.bitwise_count(words_left[start : start + step, number, None] ^ words)
    return out


def paired_distances(left: PackedHashes, right: PackedHashes) -> npt.NDArray[np.int16]:
    """Compute the Hamming distance, in bits, of ``left[i]`` to ``right[i]``: two ``(n, bytes)`` uint8 to ``(n,)`` int16."""
    return set_bits(left ^ right)


def set_bits(packed: PackedHashes) -> npt.NDArray[np.int16]:
    """Count the bits that are set in each hash: ``(n, bytes)`` uint8 to ``(n,)`` int16."""
    words = np.bitwise_count(_words(packed))
    counts: npt.NDArray[np.int16] = words[:, 0].astype(np.int16)
    for column in range(1, words.shape[1]):  # a few long sums cost less than many short ones
        counts += words[:, column]
    return counts


def as_integers(packed: PackedHashes) -> list[int]:
    """Turn hashes ``(n, bytes)`` into Python integers, the fastest form in which to compare one pair at a time."""
    raw, size = np.ascontiguousarray(packed).tobytes(), packed.shape[1]
    return [int.from_bytes(raw[start : start + size]) for start in range(0, len(raw), size)]


def unpack(packed: PackedHashes) -> npt.NDArray[np.float32]:
    """Turn bits into −1 and +1: ``(n, bytes)`` uint8 to ``(n, bits)`` float32."""
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1


def _words(packed: PackedHashes) -> npt.NDArray[np.unsignedinteger]:
    """View the same bytes as the widest words that divide them, which makes counting bits faster."""
    contiguous = np.ascontiguousarray(packed)
    width = contiguous.shape[1]
    dtype = next(d for d, size in ((np.uint64, 8), (np.uint32, 4), (np.uint16, 2), (np.uint8, 1)) if width % size == 0)
    return contiguous.view(dtype)
