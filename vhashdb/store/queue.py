"""List the cases that wait for a person: held records, disputes, due reviews, expired records, and records that matched.

A record waits because it **matched** while a file that matched it is a case: see `vhashdb.store.hits`. `waiting` is the one
list of what waits, and `hits` the one count of how often something matched, for whoever shows them.
"""

from __future__ import annotations

import datetime
import enum
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import NEGATIVE
from vhashdb.json_values import json_value
from vhashdb.store.dialect import sql_list
from vhashdb.store.hits import CLOSED, MATCHED, STANDS, CaseState
from vhashdb.store.schema import NOT_RETRACTED


class Cause(enum.StrEnum):
    """Why a record is in the queue."""

    HELD = "held"
    DISPUTED = "disputed"
    DUE = "due"
    """The day by which somebody was to look again has gone by."""
    EXPIRED = "expired"
    """It stopped matching on the day its publisher set."""
    PROPOSED = "proposed"
    """One person proposed to reject it, and nothing else is the matter."""
    MATCHED = "matched"
    """A file matched it, and nobody has decided yet."""
    ESCALATED = "escalated"
    """Somebody passed a file that matched it on to somebody else."""


@dataclass(frozen=True)
class Case:
    """One reason why one record is in the queue."""

    record: str
    """Its id."""
    cause: Cause
    why: str
    since: datetime.datetime | None
    labels: tuple[str, ...]
    source: str
    proposed: str
    """Decision that one person proposed, where two are required."""
    proposed_by: str

    def to_json(self) -> dict[str, Any]:
        """Return it as a `case`."""
        return {"type": "case"} | {name: json_value(each) for name, each in vars(self).items()}


@dataclass(frozen=True)
class RecentMatches:
    """Files that matched one record in a period."""

    count: int
    """Each file once, however often it was asked about."""
    best: float
    """The highest score, 0…1."""
    last: datetime.datetime
    """When the last of them first matched."""


@dataclass(frozen=True)
class Filter:
    """Which cases count: of records that have every label, and one of each of the others that are given."""

    labels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()

    def allows(self, case: Case) -> bool:
        """Tell whether a case counts."""
        return (not self.causes or case.cause in self.causes) and self.about(case.labels, case.source)

    def about(self, labels: Collection[str], source: str) -> bool:
        """Tell whether a record with these labels, from this source, counts."""
        return set(self.labels) <= set(labels) and (not self.sources or source in self.sources)


RECENT_DAYS: Final = 7
"""How far back matches count that nobody has decided about, unless something else is asked for."""
UNDONE: Final = "undo"
"""The action that takes others back: ``$.lines`` of its details are their numbers."""
TAKEN_BACK: Final = f"(SELECT CAST(j.value AS INTEGER) FROM audit u, json_each(u.details, '$.lines') j WHERE u.action = '{UNDONE}')"
"""Numbers of the lines that were taken back."""

_IDLE: Final = "h.proposed != '' AND r.state NOT IN ('retracted', 'held')"
_OPEN: Final = "(h.decided_at IS NULL OR h.decided_at < {day})"

_WAITING: Final = f"""
SELECT r.number, r.id, 'held' AS cause, coalesce(h.reason, 'put aside by a person') AS why, h.at AS since
FROM record r LEFT JOIN held h ON h.record = r.number WHERE r.state = 'held' {{about}}
UNION ALL
SELECT r.number, r.id, 'disputed',
       group_concat(p.author || ': ' || p.verdict || CASE p.reason WHEN '' THEN '' ELSE ' (' || p.reason || ')' END, '; '), max(p.at)
FROM record r LEFT JOIN origin o ON o.record = r.number LEFT JOIN feed f ON f.number = o.feed LEFT JOIN held h ON h.record = r.number
JOIN opinion p ON (p.on_feed = f.id AND p.on_rid = o.rid
                   OR o.record IS NULL AND p.on_rid = r.id AND p.on_feed IN (SELECT id FROM feed WHERE own UNION ALL SELECT 'local'))
WHERE r.state = 'disputed' AND p.verdict IN {sql_list(NEGATIVE)} {{about}}
GROUP BY r.number HAVING max(h.decided_at) IS NULL OR max(h.decided_at) < max(p.at)
UNION ALL
SELECT r.number, r.id, 'due', 'was to be reviewed by ' || r.review_by, r.review_by
FROM record r LEFT JOIN held h ON h.record = r.number
WHERE r.review_by < :today AND r.state NOT IN ('retracted', 'held') AND (r.expires IS NULL OR r.expires >= :today)
      AND {_OPEN.format(day="r.review_by")} {{about}}
UNION ALL
SELECT r.number, r.id, 'expired', 'expired on ' || r.expires, r.expires
FROM record r LEFT JOIN held h ON h.record = r.number
WHERE r.expires < :today AND r.{NOT_RETRACTED} AND {_OPEN.format(day="r.expires")} {{about}}
UNION ALL
SELECT r.number, r.id, 'proposed', h.proposed_by || ' proposed that it be ' || h.proposed, h.at
FROM record r JOIN held h ON h.record = r.number WHERE {_IDLE} {{about}}
"""

_MATCHED: Final = f"""
SELECT r.number, r.id, CASE WHEN h.state = '{CaseState.ESCALATED}' AND {STANDS} THEN 'escalated' ELSE 'matched' END AS cause,
       count(*) AS hits, max(h.score) AS best, max(h.at) AS since, max(a.actor) AS by
FROM hit h JOIN record r ON r.id = h.record LEFT JOIN audit a ON a.number = h.line
WHERE h.at >= :since AND {MATCHED} AND NOT {CLOSED} AND r.{NOT_RETRACTED} {{about}}
GROUP BY r.number, 3
"""

_FACTS: Final = """(SELECT json_group_array(label) FROM label WHERE record = q.number) AS labels, r.source,
       coalesce(h.proposed, '') AS proposed, coalesce(h.proposed_by, '') AS proposed_by
FROM ({queue}) q JOIN record r ON r.number = q.number LEFT JOIN held h ON h.record = q.number"""
_ABOUT: Final = "AND r.id = :record"
"""Condition that restricts cases to one record."""

_HITS: Final = f"""
SELECT h.record, count(*) AS number, max(h.score) AS best, max(h.at) AS last FROM hit h
WHERE h.record IN :records AND coalesce(h.at, h.at) >= :since AND {MATCHED} GROUP BY h.record
"""


def recently(today: datetime.date) -> datetime.datetime:
    """Return since when matches wait unless something else is asked for: the beginning of a day, in UTC."""
    return datetime.datetime.combine(today - datetime.timedelta(days=RECENT_DAYS), datetime.time())


def waiting(
    connection: Connection, today: datetime.date, *, matched_since: datetime.datetime | None = None, record: str | None = None
) -> list[Case]:
    """List what waits: what a decision about a record or an opinion ends, oldest first, then what matched, the last match first.

    Args:
        connection: to read with.
        today: the day on which records are due or expire.
        matched_since: also those that matched since then (UTC, without a time zone) and do not wait for another reason.
        record: the full id of the only record to ask about; None: all.
    """
    cases = _records_waiting(connection, today, record)
    recent = _matched(connection, matched_since, record) if matched_since is not None else []
    known = {case.record for case in cases}
    return cases + [case for case in recent if case.record not in known]


def waiting_in(connection: Connection, today: datetime.date) -> dict[Cause, int]:
    """Count what waits, by cause."""
    found = Counter(case.cause for case in waiting(connection, today, matched_since=recently(today)))
    return {cause: found[cause] for cause in Cause}


def _records_waiting(connection: Connection, today: datetime.date, record: str | None) -> list[Case]:
    queue = _WAITING.format(about=_ABOUT if record else "")
    query = sa.text(f"SELECT q.id, q.cause, q.why, q.since, {_FACTS.format(queue=queue)} ORDER BY q.since, q.id")
    values = {"today": today.isoformat()} | ({"record": record} if record else {})
    rows = connection.execute(query.columns(since=sa.DateTime), values).all()
    cases = [_case(row, row.why) for row in rows]
    otherwise = {case.record for case in cases if case.cause is not Cause.PROPOSED}
    return [case for case in cases if case.cause is not Cause.PROPOSED or case.record not in otherwise]


def _matched(connection: Connection, since: datetime.datetime, record: str | None) -> list[Case]:
    queue = _MATCHED.format(about=_ABOUT if record else "")
    query = sa.text(f"SELECT q.id, q.cause, q.hits, q.best, q.since, q.by, {_FACTS.format(queue=queue)} ORDER BY q.since DESC, q.id")
    values = {"since": stamp(since)} | ({"record": record} if record else {})
    rows = connection.execute(query.columns(since=sa.DateTime), values).all()
    return [_case(row, _why_matched(row)) for row in rows]


def _why_matched(row: Any) -> str:
    files = f"{row.hits:,} {'file' if row.hits == 1 else 'files'}, best score {row.best:.2f}"
    return f"{row.by} passed on {files}" if row.cause == Cause.ESCALATED else f"matched {files}"


def hits(connection: Connection, records: Sequence[str], since: datetime.datetime) -> dict[str, RecentMatches]:
    """Count the files that matched records since then, whether or not somebody decided, by the record's id."""
    query = sa.text(_HITS).bindparams(sa.bindparam("records", type_=sa.String, expanding=True)).columns(last=sa.DateTime)
    rows = connection.execute(query, {"records": list(records), "since": stamp(since)})
    return {row.record: RecentMatches(row.number, row.best, row.last) for row in rows}


def stamp(moment: datetime.datetime) -> str:
    """Return a time as the tables have it, for statements written by hand."""
    return moment.isoformat(sep=" ", timespec="microseconds")


def _case(row: Any, why: str) -> Case:
    return Case(row.id, Cause(row.cause), why, row.since, tuple(sorted(json.loads(row.labels))), row.source, row.proposed, row.proposed_by)
