"""Write an index on disk: flush the memtable, merge segments, rebuild; whoever does so holds the folder's lock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic

from vhashdb.errors import DatabaseDamaged, DatabaseError
from vhashdb.index import compaction
from vhashdb.index.folder import Vanished
from vhashdb.index.frames import FrameIndex
from vhashdb.index.landmarks import LandmarkIndex
from vhashdb.index.layers import Layer
from vhashdb.index.segment import merge
from vhashdb.live_index.building import IndexT, OpenIndex, commit, is_free_to_replay, on_disk, replay
from vhashdb.live_index.reader import IndexReader

_log: Final = logging.getLogger(__name__)


class IndexWriter(Generic[IndexT]):
    """Maintain an index on disk for those who wrote records. Safe from several threads; segments are merged in one of its own."""

    def __init__(self, reader: IndexReader[IndexT]) -> None:
        self._reader, self._folder = reader, reader.folder
        self._merging: threading.Thread | None = None
        self._failing = False
        """Whether the last attempt to write failed."""

    def maintain(self) -> None:
        """Flush the memtable if it is large or the manifest lags behind, and start merging segments if that is due."""
        with self._reader.lock:
            if self._is_far_behind(self._reader.opened()) or self._flush_is_due(self._reader.refresh()):
                self._try_to_flush()
            idle = self._merging is None or not self._merging.is_alive()
            if idle and compaction.next_merge(self._reader.refresh().stored):
                self._merging = threading.Thread(target=self._compact, name="vhashdb-merge", daemon=True)
                self._merging.start()

    def take_in_many(self) -> None:
        """Put the rows of many new records straight to disk, before anything looks at them and replays them in memory; not those of few."""
        with self._reader.lock:
            if self._is_far_behind(self._reader.opened()):
                self._try_to_flush()

    def wait(self) -> None:
        """Wait until no segments are being merged."""
        if self._merging is not None:
            self._merging.join()

    def rebuild(self) -> None:
        """Rebuild the index from the records, on disk if this process may write there."""
        self.wait()
        self._reader.rebuild(None)

    # -- inside --------------------------------------------------------------------------------

    def _is_far_behind(self, opened: OpenIndex[IndexT]) -> bool:
        """Tell whether a flush is due before anything is replayed: what is replayed then goes straight to disk."""
        lacking = self._reader.changes.last() - opened.index.change
        return lacking >= compaction.MAX_LAG and not (is_free_to_replay(opened.index) and not opened.manifest.segments)

    @staticmethod
    def _flush_is_due(opened: OpenIndex[IndexT]) -> bool:
        """Tell whether there are many rows in memory alone, or many changes that the manifest lacks."""
        index = opened.index
        large = index.memtable_rows >= compaction.MEMTABLE_ROWS or any(layer.stored is None for layer in index.layers)
        behind = index.change - opened.manifest.change >= compaction.MAX_LAG
        return large or (behind and not (is_free_to_replay(index) and not opened.manifest.segments))

    def _try_to_flush(self) -> None:
        """Flush, unless another process is writing or nothing can be written: nothing is lost then, readers replay more."""
        try:
            with self._folder.try_lock() as locked:
                if locked:
                    self._flush()
                    self._failing = False
        except OSError as error:  # a full disk, say
            self._report("flushing the memtable", error)

    def _flush(self) -> None:
        """Put on disk what is in memory, and commit it."""
        opened = self._reader.refresh(on_disk(self._folder))  # another process may have committed before the lock was taken
        index, manifest = opened.index, opened.manifest
        if any(layer.stored is None for layer in index.layers):  # many changes came at once: replay them again, straight to disk
            index = self._reader.new(self._reader.layers(manifest), manifest.change, manifest.damaged)
            replay(index, self._reader.changes, on_disk(self._folder))
            self._reader.adopt(OpenIndex(index, manifest, opened.manifest_id))
        if index.memtable:
            index.flush([*index.layers, on_disk(self._folder)(index.memtable)])
        self._reader.adopt(commit(self._folder, index, manifest, index.change))

    def _compact(self) -> None:
        """Merge segments until no merge is due; runs in a thread of its own."""
        try:
            with self._folder.try_lock() as locked:
                while locked and self._merge_next():
                    self._failing = False
        except (DatabaseError, OSError) as error:  # the manifest on disk is as it was
            self._report("merging segments", error)

    def _merge_next(self) -> bool:
        """Merge the segments that are due; False if none are, or if the index was rebuilt in the meantime."""
        with self._reader.lock:
            opened = self._reader.refresh()
            layers = compaction.next_merge(opened.stored)
        if not layers:
            return False
        try:  # no damage is copied
            self._folder.check(tuple(layer.stored for layer in layers if layer.stored), budget=None)
        except (DatabaseDamaged, Vanished) as error:
            self._reader.rebuild(str(error))
            return False
        merged = self._merged(layers)
        with self._reader.lock:
            if not self._reader.has_open(opened):
                return False
            opened.index.replace(layers, merged)
            self._reader.adopt(commit(self._folder, opened.index, opened.manifest, opened.manifest.change))
        return True

    def _merged(self, layers: Sequence[Layer]) -> list[Layer]:
        """Write the live records of several segments as one; none if all are deleted."""
        alive = [~layer.tombstones for layer in layers]
        if not any(a.any() for a in alive):
            return []
        segments = [layer.segment for layer in layers]
        stored, segment = self._folder.write(lambda allocate: merge(segments, alive, allocate))
        return [Layer.whole(segment, stored)]

    def _report(self, what: str, error: Exception) -> None:
        """Log a failure that is tried again: a warning at first, and no more of them until writing has worked again."""
        level = logging.DEBUG if self._failing else logging.WARNING
        _log.log(level, "%s of the index %s failed and is tried again after the next change: %s", what, self._folder.path, error)
        self._failing = True


class IndexWriters:
    """Maintain all indexes of a database together."""

    def __init__(self, *writers: IndexWriter[FrameIndex] | IndexWriter[LandmarkIndex]) -> None:
        self._writers = writers
        self.before: Callable[[], object] = lambda: None
        """What says first which of the new records are found through others, and need not be in an index."""
        self.maintenance_due = False
        """Whether this process changed records since the indexes were last maintained when the database was closed."""

    def note_change(self) -> None:
        """Note that this process changed records: the indexes are maintained when the database is closed."""
        self.maintenance_due = True

    def maintain(self) -> None:
        """Maintain each index; see `IndexWriter.maintain`."""
        for writer in self._writers:
            writer.take_in_many()
        self.before()
        for writer in self._writers:
            writer.maintain()

    def wait(self) -> None:
        """Wait until no segments are being merged."""
        for writer in self._writers:
            writer.wait()

    def rebuild(self) -> None:
        """Rebuild each index from the records, on disk if this process may write there."""
        for writer in self._writers:
            writer.rebuild()
