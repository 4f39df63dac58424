"""Records and fingerprints as rows of the records file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from vhashdb import errors
from vhashdb.codes import LOCAL
from vhashdb.fingerprints import Fingerprint
from vhashdb.store import feed_schema, schema
from vhashdb.store.records import Details, Record, RecordChanged, State
from vhashdb.store.unpacked import Unpacked
from vhashdb.store.videos import video_ids, videos_of

_DETAIL_COLUMNS: Final = tuple(f.name for f in fields(Details) if f.name != "labels")

# Made once: what a question asks for again and again costs more to put together than to answer.
_NUMBERS: Final[sa.BindParameter[Any]] = sa.bindparam("numbers", expanding=True)
_LABELS: Final = sa.select(schema.label.c.record, schema.label.c.label).where(schema.label.c.record.in_(_NUMBERS))
_NEAR: Final = (
    sa.select(schema.near.c.record, schema.record.c.id)
    .join(schema.record, schema.near.c.other == schema.record.c.number)
    .where(schema.near.c.record.in_(_NUMBERS))
)
_SOUNDING: Final = sa.select(schema.sounding.c.record).where(schema.sounding.c.record.in_(_NUMBERS))
_SHARED: Final = (
    sa.select(feed_schema.origin.c.record, feed_schema.feed.c.id, feed_schema.origin.c.rid)
    .join(feed_schema.feed, feed_schema.feed.c.number == feed_schema.origin.c.feed)
    .where(feed_schema.origin.c.record.in_(_NUMBERS))
)
_OWN_FEED: Final = sa.select(feed_schema.feed.c.id).where(feed_schema.feed.c.own).order_by(feed_schema.feed.c.number).limit(1)
_NUMBERS_OF: Final = sa.select(schema.record.c.id, schema.record.c.number).where(
    schema.record.c.id.in_(sa.bindparam("ids", expanding=True))
)


def require_revision(connection: Connection, identifier: str, revision: int | None) -> None:
    """Check, in a transaction that is about to change a record, that nobody changed it since; None: whatever its revision is.

    Raises:
        RecordChanged: somebody did.
    """
    now = connection.execute(sa.select(schema.record.c.revision).where(schema.record.c.id == identifier)).scalar()
    if revision is not None and now != revision:
        raise RecordChanged(f"record {identifier[:8]} has revision {now} now, not {revision}")


def read_record(connection: Connection, row: RowMapping) -> Record:
    """Return the record of one row; see `read_records`."""
    (record,) = read_records(connection, [row])
    return record


def read_records(connection: Connection, rows: Sequence[RowMapping]) -> list[Record]:
    """Return records of some rows, with what other tables say of all of them in one query each."""
    numbers = [row["number"] for row in rows]
    labels, others = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
    for number, text in connection.execute(_LABELS, {"numbers": numbers}):
        labels[number].append(text)
    for number, identifier in connection.execute(_NEAR, {"numbers": numbers}):
        others[number].append(identifier)
    heard = set(connection.execute(_SOUNDING, {"numbers": numbers}).scalars())
    shared = _shared_ids(connection, numbers)
    own = own_feed(connection)
    shown = videos_of(connection, numbers)
    videos = video_ids(connection, {video for each in shown.values() for video in each})
    return [
        Record(
            id=row["id"],
            state=State(row["state"]),
            revision=row["revision"],
            duration_s=row["duration_s"],
            sha256=row["sha256"],
            md5=row["md5"],
            added_at=row["added_at"],
            details=Details(labels=tuple(labels[row["number"]]), **{name: row[name] for name in _DETAIL_COLUMNS}),
            near=tuple(others[row["number"]]),
            has_sound=row["number"] in heard,
            shared_id=shared.get(row["number"]) or own_shared_id(own, row["id"], row["source"]),
            videos=tuple(videos[video] for video in shown.get(row["number"], ())),
        )
        for row in rows
    ]


def own_feed(connection: Connection) -> str:
    """Return the id of the feed that is published from here, of several the first; empty if none is."""
    return connection.execute(_OWN_FEED).scalar() or ""


def own_shared_id(feed: str, identifier: str, source: str) -> str:
    """Return the name that a record with this id and source has in one's own feed; empty if it has none."""
    return f"{feed}:{identifier}" if feed and source == LOCAL else ""


def _shared_ids(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the names that records have in the feeds that they came from, by number."""
    return {number: f"{name}:{rid}" for number, name, rid in connection.execute(_SHARED, {"numbers": numbers})}


def with_shared_id(name: str) -> sa.ColumnElement[bool]:
    """Return the condition on rows of records to have a name ``FEED:RID``, or the only one that begins so."""
    feed, _, rid = name.partition(":")
    record, origin, feeds = schema.record.c, feed_schema.origin.c, feed_schema.feed.c
    came = sa.select(origin.record).join(feed_schema.feed, feeds.number == origin.feed)
    came = came.where(feeds.id == feed, origin.rid.startswith(rid, autoescape=True))
    published = sa.exists().where(feeds.id == feed, feeds.own)
    return record.number.in_(came) | published & (record.source == LOCAL) & record.id.startswith(rid, autoescape=True)


def read_fingerprint(identifier: str, blob: bytes, unpacked: Unpacked) -> Fingerprint:
    """Unpack the stored fingerprint of a record, unless it is remembered.

    Raises:
        DatabaseDamaged: it is not as it was written.
    """
    try:
        return unpacked.unpack(blob)
    except errors.FingerprintError as error:
        raise errors.DatabaseDamaged(f"the fingerprint of record {identifier} is damaged: {error}") from error


def detail_values(details: Details) -> dict[str, Any]:
    """Return details as columns of the record; labels have a table of their own."""
    return {name: getattr(details, name) for name in _DETAIL_COLUMNS}


def write_labels(connection: Connection, number: int, labels: Sequence[str]) -> None:
    """Replace the labels of a record."""
    connection.execute(schema.label.delete().where(schema.label.c.record == number))
    if labels:
        connection.execute(schema.label.insert(), [{"record": number, "label": label} for label in labels])


def numbers_of(connection: Connection, identifiers: Collection[str]) -> dict[str, int]:
    """Return the numbers that the index uses for the records with these full ids, as far as there are such records."""
    return {row.id: row.number for row in connection.execute(_NUMBERS_OF, {"ids": list(identifiers)})}


def number_of(connection: Connection, identifier: str) -> int:
    """Return the number that the index uses for the record with this full id.

    Raises:
        RecordNotFound: there is no such record.
    """
    number = connection.execute(sa.select(schema.record.c.number).where(schema.record.c.id == identifier)).scalar()
    if number is None:
        raise errors.RecordNotFound(f"there is no record {identifier}")
    return int(number)
