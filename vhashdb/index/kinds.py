"""Say what an index is of: hashes of frames, or landmarks of sound. Everything else in an index is the same for both. Pure.

A row is one hash or one landmark, in words of 64 bits. Each table sorts the rows by one key of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.index.permutation import keys, permute, tables_of, words_of
from vhashdb.sound import SPEC
from vhashdb.sound.fingerprint import FRAME_BITS, KEY_BITS, PITCH_BITS, SPAN_BITS

KEY_SHIFT: Final = np.uint64(PITCH_BITS + SPAN_BITS + FRAME_BITS)
"""Bits of a landmark below its key. Derived: they are its pitch, span and frame."""

Words = npt.NDArray[np.uint64]
"""Array of shape ``(n, words)``, dtype uint64: rows as they are stored."""
Values = npt.NDArray[Any]
"""Rows as a fingerprint has them: hashes ``(n, bytes)`` uint8 in their original order of bits, or landmarks ``(n,)`` uint64."""


@dataclass(frozen=True)
class RecordRows:
    """What an index has of one record."""

    record: int
    """Number of the record."""
    fingerprint: int
    """Number of the fingerprint that the rows are from."""
    values: Values

    def __len__(self) -> int:
        return len(self.values)


class IndexKind(ABC):
    """What rows, keys and files of an index are."""

    name: str
    """What people call an index of this kind."""
    row_name: str
    """Name of the file of rows, without its ending."""

    @property
    @abstractmethod
    def version(self) -> str:
        """What the rows are of, with its version, as a manifest says it; an index of another is made again."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits of a row."""

    @property
    def words(self) -> int:
        """Words of a row."""
        return words_of(self.bits)

    @property
    @abstractmethod
    def tables(self) -> int:
        """Number of tables."""

    @abstractmethod
    def values_of(self, fingerprint: Fingerprint | None) -> Values:
        """Return what can be looked up of a fingerprint; no rows for None."""

    @abstractmethod
    def rows_of(self, values: Values) -> Words:
        """Turn values into rows."""

    @abstractmethod
    def keys(self, rows: Words, table: int, width: int) -> npt.NDArray[np.uint32]:
        """Return the keys ``(n,)`` uint32 of rows in one table, of ``width`` bits."""

    def sorted_bits(self, width: int) -> int:
        """Return the bits of the key by which a table is sorted that has a bucket for each value of the first ``width`` of them."""
        return width


@dataclass(frozen=True)
class FrameHashes(IndexKind):
    """Hashes of frames, of one algorithm, which are searched for near ones."""

    algorithm: AlgorithmId
    name = "index"
    row_name = "hashes"

    @property
    def bits(self) -> int:
        return self.algorithm.bits

    @property
    def version(self) -> str:
        return str(self.algorithm)

    @property
    def tables(self) -> int:
        return tables_of(self.bits)

    def values_of(self, fingerprint: Fingerprint | None) -> Values:
        """Return the usable hashes."""
        if fingerprint is None:
            return np.zeros((0, self.algorithm.bytes), np.uint8)
        return fingerprint.hash[fingerprint.usable]

    def rows_of(self, values: Values) -> Words:
        return permute(values)

    def keys(self, rows: Words, table: int, width: int) -> npt.NDArray[np.uint32]:
        return keys(rows, table, self.tables, width)


@dataclass(frozen=True)
class Landmarks(IndexKind):
    """Landmarks of sound, which are looked up by their keys."""

    name = "sound index"
    row_name = "landmarks"

    @property
    def version(self) -> str:
        return f"landmarks/{SPEC}"

    @property
    def bits(self) -> int:
        return KEY_BITS + PITCH_BITS + SPAN_BITS + FRAME_BITS

    @property
    def tables(self) -> int:
        return 1

    def values_of(self, fingerprint: Fingerprint | None) -> Values:
        """Return the landmarks; none of other versions, which nothing asked can be compared with."""
        sound = None if fingerprint is None else fingerprint.sound
        return np.zeros(0, np.uint64) if sound is None or sound.spec != SPEC else sound.landmarks

    def rows_of(self, values: Values) -> Words:
        return np.asarray(values[:, None], np.uint64)

    def keys(self, rows: Words, table: int, width: int) -> npt.NDArray[np.uint32]:  # noqa: ARG002  # there is one table
        return (rows[:, 0] >> (KEY_SHIFT + np.uint64(KEY_BITS - width))).astype(np.uint32)

    def sorted_bits(self, width: int) -> int:  # noqa: ARG002  # so that the rows of one key stand together
        return KEY_BITS
