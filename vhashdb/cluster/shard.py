"""One shard of an index: the hashes and landmarks of the records whose numbers leave one rest, kept equal to the store, and searched.

A shard needs nothing but the URL of the database and a folder on the disk of its machine. Its files are mapped, so that replicas of one
shard on one machine share them; what is lost of them is made again from the records. A thread follows the store.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np

from vhashdb.database import local_folder
from vhashdb.errors import DatabaseError, DatabaseNotFound
from vhashdb.index.manifest import FORMAT
from vhashdb.layout import INDEX_FOLDER, RECORDS_FILE, SOUND_INDEX_FOLDER, place_of
from vhashdb.live_index import FrameReader, IndexWriter, IndexWriters, LandmarkReader
from vhashdb.live_index.searcher import require
from vhashdb.searcher import IndexState
from vhashdb.store import Selection, State, Store
from vhashdb.store.changes import Share

FOLLOW_S: Final = 1.0
"""Seconds between two looks for changes of the store. Engineering bound: a question that needs a later change does not wait for it."""
_log: Final = logging.getLogger(__name__)

Arrays = tuple[Any, ...]
"""What is sent: arrays of the smallest types that hold their values."""


class IndexShard:
    """Search the records of one share. Safe from several threads.

    Every answer is a pair: the change of the store up to which it holds, and what was found.
    """

    def __init__(self, database: str, share: Share, local: Path | None = None, *, follow_s: float | None = FOLLOW_S) -> None:
        """Open the store, bring the index up to date on this machine's disk, and follow the store from then on.

        Args:
            database: the URL of the database, or its folder on this machine.
            share: which records.
            local: see `vhashdb.open`.
            follow_s: seconds between two looks for changes; None: only when a question needs them.
        """
        self.store = opened(database)
        # A database in a folder has no identity of its own, so that its digest keeps it apart from others on the same machine.
        folder = local_folder(self.store, local) / "shards" / identity_of(self.store) / f"{FORMAT}" / f"{share.number}-of-{share.of}"
        folder.mkdir(parents=True, exist_ok=True)
        self._frames = FrameReader(folder / INDEX_FOLDER, self.store, self.store.algorithm, share)
        self._sound = LandmarkReader(folder / SOUND_INDEX_FOLDER, self.store, share)
        self._writers = IndexWriters(IndexWriter(self._frames), IndexWriter(self._sound))
        self._closing = threading.Event()
        self._writers.maintain()
        self._follower: threading.Thread | None = None
        if follow_s is not None:
            self._follower = threading.Thread(target=self._follow, args=(follow_s,), name="vhashdb-follow", daemon=True)
            self._follower.start()

    def close(self) -> None:
        """Follow no longer, and release the files."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join()
        self._writers.wait()
        self.store.close()

    # -- questions -----------------------------------------------------------------------------

    def near(self, hashes: Any, radius: int, where: Arrays | None, budget: float, times: int | None, at_least: int) -> tuple[int, Arrays]:
        """Find near hashes, by a glance if ``times`` is None: query as uint32, record as int64, distance as uint16."""
        chosen = selection_of(where)
        if times is None:
            found = self._frames.glance(hashes, radius, where=chosen, at_least=at_least)
        else:
            found = self._frames.near(hashes, radius, times=times, where=chosen, budget=budget, at_least=at_least)
        require(found.change, at_least)
        return found.change, (found.query.astype(np.uint32), found.record, found.distance.astype(np.uint16))

    def frequency(self, keys: Any, at_least: int) -> tuple[int, Arrays]:
        """Count the landmarks that have each of some keys."""
        counted, change = self._sound.frequency(keys, at_least=at_least)
        require(change, at_least)
        return change, (counted,)

    def look_up(self, keys: Any, where: Arrays | None, at_least: int) -> tuple[int, Arrays]:
        """Find the landmarks that have one of some keys: number of the key as uint32, of the record as int64, and the landmark."""
        hits, change = self._sound.look_up(keys, where=selection_of(where), at_least=at_least)
        require(change, at_least)
        return change, (hits.query.astype(np.uint32), hits.record, hits.landmark)

    def sizes(self, at_least: int) -> tuple[int, Arrays]:
        """Count hashes, landmarks, and records whose fingerprints are damaged."""
        (frames, change), (sound, heard) = self._frames.including(at_least), self._sound.including(at_least)
        require(min(change, heard), at_least)
        return min(change, heard), (len(frames), len(sound), len(frames.damaged))

    def damaged(self, where: Arrays | None, at_least: int) -> tuple[int, Arrays]:
        """Count the records, of those selected, whose fingerprints are damaged."""
        _, change = self._frames.including(at_least)
        require(change, at_least)
        return change, (self._frames.damaged(selection_of(where)),)

    def states(self) -> tuple[int, tuple[tuple[IndexState, str | None], ...]]:
        """Describe both indexes on disk, and why they were made again, if they were."""
        change = min(self._frames.including(0)[1], self._sound.including(0)[1])
        return change, tuple((reader.state(), reader.problem) for reader in (self._frames, self._sound))

    # -- inside --------------------------------------------------------------------------------

    def _follow(self, every_s: float) -> None:
        failing = False
        while not self._closing.wait(every_s):
            try:
                self._writers.maintain()
                failing = False
            except (DatabaseError, OSError) as error:  # what is there can be asked; a question that needs more says so
                _log.log(logging.DEBUG if failing else logging.WARNING, "the store cannot be followed at the moment: %s", error)
                failing = True


def opened(database: str) -> Store:
    """Open the records of a database, by its URL or its folder, to be read only.

    Raises:
        DatabaseError: they cannot be opened.
    """
    place = place_of(database)
    if isinstance(place, Path) and not (place / RECORDS_FILE).is_file():
        raise DatabaseNotFound(f"there is no database at {place}")
    return Store.open(place if isinstance(place, str) else place / RECORDS_FILE, read_only=True)


def identity_of(store: Store) -> str:
    """Return what names a database in a cluster: the identity of one on PostgreSQL, or a digest of the file's path."""
    return store.identity or hashlib.sha256(str(Path(store.path).resolve()).encode()).hexdigest()[:16]


def selection_to_send(where: Selection | None) -> Arrays | None:
    """Return a selection as plain values, which another version reads as well."""
    return None if where is None else (where.labels, where.severities, where.sources, tuple(state.value for state in where.states))


def selection_of(sent: Arrays | None) -> Selection | None:
    """Return the selection that was sent."""
    if sent is None:
        return None
    labels, severities, sources, states = sent
    return Selection(labels, severities, sources, tuple(State(state) for state in states))
