"""Build an index of any kind from the changes of a store, in memory or on disk."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from vhashdb.errors import DatabaseDamaged, FingerprintError
from vhashdb.fingerprints import Fingerprint, from_bytes
from vhashdb.index import compaction
from vhashdb.index.folder import IndexFolder, ManifestId
from vhashdb.index.kinds import IndexKind, Landmarks, RecordRows
from vhashdb.index.layers import Layer, LayeredIndex
from vhashdb.index.manifest import Manifest
from vhashdb.index.segment import build
from vhashdb.store.changes import Change, Changes

_log: Final = logging.getLogger(__name__)

IndexT = TypeVar("IndexT", bound=LayeredIndex)
NewIndex = Callable[[Sequence[Layer], int, Sequence[int]], IndexT]
"""Makes an index of layers, the change of the store up to which they go, and numbers of damaged records."""
MakeLayer = Callable[[Sequence[RecordRows]], Layer]
"""Turns the rows of some records into a segment."""


@dataclass(frozen=True)
class OpenIndex(Generic[IndexT]):
    """An index as this process has it open, and the manifest that it goes back to."""

    index: IndexT
    manifest: Manifest
    manifest_id: ManifestId | None
    """Tells whether another manifest has been committed since; None: there was none."""

    @property
    def stored(self) -> list[Layer]:
        """The layers whose segments are on disk."""
        return [layer for layer in self.index.layers if layer.stored is not None]


def in_memory(kind: IndexKind) -> MakeLayer:
    """Make layers in memory alone."""
    return lambda records: Layer.whole(build(records, kind))


def on_disk(folder: IndexFolder) -> MakeLayer:
    """Make layers whose segments are written in a folder, the lock of which this thread holds."""

    def write(records: Sequence[RecordRows]) -> Layer:
        stored, segment = folder.write(lambda allocate: build(records, folder.kind, allocate))
        return Layer.whole(segment, stored)

    return write


def rows_of(change: Change, kind: IndexKind, unpack: Callable[[bytes], Fingerprint] = from_bytes) -> RecordRows | None:
    """Return the rows by which a record can be found, none if it cannot be matched; None if its fingerprint is damaged."""
    try:
        fingerprint = unpack(change.packed) if change.packed is not None else None
    except FingerprintError:  # `Store.problems` names it
        return None
    return RecordRows(change.record, change.fingerprint or 0, kind.values_of(fingerprint))


def is_free_to_replay(index: LayeredIndex) -> bool:
    """Tell whether an index has nothing and replaying costs nothing, because the store knows which records have rows of its kind."""
    return isinstance(index.kind, Landmarks) and not (index.layers or index.memtable or index.damaged)


def _changes(index: LayeredIndex, changes: Changes) -> Iterator[Change]:
    """Yield the changes of the store that an index does not have, with the fingerprints that it has rows of."""
    if isinstance(index.kind, Landmarks):
        return changes.of_sound_since(index.change, alone=is_free_to_replay(index))
    return changes.since(index.change)


def replay(index: LayeredIndex, changes: Changes, make_layer: MakeLayer) -> None:
    """Apply the changes of the store that an index does not have; many rows become layers, few go to the memtable.

    If it fails midway, the index has some of the changes and must not be used any more.
    """
    last = changes.last()
    layers: list[Future[Layer]] = []
    batch: list[RecordRows] = []
    rows = 0
    with ThreadPoolExecutor(1) as builder:  # builds a segment while the records of the next one are read
        for change in _changes(index, changes):
            if change.fingerprint is None or index.fingerprint(change.record) != change.fingerprint:
                index.remove(change.record)
                record = rows_of(change, index.kind, changes.unpacked.unpack)
                if record is None:
                    index.add_damaged(change.record)
                elif len(record):
                    if batch and rows + len(record) > compaction.MAX_SEGMENT_ROWS:
                        layers.append(builder.submit(make_layer, batch))
                        batch, rows = [], 0
                        if len(layers) > 1:
                            layers[-2].result()  # no more than two batches in memory
                    batch.append(record)
                    rows += len(record)
            index.change = change.change
        if layers or rows >= compaction.MEMTABLE_ROWS:
            batch = [*index.memtable, *batch]
            layers += [builder.submit(make_layer, batch)] if batch else []
            index.flush([*index.layers, *(layer.result() for layer in layers)])
        else:
            for record in batch:
                index.add(record)
    index.change = max(index.change, last)  # the last changes may be of records that are no concern of this index


def commit(folder: IndexFolder, index: IndexT, after: Manifest, change: int) -> OpenIndex[IndexT]:
    """Commit the layers of an index that are on disk as the manifest that follows ``after``; this thread holds the folder's lock.

    Args:
        folder: where they are.
        index: what to commit.
        after: the manifest before.
        change: the change of the store up to which the layers go.
    """
    segments = tuple(
        replace(layer.stored, tombstones=tuple(layer.segment.records[layer.tombstones, 0].tolist()))
        for layer in index.layers
        if layer.stored is not None
    )
    manifest = Manifest(after.number + 1, folder.kind.version, change, segments, tuple(sorted(index.damaged)))
    folder.commit(manifest)
    return OpenIndex(index, manifest, folder.manifest_id())


def rebuild(folder: IndexFolder, changes: Changes, new: NewIndex[IndexT], last: Manifest, *, read_only: bool = False) -> OpenIndex[IndexT]:
    """Build an index from all records: on disk, or in memory if another process is writing there or nothing can be written.

    Args:
        folder: where the index is.
        changes: the records.
        new: makes an index of the kind.
        last: the manifest that was used last, whose number goes on if the one on disk cannot be read.
        read_only: whether it is no wonder that nothing can be written.
    """
    with contextlib.suppress(DatabaseDamaged):  # the reason why it is rebuilt, which the caller knows
        last = folder.manifest() or last
    try:
        with folder.try_lock() as locked:
            if locked:
                return _rebuild_on_disk(folder, changes, new, last)
    except OSError as error:
        level = logging.INFO if read_only else logging.WARNING
        _log.log(level, "the index %s could not be written and is kept in memory: %s", folder.path, error)
    return built_in_memory(folder, changes, new, last)


def built_in_memory(folder: IndexFolder, changes: Changes, new: NewIndex[IndexT], last: Manifest) -> OpenIndex[IndexT]:
    """Build an index from all records in memory alone; arguments as of `rebuild`."""
    index, manifest_id = new((), 0, ()), folder.manifest_id()
    replay(index, changes, in_memory(folder.kind))
    return OpenIndex(index, replace(last, change=0, segments=()), manifest_id)


def _rebuild_on_disk(folder: IndexFolder, changes: Changes, new: NewIndex[IndexT], last: Manifest) -> OpenIndex[IndexT]:
    """Write all records as segments and commit them; this thread holds the folder's lock."""
    index = new((), 0, ())
    replay(index, changes, on_disk(folder))
    return commit(folder, index, last, 0 if index.memtable else index.change)  # the memtable is to be replayed
