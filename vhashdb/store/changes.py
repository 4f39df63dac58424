"""Read what the indexes need of the records: which may be matched, by which fingerprint, and what was written since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from vhashdb.store import schema
from vhashdb.store.records import Selection
from vhashdb.store.transactions import Transactions
from vhashdb.store.unpacked import Unpacked

_AT_ONCE: Final = 200
"""Rows with a fingerprint that are fetched together."""


@dataclass(frozen=True)
class Change:
    """One record as an index needs it."""

    record: int
    change: int
    fingerprint: int | None
    """The number of its fingerprint, whose content never changes; None if the record cannot be matched."""
    packed: bytes | None
    """The fingerprint itself, for `vhashdb.from_bytes`; None, too, if it has no sound and sound is what was asked for."""


@dataclass(frozen=True)
class Share:
    """One part of all records, of several of about the same size: those whose numbers leave one rest."""

    number: int
    """From 0 on."""
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ValueError(f"there is no share {self.number} of {self.of}")

    def holds(self, record: int) -> bool:
        """Tell whether a record is in it, by number."""
        return record % self.of == self.number


EVERYTHING: Final = Share(0, 1)


def counting(selection: Selection) -> list[sa.ColumnElement[bool]]:
    """Translate a selection into conditions on rows of records, as `Selection.allows` has it."""
    record, label = schema.record.c, schema.label.c
    labelled = [sa.exists().where(label.record == record.number, label.label == wanted) for wanted in selection.labels]
    given = ((record.severity, selection.severities), (record.source, selection.sources), (record.state, selection.states))
    return [*labelled, *(column.in_(some) for column, some in given if some)]


class Changes:
    """The records of one file, or a share of them, by number and in the order in which they were written."""

    def __init__(self, transactions: Transactions, unpacked: Unpacked, share: Share = EVERYTHING) -> None:
        self._transactions, self.unpacked, self.share = transactions, unpacked, share

    def of_share(self, share: Share) -> Changes:
        """Return the same of some of the records."""
        return self if share == self.share else Changes(self._transactions, self.unpacked, share)

    def last(self) -> int:
        """Return the number of the latest write to any record; 0 for an empty database."""
        # As text, because every question asks for it, several times.
        with self._transactions.reading() as connection:
            return int(connection.exec_driver_sql("SELECT max(change) FROM record").scalar() or 0)

    def since(self, change: int) -> Iterator[Change]:
        """Yield records written after a change, oldest first."""
        yield from self._of(schema.record.c.change > change)

    def of_sound_since(self, change: int, *, alone: bool) -> Iterator[Change]:
        """Yield records written after a change, oldest first, with their fingerprints if those have sound.

        Args:
            change: of the store.
            alone: leave out all records without sound; else those are there too, as they may have had some before.
        """
        yield from self._of(schema.record.c.change > change, sound=True, alone=alone)

    def of(self, numbers: Sequence[int], *, sound: bool = False) -> Iterator[Change]:
        """Yield some records, by number, with their fingerprints; with ``sound`` only with those that have sound."""
        for start in range(0, len(numbers), _AT_ONCE):
            yield from self._of(schema.record.c.number.in_(numbers[start : start + _AT_ONCE]), sound=sound)

    def matchable(self, *, sound: bool = False) -> list[int]:
        """Return the numbers of all records that are found by their own fingerprint, or by the sound of it."""
        query = sa.select(schema.record.c.number).join(schema.fingerprint).where(schema.not_retracted, *self._in_share)
        query = query.outerjoin(schema.copy, schema.copy.c.record == schema.record.c.number).where(schema.copy.c.shown_by.is_(None))
        if sound:
            query = query.join(schema.sounding, schema.sounding.c.fingerprint == schema.fingerprint.c.number)
        with self._transactions.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def selected(self, selection: Selection) -> list[int]:
        """Return the numbers of the records that count, and of those that are found instead of one that counts."""
        query = sa.select(schema.record.c.number, schema.copy.c.shown_by).where(*counting(selection))
        query = query.outerjoin(schema.copy, schema.copy.c.record == schema.record.c.number)
        with self._transactions.reading() as connection:
            rows = connection.execute(query).all()
        return sorted({number for row in rows for number in row if number is not None and self.share.holds(number)})

    @property
    def _in_share(self) -> list[sa.ColumnElement[bool]]:
        """Conditions on rows of records."""
        return [] if self.share.of == 1 else [schema.record.c.number % self.share.of == self.share.number]

    def _of(self, which: sa.ColumnElement[bool], *, sound: bool = False, alone: bool = False) -> Iterator[Change]:
        record, fingerprint, sounding, copy = schema.record, schema.fingerprint, schema.sounding, schema.copy
        blob: sa.ColumnElement[bytes] = fingerprint.c.blob
        by_itself = sa.and_(fingerprint.c.record == record.c.number, schema.not_retracted, copy.c.shown_by.is_(None))
        tables = record.outerjoin(copy, copy.c.record == record.c.number).outerjoin(fingerprint, by_itself)
        if sound:  # a blob that is not wanted is not read from the disk
            tables = tables.join(sounding, sounding.c.fingerprint == fingerprint.c.number, isouter=not alone)
            blob = sa.case((sounding.c.fingerprint.is_not(None), fingerprint.c.blob), else_=None)
        query = sa.select(record.c.number, record.c.change, fingerprint.c.number, blob).select_from(tables).where(which, *self._in_share)
        with self._transactions.snapshot() as connection:  # a cursor of PostgreSQL's needs a transaction
            for row in connection.execute(query.order_by(record.c.change), execution_options={"yield_per": _AT_ONCE}):
                yield Change(*row)
