"""Allow-lists at work: whether a picture is one that must never lead to an automatic action. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.background import common
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.model import covered
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes

RADIUS: Final = 31
"""Bits of 256 within which a picture shows one on the list: what PDQ's authors take for the same picture."""
SHARE: Final = 0.2
"""Share of the seconds that matched that may show what is on the list before nothing may happen automatically."""
_BLOCK_PAIRS: Final = 1 << 20


@dataclass(frozen=True)
class AllowList:
    """Everything that is on the allow-lists of this database."""

    hashes: PackedHashes
    """``(n, bytes)`` uint8."""
    files: frozenset[str] = frozenset()
    """SHA-256 of whole files, in hexadecimal."""

    @classmethod
    def of(cls, fingerprints: Iterable[Fingerprint], files: Iterable[str], algorithm: AlgorithmId) -> AllowList:
        """The pictures of these fingerprints that show enough to compare, and these files."""
        rows = [f.hash[f.usable] for f in fingerprints if f.algorithm == algorithm]
        return cls(np.concatenate(rows) if rows else np.zeros((0, algorithm.bytes), np.uint8), frozenset(files))

    def shows(self, hashes: PackedHashes) -> npt.NDArray[np.bool_]:
        """Which hashes ``(n, bytes)`` uint8 are near one on the list: ``(n,)`` bool."""
        found = np.zeros(len(hashes), np.bool_)
        if not len(self.hashes):
            return found
        step = max(1, _BLOCK_PAIRS // len(self.hashes))
        for start in range(0, len(hashes), step):
            pairs = np.bitwise_count(hashes[start : start + step, None, :] ^ self.hashes[None, :, :])
            found[start : start + step] = (pairs.sum(axis=2, dtype=np.int64) <= RADIUS).any(axis=1)
        return found

    def benign(self, hashes: PackedHashes, algorithm: AlgorithmId) -> npt.NDArray[np.bool_]:
        """The same, or near a background picture: what the import gate takes for harmless."""
        return common(hashes, algorithm) | self.shows(hashes)

    def against(self, query: Fingerprint, stretches: Iterable[tuple[float, float]], sha256: str | None) -> str:
        """Why nothing may happen automatically to what was asked, looking at these seconds of it; empty if it may."""
        if sha256 is not None and sha256 in self.files:
            return "this very file"
        if not len(self.hashes):
            return ""
        within = np.zeros(len(query), np.bool_)
        for first_s, last_s in stretches:
            within |= (query.start_s <= last_s) & (query.end_s >= first_s)
        within &= query.usable
        start_s, end_s = query.start_s[within], query.end_s[within]
        seen = self.shows(query.hash[within])
        # In seconds, not in hashes: a question looks in many ways, and one that shows it is enough.
        asked_s, shown_s = covered(start_s, end_s), covered(start_s[seen], end_s[seen])
        share = shown_s / asked_s if asked_s else float(seen.any())
        return f"{share:.0%} of what matched" if share > SHARE else ""
