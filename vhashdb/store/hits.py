"""Which files matched which records, and what people decided about each: the one place that counts and decides them.

A **hit** is one file and one record that it matched. However often the file is asked about, it is one hit. A hit is a case
for people until somebody decides it, and is one again when its grounds change: when it matches more surely, or when the
state or the policy of the record is another.

A file is known by a keyed digest alone, see `FileKeys`: nothing here says which file it was, to nobody who does not have both
the file and this database.
"""

from __future__ import annotations

import datetime
import enum
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.json_values import json_value
from vhashdb.store.schema import hit, meta
from vhashdb.store.transactions import Transactions

KEY: Final = "file_key"
"""Name of the key in the table ``meta``."""
_KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 16


class CaseState(enum.StrEnum):
    """What somebody decided about a file and a record."""

    CONFIRMED = "confirmed"
    """The file does show the record."""
    NOT_THIS = "not this"
    """It does not: this file never matches the record again."""
    ESCALATED = "escalated"
    """Somebody else has to decide."""
    LOOKED_AT = "looked at"
    """Somebody looked, and has nothing to say of this file."""


@dataclass(frozen=True)
class CaseDecision:
    """What was decided about one file and one record, by whom and when."""

    record: str
    """Its id; empty if it is about the file by itself, which could not be checked."""
    state: CaseState
    by: str
    """Name of the person; empty if it is older than the log."""
    at: datetime.datetime
    reason: str
    changed: tuple[str, ...] = ()
    """What has changed since, so that the case is open again; empty while the decision stands."""

    @property
    def stands(self) -> bool:
        """Whether nothing has changed since."""
        return not self.changed

    @property
    def closed(self) -> bool:
        """Whether nobody has to decide any more."""
        return self.stands and self.state is not CaseState.ESCALATED

    @property
    def words(self) -> str:
        """What people read: what was decided, by whom and when, why, and what has changed since."""
        by = f" by {self.by}" if self.by else ""
        said = f"{_WORDS[self.state].format(record=self.record[:8])}{by} on {self.at:%Y-%m-%d}{f' ({self.reason})' if self.reason else ''}"
        return said if self.stands else f"before: {said}; open again: {', '.join(self.changed)}"

    def to_json(self) -> dict[str, Any]:
        """Return it as a `file-decision`."""
        return {name: json_value(each) for name, each in vars(self).items()}


_WORDS: Final = {
    CaseState.CONFIRMED: "decided: confirmed",
    CaseState.NOT_THIS: "decided: not rec {record}",
    CaseState.LOOKED_AT: "decided: looked at",
    CaseState.ESCALATED: "passed on to somebody else",
}


class NewHit(NamedTuple):
    """A file that matched a record just now, on its way into the table."""

    file: str
    """As `FileKeys.of` gives it."""
    record: str
    verdict: str
    score: float
    at: datetime.datetime


# -- conditions in SQL: ``h`` is the hit, ``r`` its record -------------------------------------------

_POLICY: Final = ("state", "max_action", "severity", "policy", "law", "reason_code")
"""Columns of a record that a decision rests on, the state first."""
_BETWEEN: Final = "'\x1f'"
_RECORD_GROUNDS: Final = f" || {_BETWEEN} || ".join(f"r.{column}" for column in _POLICY)
GROUNDS: Final = f"(h.verdict || coalesce({_BETWEEN} || {_RECORD_GROUNDS}, ''))"
"""What a decision would rest on now."""
MATCHED: Final = "h.verdict != ''"
"""Condition that the file did match."""
STANDS: Final = f"(h.state = '{CaseState.NOT_THIS}' OR h.state != '' AND h.grounds = {GROUNDS})"
"""Condition that a decision stands. That a file is not a record is true whatever becomes of the record."""
CLOSED: Final = f"({STANDS} AND h.state != '{CaseState.ESCALATED}')"
"""Condition that nobody has to decide any more."""

_SETTLE: Final = f"""
UPDATE hit AS h SET (state, line, grounds) =
    (SELECT CASE h.state WHEN '' THEN '{CaseState.LOOKED_AT}' WHEN '{CaseState.ESCALATED}' THEN '{CaseState.LOOKED_AT}' ELSE h.state END,
            CASE WHEN h.state IN ('', '{CaseState.ESCALATED}') THEN :line ELSE h.line END, {GROUNDS} FROM record r WHERE r.id = h.record)
WHERE h.record = :record AND {MATCHED} AND EXISTS (SELECT 1 FROM record r WHERE r.id = h.record AND NOT {CLOSED})
"""
_DECIDE: Final = """
INSERT INTO hit AS h (file, record, verdict, score, at, state, line, grounds)
VALUES (:file, :record, :verdict, :score, :at, :state, :line, '')
ON CONFLICT (file, record) DO UPDATE SET state = :state, line = :line,
    verdict = CASE WHEN h.record = '' OR h.verdict = '' THEN excluded.verdict ELSE h.verdict END
"""
_GROUND: Final = f"""
UPDATE hit AS h SET grounds = (SELECT {GROUNDS} FROM (SELECT 1) AS one LEFT JOIN record r ON r.id = h.record)
WHERE h.file = :file AND h.record = :record
"""
_DECISIONS: Final = (
    sa.text(f"""
SELECT h.file, h.record, h.state, h.grounds, {GROUNDS} AS now, {STANDS} AS stands, coalesce(a.at, h.at) AS at,
       coalesce(a.actor, '') AS by, coalesce(json_extract(a.details, '$.reason'), '') AS reason
FROM hit h LEFT JOIN record r ON r.id = h.record LEFT JOIN audit a ON a.number = h.line
WHERE h.state != '' AND h.file IN :files ORDER BY h.file, h.record
""")
    .bindparams(sa.bindparam("files", type_=sa.String, expanding=True))
    .columns(at=sa.DateTime)
)
_AT_ONCE: Final = 500
"""Records that are asked about together. Engineering bound."""
_STRONGER: Final = {"": 0, "possible": 1, "match": 2}


class FileKeys:
    """What files are known by here: digests with a random key of this database, which no list of hashes can be compared with."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def make(cls, connection: Connection) -> FileKeys:
        """Make the key of a database that has none."""
        key = secrets.token_bytes(_KEY_BYTES)
        connection.execute(meta.insert().values(name=KEY, value=key.hex()))
        return cls(key)

    def of(self, identity: str | bytes) -> str:
        """Return what a file is known by, given its SHA-256, or else any bytes that say which it is; 32 hexadecimal digits."""
        data = identity.encode() if isinstance(identity, str) else identity
        return hashlib.blake2b(data, key=self._key, digest_size=_DIGEST_BYTES).hexdigest()


class Hits:
    """The hits of one database. What belongs to a larger transaction takes its connection."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._keys: FileKeys | None = None

    def file(self, identity: str | bytes) -> str:
        """Return what a file is known by here; see `FileKeys.of`."""
        if self._keys is None:
            with self._transactions.reading() as connection:
                value = connection.execute(sa.select(meta.c.value).where(meta.c.name == KEY)).scalar_one()
            self._keys = FileKeys(bytes.fromhex(value))
        return self._keys.of(identity)

    def decisions(self, files: Iterable[str]) -> dict[str, list[CaseDecision]]:
        """Return what was decided about files, by what they are known by; those about which nothing was are not there."""
        found: dict[str, list[CaseDecision]] = {}
        with self._transactions.reading() as connection:
            for some in _portions(list(files)):
                for row in connection.execute(_DECISIONS, {"files": some}):
                    changed = () if row.stands else tuple(_changes(row.grounds, row.now))
                    decision = CaseDecision(row.record, CaseState(row.state), row.by, row.at, row.reason, changed)
                    found.setdefault(row.file, []).append(decision)
        return found

    def unlike(self, file: str) -> frozenset[str]:
        """Return the ids of the records that a file is not."""
        query = sa.select(hit.c.record).where(hit.c.file == file, hit.c.state == CaseState.NOT_THIS.value)
        with self._transactions.reading() as connection:
            return frozenset(connection.execute(query).scalars())


def note_hits(connection: Connection, found: Sequence[NewHit]) -> list[NewHit]:
    """Write hits down; return those that are new, or surer than before. One that was noted before is not counted again."""
    before, new, counted = _noted(connection, found), dict[tuple[str, str], dict[str, Any]](), list[NewHit]()
    for one in found:
        key = one.file, one.record
        verdict, score = before.get(key, (None, 0.0))
        if verdict is not None and _STRONGER[verdict] >= _STRONGER[one.verdict]:
            continue
        counted.append(one)
        before[key] = one.verdict, max(score, one.score)
        said = {"verdict": one.verdict, "score": max(score, one.score)}
        if verdict is None:
            new[key] = said | {"file": one.file, "record": one.record, "at": one.at, "state": "", "line": None, "grounds": ""}
        elif key in new:
            new[key] |= said
        else:
            first = {} if verdict else {"at": one.at}  # until now only a person had said something of it
            connection.execute(hit.update().where(hit.c.file == one.file, hit.c.record == one.record).values(**said, **first))
    if new:
        connection.execute(hit.insert(), list(new.values()))
    return counted


def _noted(connection: Connection, found: Sequence[NewHit]) -> dict[tuple[str, str], tuple[str, float]]:
    """Return verdict and score of those hits that are there, by file and record."""
    noted, records = dict[tuple[str, str], tuple[str, float]](), dict[str, set[str]]()
    for one in found:
        records.setdefault(one.file, set()).add(one.record)
    for file, some in records.items():
        names = sorted(some)
        for start in range(0, len(names), _AT_ONCE):
            query = sa.select(hit.c.record, hit.c.verdict, hit.c.score).where(hit.c.file == file)
            rows = connection.execute(query.where(hit.c.record.in_(names[start : start + _AT_ONCE])))
            noted |= {(file, row.record): (row.verdict, row.score) for row in rows}
    return noted


def decide_in(
    connection: Connection,
    file: str,
    record: str,
    state: CaseState,
    line: int,
    *,
    at: datetime.datetime,
    verdict: str = "",
    score: float = 0.0,
) -> None:
    """Write what was decided about a file and a record, given by its full id.

    Args:
        connection: of a transaction that is under way.
        file: what it is known by.
        record: empty for a file by itself.
        state: the decision.
        line: of the audit log, which says who decided.
        at: now.
        verdict: of the match that was looked at, or of the file by itself; empty if it may never have matched. A match that was not
            noted here before is noted with it.
        score: of that match.
    """
    key = {"file": file, "record": record}
    connection.execute(sa.text(_DECIDE).bindparams(sa.bindparam("at", type_=sa.DateTime)), {
        **key, "state": state.value, "line": line, "at": at, "verdict": verdict, "score": score
    })  # fmt: skip
    ground_in(connection, file, record)


def ground_in(connection: Connection, file: str, record: str) -> None:
    """Note that a decision rests on what is known now; the last step of a transaction that also changes the record."""
    connection.execute(sa.text(_GROUND), {"file": file, "record": record})


def settle_in(connection: Connection, record: str, line: int) -> None:
    """Note that somebody looked at a record, so that every file that matched it and was still a case is none any more."""
    connection.execute(sa.text(_SETTLE), {"record": record, "line": line})


def open_rows(connection: Connection, record: str, files: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Return the rows of a record that a decision can change, by file: those of cases that are open, and of these files."""
    some = list(files)
    query = sa.text(
        f"SELECT h.file, h.state, h.line, h.grounds FROM hit h LEFT JOIN record r ON r.id = h.record "
        f"WHERE h.record = :record AND (NOT {CLOSED} OR h.file IN :files)"
    ).bindparams(sa.bindparam("files", type_=sa.String, expanding=True))
    return {row["file"]: dict(row) for row in connection.execute(query, {"record": record, "files": some}).mappings()}


def restore_in(connection: Connection, record: str, rows: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Put back what was decided about files, as `open_rows` gave it; a file of which nothing was known is forgotten, unless it matched."""
    for file, row in rows.items():
        where = (hit.c.file == file, hit.c.record == record)
        values = {name: row[name] for name in ("state", "line", "grounds")} if row else {"state": "", "line": None, "grounds": ""}
        connection.execute(hit.update().where(*where).values(**values))
        if row is None:
            connection.execute(hit.delete().where(*where, hit.c.verdict == ""))


def _changes(before: str, now: str) -> Iterator[str]:
    """Say what a decision rested on and does not any more."""
    then, today = ([*text.split("\x1f"), *([""] * len(_POLICY))] for text in (before, now))
    if then[0] != today[0]:
        yield "it matches more surely than before"
    if then[1] != today[1]:
        yield f"the record is {today[1] or 'gone'} now, and was {then[1]}" if then[1] else f"the record is {today[1]} now"
    if then[2 : len(_POLICY) + 1] != today[2 : len(_POLICY) + 1]:
        yield "the record's policy was changed"


def _portions(items: list[str], size: int = 500) -> Iterator[list[str]]:
    """SQLite takes so many values in one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
