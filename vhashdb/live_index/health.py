"""Check the records and both indexes of a database, and make an index again that is not as the records are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.live_index.checker import check_index
from vhashdb.live_index.reader import IndexReader
from vhashdb.live_index.writer import IndexWriters
from vhashdb.store import Store

INDEX_SAMPLE: Final = 1000
"""Records that are looked up in the index, picked at random."""


@dataclass(frozen=True)
class Health:
    """Say what `Database.check` found, and what it did about it."""

    problems: tuple[str, ...]
    """Everything that was wrong, in words."""
    repaired: tuple[str, ...]
    """What was done about it."""
    left: tuple[str, ...]
    """Problems that are still there: of the records themselves, which nothing in here can bring back."""


def check_health(store: Store, readers: Sequence[IndexReader[Any]], writer: IndexWriters) -> Health:
    """Check records and indexes, and rebuild an index that is damaged or not as the records are; in memory if nothing may be written."""
    left = tuple(store.problems())
    found = [(reader, check_index(reader, INDEX_SAMPLE)) for reader in readers]
    wrong = {reader: problem for reader, problem in found if problem is not None}
    writer.wait()
    for reader in wrong:
        reader.rebuild(None)
    if store.read_only:
        stays = (f"{problem}; it is made in memory each time, as nothing may be written here" for problem in wrong.values())
        return Health((*left, *wrong.values()), (), (*left, *stays))
    repaired = tuple(f"the {reader.folder.kind.name} was rebuilt from the records" for reader in wrong)
    return Health((*left, *wrong.values()), repaired, left)
