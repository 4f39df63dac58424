"""Records that were found to be near duplicates of each other, in both directions."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from vhashdb.store.records import State
from vhashdb.store.records_file import Store


@dataclass(frozen=True)
class Alike:
    """A record that another one resembles."""

    record: str
    """Its id."""
    score: float
    """0…1, when the later one of the two was added."""
    state: State
    labels: tuple[str, ...]


_ALIKE = """
SELECT r.id, n.score, r.state, (SELECT json_group_array(label) FROM label WHERE record = r.number) AS labels
FROM (SELECT other AS number, score FROM near WHERE record = (SELECT number FROM record WHERE id = :id)
      UNION SELECT record, score FROM near WHERE other = (SELECT number FROM record WHERE id = :id)) n
JOIN record r ON r.number = n.number ORDER BY n.score DESC, r.id
"""


def alike(store: Store, record: str) -> list[Alike]:
    """Return the near duplicates of the record with this full id, the most alike first."""
    with store.transactions.reading() as connection:
        rows = connection.execute(sa.text(_ALIKE), {"id": record}).all()
    return [Alike(row.id, row.score, State(row.state), tuple(sorted(json.loads(row.labels)))) for row in rows]
