"""Build an index from the changes of a store, in memory or on disk."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vhashdb.errors import DatabaseDamaged, FingerprintError
from vhashdb.fingerprints import from_bytes
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index import compaction
from vhashdb.index.folder import IndexFolder, ManifestId
from vhashdb.index.frames import FrameIndex, Layer
from vhashdb.index.manifest import Manifest
from vhashdb.index.segment import RecordHashes, build
from vhashdb.store import Store
from vhashdb.store.changes import Change

_log: Final = logging.getLogger(__name__)
_NO_HASHES: Final[PackedHashes] = np.zeros((0, 1), np.uint8)

MakeLayer = Callable[[Sequence[RecordHashes]], Layer]
"""Turns the hashes of some records into a segment."""


@dataclass(frozen=True)
class OpenIndex:
    """An index as this process has it open, and the manifest that it goes back to."""

    index: FrameIndex
    manifest: Manifest
    manifest_id: ManifestId | None
    """Tells whether another manifest has been committed since; None: there was none."""

    @property
    def stored(self) -> list[Layer]:
        """The layers whose segments are on disk."""
        return [layer for layer in self.index.layers if layer.stored is not None]


def in_memory(bits: int) -> MakeLayer:
    """Make layers in memory alone."""
    return lambda records: Layer.whole(build(records, bits))


def on_disk(folder: IndexFolder) -> MakeLayer:
    """Make layers whose segments are written in a folder, the lock of which this thread holds."""

    def write(records: Sequence[RecordHashes]) -> Layer:
        stored, segment = folder.write(lambda allocate: build(records, folder.algorithm.bits, allocate))
        return Layer.whole(segment, stored)

    return write


def hashes_of(change: Change) -> RecordHashes | None:
    """Return the hashes by which a record can be found, none if it cannot be matched; None if its fingerprint is damaged."""
    hashes = _NO_HASHES
    if change.packed is not None:
        try:
            fingerprint = from_bytes(change.packed)
        except FingerprintError:  # `Store.problems` names it
            return None
        hashes = fingerprint.hash[fingerprint.usable]
    return RecordHashes(change.record, change.fingerprint or 0, hashes)


def replay(index: FrameIndex, store: Store, make_layer: MakeLayer) -> None:
    """Apply the changes of the store that an index does not have; many hashes become layers, few go to the memtable.

    If it fails midway, the index has some of the changes and must not be used any more.
    """
    layers: list[Future[Layer]] = []
    batch: list[RecordHashes] = []
    rows = 0
    with ThreadPoolExecutor(1) as builder:  # builds a segment while the records of the next one are read
        for change in store.changes.since(index.change):
            if change.fingerprint is None or index.fingerprint(change.record) != change.fingerprint:
                index.remove(change.record)
                record = hashes_of(change)
                if record is None:
                    index.add_damaged(change.record)
                    record = RecordHashes(change.record, change.fingerprint or 0, _NO_HASHES)
                if rows + len(record.hashes) > compaction.MAX_SEGMENT_ROWS:
                    layers.append(builder.submit(make_layer, batch))
                    batch, rows = [], 0
                    if len(layers) > 1:
                        layers[-2].result()  # no more than two batches in memory
                if len(record.hashes):
                    batch.append(record)
                    rows += len(record.hashes)
            index.change = change.change
        if layers or rows >= compaction.MEMTABLE_HASHES:
            batch = [*index.memtable, *batch]
            layers += [builder.submit(make_layer, batch)] if batch else []
            index.flush([*index.layers, *(layer.result() for layer in layers)])
        else:
            for record in batch:
                index.add(record)


def commit(folder: IndexFolder, index: FrameIndex, after: Manifest, change: int) -> OpenIndex:
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
    manifest = Manifest(after.number + 1, str(folder.algorithm), change, segments, tuple(sorted(index.damaged)))
    folder.commit(manifest)
    return OpenIndex(index, manifest, folder.manifest_id())


def rebuild(folder: IndexFolder, store: Store, last: Manifest) -> OpenIndex:
    """Build an index from all records: on disk, or in memory if another process is writing there or nothing can be written.

    Args:
        folder: where the index is.
        store: the records.
        last: the manifest that was used last, whose number goes on if the one on disk cannot be read.
    """
    with contextlib.suppress(DatabaseDamaged):  # the reason why it is rebuilt, which the caller knows
        last = folder.manifest() or last
    try:
        with folder.try_lock() as locked:
            if locked:
                return _rebuild_on_disk(folder, store, last)
    except OSError as error:
        level = logging.INFO if store.read_only else logging.WARNING
        _log.log(level, "the index %s could not be written and is kept in memory: %s", folder.path, error)
    index, manifest_id = FrameIndex(folder.algorithm), folder.manifest_id()
    replay(index, store, in_memory(folder.algorithm.bits))
    return OpenIndex(index, replace(last, change=0, segments=()), manifest_id)


def _rebuild_on_disk(folder: IndexFolder, store: Store, last: Manifest) -> OpenIndex:
    """Write all records as segments and commit them; this thread holds the folder's lock."""
    index = FrameIndex(folder.algorithm)
    replay(index, store, on_disk(folder))
    return commit(folder, index, last, 0 if index.memtable else index.change)  # the memtable is to be replayed
