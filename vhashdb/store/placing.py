"""Where a record belongs among all that show the same: written as records are grouped."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.grouping import Relation, Role, Side
from vhashdb.grouping.relation import moved
from vhashdb.grouping.videos import ranks
from vhashdb.store import schema
from vhashdb.store.clock import now_utc
from vhashdb.store.feed_ties import loosen_tied
from vhashdb.store.regrouping import regroup
from vhashdb.store.videos import (
    Place,
    are_apart,
    batches,
    copies_in,
    editions_of,
    last_number,
    new_edition,
    places_of,
    relations_of,
    sides_of,
)

_copy, _edition, _shared, _video, _member, _said = (
    schema.copy,
    schema.edition,
    schema.edition_relation,
    schema.video,
    schema.video_edition,
    schema.said_of_editions,
)


@dataclass(frozen=True)
class Related:
    """A record that a new one has something in common with."""

    record: int
    """Its number."""
    relation: Relation
    """What they have in common, seen from the new one."""
    stands_for: bool = False
    """Whether it hardly differs from the new one, so that it can be found and compared in its place."""


def place(connection: Connection, record: int, duration_s: float, related: Sequence[Related], change: int) -> None:
    """Put a record among all that show the same.

    Args:
        connection: in a transaction that writes.
        record: its number; nothing is done if it is in an edition already.
        duration_s: how long it lasts.
        related: records that it was related to; those that are not grouped yet do not count.
        change: the number of the next write to a record, which is used if the record need not be in the indexes.
    """
    places = places_of(connection, [record, *(each.record for each in related)])
    if record in places:  # another process came first
        return
    known = [each for each in related if each.record in places]
    here = _edition_of_copies(connection, duration_s, [(each, places[each.record]) for each in known if each.relation.copies])
    shown_by = next((each.record for each in known if each.stands_for and _may_show(connection, each.record, record)), None)
    connection.execute(_copy.insert().values(record=record, shown_by=shown_by, **here._asdict()))
    if shown_by is not None:
        connection.execute(schema.record.update().where(schema.record.c.number == record).values(change=change))
    loosen_tied(connection, [record])
    before = {place.edition for place in places.values()}
    places = places_of(connection, [each.record for each in known])  # editions may have become one
    after = {place.edition for place in places.values()}
    elsewhere = ((each, places[each.record]) for each in known if places[each.record].edition != here.edition)
    learnt = [_relate(connection, here, there, each.relation) for each, there in elsewhere]
    if any(learnt) or before != after or here.edition not in before or _count_tells(connection, here.edition):
        regroup(connection, {here.edition})


def place_alone(connection: Connection, records: Mapping[int, float]) -> None:
    """Give records that have nothing in common with any other a video each.

    Args:
        connection: in a transaction that writes.
        records: how long each lasts, by its number; those that are in an edition already are left alone.
    """
    grouped = editions_of(connection, records)
    records = {number: duration_s for number, duration_s in records.items() if number not in grouped}
    edition, video = last_number(connection, _edition), last_number(connection, _video)
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
    loosen_tied(connection, records)


def _may_show(connection: Connection, other: int, record: int) -> bool:
    """Whether one record may be found instead of another: it is in the indexes, and of the same source.

    What others publish is compared only as far as they are trusted, so that it must not be all through which a record here is found.
    """
    query = sa.select(schema.record.c.source, _copy.c.shown_by).join(_copy, _copy.c.record == schema.record.c.number)
    row = connection.execute(query.where(schema.record.c.number == other, schema.not_retracted)).first()
    source = connection.execute(sa.select(schema.record.c.source).where(schema.record.c.number == record)).scalar()
    return row is not None and row.shown_by is None and row.source == source


def _edition_of_copies(connection: Connection, duration_s: float, copies: Sequence[tuple[Related, Place]]) -> Place:
    """Return where a record lies on the line of time of the edition that it is a copy of; a new one if of none, of several one."""
    if not copies:
        return Place(new_edition(connection, duration_s), 0.0, 1.0)
    first, place_of_first = min(copies, key=lambda each: each[1].edition)  # so that it keeps the lowest number
    here = place_of_first.after(first.relation)
    for each, _ in copies:
        place = places_of(connection, [each.record])[each.record].after(each.relation)  # anew: another may have brought it along
        if place.edition != here.edition and not are_apart(connection, here.edition, place.edition):
            _merge_editions(connection, here, place)
    return here


def _merge_editions(connection: Connection, here: Place, there: Place) -> None:
    """Make two editions one, in which a record has the first of two places, as it has the second in the other edition."""
    low, high = (here, there) if here.edition < there.edition else (there, here)
    speed = low.speed / high.speed
    offset_s = low.offset_s - speed * high.offset_s
    lines = {"edition": low.edition, "offset_s": offset_s + speed * _copy.c.offset_s, "speed": speed * _copy.c.speed}
    connection.execute(_copy.update().where(_copy.c.edition == high.edition).values(**lines))
    for each in relations_of(connection, [high.edition]):
        other, side, side_of_other = each.of(high.edition)
        connection.execute(_shared.delete().where(_shared.c.one == each.one, _shared.c.other == each.other))
        if other != low.edition:
            write_relation(connection, low.edition, other, moved(side, offset_s, speed), side_of_other)
    for row in connection.execute(sa.select(_said).where(sa.or_(_said.c.one == high.edition, _said.c.other == high.edition))).all():
        other = row.other if row.one == high.edition else row.one
        connection.execute(_said.delete().where(_said.c.one == row.one, _said.c.other == row.other))
        if other != low.edition:
            say(connection, low.edition, other, same=row.same)
    connection.execute(_video.update().where(_video.c.edition == high.edition).values(edition=low.edition))
    for video in connection.execute(sa.select(_member.c.video).where(_member.c.edition == high.edition)).scalars().all():
        connection.execute(_member.delete().where(_member.c.video == video, _member.c.edition == high.edition))
        if connection.execute(sa.select(_member.c.role).where(_member.c.video == video, _member.c.edition == low.edition)).first() is None:
            connection.execute(_member.insert().values(video=video, edition=low.edition, role=Role.WHOLE.value))
    connection.execute(_edition.delete().where(_edition.c.number == high.edition))


def _count_tells(connection: Connection, edition: int) -> bool:
    """Whether one copy more of an edition may change what it is, or another that it is related to: see `is_compilation`."""
    others = {each.of(edition)[0] for each in relations_of(connection, [edition])}
    counts = copies_in(connection, {edition, *others})
    now, before = counts[edition], counts[edition] - 1
    return any(
        ranks(now, counts[other]) != ranks(before, counts[other]) or ranks(counts[other], now) != ranks(counts[other], before)
        for other in others
    )


def _relate(connection: Connection, here: Place, there: Place, relation: Relation) -> bool:
    """Write what two records have in common as what their editions have, unless as much is known already; return whether it was not."""
    side, other = moved(relation.one, here.offset_s, here.speed), moved(relation.other, there.offset_s, there.speed)
    return write_relation(connection, here.edition, there.edition, side, other)


def write_relation(connection: Connection, edition: int, other: int, side: Side, side_of_other: Side) -> bool:
    """Write what two editions have in common, unless as much is known already; return whether it was not."""
    sides = (side, side_of_other) if edition < other else (side_of_other, side)
    low, high = sorted((edition, other))
    same = (_shared.c.one == low, _shared.c.other == high)
    row = connection.execute(sa.select(_shared.c.sides).where(*same)).first()
    if row is not None:
        if sides_of(row.sides)[0].length_s >= sides[0].length_s:
            return False
        connection.execute(_shared.delete().where(*same))
    connection.execute(_shared.insert().values(one=low, other=high, sides=json.dumps([dataclasses.asdict(side) for side in sides])))
    return True


def say(connection: Connection, one: int, other: int, *, same: bool) -> None:
    """Write that two editions are of one video, or are not, whatever was said before."""
    low, high = sorted((one, other))
    connection.execute(_said.delete().where(_said.c.one == low, _said.c.other == high))
    connection.execute(_said.insert().values(one=low, other=high, same=same))


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


def tighten(connection: Connection) -> None:
    """Group anew what lost a copy, or something that it was related to; the end of every transaction that writes."""
    loosened = set(connection.execute(sa.select(schema.loosened.c.edition)).scalars())
    if loosened:
        connection.execute(schema.loosened.delete())
        regroup(connection, loosened)


def _let_one_show(connection: Connection, records: Sequence[int]) -> None:
    for some in batches(records):
        there = sa.select(schema.record.c.number).where(schema.record.c.number.in_(some), schema.not_retracted)
        first = connection.execute(there.order_by(schema.record.c.number).limit(1)).scalar()
        connection.execute(_copy.update().where(_copy.c.record.in_(some)).values(shown_by=first))
        if first is not None:
            change = sa.select(sa.func.max(schema.record.c.change) + 1).scalar_subquery()
            connection.execute(_copy.update().where(_copy.c.record == first).values(shown_by=None))
            connection.execute(schema.record.update().where(schema.record.c.number == first).values(change=change))
