"""Count what is in the database and what it catches: the figures of a transparency report and more.

Nothing in them is about a file that was asked about, or about a person.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import NEGATIVE, POSITIVE
from vhashdb.matching.verdict import Verdict
from vhashdb.store.dialect import sql_list
from vhashdb.store.figures import IN_PERIOD, MATCHED, Figures, counted, figures_in, moments
from vhashdb.store.periods import Period
from vhashdb.store.queue import Cause, waiting_in
from vhashdb.store.records import SEVERITIES
from vhashdb.store.records_file import Store
from vhashdb.store.schema import NOT_RETRACTED

LENGTHS: Final = (
    ("under 1 second", 1),
    ("1 to 10 seconds", 10),
    ("10 to 60 seconds", 60),
    ("1 to 5 minutes", 300),
    ("5 to 20 minutes", 1200),
    ("20 to 60 minutes", 3600),
    ("an hour or more", None),
)
"""Classes of known videos, each with the seconds it ends before."""
AGES: Final = (
    ("up to a week", 8),
    ("up to 30 days", 31),
    ("up to 90 days", 91),
    ("up to a year", 366),
    ("over a year", None),
)
"""Classes of records by the days since they were added, each with the days it ends before."""
ASKED: Final = (Verdict.MATCH, Verdict.POSSIBLE, Verdict.NO_MATCH, Verdict.INSUFFICIENT)
"""Verdicts that a query can have."""
FOUND: Final = (Verdict.MATCH, Verdict.POSSIBLE)
TOP: Final = 10
"""Records that are named because they matched most."""


@dataclass(frozen=True)
class ByVerdict:
    """Files that matched a record of one kind, each record counted."""

    match: int
    possible: int


@dataclass(frozen=True)
class ForAndAgainst:
    """Opinions of one source."""

    agree: int
    dispute: int


@dataclass(frozen=True)
class Statistics:
    """The figures of a period, and what is in the database now."""

    period: Period
    today: datetime.date
    """Day up to which the age of a record is counted, and when a review is due."""
    figures: Figures
    unlabelled: int
    """Records in force that have no label."""
    by_severity: dict[str, int]
    by_length: dict[str, int]
    by_age: dict[str, int]
    """Records in force, by the classes above; those without any are there."""
    waiting: dict[Cause, int]
    """Records that wait for a person now."""
    added: tuple[int, ...]
    """Records by span."""
    questions: dict[Verdict, tuple[int, ...]]
    """By span. Noted every ten minutes and when the program that asked them ends."""
    matches: dict[Verdict, tuple[int, ...]]
    """By span: files that matched a record for the first time, each record counted; `Verdict.MATCH` and `Verdict.POSSIBLE`."""
    matches_by_label: dict[str, ByVerdict]
    """A record with several labels counts for each; with none, for the empty one."""
    matches_by_source: dict[str, ByVerdict]
    top: dict[str, ByVerdict]
    """By id: the records that were named most often, most first."""
    opinions: dict[str, ForAndAgainst]
    """Given in the period, by the feed or list they came with; ``local`` are those of people here."""

    @property
    def asked(self) -> tuple[int, ...]:
        """Questions by span."""
        return _sums(self.questions.values(), len(self.period.spans))

    @property
    def found(self) -> tuple[int, ...]:
        """Questions by span that a record was found for."""
        return _sums((self.questions[verdict] for verdict in FOUND), len(self.period.spans))


def read_statistics(store: Store, period: Period, *, today: datetime.date | None = None) -> Statistics:
    """Count everything at one moment, which keeps no writer waiting.

    Args:
        store: the records.
        period: of what happened.
        today: see `Statistics.today`; None: the day it is, in UTC.
    """
    today = today or store.now().date()
    values = moments(period.since, period.until)
    with store.transactions.snapshot() as connection:
        figures = figures_in(connection, period.since, period.until)
        questions, matches = (_over_time(connection, query, values, period) for query in (_QUESTIONS, _MATCHES))
        return Statistics(
            period,
            today,
            figures,
            unlabelled=int(connection.execute(sa.text(_UNLABELLED)).scalar_one()),
            by_severity=_all(SEVERITIES, counted(connection, _BY_SEVERITY, {})),
            by_length=_all(_names(LENGTHS), counted(connection, _BY_LENGTH, {})),
            by_age=_all(_names(AGES), counted(connection, _BY_AGE, _ages(today))),
            waiting=waiting_in(connection, today),
            added=_over_time(connection, _ADDED, values, period).get("", (0,) * len(period.spans)),
            questions={verdict: questions.get(verdict, (0,) * len(period.spans)) for verdict in ASKED},
            matches={verdict: matches.get(verdict, (0,) * len(period.spans)) for verdict in FOUND},
            matches_by_label=_hits(connection, _HITS_BY_LABEL, values),
            matches_by_source=_hits(connection, _HITS_BY_SOURCE, values),
            top=_hits(connection, _TOP, values),
            opinions={source: ForAndAgainst(agree, dispute) for source, agree, dispute in connection.execute(sa.text(_OPINIONS), values)},
        )


def made_on(store: Store) -> datetime.date:
    """Return the day on which the database was made."""
    with store.transactions.reading() as connection:
        text = connection.execute(sa.text("SELECT value FROM meta WHERE name = 'created_at'")).scalar_one()
    return datetime.datetime.fromisoformat(text).date()


# -- inside ----------------------------------------------------------------------------------------


def _class_of(value: str, classes: Iterable[tuple[str, int | None]]) -> str:
    """Return the name of a value's class, in SQL."""
    cases = " ".join(f"ELSE '{name}'" if end is None else f"WHEN {value} < {end} THEN '{name}'" for name, end in classes)
    return f"CASE {cases} END"


_BY_SEVERITY: Final = f"SELECT severity, count(*) FROM record WHERE {NOT_RETRACTED} GROUP BY 1"
_BY_LENGTH: Final = f"SELECT {_class_of('duration_s', LENGTHS)}, count(*) FROM record WHERE {NOT_RETRACTED} GROUP BY 1"
_AGE: Final = " ".join(f"ELSE '{name}'" if days is None else f"WHEN added_at >= :within_{days} THEN '{name}'" for name, days in AGES)
_BY_AGE: Final = f"SELECT CASE {_AGE} END, count(*) FROM record WHERE {NOT_RETRACTED} GROUP BY 1"
_UNLABELLED: Final = f"SELECT count(*) FROM record WHERE {NOT_RETRACTED} AND number NOT IN (SELECT record FROM label)"

# By day; Python makes weeks and months of them.
_DAY: Final = "date(a.at)"
_ADDED: Final = "SELECT '', date(added_at), count(*) FROM record WHERE added_at >= :since AND added_at < :after GROUP BY 2"
_QUESTIONS: Final = (
    f"SELECT j.key, {_DAY}, sum(CAST(j.value AS INTEGER)) FROM audit a, json_each(a.details) j "
    f"WHERE a.action = 'queries' AND {IN_PERIOD} GROUP BY 1, 2"
)
_MATCHES: Final = f"SELECT a.verdict, {_DAY}, count(*) FROM hit a WHERE a.verdict != '' AND a.record != '' AND {IN_PERIOD} GROUP BY 1, 2"

_HIT: Final = "sum(h.matches - h.possible), sum(h.possible)"
_HITS_BY_LABEL: Final = f"{MATCHED} SELECT coalesce(l.label, ''), {_HIT} FROM matched h LEFT JOIN label l ON l.record = h.number GROUP BY 1"
_HITS_BY_SOURCE: Final = f"{MATCHED} SELECT h.source, {_HIT} FROM matched h GROUP BY 1"
_TOP: Final = f"{MATCHED} SELECT id, matches - possible, possible FROM matched ORDER BY matches DESC, id LIMIT {TOP}"

# Whoever is quoted by a list stands behind the list's name: ``list/somebody``.
_OPINIONS: Final = f"""
SELECT CASE instr(a.author, '/') WHEN 0 THEN a.author ELSE substr(a.author, 1, instr(a.author, '/') - 1) END,
       count(*) FILTER (WHERE a.verdict IN {sql_list(POSITIVE)}), count(*) FILTER (WHERE a.verdict IN {sql_list(NEGATIVE)})
FROM opinion a WHERE {IN_PERIOD} AND a.verdict IN {sql_list(POSITIVE | NEGATIVE)} GROUP BY 1 ORDER BY 1
"""


def _ages(today: datetime.date) -> dict[str, str]:
    """Return where the first day of each class of ages begins, for `_BY_AGE`."""
    return {f"within_{days}": f"{today - datetime.timedelta(days=days - 1)} 00:00:00" for _, days in AGES if days is not None}


def _over_time(connection: Connection, query: str, values: Mapping[str, str], period: Period) -> dict[str, tuple[int, ...]]:
    daily: dict[str, dict[datetime.date, int]] = {}
    for name, day, number in connection.execute(sa.text(query), values):
        daily.setdefault(str(name), {})[datetime.date.fromisoformat(str(day))] = int(number)
    return {name: period.counted(days) for name, days in daily.items()}


def _hits(connection: Connection, query: str, values: Mapping[str, str]) -> dict[str, ByVerdict]:
    return {str(name): ByVerdict(int(match), int(possible)) for name, match, possible in connection.execute(sa.text(query), values)}


def _all(names: Iterable[str], found: Mapping[str, int]) -> dict[str, int]:
    return {name: found.get(name, 0) for name in names}


def _names(classes: Iterable[tuple[str, int | None]]) -> tuple[str, ...]:
    return tuple(name for name, _ in classes)


def _sums(rows: Iterable[tuple[int, ...]], length: int) -> tuple[int, ...]:
    return tuple(map(sum, zip((0,) * length, *rows, strict=True)))
