"""Read what the index needs of the records: which may be matched, by which fingerprint, and what was written since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from vhashdb.store import schema
from vhashdb.store.records import Selection
from vhashdb.store.transactions import Transactions

_AT_ONCE: Final = 200
"""Rows with a fingerprint that are fetched together."""


@dataclass(frozen=True)
class Change:
    """One record as the index needs it."""

    record: int
    change: int
    fingerprint: int | None
    """The number of its fingerprint, whose content never changes; None if the record cannot be matched."""
    packed: bytes | None
    """The fingerprint itself, for `vhashdb.from_bytes`."""


def counting(selection: Selection) -> list[sa.ColumnElement[bool]]:
    """Translate a selection into conditions on rows of records, as `Selection.allows` has it."""
    record, label = schema.record.c, schema.label.c
    labelled = [sa.exists().where(label.record == record.number, label.label == wanted) for wanted in selection.labels]
    given = ((record.severity, selection.severities), (record.source, selection.sources), (record.state, selection.states))
    return [*labelled, *(column.in_(some) for column, some in given if some)]


class Changes:
    """The records of one file, by number and in the order in which they were written."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def last(self) -> int:
        """Return the number of the latest write to any record; 0 for an empty database."""
        # As text, because every question asks for it, several times.
        with self._transactions.reading() as connection:
            return int(connection.exec_driver_sql("SELECT max(change) FROM record").scalar() or 0)

    def since(self, change: int) -> Iterator[Change]:
        """Yield records written after a change, oldest first."""
        yield from self._of(schema.record.c.change > change)

    def of(self, numbers: Sequence[int]) -> Iterator[Change]:
        """Yield some records, by number, as `since` does."""
        for start in range(0, len(numbers), _AT_ONCE):
            yield from self._of(schema.record.c.number.in_(numbers[start : start + _AT_ONCE]))

    def matchable(self) -> list[int]:
        """Return the numbers of all records that can be matched."""
        query = sa.select(schema.record.c.number).join(schema.fingerprint).where(schema.not_retracted)
        with self._transactions.reading() as connection:
            return list(connection.execute(query).scalars())

    def selected(self, selection: Selection) -> list[int]:
        """Return the numbers of the records that count."""
        query = sa.select(schema.record.c.number).where(*counting(selection))
        with self._transactions.reading() as connection:
            return list(connection.execute(query).scalars())

    def _of(self, which: sa.ColumnElement[bool]) -> Iterator[Change]:
        matchable = schema.not_retracted
        query = (
            sa.select(schema.record.c.number, schema.record.c.change, schema.fingerprint.c.number, schema.fingerprint.c.blob)
            .outerjoin(schema.fingerprint, sa.and_(schema.fingerprint.c.record == schema.record.c.number, matchable))
            .where(which)
            .order_by(schema.record.c.change)
        )
        with self._transactions.reading() as connection:
            for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
                yield Change(*row)
