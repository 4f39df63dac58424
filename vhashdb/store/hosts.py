"""Other hosts than its own that people here named for a feed or a roster: where it may send on to."""

from __future__ import annotations

import json
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from vhashdb.store import schema


def read_hosts(connection: Connection, of: str) -> frozenset[str]:
    """The hosts named for ``of``, such as ``feed acme-tvec``."""
    value = connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == _name(of))).scalar()
    return frozenset(json.loads(value) if value else ())


def write_hosts(connection: Connection, of: str, hosts: Iterable[str]) -> None:
    """Name these hosts for it, and no others any more."""
    named = sorted(hosts)
    if not named:
        connection.execute(schema.meta.delete().where(schema.meta.c.name == _name(of)))
        return
    row = insert(schema.meta).values(name=_name(of), value=json.dumps(named))
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": row.excluded.value}))


def _name(of: str) -> str:
    return f"hosts of {of}"
