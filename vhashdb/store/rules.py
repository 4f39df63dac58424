"""What the people of one database agreed on: how many must have looked, and whether one alone may decide."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from vhashdb.errors import UsageError
from vhashdb.moderation.policy import DEFAULT_QUORUM
from vhashdb.store import schema

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


def read_rules(connection: Connection) -> Rules:
    """The rules in force."""
    query = sa.select(schema.meta).where(schema.meta.c.name.in_(("quorum", "seen_here", "two_person")))
    values = {row.name: row.value for row in connection.execute(query)}
    seen_here, two_person = values.get("seen_here", "1") == "1", values.get("two_person") == "1"
    return Rules(int(values.get("quorum", DEFAULT_QUORUM)), seen_here, two_person)


def write_rules(connection: Connection, rules: Rules) -> None:
    """Put other rules in force."""
    rows = [{"name": name, "value": str(int(value))} for name, value in vars(rules).items()]
    statement = insert(schema.meta)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}), rows)
