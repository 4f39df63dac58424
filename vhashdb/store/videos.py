"""Which records show the same video: written as they are grouped, read as people and the matcher need it.

A record is a copy of one *edition*; editions that are of one continuous video are that *video*. `vhashdb.grouping` says which they are.
Several copies may hardly differ: then one is *shown by* another, which alone is in the indexes and is compared.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.grouping import EditionRelation, Group, Relation, Role, Side, group
from vhashdb.grouping.relation import moved
from vhashdb.intervals import Spans, length_s, shared_s, union
from vhashdb.store import schema
from vhashdb.store.changes import counting
from vhashdb.store.clock import now_utc
from vhashdb.store.records import Selection

_copy, _edition, _shared, _video, _member, _said = (
    schema.copy,
    schema.edition,
    schema.edition_relation,
    schema.video,
    schema.video_edition,
    schema.said_of_editions,
)
_SHOWN_S: Final = 0.5
"""Seconds that must be shown of a video for it to be named. Engineering bound."""
_FEW: Final = 8
"""Copies of an edition beyond which one more changes nothing about which of two editions has more. Engineering bound."""
_AT_ONCE: Final = 500
"""Values in one statement. Engineering bound: under what SQLite takes."""


@dataclass(frozen=True)
class Related:
    """A record that a new one has something in common with."""

    record: int
    """Its number."""
    relation: Relation
    """What they have in common, seen from the new one."""
    stands_for: bool = False
    """Whether it hardly differs from the new one, so that it can be found and compared in its place."""


class _Place(NamedTuple):
    """Where a record lies on the line of time of its edition."""

    edition: int
    offset_s: float
    speed: float

    def after(self, relation: Relation) -> _Place:
        """Return the place of what this record was related to, which is the other of the relation."""
        return _Place(self.edition, self.offset_s + self.speed * relation.offset_s, self.speed * relation.speed)


def ungrouped(connection: Connection, limit: int | None = None) -> list[int]:
    """Return the numbers of records that are in no video yet, in the order in which they were added."""
    waiting = schema.ungrouped.c.record
    query = sa.select(waiting).join(schema.record, schema.record.c.number == waiting).where(schema.not_retracted)
    return list(connection.execute(query.order_by(waiting).limit(limit)).scalars())


def place(connection: Connection, record: int, duration_s: float, related: Sequence[Related], change: int) -> None:
    """Put a record among all that show the same.

    Args:
        connection: in a transaction that writes.
        record: its number; nothing is done if it is in an edition already.
        duration_s: how long it lasts.
        related: records that it was related to; those that are not grouped yet do not count.
        change: the number of the next write to a record, which is used if the record need not be in the indexes.
    """
    places = _places(connection, [record, *(each.record for each in related)])
    if record in places:  # another process came first
        return
    known = [each for each in related if each.record in places]
    here = _edition_of_copies(connection, duration_s, [(each, places[each.record]) for each in known if each.relation.copies])
    shown_by = next((each.record for each in known if each.stands_for and _may_show(connection, each.record, record)), None)
    connection.execute(_copy.insert().values(record=record, shown_by=shown_by, **here._asdict()))
    if shown_by is not None:
        connection.execute(schema.record.update().where(schema.record.c.number == record).values(change=change))
    before = {place.edition for place in places.values()}
    places = _places(connection, [each.record for each in known])  # editions may have become one
    for each in known:
        there = places[each.record]
        if there.edition != here.edition:
            _relate(connection, here, there, each.relation)
    if before != {here.edition} or _counts(connection, before)[here.edition] <= _FEW:  # else it says nothing new
        regroup(connection, here.edition)


def place_alone(connection: Connection, records: Mapping[int, float]) -> None:
    """Give records that have nothing in common with any other a video each.

    Args:
        connection: in a transaction that writes.
        records: how long each lasts, by its number; those that are in an edition already are left alone.
    """
    grouped = editions_of(connection, records)
    records = {number: duration_s for number, duration_s in records.items() if number not in grouped}
    edition, video = _last(connection, _edition), _last(connection, _video)
    rows = [
        {"record": record, "edition": edition + place, "video": video + place, "duration_s": duration_s, "id": secrets.token_hex(16)}
        for place, (record, duration_s) in enumerate(records.items(), 1)
    ]
    if not rows:
        return
    connection.execute(sa.text("INSERT INTO edition (number, duration_s) VALUES (:edition, :duration_s)"), rows)
    copies = "INSERT INTO copy (record, edition, offset_s, speed, shown_by) VALUES (:record, :edition, 0, 1, NULL)"
    connection.execute(sa.text(copies), rows)
    connection.execute(
        _video.insert(), [{"number": r["video"], "id": r["id"], "edition": r["edition"], "made_at": now_utc()} for r in rows]
    )
    members = [{"video": row["video"], "edition": row["edition"], "role": Role.WHOLE.value} for row in rows]
    connection.execute(_member.insert(), members)


def _last(connection: Connection, table: sa.Table) -> int:
    """Return the highest number in use."""
    return int(connection.execute(sa.select(sa.func.max(table.c.number))).scalar() or 0)


def _new_edition(connection: Connection, duration_s: float) -> int:
    number = _last(connection, _edition) + 1
    connection.execute(_edition.insert().values(number=number, duration_s=duration_s))
    return number


def editions_of(connection: Connection, records: Collection[int]) -> dict[int, int]:
    """Return the edition of each record, by number; without those that are not grouped yet."""
    found: dict[int, int] = {}
    for some in _batches(records):
        found |= {
            row.record: row.edition
            for row in connection.execute(sa.select(_copy.c.record, _copy.c.edition).where(_copy.c.record.in_(some)))
        }
    return found


def videos_by_role(connection: Connection, records: Collection[int]) -> dict[int, dict[int, Role]]:
    """Return the videos of each record, by number, with what it is of each; without records that are not grouped yet."""
    found: dict[int, dict[int, Role]] = {}
    for some in _batches(records):
        query = sa.select(_copy.c.record, _member.c.video, _member.c.role).join(_member, _member.c.edition == _copy.c.edition)
        for row in connection.execute(query.where(_copy.c.record.in_(some))):
            found.setdefault(row.record, {})[row.video] = Role(row.role)
    return found


def videos_of(connection: Connection, records: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the videos of each record, by number, the one that it is whole or a clip of first."""
    found = videos_by_role(connection, records)
    return {record: tuple(sorted(roles, key=lambda video: (roles[video] is Role.PART, video))) for record, roles in found.items()}


def _places(connection: Connection, records: Sequence[int]) -> dict[int, _Place]:
    query = sa.select(_copy.c.record, _copy.c.edition, _copy.c.offset_s, _copy.c.speed).where(_copy.c.record.in_(records))
    return {row.record: _Place(row.edition, row.offset_s, row.speed) for row in connection.execute(query)}


def lines_to_copies(connection: Connection, copies: Mapping[int, int]) -> dict[int, tuple[float, float]]:
    """Return where in copies what another copy of the same edition shows lies: its second ``t`` at ``offset + speed * t`` of the copy.

    Args:
        connection: to read with.
        copies: the number of the other copy, by that of the copy.

    Returns:
        offset in seconds and speed, by the number of the copy.
    """
    places = _places(connection, sorted({*copies, *copies.values()}))
    found: dict[int, tuple[float, float]] = {}
    for copy, other in copies.items():
        there, here = places[copy], places[other]
        found[copy] = ((here.offset_s - there.offset_s) / there.speed, here.speed / there.speed)
    return found


def _may_show(connection: Connection, other: int, record: int) -> bool:
    """Whether one record may be found instead of another: it is in the indexes, and of the same source.

    What others publish is compared only as far as they are trusted, so that it must not be all through which a record here is found.
    """
    query = sa.select(schema.record.c.source, _copy.c.shown_by).join(_copy, _copy.c.record == schema.record.c.number)
    row = connection.execute(query.where(schema.record.c.number == other, schema.not_retracted)).first()
    source = connection.execute(sa.select(schema.record.c.source).where(schema.record.c.number == record)).scalar()
    return row is not None and row.shown_by is None and row.source == source


def _edition_of_copies(connection: Connection, duration_s: float, copies: Sequence[tuple[Related, _Place]]) -> _Place:
    """Return where a record lies on the line of time of the edition that it is a copy of; a new one if of none, of several one."""
    if not copies:
        return _Place(_new_edition(connection, duration_s), 0.0, 1.0)
    first, place_of_first = min(copies, key=lambda each: each[1].edition)  # so that it keeps the lowest number
    here = place_of_first.after(first.relation)
    for each, _ in copies:
        place = _places(connection, [each.record])[each.record].after(each.relation)  # anew: another may have brought it along
        if place.edition != here.edition and not _are_apart(connection, here.edition, place.edition):
            _merge_editions(connection, here, place)
    return here


def _merge_editions(connection: Connection, here: _Place, there: _Place) -> None:
    """Make two editions one, in which a record has the first of two places, as it has the second in the other edition."""
    low, high = (here, there) if here.edition < there.edition else (there, here)
    speed = low.speed / high.speed
    offset_s = low.offset_s - speed * high.offset_s
    lines = {"edition": low.edition, "offset_s": offset_s + speed * _copy.c.offset_s, "speed": speed * _copy.c.speed}
    connection.execute(_copy.update().where(_copy.c.edition == high.edition).values(**lines))
    for each in _relations(connection, [high.edition]):
        other, side, side_of_other = each.of(high.edition)
        connection.execute(_shared.delete().where(_shared.c.one == each.one, _shared.c.other == each.other))
        if other != low.edition:
            _write_relation(connection, low.edition, other, moved(side, offset_s, speed), side_of_other)
    for row in connection.execute(sa.select(_said).where(sa.or_(_said.c.one == high.edition, _said.c.other == high.edition))).all():
        other = row.other if row.one == high.edition else row.one
        connection.execute(_said.delete().where(_said.c.one == row.one, _said.c.other == row.other))
        if other != low.edition:
            _say(connection, low.edition, other, same=row.same)
    connection.execute(_video.update().where(_video.c.edition == high.edition).values(edition=low.edition))
    for video in connection.execute(sa.select(_member.c.video).where(_member.c.edition == high.edition)).scalars().all():
        connection.execute(_member.delete().where(_member.c.video == video, _member.c.edition == high.edition))
        if connection.execute(sa.select(_member.c.role).where(_member.c.video == video, _member.c.edition == low.edition)).first() is None:
            connection.execute(_member.insert().values(video=video, edition=low.edition, role=Role.WHOLE.value))
    connection.execute(_edition.delete().where(_edition.c.number == high.edition))


def _relate(connection: Connection, here: _Place, there: _Place, relation: Relation) -> None:
    """Write what two records have in common as what their editions have, unless more is known already."""
    side, other = moved(relation.one, here.offset_s, here.speed), moved(relation.other, there.offset_s, there.speed)
    _write_relation(connection, here.edition, there.edition, side, other)


def _write_relation(connection: Connection, edition: int, other: int, side: Side, side_of_other: Side) -> None:
    sides = (side, side_of_other) if edition < other else (side_of_other, side)
    low, high = sorted((edition, other))
    same = (_shared.c.one == low, _shared.c.other == high)
    row = connection.execute(sa.select(_shared.c.sides).where(*same)).first()
    if row is not None:
        if _sides(row.sides)[0].length_s >= sides[0].length_s:
            return
        connection.execute(_shared.delete().where(*same))
    connection.execute(_shared.insert().values(one=low, other=high, sides=json.dumps([dataclasses.asdict(side) for side in sides])))


def _sides(text: str) -> tuple[Side, Side]:
    one, other = (Side(**{**side, "spans": tuple((start_s, end_s) for start_s, end_s in side["spans"])}) for side in json.loads(text))
    return one, other


def _relations(connection: Connection, editions: Collection[int]) -> list[EditionRelation]:
    found = {}
    for some in _batches(editions):
        for row in connection.execute(sa.select(_shared).where(sa.or_(_shared.c.one.in_(some), _shared.c.other.in_(some)))):
            found[row.one, row.other] = EditionRelation(row.one, row.other, Relation(*_sides(row.sides)))
    return list(found.values())


def _batches(values: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


# -- videos ----------------------------------------------------------------------------------------


def regroup(connection: Connection, edition: int) -> None:
    """Group an edition, and all that it is connected with, into videos. The ids of videos stay as far as the videos do."""
    editions = _connected(connection, edition)
    together, apart = _said_of(connection, editions)
    copies = _counts(connection, editions)
    groups = group(editions, _relations(connection, editions), together=together, apart=apart, copies=copies)
    videos = _videos_of(connection, editions)
    chosen = _numbered(connection, groups, videos)
    for some in _batches(editions):
        connection.execute(_member.delete().where(_member.c.edition.in_(some)))
    rows = [
        {"video": video, "edition": member, "role": role.value} for video, each in chosen.items() for member, role in each.roles.items()
    ]
    connection.execute(_member.insert(), rows)
    for number, founder in videos.items():
        if number not in chosen:
            heir = next(video for video, each in chosen.items() if founder in each.roles)
            connection.execute(_video.update().where(_video.c.number == number).values(merged_into=heir))


def _connected(connection: Connection, edition: int) -> set[int]:
    """All editions that have something in common with one, or with one that has."""
    found, waiting = {edition}, [edition]
    while waiting:
        further: set[int] = set()
        for some in _batches(waiting):
            for table in (_shared, _said):
                query = sa.select(table.c.one, table.c.other).where(sa.or_(table.c.one.in_(some), table.c.other.in_(some)))
                further |= {number for row in connection.execute(query) for number in row}
        waiting = sorted(further - found)
        found |= further
    return found


def _counts(connection: Connection, editions: Collection[int]) -> dict[int, int]:
    """How many copies there are of each of some editions."""
    counts: dict[int, int] = {}
    for some in _batches(editions):
        query = sa.select(_copy.c.edition, sa.func.count()).where(_copy.c.edition.in_(some)).group_by(_copy.c.edition)
        counts |= {row[0]: row[1] for row in connection.execute(query)}
    return counts


def _said_of(connection: Connection, editions: Collection[int]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """What people said of pairs of editions: that they are of one video, and that they are not."""
    together, apart = set[tuple[int, int]](), set[tuple[int, int]]()
    for some in _batches(editions):
        for row in connection.execute(sa.select(_said).where(_said.c.one.in_(some))):
            (together if row.same else apart).add((row.one, row.other))
    return together, apart


def _videos_of(connection: Connection, editions: Collection[int]) -> dict[int, int]:
    """The videos that were made for one of some editions and were not merged into another, each with that edition, oldest first."""
    videos: dict[int, int] = {}
    for some in _batches(editions):
        query = sa.select(_video.c.number, _video.c.edition).where(_video.c.edition.in_(some), _video.c.merged_into.is_(None))
        videos |= {row.number: row.edition for row in connection.execute(query)}
    return dict(sorted(videos.items()))


def _numbered(connection: Connection, groups: Sequence[Group], videos: Mapping[int, int]) -> dict[int, Group]:
    """Give each group the oldest video that was made for one of its roots, or for a clip of it, or else a new one."""
    chosen: dict[int, Group] = {}
    waiting = list(groups)
    for role in (Role.WHOLE, Role.CLIP):
        for each in waiting[:]:
            fits = (video for video, edition in videos.items() if video not in chosen and each.roles.get(edition) is role)
            number = next(fits, None)
            if number is not None:
                chosen[number] = each
                waiting.remove(each)
    for each in waiting:
        values = {"id": secrets.token_hex(16), "edition": min(each.roots or each.roles), "made_at": now_utc()}
        number = _last(connection, _video) + 1
        connection.execute(_video.insert().values(number=number, **values))
        chosen[number] = each
    for number, each in chosen.items():
        founder = videos.get(number)
        if founder is not None and founder not in each.roots and each.roots:
            connection.execute(_video.update().where(_video.c.number == number).values(edition=min(each.roots)))
    return chosen


def video_ids(connection: Connection, videos: Collection[int]) -> dict[int, str]:
    """Return the ids of videos, by number."""
    found: dict[int, str] = {}
    for some in _batches(videos):
        found |= {
            row.number: row.id for row in connection.execute(sa.select(_video.c.number, _video.c.id).where(_video.c.number.in_(some)))
        }
    return found


def videos_shown(connection: Connection, record: int, spans: Spans) -> tuple[str, ...]:
    """Return the ids of the videos that some seconds of a record show, the one that most of them show first.

    A record that belongs to one video shows that throughout. Of a compilation they are told apart by where it shows them.
    """
    videos = videos_of(connection, [record]).get(record, ())
    ids = video_ids(connection, videos)
    if len(videos) < 2 or not spans:
        return tuple(ids[video] for video in videos)
    here = _places(connection, [record])[record]
    asked = [(here.offset_s + here.speed * start_s, here.offset_s + here.speed * end_s) for start_s, end_s in spans]
    related = [each.of(here.edition) for each in _relations(connection, [here.edition])]
    seconds: dict[int, float] = {}
    for video in videos:
        members = {row.edition: row.role for row in connection.execute(sa.select(_member).where(_member.c.video == video))}
        if members[here.edition] != Role.PART.value:
            seconds[video] = length_s(asked)
            continue
        shown = union(span for other, side, _ in related if members.get(other, Role.PART.value) != Role.PART.value for span in side.spans)
        seconds[video] = shared_s(asked, shown)
    least_s = min(_SHOWN_S, length_s(asked) / 2)
    return tuple(ids[video] for video in sorted(videos, key=lambda each: -seconds[each]) if seconds[video] >= least_s)


# -- what people say -------------------------------------------------------------------------------


def _are_apart(connection: Connection, one: int, other: int) -> bool:
    low, high = sorted((one, other))
    return connection.execute(sa.select(_said.c.same).where(_said.c.one == low, _said.c.other == high)).scalar() is False


def _say(connection: Connection, one: int, other: int, *, same: bool) -> None:
    low, high = sorted((one, other))
    connection.execute(_said.delete().where(_said.c.one == low, _said.c.other == high))
    connection.execute(_said.insert().values(one=low, other=high, same=same))


def say_together(connection: Connection, into: int, other: int) -> None:
    """Make two videos, by number, one: the first keeps its id."""
    founders = [connection.execute(sa.select(_video.c.edition).where(_video.c.number == number)).scalar_one() for number in (into, other)]
    for one in _members(connection, into):
        for two in _members(connection, other):
            if _are_apart(connection, one, two):
                connection.execute(_said.delete().where(_said.c.one == min(one, two), _said.c.other == max(one, two)))
    _say(connection, *founders, same=True)
    regroup(connection, founders[0])
    if connection.execute(sa.select(_video.c.merged_into).where(_video.c.number == into)).scalar() == other:  # the older one was kept
        _swap(connection, into, other)


def _swap(connection: Connection, into: int, other: int) -> None:
    """Let a video that was merged into another take its place."""
    edition = connection.execute(sa.select(_video.c.edition).where(_video.c.number == other)).scalar_one()
    connection.execute(_video.update().where(_video.c.number == into).values(merged_into=None, edition=edition))
    connection.execute(_video.update().where(sa.or_(_video.c.number == other, _video.c.merged_into == other)).values(merged_into=into))
    connection.execute(_member.update().where(_member.c.video == other).values(video=into))


def say_apart(connection: Connection, video: int, records: Sequence[int], change: int) -> None:
    """Take records, by number, out of a video: whatever they show, they are not of one video with the rest of it.

    Args:
        connection: in a transaction that writes.
        video: its number.
        records: some of its records, not all.
        change: the number of the next write to a record, and of as many more as there are records.
    """
    editions = _members(connection, video)
    leaving: set[int] = set()
    for edition in editions:
        copies = list(connection.execute(sa.select(_copy.c.record).where(_copy.c.edition == edition)).scalars())
        out = [record for record in copies if record in records]
        if len(out) == len(copies):
            leaving.add(edition)
        elif out:
            leaving.add(_split_edition(connection, edition, out))
    for number, record in enumerate(records):  # they are found by themselves from now on
        if connection.execute(_copy.update().where(_copy.c.record == record, _copy.c.shown_by.is_not(None)).values(shown_by=None)).rowcount:
            connection.execute(schema.record.update().where(schema.record.c.number == record).values(change=change + number))
    for one in leaving:
        for other in set(editions) - leaving:
            _say(connection, one, other, same=False)
    for edition in {*leaving, *editions}:
        regroup(connection, edition)


def _split_edition(connection: Connection, edition: int, records: Sequence[int]) -> int:
    """Make an edition of its own of some copies of one, and have it said that the two are apart."""
    duration_s = connection.execute(sa.select(_edition.c.duration_s).where(_edition.c.number == edition)).scalar_one()
    new = _new_edition(connection, duration_s)
    for some in _batches(records):
        connection.execute(_copy.update().where(_copy.c.record.in_(some)).values(edition=new))
    for each in _relations(connection, [edition]):
        other, side, side_of_other = each.of(edition)
        _write_relation(connection, new, other, side, side_of_other)
    _say(connection, edition, new, same=False)
    return new


def _members(connection: Connection, video: int) -> list[int]:
    return list(connection.execute(sa.select(_member.c.edition).where(_member.c.video == video)).scalars())


# -- copies that are shown by others ---------------------------------------------------------------


class Copies(NamedTuple):
    """Copies of one edition about which the same is said."""

    edition: int
    first: int
    """The number of the first of them."""
    records: int


_COUNTING: Final = f"""r.{schema.NOT_RETRACTED} AND (r.expires IS NULL OR r.expires >= :today)
      AND (NOT :chosen OR r.number IN (SELECT CAST(value AS INTEGER) FROM json_each(:allowed)))"""
_SPEAKING: Final = f"""
SELECT DISTINCT asked.number FROM (SELECT CAST(value AS INTEGER) AS number FROM json_each(:numbers)) asked
LEFT JOIN copy c ON c.record = asked.number
LEFT JOIN copy o ON o.edition = c.edition JOIN record r ON r.number = coalesce(o.record, asked.number) WHERE {_COUNTING}
"""
_COPIES: Final = f"""
SELECT c.edition, min(r.number) AS first, count(*) AS records FROM copy c JOIN record r ON r.number = c.record
WHERE c.edition IN (SELECT edition FROM copy WHERE record IN (SELECT CAST(value AS INTEGER) FROM json_each(:numbers)))
      AND r.number NOT IN (SELECT CAST(value AS INTEGER) FROM json_each(:compared)) AND {_COUNTING}
GROUP BY c.edition, r.source, r.state, r.max_action, r.severity,
         (SELECT group_concat(label, ',') FROM (SELECT label FROM label WHERE record = r.number ORDER BY label) AS sorted)
ORDER BY c.edition, first
"""


def speaking(connection: Connection, numbers: Collection[int], today: datetime.date, selection: Selection | None) -> set[int]:
    """Return those of some records that speak for anything: for themselves or a copy that may be matched on a day and is selected."""
    values = _counted(connection, numbers, today, selection)
    return set(connection.execute(sa.text(_SPEAKING), values).scalars())


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
    return [Copies(row.edition, row.first, row.records) for row in connection.execute(sa.text(_COPIES), values)]


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


_ORPHANS: Final = """
SELECT c.record, c.shown_by FROM copy c LEFT JOIN record p ON p.number = c.shown_by LEFT JOIN copy o ON o.record = c.shown_by
WHERE c.shown_by IN (SELECT CAST(a AS INTEGER) FROM changed WHERE kind = 'record')
      AND (p.state IS NULL OR p.state = 'retracted' OR o.record IS NULL OR o.shown_by IS NOT NULL)
ORDER BY c.shown_by, c.record
"""


def release(connection: Connection) -> None:
    """Have copies found by one of themselves once what showed them can be matched no more; the end of every transaction that writes."""
    orphans: dict[int, list[int]] = {}
    for record, shown_by in connection.exec_driver_sql(_ORPHANS).all():
        orphans.setdefault(shown_by, []).append(record)
    for records in orphans.values():
        _let_one_show(connection, records)


def _let_one_show(connection: Connection, records: Sequence[int]) -> None:
    for some in _batches(records):
        there = sa.select(schema.record.c.number).where(schema.record.c.number.in_(some), schema.not_retracted)
        first = connection.execute(there.order_by(schema.record.c.number).limit(1)).scalar()
        connection.execute(_copy.update().where(_copy.c.record.in_(some)).values(shown_by=first))
        if first is not None:
            change = sa.select(sa.func.max(schema.record.c.change) + 1).scalar_subquery()
            connection.execute(_copy.update().where(_copy.c.record == first).values(shown_by=None))
            connection.execute(schema.record.update().where(schema.record.c.number == first).values(change=change))
