"""The audit log: who did what to the records, and when. It can only grow."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.json_values import json_value
from vhashdb.store import clock, schema
from vhashdb.store.hits import NewHit, note_hits
from vhashdb.store.transactions import Transactions

_log: Final = logging.getLogger(__name__)
_acting: Final[ContextVar[str]] = ContextVar("vhashdb_acting", default="")


@contextlib.contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Name somebody else in what is written to any database meanwhile, in this thread or task: whom a program acts for."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit log."""

    number: int
    at: datetime.datetime
    actor: str
    action: str
    record: str | None
    details: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return it as one line of the log: an `audit`."""
        return {"type": "audit"} | {name: json_value(each) for name, each in vars(self).items()}


class AuditLine(NamedTuple):
    """A line on its way into the audit log."""

    at: datetime.datetime
    actor: str
    action: str
    record: str | None
    details: str
    """JSON."""


class AuditLog:
    """The audit log of one database, in which one actor writes, or those whom `acting_as` names."""

    def __init__(self, transactions: Transactions, actor: str) -> None:
        self._transactions = transactions
        self._actor = actor

    @property
    def actor(self) -> str:
        """Who is named in the lines that are written from here, now."""
        return _acting.get() or self._actor

    def log(self, action: str, record: str | None = None, **details: Any) -> None:
        """Append one line."""
        self.write([self.line(action, record, **details)])

    def log_in(self, connection: Connection, action: str, record: str | None, **details: Any) -> int:
        """Append one line, in a transaction that is under way and changes what the line is about; return its number."""
        line = self.line(action, record, **details)
        number = connection.execute(schema.audit.insert().values(**line._asdict())).inserted_primary_key
        clock.saw(connection, line.at)
        return int(number[0])  # type: ignore[index]  # always given for an insert of one row

    def line(self, action: str, record: str | None = None, **details: Any) -> AuditLine:
        """Return a line as of now, that is not written yet."""
        return AuditLine(clock.now_utc(), self.actor, action, record, json.dumps(details, sort_keys=True))

    def write(self, lines: Sequence[AuditLine | NewHit], *, wait: bool = True) -> None:
        """Append lines, and for each hit that is new a line; unless ``wait``, fail at once while somebody else writes."""
        with self._transactions.writing(wait=wait) as connection:
            kept = [one for one in lines if isinstance(one, AuditLine)]
            for hit in note_hits(connection, [one for one in lines if isinstance(one, NewHit)]):
                details = json.dumps({"verdict": hit.verdict, "score": hit.score}, sort_keys=True)
                kept.append(AuditLine(hit.at, self.actor, "match", hit.record, details))
            if kept:
                connection.execute(schema.audit.insert(), [line._asdict() for line in kept])

    def entries(self, *, record: str | None = None, limit: int | None = None) -> list[AuditEntry]:
        """Return the newest lines, oldest of them first."""
        query = sa.select(schema.audit).order_by(schema.audit.c.number.desc()).limit(limit)
        if record is not None:
            query = query.where(schema.audit.c.record == record)
        with self._transactions.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [AuditEntry(**{**row, "details": json.loads(row["details"])}) for row in reversed(rows)]


def user_here() -> str:
    """Say who runs this, for the audit log: the account on this machine, which never leaves it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        _log.warning("nobody knows who runs this, so the audit log says unknown: %s", error)
        return "unknown"
