"""Check an index on disk: its checksums, and a sample of records that are looked up in it."""

from __future__ import annotations

import random

import numpy as np

from vhashdb.errors import DatabaseDamaged
from vhashdb.index.folder import Vanished
from vhashdb.index.kinds import Landmarks
from vhashdb.live_index.building import IndexT, OpenIndex, rows_of
from vhashdb.live_index.reader import MAX_TRIES, IndexReader


def check_index(reader: IndexReader[IndexT], sample: int) -> str | None:
    """Check all checksums and look up ``sample`` random records; return what is wrong, in words, or None if nothing is."""
    with reader.lock:
        wrong = reader.problem
        for _ in range(MAX_TRIES if wrong is None else 0):
            opened = reader.refresh()
            wrong = _wrong(reader, opened, sample)
            changed = opened.manifest_id != reader.folder.manifest_id() or opened.index.change != reader.changes.last()
            if wrong is None or not changed:  # else another process may have written meanwhile
                return wrong
        return wrong


def _wrong(reader: IndexReader[IndexT], opened: OpenIndex[IndexT], sample: int) -> str | None:
    """Describe what is wrong with the index as it is open now."""
    try:
        reader.folder.check(opened.manifest.segments, budget=None)
        return _difference(reader, opened.index, sample)
    except DatabaseDamaged as error:
        return str(error)
    except (Vanished, IndexError) as error:
        return f"the {opened.index.kind.name} cannot be used: {error}"


def _difference(reader: IndexReader[IndexT], index: IndexT, sample: int) -> str | None:
    """Describe the first of some random records that the index does not have as the store does."""
    changes, name, sound = reader.changes, index.kind.name, isinstance(index.kind, Landmarks)
    numbers = changes.matchable(sound=sound)
    if len(extra := np.setdiff1d(index.numbers, numbers)):
        return f"the {name} finds record number {extra[0]}, which cannot be matched"
    for change in changes.of(random.sample(numbers, min(sample, len(numbers))), sound=sound):
        record = rows_of(change, index.kind)
        if record is not None and len(record) and not index.confirms(record):
            return f"the {name} does not hold record number {record.record} as the database does"
    return None
