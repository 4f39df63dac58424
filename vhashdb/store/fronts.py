"""The fronts of a service: processes that serve one database on PostgreSQL at the same time, and which of them are gone.

Each notes every few seconds that it is there, by the server's clock, so that the clocks of their machines do not matter, and beside whoever
holds the lock of writers.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from vhashdb.store.records_file import Store
from vhashdb.store.service_schema import front

_FORGOTTEN: Final = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Front:
    """One front."""

    id: str
    host: str
    """Name of its machine."""
    seen_at: datetime.datetime
    silent_s: float
    """Seconds since it was seen."""


class Fronts:
    """The fronts of one database, on PostgreSQL."""

    def __init__(self, store: Store) -> None:
        self._transactions = store.transactions

    def beat(self, identifier: str, host: str) -> None:
        """Note that a front is there."""
        with self._transactions.aside() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO front (id, host, seen_at) VALUES (:id, :host, clock_timestamp()) "
                    "ON CONFLICT (id) DO UPDATE SET host = excluded.host, seen_at = excluded.seen_at"
                ),
                {"id": identifier, "host": host},
            )

    def leave(self, identifier: str, gone_s: float) -> None:
        """Note that a front ends well, so that others need not wait until it is taken for gone."""
        query = sa.text("UPDATE front SET seen_at = seen_at - make_interval(secs => :s) WHERE id = :id")
        with self._transactions.aside() as connection:
            connection.execute(query, {"s": gone_s, "id": identifier})

    def all(self) -> dict[str, Front]:
        """Return every front that was seen in the last month, by its name."""
        silent = sa.func.extract("epoch", sa.func.clock_timestamp() - front.c.seen_at)
        query = sa.select(front, silent.label("silent_s")).where(silent < _FORGOTTEN.total_seconds()).order_by(front.c.id)
        with self._transactions.reading() as connection:
            return {row.id: Front(row.id, row.host, row.seen_at, float(row.silent_s)) for row in connection.execute(query)}
