"""Remember fingerprints that were packed a moment ago, so that whatever follows on writing them need not unpack them again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

from vhashdb.fingerprints import Fingerprint, from_bytes

MAX_BYTES: Final = 96 << 20
"""Bytes of fingerprints that are remembered. Engineering bound: on memory, some thousand videos of minutes."""
_DIGEST: Final = 16
"""Bytes at the end of a packed fingerprint that tell it from every other: its checksum."""


class Unpacked:
    """Fingerprints by the checksum of their packed form, which is their content. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[bytes, Fingerprint] = {}
        self._bytes = 0

    def remember(self, fingerprints: Iterable[tuple[bytes, Fingerprint]]) -> None:
        """Remember what unpacking each of some packed fingerprints gives, as far as there is room."""
        with self._lock:
            for packed, fingerprint in fingerprints:
                if self._bytes + _size(fingerprint) <= MAX_BYTES and packed[-_DIGEST:] not in self._known:
                    self._known[packed[-_DIGEST:]] = fingerprint
                    self._bytes += _size(fingerprint)

    def unpack(self, packed: bytes) -> Fingerprint:
        """Return what `vhashdb.from_bytes` does, without unpacking it if it is remembered."""
        known = self._known.get(packed[-_DIGEST:])
        return from_bytes(packed) if known is None else known

    def forget(self) -> None:
        """Forget all of them: what follows on writing is done."""
        with self._lock:
            self._known, self._bytes = {}, 0


def _size(fingerprint: Fingerprint) -> int:
    columns = (fingerprint.start_s, fingerprint.end_s, fingerprint.hash, fingerprint.quality, fingerprint.view)
    return sum(column.nbytes for column in columns) + (0 if fingerprint.sound is None else fingerprint.sound.landmarks.nbytes)
