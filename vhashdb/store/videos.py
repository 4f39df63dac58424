"""Which records show the same video, as the matcher and people read it.

A record is a copy of one *edition*; editions that are of one continuous video are that *video*. `vhashdb.grouping` says which they are,
`vhashdb.store.placing` and `vhashdb.store.regrouping` write it, and `vhashdb.store.video_statements` what people say about it.
Several copies may hardly differ: then one is *shown by* another, which alone is in the indexes and is compared.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.grouping import EditionRelation, Relation, Role, Side
from vhashdb.intervals import Spans, length_s, shared_s, union
from vhashdb.store import schema
from vhashdb.store.changes import counting
from vhashdb.store.records import Selection
from vhashdb.store.transactions import Transactions

_copy, _shared, _video, _member, _said = (
    schema.copy,
    schema.edition_relation,
    schema.video,
    schema.video_edition,
    schema.said_of_editions,
)
_SHOWN_S: Final = 0.5
"""Seconds that must be shown of a video for it to be named. Engineering bound."""
_AT_ONCE: Final = 500
"""Values in one statement. Engineering bound: under what SQLite takes."""

# Made once: what a question asks for again and again costs more to put together than to answer.
_SOME: Final[sa.BindParameter[Any]] = sa.bindparam("some", expanding=True)
_EDITIONS_OF: Final = sa.select(_copy.c.record, _copy.c.edition).where(_copy.c.record.in_(_SOME))
_PLACES_OF: Final = sa.select(_copy.c.record, _copy.c.edition, _copy.c.offset_s, _copy.c.speed).where(_copy.c.record.in_(_SOME))
_BY_ROLE: Final = (
    sa.select(_copy.c.record, _member.c.video, _member.c.role)
    .join(_member, _member.c.edition == _copy.c.edition)
    .where(_copy.c.record.in_(_SOME))
)
_VIDEO_IDS: Final = sa.select(_video.c.number, _video.c.id).where(_video.c.number.in_(_SOME))


class Place(NamedTuple):
    """Where a record lies on the line of time of its edition."""

    edition: int
    offset_s: float
    speed: float

    def after(self, relation: Relation) -> Place:
        """Return the place of what this record was related to, which is the other of the relation."""
        return Place(self.edition, self.offset_s + self.speed * relation.offset_s, self.speed * relation.speed)

    def on_record(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return seconds of the edition as seconds of the record."""
        return (start_s - self.offset_s) / self.speed, (end_s - self.offset_s) / self.speed


def ungrouped(connection: Connection, limit: int | None = None) -> list[int]:
    """Return the numbers of records that are in no video yet, in the order in which they were added."""
    waiting = schema.ungrouped.c.record
    query = sa.select(waiting).join(schema.record, schema.record.c.number == waiting).where(schema.not_retracted)
    return list(connection.execute(query.order_by(waiting).limit(limit)).scalars())


def last_number(connection: Connection, table: sa.Table) -> int:
    """Return the highest number in use; 0 if there is none."""
    return int(connection.execute(sa.select(sa.func.max(table.c.number))).scalar() or 0)


def new_edition(connection: Connection, duration_s: float) -> int:
    """Make an edition of which there is no copy yet; return its number."""
    number = last_number(connection, schema.edition) + 1
    connection.execute(schema.edition.insert().values(number=number, duration_s=duration_s))
    return number


def editions_of(connection: Connection, records: Collection[int]) -> dict[int, int]:
    """Return the edition of each record, by number; without those that are not grouped yet."""
    found: dict[int, int] = {}
    for some in batches(records):
        found |= {row.record: row.edition for row in connection.execute(_EDITIONS_OF, {"some": some})}
    return found


def editions_by_number(transactions: Transactions, records: Collection[int]) -> dict[int, int]:
    """Return the same, for who has no connection."""
    with transactions.reading() as connection:
        return editions_of(connection, records)


def copies_in(connection: Connection, editions: Collection[int]) -> dict[int, int]:
    """How many copies there are of each of some editions."""
    counts: dict[int, int] = {}
    for some in batches(editions):
        query = sa.select(_copy.c.edition, sa.func.count()).where(_copy.c.edition.in_(some)).group_by(_copy.c.edition)
        counts |= {row[0]: row[1] for row in connection.execute(query)}
    return counts


def places_of(connection: Connection, records: Sequence[int]) -> dict[int, Place]:
    """Return where each record lies on the line of time of its edition, by number; without those that are not grouped yet."""
    rows = connection.execute(_PLACES_OF, {"some": list(records)})
    return {row.record: Place(row.edition, row.offset_s, row.speed) for row in rows}


def videos_by_role(connection: Connection, records: Collection[int]) -> dict[int, dict[int, Role]]:
    """Return the videos of each record, by number, with what it is of each; without records that are not grouped yet."""
    found: dict[int, dict[int, Role]] = {}
    for some in batches(records):
        for row in connection.execute(_BY_ROLE, {"some": some}):
            found.setdefault(row.record, {})[row.video] = Role(row.role)
    return found


def videos_of(connection: Connection, records: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the videos of each record, by number, the one that it is whole or a clip of first."""
    found = videos_by_role(connection, records)
    return {record: tuple(sorted(roles, key=lambda video: (roles[video] is Role.PART, video))) for record, roles in found.items()}


def video_ids(connection: Connection, videos: Collection[int]) -> dict[int, str]:
    """Return the ids of videos, by number."""
    found: dict[int, str] = {}
    for some in batches(videos):
        found |= {row.number: row.id for row in connection.execute(_VIDEO_IDS, {"some": some})}
    return found


def members_of(connection: Connection, video: int) -> list[int]:
    """Return the editions of a video."""
    return list(connection.execute(sa.select(_member.c.edition).where(_member.c.video == video)).scalars())


def relations_of(connection: Connection, editions: Collection[int]) -> list[EditionRelation]:
    """Return what any of some editions has in common with any other."""
    found = {}
    for some in batches(editions):
        for row in connection.execute(sa.select(_shared).where(sa.or_(_shared.c.one.in_(some), _shared.c.other.in_(some)))):
            found[row.one, row.other] = EditionRelation(row.one, row.other, Relation(*sides_of(row.sides)))
    return list(found.values())


def sides_of(text: str) -> tuple[Side, Side]:
    """Return both sides of a relation as they were stored."""
    one, other = (Side(**{**side, "spans": tuple((start_s, end_s) for start_s, end_s in side["spans"])}) for side in json.loads(text))
    return one, other


def said_of(connection: Connection, editions: Collection[int]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """What people said of pairs of editions: that they are of one video, and that they are not."""
    together, apart = set[tuple[int, int]](), set[tuple[int, int]]()
    for some in batches(editions):
        for row in connection.execute(sa.select(_said).where(sa.or_(_said.c.one.in_(some), _said.c.other.in_(some)))):
            (together if row.same else apart).add((row.one, row.other))
    return together, apart


def are_apart(connection: Connection, one: int, other: int) -> bool:
    """Return whether people said that two editions are not of one video."""
    low, high = sorted((one, other))
    return connection.execute(sa.select(_said.c.same).where(_said.c.one == low, _said.c.other == high)).scalar() is False


def batches(values: Collection[int]) -> Iterator[list[int]]:
    """Yield values in order, as many at a time as a statement takes."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


def lines_to_copies(connection: Connection, copies: Mapping[int, int]) -> dict[int, tuple[float, float]]:
    """Return where in copies what another copy of the same edition shows lies: its second ``t`` at ``offset + speed * t`` of the copy.

    Args:
        connection: to read with.
        copies: the number of the other copy, by that of the copy.

    Returns:
        offset in seconds and speed, by the number of the copy.
    """
    places = places_of(connection, sorted({*copies, *copies.values()}))
    found: dict[int, tuple[float, float]] = {}
    for copy, other in copies.items():
        there, here = places[copy], places[other]
        found[copy] = ((here.offset_s - there.offset_s) / there.speed, here.speed / there.speed)
    return found


def videos_shown(connection: Connection, asked: Sequence[tuple[int, Spans]]) -> list[tuple[str, ...]]:
    """Return the ids of the videos that some seconds of records show, of each the one that most of them show first.

    A record that belongs to one video shows that throughout. Of a compilation they are told apart by where it shows them.

    Args:
        connection: to read with.
        asked: the number of a record, and seconds of it; without any, all its videos are named.
    """
    videos = videos_of(connection, {record for record, _ in asked})
    ids = video_ids(connection, {video for each in videos.values() for video in each})
    several = [record for record, spans in asked if spans and len(videos.get(record, ())) > 1]
    shown = _parts_shown(connection, several, videos) if several else {}
    found = []
    for record, spans in asked:
        seconds = _seconds_of(spans, shown[record]) if spans and record in shown else dict.fromkeys(videos.get(record, ()), math.inf)
        least_s = min(_SHOWN_S, length_s(spans) / 2)
        found.append(tuple(ids[video] for video in sorted(seconds, key=lambda each: -seconds[each]) if seconds[video] >= least_s))
    return found


def _seconds_of(spans: Spans, shown: Mapping[int, Spans | None]) -> dict[int, float]:
    """Return how many of some seconds are of each video: all, or those that are in what is shown of it."""
    return {video: length_s(spans) if parts is None else shared_s(spans, parts) for video, parts in shown.items()}


def _parts_shown(connection: Connection, records: Sequence[int], videos: Mapping[int, Sequence[int]]) -> dict[int, dict[int, Spans | None]]:
    """Return the seconds of records that are of each of their videos, by number; None: all."""
    places = places_of(connection, records)
    related: dict[int, list[tuple[int, Spans]]] = {}
    for each in relations_of(connection, {place.edition for place in places.values()}):
        for edition in (each.one, each.other):
            other, side, _ = each.of(edition)
            related.setdefault(edition, []).append((other, side.spans))
    roles: dict[int, dict[int, str]] = {}
    for some in batches({video for record in records for video in videos[record]}):
        for row in connection.execute(sa.select(_member).where(_member.c.video.in_(some))):
            roles.setdefault(row.video, {})[row.edition] = row.role
    part, found = Role.PART.value, dict[int, dict[int, Spans | None]]()
    for record, place in places.items():
        of_record = found.setdefault(record, {})
        for video in videos[record]:
            of_record[video] = None
            if roles[video][place.edition] == part:
                spans = union(span for other, there in related[place.edition] if roles[video].get(other, part) != part for span in there)
                of_record[video] = [place.on_record(*span) for span in spans]
    return found


class Copies(NamedTuple):
    """Copies of one edition about which the same is said."""

    edition: int
    first: int
    """The number of the first of them."""
    records: int


_COUNTING: Final = f"""r.{schema.NOT_RETRACTED} AND (r.expires IS NULL OR r.expires >= :today)
      AND (NOT :chosen OR r.number IN (SELECT CAST(value AS INTEGER) FROM json_each(:allowed)))"""


_SPEAKING: Final = sa.text(f"""
SELECT DISTINCT asked.number FROM (SELECT CAST(value AS INTEGER) AS number FROM json_each(:numbers)) asked
LEFT JOIN copy c ON c.record = asked.number
LEFT JOIN copy o ON o.edition = c.edition JOIN record r ON r.number = coalesce(o.record, asked.number) WHERE {_COUNTING}
""")


_COPIES: Final = sa.text(f"""
SELECT c.edition, min(r.number) AS first, count(*) AS records FROM copy c JOIN record r ON r.number = c.record
WHERE c.edition IN (SELECT edition FROM copy WHERE record IN (SELECT CAST(value AS INTEGER) FROM json_each(:numbers)))
      AND r.number NOT IN (SELECT CAST(value AS INTEGER) FROM json_each(:compared)) AND {_COUNTING}
GROUP BY c.edition, r.source, r.state, r.max_action, r.severity,
         (SELECT group_concat(label, ',') FROM (SELECT label FROM label WHERE record = r.number ORDER BY label) AS sorted)
ORDER BY c.edition, first
""")


def speaking(connection: Connection, numbers: Collection[int], today: datetime.date, selection: Selection | None) -> set[int]:
    """Return those of some records that speak for anything: for themselves or a copy that may be matched on a day and is selected."""
    values = _counted(connection, numbers, today, selection)
    return set(connection.execute(_SPEAKING, values).scalars())


def copies_of(
    connection: Connection, numbers: Collection[int], compared: Collection[int], today: datetime.date, selection: Selection | None
) -> list[Copies]:
    """Return the other copies of the editions of some records, as far as they may be matched on a day and are selected.

    Args:
        connection: to read with.
        numbers: of the records.
        compared: numbers of records that are left out, as they speak for themselves.
        today: the day.
        selection: which records count; None: all.
    """
    values = _counted(connection, numbers, today, selection) | {"compared": json.dumps(list(compared))}
    return [Copies(row.edition, row.first, row.records) for row in connection.execute(_COPIES, values)]


def _counted(connection: Connection, numbers: Collection[int], today: datetime.date, selection: Selection | None) -> dict[str, Any]:
    """Values for the condition on records that may be matched and are selected."""
    allowed: list[int] = []
    if selection is not None:
        editions = sa.select(_copy.c.edition).where(_copy.c.record.in_(numbers))
        chosen = sa.select(schema.record.c.number).outerjoin(_copy, _copy.c.record == schema.record.c.number)
        chosen = chosen.where(sa.or_(schema.record.c.number.in_(numbers), _copy.c.edition.in_(editions)), *counting(selection))
        allowed = list(connection.execute(chosen).scalars())
    return {
        "numbers": json.dumps(list(numbers)),
        "today": today.isoformat(),
        "chosen": selection is not None,
        "allowed": json.dumps(allowed),
    }
