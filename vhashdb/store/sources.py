"""Who brought each record, and how far that is trusted: what decides whose records are compared first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from vhashdb.codes import LOCAL
from vhashdb.moderation.policy import Action
from vhashdb.store.records_file import Store
from vhashdb.store.trust_state import IMPORTED, organisations_in

_SOURCES: Final = sa.text(
    "SELECT r.number, r.source, f.id AS feed, f.trust FROM record r LEFT JOIN origin o ON o.record = r.number "
    "LEFT JOIN feed f ON f.number = o.feed WHERE r.number IN (SELECT CAST(value AS INTEGER) FROM json_each(:numbers))"
)


@dataclass(frozen=True)
class Source:
    """One independent organisation that brings records."""

    name: str
    rank: int
    """0 for people here; the further it is trusted, the lower."""


HERE: Final = Source(LOCAL, 0)


def sources(store: Store, numbers: Iterable[int]) -> Mapping[int, Source]:
    """Return the source of each record, by number; feeds of one independent organisation are one source."""
    with store.transactions.reading() as connection:
        rows = connection.execute(_SOURCES, {"numbers": json.dumps(list(numbers))}).all()
        feeds = {row.feed for row in rows if row.feed is not None}
        organisations = organisations_in(connection, feeds) if feeds else {}
    found = {}
    for row in rows:
        if row.feed is not None:
            found[row.number] = Source("feed " + organisations[row.feed], _rank(Action(row.trust)))
        else:
            found[row.number] = HERE if row.source == LOCAL else Source("import " + row.source, _rank(IMPORTED))
    return found


def _rank(trust: Action) -> int:
    return 1 + Action.BLOCK.rank - trust.rank
