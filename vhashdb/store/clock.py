"""The time as the tables have it, and what a database knows of the time whatever the machine's clock says.

A clock that was set back must not bring expired records and feeds back to life, and one that was wrong for an hour must not
expire them for ever. So the database keeps the latest time at which people or feeds changed something in it; asking is no
evidence. A leap of more than `LEAP` counts once it was seen on `CONFIRMED_ON` different days.
"""

from __future__ import annotations

import datetime
import json
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.store import schema
from vhashdb.store.dialect import upsert

LEAP: Final = datetime.timedelta(days=30)
CONFIRMED_ON: Final = 3
_GRAIN: Final = datetime.timedelta(hours=1)
"""Precision to which it is kept: one write an hour is enough."""
_SEEN: Final = "seen_at"
_AHEAD: Final = "seen_ahead"
_KNOWN: Final = sa.select(schema.meta).where(schema.meta.c.name.in_((_SEEN, _AHEAD, "created_at")))


def now_utc() -> datetime.datetime:
    """Return the time in UTC, in whole seconds, without a time zone: SQLite has none."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)


def latest(connection: Connection) -> datetime.datetime:
    """Return the latest time that a database has seen."""
    return _known(connection)[0]


def saw(connection: Connection, now: datetime.datetime) -> None:
    """Note that something was changed now, by the machine's clock; in the transaction that changes it."""
    seen, ahead = _known(connection)
    if now - seen < _GRAIN:
        return
    days = sorted({*ahead, now.date().isoformat()})
    if now - seen > LEAP and len(days) < CONFIRMED_ON:
        if days != ahead:
            _keep(connection, {_AHEAD: json.dumps(days)})
        return
    _keep(connection, {_SEEN: now.isoformat(), _AHEAD: "[]"})


def _known(connection: Connection) -> tuple[datetime.datetime, list[str]]:
    """Return the latest time, and the days that are far ahead of it and not believed yet."""
    values = {row.name: row.value for row in connection.execute(_KNOWN)}
    return datetime.datetime.fromisoformat(values.get(_SEEN) or values["created_at"]), json.loads(values.get(_AHEAD, "[]"))


def _keep(connection: Connection, values: dict[str, str]) -> None:
    upsert(connection, schema.meta, [{"name": name, "value": value} for name, value in values.items()])
