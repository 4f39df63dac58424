"""Insert new records, any number of them in one transaction: statements one by one cost more than the disk."""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.fingerprints import Fingerprint, as_stored, to_stored
from vhashdb.store import clock, feed_schema, schema
from vhashdb.store.records import NewRecord, Record, State
from vhashdb.store.rows import detail_values, number_of, own_feed, own_shared_id


@dataclass(frozen=True)
class Item:
    """A record on its way in."""

    new: NewRecord
    fingerprint: Fingerprint
    near: Sequence[tuple[str, float]] = ()
    """Id and score of each record that it is a near duplicate of."""

    @functools.cached_property
    def packed(self) -> bytes:
        """The fingerprint as it is stored."""
        return to_stored(self.fingerprint)

    @functools.cached_property
    def unpacked(self) -> Fingerprint:
        """What unpacking that gives."""
        return as_stored(self.fingerprint)


def insert(connection: Connection, items: Sequence[Item], *, actor: str, held: str) -> list[Record]:
    """Insert records, in a transaction that is under way, and return them in the same order.

    Args:
        connection: of the transaction.
        items: what to record.
        actor: who does it, for the audit log.
        held: why somebody else has to confirm them before they may lead to more than a review; empty if nobody has to.
    """
    change, number = connection.execute(sa.select(sa.func.max(schema.record.c.change), sa.func.max(schema.record.c.number))).one()
    change, number, at = change or 0, number or 0, clock.now_utc()
    state, feed = State.HELD if held else State.ACTIVE, own_feed(connection)
    records = [
        Record(
            identifier, state, 1, item.new.duration_s, item.new.sha256, item.new.md5, at, item.new.details,
            tuple(other for other, _ in item.near), item.fingerprint.sound is not None,
            own_shared_id(feed, identifier, item.new.details.source),
        )
        for item in items
        for identifier in [secrets.token_hex(16)]
    ]  # fmt: skip
    rows: dict[sa.Table, list[dict[str, Any]]] = {table: [] for table in _TABLES}
    for count, (item, record) in enumerate(zip(items, records, strict=True), start=1):
        own = {"record": number + count}
        rows[schema.record].append(_values(record) | {"number": number + count, "change": change + count})
        rows[schema.label] += [own | {"label": label} for label in record.labels]
        rows[schema.fingerprint].append(own | {"algorithm": str(item.fingerprint.algorithm), "blob": item.packed})
        rows[schema.near] += [own | {"other": number_of(connection, other), "score": score} for other, score in item.near]
        if held:
            rows[feed_schema.held].append(own | {"reason": held, "at": at, "proposed": "accepted", "proposed_by": actor})
        said = json.dumps({"labels": list(record.labels), "source": record.details.source}, sort_keys=True)
        rows[schema.audit].append({"at": at, "actor": actor, "action": "add", "record": record.id, "details": said})
    for table, some in rows.items():
        if some:
            connection.execute(table.insert(), some)
    clock.saw(connection, at)
    return records


_TABLES: Final = (schema.record, schema.label, schema.fingerprint, schema.near, feed_schema.held, schema.audit)
"""Those that are written to, in the order in which they refer to each other."""


def _values(record: Record) -> dict[str, Any]:
    named = ("id", "revision", "added_at", "duration_s", "sha256", "md5")
    return {name: getattr(record, name) for name in named} | {"state": record.state.value} | detail_values(record.details)
