"""Keep the opinions of organisations on records, and the allow-lists of what must never act automatically."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import BASES, LOCAL, VERDICTS
from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.fingerprints import Fingerprint, from_bytes, to_stored
from vhashdb.json_values import json_value
from vhashdb.store import feed_schema as tables
from vhashdb.store import schema
from vhashdb.store.clock import now_utc
from vhashdb.store.dialect import upsert
from vhashdb.store.hits import settle_in
from vhashdb.store.promotion import refresh_disputes
from vhashdb.store.records import MAX_REASON, Record
from vhashdb.store.records_file import Store

CANARY: Final = "local/canary"
"""Whose entries are one's own innocent videos, which guard what comes in: no feed can have such an id, and none is published."""


@dataclass(frozen=True)
class Subject:
    """A record as feeds name it."""

    feed: str
    """The id of the feed that published it; ``local`` for one that was never published."""
    rid: str
    rev: int

    def to_json(self) -> dict[str, Any]:
        """Return it as `published`."""
        return dict(vars(self))


@dataclass(frozen=True)
class Opinion:
    """One organisation's opinion on one record; its latest one counts."""

    author: str
    """The id of the feed that says so; ``local`` for people here."""
    on_feed: str
    on_rid: str
    on_rev: int
    verdict: str
    basis: str
    reason: str
    at: datetime.datetime

    def to_json(self) -> dict[str, Any]:
        """Return it as an `opinion-of-one`."""
        return {name: json_value(each) for name, each in vars(self).items()}


@dataclass(frozen=True)
class Allowed:
    """Something that must never lead to an automatic action."""

    author: str
    rid: str
    fingerprint: Fingerprint | None
    sha256: str | None
    duration_ms: int
    reason: str
    at: datetime.datetime
    revoked: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as an `allowed`, or as a `canary` if it is one."""
        at, hashes = json_value(self.at), len(self.fingerprint) if self.fingerprint is not None else 0
        if self.author == CANARY:
            facts: dict[str, Any] = {"entry": self.rid, "sha256": self.sha256, "duration_s": self.duration_ms / 1000, "at": at}
            return {"type": "canary", **facts, "hashes": hashes}
        facts = {"entry": self.rid, "from": self.author, "sha256": self.sha256, "reason": self.reason, "at": at}
        return {"type": "allowed", **facts, "hashes": hashes}


class Opinions:
    """The opinions and the allow-lists of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transactions = store.transactions

    def subject(self, record: Record) -> Subject:
        """Return the name of a record in feeds."""
        with self._transactions.reading() as connection:
            query = (
                sa.select(tables.feed.c.id, tables.origin.c.rid, tables.origin.c.rev)
                .join(tables.origin, tables.origin.c.feed == tables.feed.c.number)
                .join(schema.record, schema.record.c.number == tables.origin.c.record)
                .where(schema.record.c.id == record.id)
            )
            row = connection.execute(query).first()
            if row is not None:
                return Subject(*row)
            own = connection.execute(sa.select(tables.feed.c.id).where(tables.feed.c.own)).scalars().first()
            return Subject(own or LOCAL, record.id, record.revision)

    def give(self, record: Record, verdict: str, *, basis: str, reason: str) -> Opinion:
        """Say what people here think of a record; it replaces what they said before.

        Raises:
            UsageError: no such verdict or basis, or too long a reason.
        """
        opinion = self.made(record, verdict, basis=basis, reason=reason)
        with self._transactions.writing() as connection:
            settle_in(connection, record.id, self.give_in(connection, record, opinion))
        return opinion

    def made(self, record: Record, verdict: str, *, basis: str, reason: str) -> Opinion:
        """Return an opinion as people here would give it now; nothing is written.

        Raises:
            UsageError: no such verdict or basis, or too long a reason.
        """
        for what, value, known in (("verdict", verdict, VERDICTS), ("basis of an opinion", basis, BASES)):
            if value not in known:
                raise UsageError(f"{value!r} is not a {what}", hint=f"known: {', '.join(known)}")
        if len(reason) > MAX_REASON:
            raise UsageError(f"the reason has {len(reason)} characters; at most {MAX_REASON} are allowed", hint="shorten it")
        on = self.subject(record)
        return Opinion(LOCAL, on.feed, on.rid, on.rev, verdict, basis, reason, now_utc())

    def give_in(self, connection: Connection, record: Record, opinion: Opinion) -> int:
        """Write an opinion, in a transaction that is under way; return the number of its line in the audit log."""
        upsert(connection, tables.opinion, vars(opinion))
        refresh_disputes(connection, "SELECT number FROM record WHERE id = :id", id=record.id)
        said = {"verdict": opinion.verdict, "basis": opinion.basis, "reason": opinion.reason}
        return self._store.audit.log_in(connection, "opinion", record.id, **said)

    def about(self, record: Record) -> list[Opinion]:
        """Return everybody's opinions on a record, oldest first."""
        on = self.subject(record)
        places = {on.feed, LOCAL} if on.rid == record.id else {on.feed}
        query = sa.select(tables.opinion).where(tables.opinion.c.on_feed.in_(places), tables.opinion.c.on_rid == on.rid)
        with self._transactions.reading() as connection:
            rows = connection.execute(query.order_by(tables.opinion.c.at, tables.opinion.c.author)).mappings()
            return [Opinion(**row) for row in rows]

    def ours(self) -> list[Opinion]:
        """Return the opinions of people here on other organisations' records, oldest first."""
        with self._transactions.reading() as connection:
            own = set(connection.execute(sa.select(tables.feed.c.id).where(tables.feed.c.own)).scalars()) | {LOCAL}
            query = sa.select(tables.opinion).where(tables.opinion.c.author == LOCAL, tables.opinion.c.on_feed.not_in(own))
            rows = connection.execute(query.order_by(tables.opinion.c.at, tables.opinion.c.on_feed, tables.opinion.c.on_rid)).mappings()
            return [Opinion(**row) for row in rows]

    # -- what must never act automatically -----------------------------------------------------

    def allow_version(self) -> tuple[object, ...]:
        """Return a value that changes whenever the allow-lists in force do."""
        entries = "SELECT count(*), count(*) FILTER (WHERE revoked), max(at), sum(duration_ms), min(rid), max(rid) FROM allow"
        with self._transactions.reading() as connection:
            allow = connection.exec_driver_sql(entries).one()
            return tuple(allow), *map(tuple, connection.exec_driver_sql("SELECT id, trust, status, own FROM feed ORDER BY number"))

    def allow(self, fingerprint: Fingerprint | None, sha256: str | None, *, reason: str, author: str = LOCAL) -> Allowed:
        """Put something on one's own allow-list, or among the canaries."""
        if fingerprint is None and sha256 is None:
            raise UsageError("an entry of an allow-list needs a fingerprint or a file's hash")
        duration_ms = round(fingerprint.duration_s * 1000) if fingerprint is not None else 0
        entry = Allowed(author, secrets.token_hex(16), fingerprint, sha256, duration_ms, reason, now_utc(), revoked=False)
        blob = to_stored(fingerprint) if fingerprint is not None else None
        with self._transactions.writing() as connection:
            connection.execute(tables.allow.insert().values(**(vars(entry) | {"fingerprint": blob})))
            self._store.audit.log_in(connection, "allow" if author == LOCAL else "canary", None, rid=entry.rid, reason=reason)
        return entry

    def revoke(self, rid: str, *, author: str = LOCAL) -> None:
        """Take an entry off one's own allow-list, or a canary away.

        Raises:
            RecordNotFound: there is none whose id begins so, or several.
        """
        what = "of the allow-list here" if author == LOCAL else "among the canaries"
        mine = (tables.allow.c.author == author, ~tables.allow.c.revoked, tables.allow.c.rid.startswith(rid, autoescape=True))
        with self._transactions.writing() as connection:
            found = list(connection.execute(sa.select(tables.allow.c.rid).where(*mine).limit(2)).scalars()) if rid else []
            if len(found) != 1:
                raise RecordNotFound(f"{'more than one entry' if found else 'no entry'} {what} begins with {rid!r}")
            change = tables.allow.update().where(tables.allow.c.author == author, tables.allow.c.rid == found[0])
            gone = {"fingerprint": None, "sha256": None} if author == CANARY else {}
            connection.execute(change.values(revoked=True, at=now_utc(), **gone))
            self._store.audit.log_in(connection, "revoke-allow" if author == LOCAL else "revoke-canary", None, rid=found[0])

    def allowed(self, *, author: str | None = None, revoked: bool = False) -> list[Allowed]:
        """Return the entries in force, of everybody's allow-lists or of one author; with ``revoked`` also those taken back."""
        query = sa.select(tables.allow).order_by(tables.allow.c.at, tables.allow.c.rid)
        if not revoked:
            query = query.where(~tables.allow.c.revoked)
        query = query.where(tables.allow.c.author == author if author is not None else tables.allow.c.author != CANARY)
        with self._transactions.reading() as connection:
            return [_allowed(row) for row in connection.execute(query).mappings()]


def _allowed(row: Mapping[Any, Any]) -> Allowed:
    values = {f.name: row[f.name] for f in fields(Allowed)}
    return Allowed(**(values | {"fingerprint": from_bytes(row["fingerprint"]) if row["fingerprint"] else None}))
