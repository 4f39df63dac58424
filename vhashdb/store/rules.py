"""What the people of one database agreed on: how many must have looked, and whether one alone may decide."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from vhashdb.errors import UsageError
from vhashdb.exchange.policy import DEFAULT_QUORUM
from vhashdb.store import schema

MAX_QUORUM = 100


@dataclass(frozen=True)
class Rules:
    """Settings that are part of the database, not of whoever runs the command."""

    quorum: int = DEFAULT_QUORUM
    """Organisations that must have seen the content and agree before anything may be blocked without a person."""
    two_person: bool = False
    """Who proposes does not decide: additions and reviews need two people."""

    def __post_init__(self) -> None:
        if not 1 <= self.quorum <= MAX_QUORUM:
            raise UsageError(f"a quorum of {self.quorum} organisations is not within 1 and {MAX_QUORUM}")


def read_rules(connection: Connection) -> Rules:
    """The rules in force."""
    query = sa.select(schema.meta).where(schema.meta.c.name.in_(("quorum", "two_person")))
    values = {row.name: row.value for row in connection.execute(query)}
    return Rules(int(values.get("quorum", DEFAULT_QUORUM)), values.get("two_person") == "1")


def write_rules(connection: Connection, rules: Rules) -> None:
    """Put other rules in force."""
    rows = [{"name": "quorum", "value": str(rules.quorum)}, {"name": "two_person", "value": str(int(rules.two_person))}]
    statement = insert(schema.meta)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}), rows)
