"""The figures of a transparency report, counted in the database: `vhashdb.store.statistics` has more of them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.store.hits import CaseState
from vhashdb.store.queue import TAKEN_BACK
from vhashdb.store.records import State
from vhashdb.store.records_file import Store
from vhashdb.store.schema import NOT_RETRACTED

WHAT_WRONG_IS: Final = (
    "Wrong is what was retracted as an error or on appeal, rejected here, or marked as not this. Precision is the share of matched "
    "records that were not found wrong; what nobody looked at counts as right, so it is an upper bound."
)
"""For whoever reads these figures."""


@dataclass(frozen=True)
class SourceFigures:
    """Figures of one source: how right it was, as far as is known here."""

    source: str
    records: int
    """That match now."""
    matches: int
    """In the period: files that matched a record of it for the first time, each record counted."""
    matched_records: int
    """Different records among them."""
    wrong_records: int
    """Of these, records that were retracted as an error or on appeal, rejected here, or marked as *not this* since."""

    @property
    def precision(self) -> float | None:
        """Share of the records that matched and were not found wrong; None if nothing matched."""
        return 1 - self.wrong_records / self.matched_records if self.matched_records else None


@dataclass(frozen=True)
class Figures:
    """Figures of a period, both days included, and of the records there are now."""

    since: datetime.date
    until: datetime.date
    by_label: dict[str, int] = field(default_factory=dict)
    by_origin: dict[str, int] = field(default_factory=dict)
    by_source: dict[str, int] = field(default_factory=dict)
    """Records that match now."""
    by_state: dict[str, int] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)
    """In the period, by source."""
    questions: dict[str, int] = field(default_factory=dict)
    """In the period, by verdict."""
    matches: int = 0
    opinions: dict[str, int] = field(default_factory=dict)
    """Given in the period, by verdict, of everybody."""
    retractions: dict[str, int] = field(default_factory=dict)
    """In the period, by reason."""
    appeals_upheld: int = 0
    """Retractions because of an appeal."""
    reviews: dict[str, int] = field(default_factory=dict)
    """Decisions in the period: accepted, rejected."""
    not_this: int = 0
    """Marks in the period that a file is not a record."""
    sources: tuple[SourceFigures, ...] = ()

    @property
    def records(self) -> int:
        """That can match now."""
        return sum(number for state, number in self.by_state.items() if state != State.RETRACTED)


IN_PERIOD: Final = "a.at >= :since AND a.at < :after"
"""Of lines of the audit log, and of other tables that say when; the values are `moments`."""
MATCHED: Final = f"""
WITH matched AS (
SELECT r.number, r.id, r.source, h.matches, h.possible
FROM (SELECT record, count(*) AS matches, count(*) FILTER (WHERE verdict = 'possible') AS possible
      FROM hit a WHERE verdict != '' AND record != '' AND {IN_PERIOD} GROUP BY record) h JOIN record r ON r.id = h.record
)
"""
"""Begins a statement about the records that were matched in the period: the ``number``, ``id`` and ``source`` of each, how many
``matches``, and how many of them were ``possible``. It is no temporary table, which a standby cannot make."""
_SOURCES = f"""{MATCHED}
, wrong AS (SELECT record FROM audit WHERE action IN ('retract', 'erase')
                      AND coalesce(json_extract(details, '$.code'), json_extract(details, '$.reason')) IN ('error', 'appeal')
                      AND number NOT IN {TAKEN_BACK}
               UNION SELECT record FROM audit WHERE action = 'review-rejected' AND number NOT IN {TAKEN_BACK}
               UNION SELECT record FROM hit WHERE state = '{CaseState.NOT_THIS}')
SELECT s.source, coalesce(max(n.records), 0) AS records, CAST(coalesce(sum(h.matches), 0) AS BIGINT) AS matches,
       count(h.number) AS matched_records,
       count(*) FILTER (WHERE h.id IN (SELECT record FROM wrong)) AS wrong_records
FROM (SELECT DISTINCT source FROM record) s LEFT JOIN matched h ON h.source = s.source
LEFT JOIN (SELECT source, count(*) AS records FROM record WHERE {NOT_RETRACTED} GROUP BY source) n ON n.source = s.source
GROUP BY s.source ORDER BY s.source
"""
_MARKS = (
    f"SELECT count(*) FROM (SELECT coalesce(l.at, h.at) AS at FROM hit h LEFT JOIN audit l ON l.number = h.line "
    f"WHERE h.state = '{CaseState.NOT_THIS}') a WHERE {IN_PERIOD}"
)
_COUNTS = {
    "by_label": f"SELECT l.label, count(*) FROM label l JOIN record r ON r.number = l.record WHERE r.{NOT_RETRACTED} GROUP BY 1 ORDER BY 1",
    "by_origin": f"SELECT origin, count(*) FROM record WHERE {NOT_RETRACTED} GROUP BY 1 ORDER BY 1",
    "by_source": f"SELECT source, count(*) FROM record WHERE {NOT_RETRACTED} GROUP BY 1 ORDER BY 1",
    "by_state": "SELECT state, count(*) FROM record GROUP BY 1 ORDER BY 1",
    "added": "SELECT source, count(*) FROM record a WHERE a.added_at >= :since AND a.added_at < :after GROUP BY 1 ORDER BY 1",
    "questions": "SELECT j.key, sum(CAST(j.value AS INTEGER)) FROM audit a, json_each(a.details) j "
    f"WHERE a.action = 'queries' AND {IN_PERIOD} GROUP BY 1 ORDER BY 1",
    "opinions": f"SELECT verdict, count(*) FROM opinion a WHERE {IN_PERIOD} GROUP BY 1 ORDER BY 1",
    "retractions": "SELECT coalesce(json_extract(a.details, '$.code'), json_extract(a.details, '$.reason')), count(*) FROM audit a "
    f"WHERE a.action IN ('retract', 'erase') AND {IN_PERIOD} AND a.number NOT IN {TAKEN_BACK} GROUP BY 1 ORDER BY 1",
    "reviews": f"SELECT substr(a.action, 8), count(*) FROM audit a WHERE a.action LIKE 'review-%' AND {IN_PERIOD} "
    f"AND a.number NOT IN {TAKEN_BACK} GROUP BY 1 ORDER BY 1",
}


def read_figures(store: Store, since: datetime.date, until: datetime.date) -> Figures:
    """Count what a report needs, all at one moment."""
    with store.transactions.snapshot() as connection:
        return figures_in(connection, since, until)


def figures_in(connection: Connection, since: datetime.date, until: datetime.date) -> Figures:
    """Count the figures in a snapshot."""
    values = moments(since, until)
    counts = {name: counted(connection, query, values) for name, query in _COUNTS.items()}
    marks = int(connection.execute(sa.text(_MARKS), values).scalar_one())
    sources = tuple(SourceFigures(**row) for row in connection.execute(sa.text(_SOURCES), values).mappings())
    appeals = counts["retractions"].get("appeal", 0)
    matches = sum(each.matches for each in sources)  # each record has a source
    return Figures(since, until, **counts, matches=matches, appeals_upheld=appeals, not_this=marks, sources=sources)


def moments(since: datetime.date, until: datetime.date) -> dict[str, str]:
    """Return where the first day begins and where the last one is over, as the tables have it."""
    return {"since": f"{since} 00:00:00", "after": f"{until} 24:00:00"}  # no next day, which the last date of all does not have


def counted(connection: Connection, query: str, values: Mapping[str, str]) -> dict[str, int]:
    """Read two columns, a name and a number."""
    return {str(name): int(number) for name, number in connection.execute(sa.text(query), values)}
