"""What people say about videos: that two are one, and that records are not of the same."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.store import schema
from vhashdb.store.placing import say, write_relation
from vhashdb.store.regrouping import regroup
from vhashdb.store.videos import are_apart, batches, members_of, new_edition, relations_of

_copy, _edition, _video, _member, _said = schema.copy, schema.edition, schema.video, schema.video_edition, schema.said_of_editions


def say_together(connection: Connection, into: int, other: int) -> None:
    """Make two videos, by number, one: the first keeps its id."""
    founders = [connection.execute(sa.select(_video.c.edition).where(_video.c.number == number)).scalar_one() for number in (into, other)]
    changed = set(founders)
    for one in members_of(connection, into):
        for two in members_of(connection, other):
            if are_apart(connection, one, two):
                changed |= {one, two}
                connection.execute(_said.delete().where(_said.c.one == min(one, two), _said.c.other == max(one, two)))
    say(connection, *founders, same=True)
    regroup(connection, changed)
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
    editions = members_of(connection, video)
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
            say(connection, one, other, same=False)
    regroup(connection, {*leaving, *editions})


def _split_edition(connection: Connection, edition: int, records: Sequence[int]) -> int:
    """Make an edition of its own of some copies of one, and have it said that the two are apart."""
    duration_s = connection.execute(sa.select(_edition.c.duration_s).where(_edition.c.number == edition)).scalar_one()
    new = new_edition(connection, duration_s)
    for some in batches(records):
        connection.execute(_copy.update().where(_copy.c.record.in_(some)).values(edition=new))
    for each in relations_of(connection, [edition]):
        other, side, side_of_other = each.of(edition)
        write_relation(connection, new, other, side, side_of_other)
    say(connection, edition, new, same=False)
    return new
