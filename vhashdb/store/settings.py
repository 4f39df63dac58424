"""Settings that are part of a database: the rules of its people, and hosts that they named for feeds and rosters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import UsageError
from vhashdb.moderation.policy import DEFAULT_QUORUM
from vhashdb.store import schema
from vhashdb.store.dialect import upsert

MAX_QUORUM = 100


@dataclass(frozen=True)
class Rules:
    """Settings that are part of the database, not of whoever runs the command."""

    quorum: int = DEFAULT_QUORUM
    """Organisations that must have seen the content and agree before anything may be blocked without a person."""
    seen_here: bool = True
    """Whether somebody of this database must be among them."""
    two_person: bool = False
    """Who proposes does not decide: additions and reviews need two people."""

    def __post_init__(self) -> None:
        if not 1 <= self.quorum <= MAX_QUORUM:
            raise UsageError(f"a quorum of {self.quorum} organisations is not within 1 and {MAX_QUORUM}")

    def to_json(self) -> dict[str, Any]:
        """Return them as `rules`."""
        return {"type": "rules", **vars(self)}


def read_rules(connection: Connection) -> Rules:
    """Return the rules in force."""
    query = sa.select(schema.meta).where(schema.meta.c.name.in_(("quorum", "seen_here", "two_person")))
    values = {row.name: row.value for row in connection.execute(query)}
    seen_here, two_person = values.get("seen_here", "1") == "1", values.get("two_person") == "1"
    return Rules(int(values.get("quorum", DEFAULT_QUORUM)), seen_here, two_person)


def write_rules(connection: Connection, rules: Rules) -> None:
    """Put other rules in force."""
    upsert(connection, schema.meta, [{"name": name, "value": str(int(value))} for name, value in vars(rules).items()])


# -- other hosts than its own that people here named for a feed or a roster: where it may send on to --------


def read_hosts(connection: Connection, of: str) -> frozenset[str]:
    """Return the hosts named for ``of``, such as ``feed acme-tvec``."""
    value = connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == _name(of))).scalar()
    return frozenset(json.loads(value) if value else ())


def write_hosts(connection: Connection, of: str, hosts: Iterable[str]) -> None:
    """Name these hosts for it, and no others any more."""
    named = sorted(hosts)
    if not named:
        connection.execute(schema.meta.delete().where(schema.meta.c.name == _name(of)))
        return
    upsert(connection, schema.meta, {"name": _name(of), "value": json.dumps(named)})


def _name(of: str) -> str:
    return f"hosts of {of}"
