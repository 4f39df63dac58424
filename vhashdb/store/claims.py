"""Who is about to decide about records that wait, so that others take something else. Claims of uploads are in `questions`."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from vhashdb.store.clock import now_utc
from vhashdb.store.questions import CLAIM, AlreadyClaimed
from vhashdb.store.records_file import Store
from vhashdb.store.service_schema import record_claim


class Claim(NamedTuple):
    """Somebody is at it."""

    by: str
    until: datetime.datetime


class RecordClaims:
    """The claims of records of one database."""

    def __init__(self, store: Store) -> None:
        self._transactions = store.transactions

    def all(self) -> dict[str, Claim]:
        """Return the claims that hold now, by the record's full id."""
        query = sa.select(record_claim).where(record_claim.c.until > now_utc())
        with self._transactions.reading() as connection:
            return {row.record: Claim(row.by, row.until) for row in connection.execute(query)}

    def claim(self, records: Sequence[str], who: str) -> None:
        """Say that somebody is about to decide, for as long as a question is claimed.

        Raises:
            AlreadyClaimed: somebody else did.
        """
        now = now_utc()
        with self._transactions.writing() as connection:
            connection.execute(record_claim.delete().where(record_claim.c.until <= now))
            mine = record_claim.c.record.in_(records)
            other = connection.execute(sa.select(record_claim).where(mine, record_claim.c.by != who)).first()
            if other is not None:
                raise AlreadyClaimed(f"{other.by} is at it until {other.until:%H:%M} UTC")
            connection.execute(record_claim.delete().where(mine))
            connection.execute(record_claim.insert(), [{"record": record, "by": who, "until": now + CLAIM} for record in records])

    def give_up(self, records: Sequence[str], who: str) -> None:
        """Let others decide about what somebody claimed."""
        with self._transactions.writing() as connection:
            connection.execute(record_claim.delete().where(record_claim.c.record.in_(records), record_claim.c.by == who))
