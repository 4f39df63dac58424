"""Read from the audit log what people here decided in a period."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from vhashdb.store.dialect import sql_list
from vhashdb.store.queue import TAKEN_BACK, stamp
from vhashdb.store.records_file import Store

DECIDING: Final = (
    "review-accepted",
    "review-rejected",
    "propose-accepted",
    "propose-rejected",
    "opinion",
    "unmatch",
    "confirm-match",
    "escalate",
    "looked-at",
    "retract",
    "erase",
)
"""Actions with which a person decides something about a record."""


@dataclass(frozen=True)
class Decided:
    """One decision of one person."""

    at: datetime.datetime
    actor: str
    action: str
    """One of `DECIDING`."""
    record: str
    labels: tuple[str, ...]
    """Of the record as it is now."""
    source: str
    reason: str
    verdict: str
    """Verdict of an opinion; empty for any other decision."""
    basis: str
    """Basis of an opinion; empty for any other decision."""
    taken_back: bool


_ACTIONS: Final = sql_list(DECIDING)
_DECIDED: Final = f"""
SELECT a.number, a.at, a.actor, a.action, coalesce(a.record, '') AS record, a.details, coalesce(r.source, '') AS source,
       (SELECT json_group_array(label) FROM label WHERE record = r.number) AS labels,
       a.number IN {TAKEN_BACK} AS taken_back
FROM audit a LEFT JOIN record r ON r.id = a.record
WHERE a.action IN {_ACTIONS} AND a.at >= :since AND json_extract(a.details, '$.feed') IS NULL ORDER BY a.number
"""


def decided(store: Store, since: datetime.datetime) -> list[Decided]:
    """Return everything that people here decided since then (UTC, without a time zone), oldest first; not what feeds brought."""
    query = sa.text(_DECIDED).columns(at=sa.DateTime, taken_back=sa.Boolean)
    with store.transactions.reading() as connection:
        return [_decided(row) for row in connection.execute(query, {"since": stamp(since)})]


def _decided(row: Any) -> Decided:
    details = json.loads(row.details)
    reason, verdict, basis = (str(details.get(name, "")) for name in ("reason", "verdict", "basis"))
    labels = tuple(sorted(json.loads(row.labels)))
    return Decided(row.at, row.actor, row.action, row.record, labels, row.source, reason, verdict, basis, row.taken_back)
