"""The index of one database, brought up to date with the records whenever it is asked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import numpy as np

from vhashdb.errors import DatabaseDamaged
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.index import FrameIndex
from vhashdb.matching.candidates import Candidate, candidates
from vhashdb.store import Store

UNSAVED_CHANGES: Final = 512
"""Changes the saved file may lag behind before a writer saves it."""


class LiveIndex:
    """Reads the saved file, replays what the store has since, and saves again. Safe from several threads."""

    def __init__(self, path: Path, store: Store, algorithm: AlgorithmId) -> None:
        self._path, self._store, self._algorithm = path, store, algorithm
        self._lock = threading.RLock()
        self.problem: str | None = None
        """Why the saved file could not be used, if so; everything was then replayed."""
        self._index = self._opened()
        self._saved_change = self._index.change

    @property
    def current(self) -> FrameIndex:
        """The index with everything in it that is in the store."""
        with self._lock:
            if self._index.change != self._store.last_change():
                self._replay(self._index)
            return self._index

    def candidates(self, query: Fingerprint, radius_bits: int) -> list[Candidate]:
        """Records with a hash near the query's, best first."""
        with self._lock:  # it must not change while it is searched
            return candidates(query, self.current, radius_bits)

    def save(self) -> None:
        """Write the file, so that the next opening need not replay."""
        with self._lock:
            self.current.save(self._path)
            self._saved_change = self._index.change

    def save_if_behind(self) -> None:
        """Write the file if it lags far behind."""
        if self.current.change - self._saved_change >= UNSAVED_CHANGES:
            self.save()

    def rebuild(self) -> str | None:
        """Make it again from the records and save it; what was wrong with it, in words, or None."""
        with self._lock:
            before, after = self.current, FrameIndex(self._algorithm)
            self._replay(after)
            problem, self.problem, self._index = self.problem, None, after
            self.save()
        if problem is None and (len(before), before.records) != (len(after), after.records):
            problem = f"the index held {len(before)} hashes, the records have {len(after)}"
        return problem

    def _opened(self) -> FrameIndex:
        if not self._path.exists() and not self._store.last_change():
            return FrameIndex(self._algorithm)
        try:
            index = FrameIndex.open(self._path, self._algorithm)
        except DatabaseDamaged as error:
            self.problem = str(error)
            return FrameIndex(self._algorithm)
        if index.change > self._store.last_change():
            self.problem = f"the index {self._path} is newer than the records"
            return FrameIndex(self._algorithm)
        return index

    def _replay(self, index: FrameIndex) -> None:
        for change, fingerprint in self._store.changes_since(index.change):
            index.remove(change.record)
            if fingerprint is not None:
                entries = np.flatnonzero(fingerprint.usable)
                index.add(change.record, entries, fingerprint.hash[entries])
            index.change = change.change
