"""What feeds say of records that show the same video: kept as it was said, believed as far as a feed is trusted, undone with it.

A statement is of two records, each named by its feed and its id there. Which editions these are is looked up whenever videos are made,
so that it does not matter what comes first, the statement, the records or the trust. What people here said goes before all of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import LOCAL
from vhashdb.store import feed_schema, rows, schema
from vhashdb.store.dialect import upsert

_ties: Final = feed_schema.same_video
DOUBTED: Final = ("none", "log")
"""Levels of trust at which a feed is not believed unless people here say that it is: its records lead to nothing but a line in the log."""


_AT_ONCE: Final = 200
"""Names in one statement. Engineering bound: under what SQLite takes."""


class FeedTie(NamedTuple):
    """Two editions of which a feed says that they are of one video."""

    author: str
    """The feed's id."""
    one: int
    other: int
    record: int
    """Number of the feed's record, which is of ``one``."""
    other_record: int

    @property
    def pair(self) -> tuple[int, int]:
        """Both editions, the lower first."""
        return min(self.one, self.other), max(self.one, self.other)


_NUMBERS: Final = "(SELECT CAST(value AS INTEGER) FROM json_each(:numbers))"
# Names of records: those of feeds that are followed, and one's own as one's own feeds have them.
_NAMES: Final = f"""
SELECT f.id AS feed, o.rid AS rid FROM copy c
JOIN origin o ON o.record = c.record JOIN feed f ON f.number = o.feed WHERE c.{{column}} IN {_NUMBERS}
UNION ALL
SELECT f.id, r.id FROM copy c
JOIN record r ON r.number = c.record AND r.source = 'local' JOIN feed f ON f.own WHERE c.{{column}} IN {_NUMBERS}
"""
_BELIEVED: Final = (
    "a.status <> 'removed' AND coalesce((SELECT value FROM meta WHERE name = 'same videos of ' || a.id), "
    "CASE WHEN a.trust IN ('none', 'log') THEN '0' ELSE '1' END) = '1'"
)
_SAID: Final = f"""
WITH named AS ({_NAMES}), said AS (
  SELECT s.* FROM named n JOIN same_video s ON s.author = n.feed AND s.rid = n.rid
  UNION SELECT s.* FROM named n JOIN same_video s ON s.on_feed = n.feed AND s.on_rid = n.rid
)"""
_FOUND: Final = f"""
{_SAID.format(column="edition")}, theirs AS (
  SELECT s.author, s.rid, s.on_feed, s.on_rid, o.record FROM said s JOIN feed a ON a.id = s.author
  JOIN origin o ON o.feed = a.number AND o.rid = s.rid AND NOT o.withdrawn WHERE {_BELIEVED}
), pairs AS (
  SELECT t.author, t.rid, t.on_feed, t.on_rid, t.record, p.record AS other FROM theirs t
  JOIN feed b ON b.id = t.on_feed JOIN origin p ON p.feed = b.number AND p.rid = t.on_rid AND NOT p.withdrawn
  UNION
  SELECT t.author, t.rid, t.on_feed, t.on_rid, t.record, r.number FROM theirs t
  JOIN feed b ON b.id = t.on_feed AND b.own JOIN record r ON r.id = t.on_rid AND r.source = 'local'
)
SELECT e.author, c.edition AS one, d.edition AS other, e.record, e.other AS other_record FROM pairs e
JOIN copy c ON c.record = e.record JOIN copy d ON d.record = e.other WHERE c.edition <> d.edition
ORDER BY e.author, e.rid, e.on_feed, e.on_rid
"""
_OF_RECORDS: Final = f"{_SAID.format(column='record')} SELECT author, rid, on_feed, on_rid FROM said"
_ROW: Final = ("author", "rid", "on_feed", "on_rid", "at")


def any_ties(connection: Connection) -> bool:
    """Tell whether any feed says of any records that they show the same video."""
    return connection.execute(sa.select(_ties.c.rid).limit(1)).first() is not None


def ties_of(connection: Connection, editions: Collection[int]) -> list[FeedTie]:
    """Return what is believed of some editions, in an order that does not depend on what came first."""
    if not editions or not any_ties(connection):
        return []
    found = connection.execute(sa.text(_FOUND), {"numbers": json.dumps(sorted(editions))})
    return [FeedTie(*row) for row in found]


def loosen_tied(connection: Connection, records: Collection[int]) -> None:
    """Have those of some records that a feed says anything of, and the others of which it is said, grouped anew as the transaction ends."""
    if records and any_ties(connection):
        _loosen(connection, connection.execute(sa.text(_OF_RECORDS), {"numbers": json.dumps(sorted(records))}))


def loosen_author(connection: Connection, author: str) -> None:
    """Have everything that a feed says anything of grouped anew as the transaction ends."""
    columns = (_ties.c.author, _ties.c.rid, _ties.c.on_feed, _ties.c.on_rid)
    _loosen(connection, connection.execute(sa.select(*columns).where(_ties.c.author == author)))


def _loosen(connection: Connection, said: Iterable[Any]) -> None:
    """Note the editions of all records that some statements name."""
    names = sorted({name for author, rid, on_feed, on_rid in said for name in ((author, rid), (on_feed, on_rid))})
    feed, origin, record, copy = feed_schema.feed, feed_schema.origin, schema.record, schema.copy
    editions = set[int]()
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        theirs = sa.select(copy.c.edition).join(origin, origin.c.record == copy.c.record).join(feed, feed.c.number == origin.c.feed)
        editions.update(connection.execute(theirs.where(sa.tuple_(feed.c.id, origin.c.rid).in_(some))).scalars())
        ours = sa.select(copy.c.edition).join(record, record.c.number == copy.c.record)
        editions.update(connection.execute(ours.where(record.c.id.in_([rid for _, rid in some]))).scalars())
    upsert(connection, schema.loosened, [{"edition": edition} for edition in sorted(editions)], set=["edition"])


def forget_author(connection: Connection, author: str) -> None:
    """Forget all that a feed said."""
    loosen_author(connection, author)
    connection.execute(_ties.delete().where(_ties.c.author == author))


def take_in(connection: Connection, number: int, author: str, *, whole: bool) -> int:
    """Apply what is staged of a feed; return how many statements there are.

    Args:
        connection: of the transaction that promotes.
        number: of the feed in the database.
        author: its id.
        whole: what is staged is all that the feed says.
    """
    staged = feed_schema.staged_same_video
    arrived = connection.execute(sa.select(staged).where(staged.c.feed == number)).all()
    if not arrived and not whole:
        return 0
    if whole:
        forget_author(connection, author)
    said = [dict(zip(_ROW, (author, row.rid, row.on_feed, row.on_rid, row.at), strict=True)) for row in arrived]
    kept = [value for value, row in zip(said, arrived, strict=True) if row.same]
    upsert(connection, _ties, kept)
    loosen_author(connection, author)  # before what was taken back is forgotten
    for value, row in zip(said, arrived, strict=True):
        if not row.same:
            connection.execute(_ties.delete().where(*(_ties.c[name] == value[name] for name in _ROW[:-1])))
    return len(arrived)


# -- what people here said, as one's own feed says it ------------------------------------------------


def merged(connection: Connection, given: Collection[str]) -> set[tuple[str, str, str]]:
    """Return what people here merged, as names of records that can be published.

    Args:
        connection: to read with.
        given: ids of the records that one's own feed gives.

    Returns:
        id of one of these records, and feed and id of another of them or of a record of a feed that is followed. Each edition of which
        something was said is named by one record: by one's own with the lowest id, or else by that of others with the lowest name.
    """
    said = schema.said_of_editions.c
    pairs = connection.execute(sa.select(said.one, said.other).where(said.same)).all()
    editions = sorted({edition for pair in pairs for edition in pair})
    ours, theirs = dict[int, str](), dict[int, tuple[str, str]]()
    own = rows.own_feed(connection)
    record, copy, feed, origin = schema.record.c, schema.copy, feed_schema.feed.c, feed_schema.origin.c
    local = sa.select(copy.c.edition, record.id).join(schema.record, record.number == copy.c.record).where(record.source == LOCAL)
    others = sa.select(copy.c.edition, feed.id, origin.rid).join(feed_schema.origin, origin.record == copy.c.record)
    others = others.join(feed_schema.feed, feed.number == origin.feed).where(~origin.withdrawn)
    for start in range(0, len(editions), _AT_ONCE):
        some = copy.c.edition.in_(editions[start : start + _AT_ONCE])
        for edition, rid in connection.execute(local.where(some)):
            if rid in given:
                ours[edition] = min(rid, ours.get(edition, rid))
        for edition, *name in connection.execute(others.where(some)):
            theirs[edition] = min((name[0], name[1]), theirs.get(edition, (name[0], name[1])))
    found = set[tuple[str, str, str]]()
    for pair in pairs:
        one, other = sorted(pair, key=lambda edition: (edition not in ours, ours.get(edition, "")))
        named = (own, ours[other]) if own and other in ours else theirs.get(other)
        if one in ours and named is not None:
            found.add((ours[one], *named))
    return found


# -- whether a feed is believed ----------------------------------------------------------------------


def write_belief(connection: Connection, author: str, believed: bool | None) -> None:
    """Write that a feed is believed, or is not; None: its level of trust decides."""
    name = belief_name(author)
    if believed is None:
        connection.execute(schema.meta.delete().where(schema.meta.c.name == name))
    else:
        upsert(connection, schema.meta, {"name": name, "value": str(int(believed))})


def beliefs(connection: Connection, feeds: Iterable[tuple[str, str]]) -> dict[str, bool]:
    """Return whether each of some feeds, given by id and level of trust, is believed."""
    levels = dict(feeds)
    names = {belief_name(author): author for author in levels}
    query = sa.select(schema.meta).where(schema.meta.c.name.in_(names))
    said = {names[row.name]: row.value == "1" for row in connection.execute(query)}
    return {author: said.get(author, level not in DOUBTED) for author, level in levels.items()}


def belief_name(author: str) -> str:
    """Return under which name `meta` has whether a feed is believed."""
    return f"same videos of {author}"
