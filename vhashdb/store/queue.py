"""List the cases that wait for a person: held records, disputes, due reviews, expired records, and records that matched.

A record that waits because it **matched** does so until somebody here has looked at it since: any line of the audit log
in `SETTLING` that is younger than the match, and was not taken back.
"""

from __future__ import annotations

import datetime
import enum
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import NEGATIVE
from vhashdb.store.schema import NOT_RETRACTED
from vhashdb.store.sqlite import sql_list


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
    """It matched since anybody here last looked at it."""


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


@dataclass(frozen=True)
class RecentMatches:
    """Matches of one record in a period."""

    count: int
    best: float
    """The highest score, 0…1."""
    last: datetime.datetime


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


SETTLING: Final = ("opinion", "review-accepted", "review-rejected", "unmatch", "confirm-match", "looked-at", "retract")
"""Actions in the audit log with which somebody here settles that a record matched."""
UNDONE: Final = "undo"
"""The action that takes others back: ``$.lines`` of its details are their numbers."""
TAKEN_BACK: Final = f"(SELECT j.value FROM audit u, json_each(u.details, '$.lines') j WHERE u.action = '{UNDONE}')"
"""Numbers of the lines that were taken back."""

_SETTLING: Final = sql_list(SETTLING)
_IDLE: Final = "h.proposed != '' AND r.state NOT IN ('retracted', 'held')"
_OPEN: Final = "(h.decided_at IS NULL OR h.decided_at < {day} || ' 00:00:00.000000')"

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
GROUP BY r.number HAVING coalesce(max(h.decided_at), '') < max(p.at)
UNION ALL
SELECT r.number, r.id, 'due', 'was to be reviewed by ' || r.review_by, r.review_by || ' 00:00:00.000000'
FROM record r LEFT JOIN held h ON h.record = r.number
WHERE r.review_by < :today AND r.state NOT IN ('retracted', 'held') AND (r.expires IS NULL OR r.expires >= :today)
      AND {_OPEN.format(day="r.review_by")} {{about}}
UNION ALL
SELECT r.number, r.id, 'expired', 'expired on ' || r.expires, r.expires || ' 00:00:00.000000'
FROM record r LEFT JOIN held h ON h.record = r.number
WHERE r.expires < :today AND r.{NOT_RETRACTED} AND {_OPEN.format(day="r.expires")} {{about}}
UNION ALL
SELECT r.number, r.id, 'proposed', h.proposed_by || ' proposed that it be ' || h.proposed, h.at
FROM record r JOIN held h ON h.record = r.number WHERE {_IDLE} {{about}}
"""

_MATCHED: Final = f"""
WITH settled AS (SELECT a.record, max(a.number) AS number FROM audit a
                 WHERE {{action}} IN {_SETTLING} AND a.record IS NOT NULL AND a.number NOT IN {TAKEN_BACK} {{said}}
                 GROUP BY a.record)
SELECT r.number, r.id, 'matched' AS cause, count(*) AS hits, max(json_extract(a.details, '$.score')) AS best, max(a.at) AS since
FROM audit a JOIN record r ON r.id = a.record LEFT JOIN settled s ON s.record = a.record
WHERE {{action}} = 'match' AND a.at >= :since AND a.number > coalesce(s.number, 0) AND r.{NOT_RETRACTED}
      {{said}}
GROUP BY r.number
"""

_FACTS: Final = """(SELECT json_group_array(label) FROM label WHERE record = q.number) AS labels, r.source,
       coalesce(h.proposed, '') AS proposed, coalesce(h.proposed_by, '') AS proposed_by
FROM ({queue}) q JOIN record r ON r.number = q.number LEFT JOIN held h ON h.record = q.number"""
_ABOUT: Final = "AND r.id = :record"
"""Condition that restricts cases to one record."""
_SAID: Final = {"said": "AND a.record = :record", "action": "+a.action"}
"""Conditions that restrict the audit log to one record; the plus keeps SQLite from reading all matches there ever were instead."""

_HITS: Final = """
SELECT count(*) AS number, max(json_extract(details, '$.score')) AS best, max(at) AS last FROM audit
WHERE +action = 'match' AND record = :record AND at >= :since
"""


def waiting(connection: Connection, today: datetime.date, record: str | None = None) -> list[Case]:
    """List the cases that a decision or an opinion ends, oldest first; of one record or of all."""
    queue = _WAITING.format(about=_ABOUT if record else "")
    query = sa.text(f"SELECT q.id, q.cause, q.why, q.since, {_FACTS.format(queue=queue)} ORDER BY q.since, q.id")
    values = {"today": today.isoformat()} | ({"record": record} if record else {})
    rows = connection.execute(query.columns(since=sa.DateTime, labels=sa.JSON), values).all()
    cases = [_case(row, row.why) for row in rows]
    otherwise = {case.record for case in cases if case.cause is not Cause.PROPOSED}
    return [case for case in cases if case.cause is not Cause.PROPOSED or case.record not in otherwise]


def waiting_in(connection: Connection, today: datetime.date) -> dict[Cause, int]:
    """Count the cases that a decision or an opinion ends, by cause."""
    found = Counter(case.cause for case in waiting(connection, today))
    return {cause: found[cause] for cause in Cause if cause is not Cause.MATCHED}


def matched(connection: Connection, since: datetime.datetime, record: str | None = None) -> list[Case]:
    """Return records that matched, and that nobody here looked at since, the last match first."""
    queue = _MATCHED.format(**(_SAID if record else {"said": "", "action": "a.action"}))
    query = sa.text(f"SELECT q.id, q.cause, q.hits, q.best, q.since, {_FACTS.format(queue=queue)} ORDER BY q.since DESC, q.id")
    values = {"since": stamp(since)} | ({"record": record} if record else {})
    rows = connection.execute(query.columns(since=sa.DateTime, labels=sa.JSON), values).all()
    return [_case(row, f"matched {row.hits:,} {'time' if row.hits == 1 else 'times'}, best score {row.best:.2f}") for row in rows]


def hits(connection: Connection, record: str, since: datetime.datetime) -> RecentMatches | None:
    """Count the matches of a record since then, whether or not somebody looked; None if there were none."""
    query = sa.text(_HITS).columns(last=sa.DateTime)
    row = connection.execute(query, {"record": record, "since": stamp(since)}).one()
    return RecentMatches(row.number, row.best, row.last) if row.number else None


def stamp(moment: datetime.datetime) -> str:
    """Return a time as SQLite has it in its columns, for statements written by hand."""
    return moment.isoformat(sep=" ", timespec="microseconds")


def _case(row: Any, why: str) -> Case:
    return Case(row.id, Cause(row.cause), why, row.since, tuple(sorted(row.labels)), row.source, row.proposed, row.proposed_by)
