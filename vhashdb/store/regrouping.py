"""From the relations of editions to videos, written whenever a relation is."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.grouping import Group, Role, group
from vhashdb.store import schema
from vhashdb.store.clock import now_utc
from vhashdb.store.videos import batches, copies_in, relations_of, said_of

_shared, _video, _member, _said = schema.edition_relation, schema.video, schema.video_edition, schema.said_of_editions


def regroup(connection: Connection, edition: int) -> None:
    """Group an edition, and all that it is connected with, into videos. The ids of videos stay as far as the videos do."""
    editions = _connected(connection, edition)
    together, apart = said_of(connection, editions)
    copies = copies_in(connection, editions)
    groups = group(editions, relations_of(connection, editions), together=together, apart=apart, copies=copies)
    videos = _videos_of(connection, editions)
    chosen = _numbered(connection, groups, videos)
    for some in batches(editions):
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
        for some in batches(waiting):
            for table in (_shared, _said):
                query = sa.select(table.c.one, table.c.other).where(sa.or_(table.c.one.in_(some), table.c.other.in_(some)))
                further |= {number for row in connection.execute(query) for number in row}
        waiting = sorted(further - found)
        found |= further
    return found


def _videos_of(connection: Connection, editions: Collection[int]) -> dict[int, int]:
    """The videos that were made for one of some editions and were not merged into another, each with that edition, oldest first."""
    videos: dict[int, int] = {}
    for some in batches(editions):
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
        chosen[int(connection.execute(_video.insert().values(**values)).inserted_primary_key[0])] = each  # type: ignore[index]
    for number, each in chosen.items():
        founder = videos.get(number)
        if founder is not None and founder not in each.roots and each.roots:
            connection.execute(_video.update().where(_video.c.number == number).values(edition=min(each.roots)))
    return chosen
