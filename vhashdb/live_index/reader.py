"""Open an index on disk and keep it equal to the store, whatever it is of."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from vhashdb.errors import DatabaseDamaged
from vhashdb.index.folder import IndexFolder, Vanished
from vhashdb.index.layers import Layer
from vhashdb.index.manifest import Manifest, StoredSegment
from vhashdb.index.segment import IndexSegment
from vhashdb.live_index.building import (
    IndexT,
    MakeLayer,
    NewIndex,
    OpenIndex,
    built_in_memory,
    in_memory,
    is_free_to_replay,
    rebuild,
    replay,
)
from vhashdb.searcher import IndexState
from vhashdb.store import Selection, Store
from vhashdb.store.changes import EVERYTHING, Share

MAX_TRIES: Final = 10
"""How often other processes may commit while the index is opened or checked. Engineering bound: more are taken for damage."""
_log: Final = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class IndexReader(Generic[IndexT]):
    """Keep an index of one database, or of a share of its records, equal to its store. Safe from several threads."""

    def __init__(self, path: Path, store: Store, new: NewIndex[IndexT], share: Share = EVERYTHING) -> None:
        self.store, self.changes = store, store.changes.of_share(share)
        self.new = new
        """Makes an index of the kind."""
        self.folder = IndexFolder(path, new((), 0, ()).kind)
        self.lock = threading.RLock()
        """Held while the open index is changed or replaced."""
        self._opened: OpenIndex[IndexT] | None = None
        self._last = Manifest(0, self.folder.kind.version, 0)
        """The manifest that was used last."""
        self._problem: str | None = None
        self._filter: tuple[Selection, int, npt.NDArray[np.bool_]] | None = None

    # -- what is in it --------------------------------------------------------------------------

    @property
    def problem(self) -> str | None:
        """Why the index on disk could not be used and was rebuilt; None if it could."""
        with self.lock:
            self.refresh()
            return self._problem

    @property
    def current(self) -> IndexT:
        """The index with all records that are in the store."""
        return self.refresh().index

    def damaged(self, where: Selection | None = None) -> int:
        """Count the records, of those selected, that could not be found for the last answer because their fingerprints are damaged."""
        index, _ = self.including(0)
        allowed = self._allowed(where, index.change) if index.damaged else None
        if allowed is None:
            return len(index.damaged)
        return sum(number < len(allowed) and bool(allowed[number]) for number in index.damaged)

    def state(self) -> IndexState:
        """Describe the index on disk: its manifest, its sizes and how far it lags behind."""
        with self.lock:
            opened = self.refresh()
            index, manifest = opened.index, opened.manifest
            rows = sum(s.rows for s in manifest.segments)
            return IndexState(
                manifest.number,
                len(manifest.segments),
                rows,
                rows - sum(layer.rows for layer in opened.stored),
                sum(s.size for s in manifest.segments),
                index.memtable_rows + sum(layer.rows for layer in index.layers if layer.stored is None),
                0 if is_free_to_replay(index) else self.changes.last() - manifest.change,
            )

    # -- what writer and checker need ----------------------------------------------------------

    def opened(self) -> OpenIndex[IndexT]:
        """Return the open index after opening the newest manifest, if that is another; it may lack changes of the store."""
        with self.lock:
            if self._opened is None or self._opened.manifest_id != self.folder.manifest_id():
                self._open()
            assert self._opened is not None
            return self._opened

    def refresh(self, make_layer: MakeLayer | None = None) -> OpenIndex[IndexT]:
        """Return the open index after replaying the store's changes, if there are any; ``make_layer`` makes layers, else in memory."""
        with self.lock:
            opened = self.opened()
            if opened.index.change != self.changes.last():
                try:
                    replay(opened.index, self.changes, make_layer or in_memory(self.folder.kind))
                except BaseException:  # the index has some of the changes: it must be opened again
                    self._opened = None
                    raise
            return opened

    def including(self, at_least: int | None) -> tuple[IndexT, int]:
        """Return the index and the change of the store that it includes: ``at_least`` or later, as far as there is one; None: the last.

        The store is asked only if the index as it is open does not go so far.
        """
        with self.lock:  # held while changes are replayed, so that no change counts before its record is there
            if at_least is None or self._opened is None or self._opened.index.change < at_least:
                self.refresh()
            assert self._opened is not None
            return self._opened.index, self._opened.index.change

    def adopt(self, opened: OpenIndex[IndexT]) -> None:
        """Put another index in the place of the open one."""
        with self.lock:
            self._opened, self._last = opened, opened.manifest

    def has_open(self, opened: OpenIndex[IndexT]) -> bool:
        """Tell whether this is still the open index."""
        with self.lock:
            return self._opened is opened

    def rebuild(self, problem: str | None) -> None:
        """Rebuild the index from the records, on disk if this process may write there; ``problem`` says why, if it was damaged."""
        if problem is not None:
            _log.warning("the index %s is rebuilt from the records: %s", self.folder.path, problem)
        with self.lock:
            self._problem = problem
            self.adopt(rebuild(self.folder, self.changes, self.new, self._last, read_only=self.store.read_only))

    def layers(self, manifest: Manifest) -> list[Layer]:
        """Map the segments of a manifest, except those that the open index has mapped already."""
        return [self._layer(stored) for stored in manifest.segments]

    # -- inside --------------------------------------------------------------------------------

    def _ask(self, question: Callable[[IndexT, int], _Answer], at_least: int | None) -> _Answer:
        """Ask the index, once more after rebuilding it if that shows damage which opening did not see: tables that name no rows.

        Args:
            question: gets the index, and the change of the store that it includes.
            at_least: see `including`.
        """
        try:
            return question(*self.including(at_least))
        except IndexError:
            self.rebuild("its tables are damaged")
            return question(*self.including(at_least))

    def _allowed(self, where: Selection | None, change: int) -> npt.NDArray[np.bool_] | None:
        """Return whether each record may be found, by its number; None: all may."""
        if where is None:
            return None
        with self.lock:
            if self._filter is None or self._filter[:2] != (where, change):
                numbers = self.changes.selected(where)
                allowed = np.zeros(max(numbers, default=0) + 1, np.bool_)
                allowed[numbers] = True
                self._filter = where, change, allowed
            return self._filter[2]

    def _open(self) -> None:
        """Open the newest manifest; rebuild the index if it cannot be used."""
        for _ in range(MAX_TRIES):
            manifest_id = self.folder.manifest_id()
            try:
                manifest = self.folder.manifest() or Manifest(0, self.folder.kind.version, 0)
                if manifest.change > self.changes.last():
                    if self.store.read_only:  # a standby that is behind: what is on disk is right for others
                        self.adopt(built_in_memory(self.folder, self.changes, self.new, manifest))
                        return
                    raise DatabaseDamaged(f"the index {self.folder.path} is newer than the records")
                self.folder.check(tuple(stored for stored in manifest.segments if self._mapped(stored) is None))
                layers = self.layers(manifest)
            except Vanished:
                _log.debug("another process committed while the index %s was opened", self.folder.path)
                continue
            except DatabaseDamaged as error:
                if self.folder.manifest_id() != manifest_id:  # it was read while another process deleted it
                    continue
                self.rebuild(str(error))
                return
            index = self.new(layers, manifest.change, manifest.damaged)
            self.adopt(OpenIndex(index, manifest, manifest_id))
            return
        self.rebuild(f"the index {self.folder.path} names segments that are not there")

    def _mapped(self, stored: StoredSegment) -> IndexSegment | None:
        """Return the segment if it is mapped already, of these very files: a name is used again once all after it are gone."""
        layers = self._opened.stored if self._opened is not None else []
        same = (each.segment for each in layers if each.stored and (each.stored.name, each.stored.files) == (stored.name, stored.files))
        return next(same, None)

    def _layer(self, stored: StoredSegment) -> Layer:
        segment = self._mapped(stored) or self.folder.open(stored)
        return Layer(segment, np.isin(segment.records[:, 0], np.array(stored.tombstones, np.int64)), stored)
