"""Record many known videos at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import numpy as np

from vhashdb.fingerprinting import build
from vhashdb.fingerprints import COARSE_PROFILE, REFERENCE_PROFILE, REFERENCE_PROFILE_WITH_SQUARES, Fingerprint
from vhashdb.hashing.algorithms import FrameAlgorithm
from vhashdb.inputs import FileHashes, Source, as_file, as_image, hash_file
from vhashdb.limits import Limits
from vhashdb.live_index import IndexWriters
from vhashdb.search.lying_elsewhere import MOST_FRAMES, AtHand
from vhashdb.search.results import Addition, AddStatus
from vhashdb.search.sufficiency import can_be_found
from vhashdb.sound import LandmarkBuilder
from vhashdb.store import Details, NewRecord, Record, Store
from vhashdb.store.additions import Item
from vhashdb.store.records import EXPIRED
from vhashdb.video import DecoderPool, FrameBatch

BATCH_RECORDS: Final = 1_000
BATCH_HASHES: Final = 1 << 20
"""Records, and hashes of them, in one transaction. Engineering bound: on what is in memory, and on how long others wait to write."""
BATCH_FRAMES_BYTES: Final = 1 << 28
"""Frames that are kept of these until they are grouped. Engineering bound: on what is in memory."""


@dataclass(frozen=True)
class Prepared:
    """Hold a video that is fingerprinted and compared with nothing yet: what `Database.prepare` gives `Database.record`."""

    reference: Fingerprint
    query: Fingerprint
    hashes: FileHashes | None
    frames: FrameBatch | None = None
    """Some frames, evenly spread; None if there are none at hand."""

    @property
    def at_hand(self) -> AtHand:
        """Return what grouping looks at beside what is stored."""
        return AtHand(self.query, self.frames)

    @property
    def sees_more(self) -> bool:
        """Whether frames were looked at in more views than are stored."""
        return not np.isin(self.query.view, self.reference.view).all()

    def as_new(self, details: Details) -> NewRecord:
        """Return the record that it is to become."""
        sha256, md5 = (self.hashes.sha256 or None, self.hashes.md5 or None) if self.hashes else (None, None)
        return NewRecord(self.reference.duration_s, sha256, md5, details)


Described = tuple[Prepared, Details]


def prepare(
    source: Source,
    algorithm: FrameAlgorithm,
    decoders: DecoderPool,
    limits: Limits,
    *,
    squares: bool,
    listener: LandmarkBuilder | None,
) -> Prepared:
    """Fingerprint an input.

    Args:
        source: a path, a picture, an array or a file object.
        algorithm: of the frames.
        decoders: decode it.
        limits: of decoding.
        squares: whether the fingerprint that is stored has squares.
        listener: makes landmarks of its sound; None: sound is left alone.
    """
    profiles, image = [REFERENCE_PROFILE_WITH_SQUARES if squares else REFERENCE_PROFILE, COARSE_PROFILE], as_image(source)
    if image is not None:
        built = build(image, profiles, algorithm, decoders, limits)
        return Prepared(built.fingerprints[0], built.fingerprints[1], None)
    with as_file(source, limits) as file:
        hashes = hash_file(file, time_s=limits.time_s)
        built = build(file, profiles, algorithm, decoders, limits, listener)
        file.require_unchanged()
    frames = built.kept.frames
    return Prepared(built.fingerprints[0], built.fingerprints[1], hashes, frames[:: max(1, -(-len(frames) // MOST_FRAMES))].copy())


def batches(items: Iterable[Described]) -> Iterator[list[Described]]:
    """Yield items in batches for one transaction each."""
    batch: list[Described] = []
    hashes = frames_bytes = 0
    for item in items:
        batch.append(item)
        hashes += len(item[0].reference)
        frames_bytes += 0 if item[0].frames is None else item[0].frames.nbytes
        if len(batch) >= BATCH_RECORDS or hashes >= BATCH_HASHES or frames_bytes >= BATCH_FRAMES_BYTES:
            yield batch
            batch, hashes, frames_bytes = [], 0, 0
    if batch:
        yield batch


def record_many(
    store: Store,
    items: Iterable[Described],
    index: IndexWriters,
    lock: AbstractContextManager[object],
    held: Callable[[], str],
    remember: Callable[[Mapping[int, AtHand]], None],
) -> Iterator[Addition]:
    """Record videos, a batch of them in each transaction, and yield the additions of each as soon as it is durable.

    Indexes and videos take a batch in while the next one is collected and packed.

    Args:
        store: where.
        items: the videos.
        index: the indexes.
        lock: held while records are written, and while indexes and videos take them in.
        held: says of each batch why somebody else has to confirm it, see `Store.add`.
        remember: takes what was made of new records, by number, before they are grouped.
    """

    def take_in() -> None:
        with lock:
            index.maintain()

    with ThreadPoolExecutor(1, "vhashdb-add") as beside:
        taken_in: Future[None] | None = None
        for batch in batches(items):
            ready = packed(batch)
            if taken_in is not None:
                taken_in.result()
            with lock:
                done = record_batch(store, batch, ready, held=held())
                added = (each for each in zip(batch, done, strict=True) if each[0][0].sees_more and each[1].status is AddStatus.ADDED)
                remember({store.number(addition.id): prepared.at_hand for (prepared, _), addition in added})
                index.note_change()
            taken_in = beside.submit(take_in)
            yield from done
        if taken_in is not None:
            taken_in.result()


def packed(batch: Sequence[Described]) -> list[Item]:
    """Pack the fingerprints of a batch, each as the record that it is to become: while nobody waits for this to write."""
    items = [Item(prepared.as_new(details), prepared.reference) for prepared, details in batch]
    for item in items:
        _ = item.packed, item.unpacked  # both are kept
    return items


def record_batch(store: Store, batch: Sequence[Described], items: Sequence[Item], *, held: str) -> list[Addition]:
    """Record videos in one transaction, except those made from a very file that is recorded already; nothing looks for near duplicates.

    Args:
        store: where.
        batch: the videos.
        items: the same, `packed`.
        held: see `Store.add`.
    """
    new: dict[str | int, Item] = {}
    for place, ((prepared, _), item) in enumerate(zip(batch, items, strict=True)):
        new.setdefault(_same(prepared, place), item)
    known: dict[str | int, Record] = {key: record for key in new if isinstance(key, str) and (record := store.by_sha256(key))}
    wanted = {key: item for key, item in new.items() if key not in known}
    store.unpacked.remember((item.packed, item.unpacked) for item in wanted.values())
    made = store.add_many(list(wanted.values()), held=held)
    added = dict(zip(wanted, made, strict=True))
    done = []
    for place, (prepared, details) in enumerate(batch):
        key = _same(prepared, place)
        if new.pop(key, None) is None or key in known:
            done.append(Addition(known.get(key) or added[key], AddStatus.DUPLICATE))
        else:
            done.append(Addition(added[key], AddStatus.ADDED, (), notes(store, prepared.reference, details)))
    return done


def _same(prepared: Prepared, place: int) -> str | int:
    """Return what items have in common that are of the very same file; every fingerprint is one by itself."""
    return prepared.hashes.sha256 if prepared.hashes and prepared.hashes.sha256 else place


def notes(store: Store, reference: Fingerprint, details: Details) -> tuple[str, ...]:
    """Return what whoever adds a record should know: damage of the video, and whether the record can be found."""
    few = () if can_be_found(reference) else ("shows too little to be found again, except as the very same file",)
    expired = (EXPIRED,) if details.expires is not None and details.expired(store.now().date()) else ()
    return (*reference.damage, *few, *expired)
