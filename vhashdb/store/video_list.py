"""The videos of one database as people see them: which records show each, what is said of these, and what people change about it."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import LOCAL
from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.grouping import Role
from vhashdb.json_values import json_value
from vhashdb.store import schema, video_statements, videos
from vhashdb.store.feed_ties import ties_of
from vhashdb.store.records import MAX_ACTIONS, SEVERITIES, Record, State
from vhashdb.store.records_file import Store

_AT_ONCE: Final = 100
_copy, _video, _member = schema.copy, schema.video, schema.video_edition


@dataclass(frozen=True)
class VideoRecord:
    """A record of a video."""

    record: Record
    role: Role
    """What it is of the video."""
    edition: int
    """Records with the same number are copies of each other from start to end."""
    shown_by: str | None = None
    """The id of a copy that hardly differs, is in the index, and is compared in its place; None if it is there itself."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a `video-record`."""
        record, details = self.record, self.record.details
        return {
            "record": record.id,
            "role": self.role.value,
            "edition": self.edition,
            "shown_by": self.shown_by,
            "state": record.state.value,
            "duration_s": record.duration_s,
            "labels": list(record.labels),
            "severity": details.severity,
            "source": details.source,
        }


@dataclass(frozen=True)
class Tie:
    """A statement by which a video has what its pictures alone would not put together."""

    by: str
    """``local`` for people here, or the id of a feed."""
    records: tuple[str, str]
    """Full ids of two records; of what people here merged, the first record of each edition."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a `tie`."""
        return {"by": self.by, "records": list(self.records)}


@dataclass(frozen=True)
class Video:
    """All records that show the same video. Labels, policy and opinions are said of records; this is their sum."""

    id: str
    """Random, 128 bits in hexadecimal; it stays whatever is added."""
    made_at: datetime.datetime
    records: tuple[VideoRecord, ...]
    """In the order in which they were added."""
    ties: tuple[Tie, ...] = ()
    """Who said of which of its records that they show the same video."""

    @property
    def short_id(self) -> str:
        """The first characters of the id, for people."""
        return self.id[:8]

    @property
    def _counting(self) -> list[Record]:
        return [each.record for each in self.records if each.record.state is not State.RETRACTED]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of any of its records that is not retracted."""
        return tuple(sorted({label for record in self._counting for label in record.labels}))

    @property
    def severity(self) -> str:
        """The gravest of its records that are not retracted."""
        return max((record.details.severity for record in self._counting), key=SEVERITIES.index, default=SEVERITIES[0])

    @property
    def max_action(self) -> str:
        """The most that any of its records that are not retracted allows without a person."""
        return max((record.details.max_action for record in self._counting), key=MAX_ACTIONS.index, default=MAX_ACTIONS[0])

    @property
    def disagreements(self) -> tuple[str, ...]:
        """What its records that are not retracted do not agree about, in words."""
        records = self._counting
        found = []
        for name, values in (
            ("severity", [record.details.severity for record in records if record.details.severity != SEVERITIES[0]]),
            ("greatest action", [record.details.max_action for record in records]),
            ("labels", [", ".join(record.labels) or "none" for record in records]),
        ):
            counts = Counter(values)
            if len(counts) > 1:
                found.append(f"{name}: " + "; ".join(f"{value} ({count})" for value, count in counts.most_common()))
        if disputed := sum(record.state is State.DISPUTED for record in records):
            found.append(f"{disputed} of {len(records)} records {'is' if disputed == 1 else 'are'} disputed")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Return it with its records, as a `video`."""
        return {
            "type": "video",
            "video": self.id,
            "made_at": json_value(self.made_at),
            "labels": list(self.labels),
            "severity": self.severity,
            "max_action": self.max_action,
            "disagreements": list(self.disagreements),
            "ties": [each.to_json() for each in self.ties],
            "records": [each.to_json() for each in self.records],
        }


class Videos:
    """Reads the videos of one database, and writes what people say about which records belong together."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __len__(self) -> int:
        """Videos that any record shows."""
        with self._store.transactions.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count(_member.c.video.distinct()))).scalar_one())

    def ungrouped(self) -> int:
        """Count the records that are not grouped yet."""
        with self._store.transactions.reading() as connection:
            return len(videos.ungrouped(connection))

    def all(self, *, least_records: int = 1) -> Iterator[Video]:
        """Yield the videos of at least so many records, those of most records first."""
        records = sa.func.count(_copy.c.record)
        query = sa.select(_member.c.video).join(_copy, _copy.c.edition == _member.c.edition).group_by(_member.c.video)
        query = query.having(records >= least_records).order_by(records.desc(), _member.c.video)
        with self._store.transactions.reading() as connection:
            numbers = list(connection.execute(query).scalars())
        for start in range(0, len(numbers), _AT_ONCE):
            yield from self._read(numbers[start : start + _AT_ONCE])

    def get(self, identifier: str) -> Video:
        """Return the video with this id, or whose id alone begins so; for one that was merged into another, that.

        Raises:
            RecordNotFound: none has it, or several begin so.
        """
        with self._store.transactions.reading() as connection:
            number = _number_of(connection, identifier)
        return next(iter(self._read([number])))

    def of(self, record: str) -> list[Video]:
        """Return the videos that the record with this full id shows, the one that it is whole or a clip of first."""
        number = self._store.number(record)
        with self._store.transactions.reading() as connection:
            found = videos.videos_of(connection, [number]).get(number, ())
        return self._read(found)

    def merge(self, into: str, others: Sequence[str], *, reason: str = "") -> Video:
        """Say that videos are one; the first keeps its id, and the ids of the others lead to it from now on.

        Raises:
            RecordNotFound: there is no such video.
            UsageError: they are one already.
        """
        with self._store.transactions.writing() as connection:
            for other in others:
                first, second = _number_of(connection, into), _number_of(connection, other)
                if first == second:
                    raise UsageError(f"{other} is the video {into} already", hint="list the videos to see their ids")
                ids = videos.video_ids(connection, [first, second])
                video_statements.say_together(connection, first, second)
                self._store.audit.log_in(connection, "merge-videos", None, video=ids[first], other=ids[second], reason=reason)
        return self.get(into)

    def split(self, identifier: str, records: Sequence[str], *, reason: str = "") -> list[Video]:
        """Say that some records are not of one video with the rest of it; return the video and those of the records.

        Args:
            identifier: of the video.
            records: full ids of some of its records.
            reason: in words.

        Raises:
            RecordNotFound: there is no such video.
            UsageError: a record is not of the video, or none would be left.
        """
        numbers = [self._store.number(record) for record in records]
        with self._store.transactions.writing() as connection:
            video = _number_of(connection, identifier)
            members = set(connection.execute(_records_of([video]).with_only_columns(_copy.c.record)).scalars())
            if strange := next((record for record, number in zip(records, numbers, strict=True) if number not in members), None):
                raise UsageError(f"record {strange[:8]} is not of the video {identifier}", hint="show the video to see its records")
            if not members - set(numbers):
                raise UsageError("no record of the video would be left", hint="name only those that do not belong to it")
            video_statements.say_apart(connection, video, numbers, self._store.next_change(connection))
            self._store.audit.log_in(
                connection, "split-video", None, video=videos.video_ids(connection, [video])[video], records=list(records), reason=reason
            )
            found = dict.fromkeys([video, *(each for own in videos.videos_of(connection, numbers).values() for each in own)])
        return self._read(list(found))

    def _read(self, numbers: Sequence[int]) -> list[Video]:
        with self._store.transactions.reading() as connection:
            facts = {row.number: row for row in connection.execute(sa.select(_video).where(_video.c.number.in_(numbers)))}
            rows = connection.execute(_records_of(numbers)).all()
            ties = _ties_of(connection, rows)
        records = self._store.by_number(sorted({row.record for row in rows}))
        ids = {row.record: row.id for row in rows}
        members: dict[int, list[VideoRecord]] = {number: [] for number in numbers}
        for row in rows:
            through = None if row.shown_by is None else ids.get(row.shown_by)
            members[row.video].append(VideoRecord(records[row.record], Role(row.role), row.edition, through))
        return [Video(facts[number].id, facts[number].made_at, tuple(members[number]), tuple(ties.get(number, ()))) for number in numbers]


def _records_of(numbers: Sequence[int]) -> sa.Select[tuple[int, str, int, int, int | None, str]]:
    record = schema.record
    columns = (_member.c.video, _member.c.role, _copy.c.record, _copy.c.edition, _copy.c.shown_by, record.c.id)
    query = sa.select(*columns).join(_copy, _copy.c.edition == _member.c.edition).join(record, record.c.number == _copy.c.record)
    return query.where(_member.c.video.in_(numbers)).order_by(_copy.c.record)


def _ties_of(connection: Connection, rows: Sequence[sa.Row[tuple[int, str, int, int, int | None, str]]]) -> dict[int, list[Tie]]:
    """Return who said that editions of a video are of it, by the video's number; ``rows`` are its records."""
    first: dict[int, str] = {}
    for row in rows:
        first.setdefault(row.edition, row.id)
    ids = {row.record: row.id for row in rows}
    editions = {number: {row.edition for row in rows if row.video == number} for number in {row.video for row in rows}}
    together, _ = videos.said_of(connection, first)
    told = [(LOCAL, pair, tuple(first.get(edition, "") for edition in pair)) for pair in sorted(together)]
    told += [(tie.author, tie.pair, (ids.get(tie.record, ""), ids.get(tie.other_record, ""))) for tie in ties_of(connection, first)]
    found: dict[int, list[Tie]] = {}
    for by, pair, (one, other) in told:
        for number, own in editions.items():
            if own.issuperset(pair):
                found.setdefault(number, []).append(Tie(by, (one, other)))
    return found


def _number_of(connection: Connection, identifier: str) -> int:
    """Return the number of the video that has an id, or alone one that begins so; of one that was merged, where it went."""
    wanted = identifier.lower()
    query = sa.select(_video.c.number, _video.c.merged_into).where(_video.c.id.startswith(wanted, autoescape=True)).limit(2)
    rows = connection.execute(query).all() if wanted else []
    if len(rows) != 1:
        problem = "more than one video's id begins with" if rows else "no video has the id"
        raise RecordNotFound(f"{problem} {identifier!r}", hint="list the videos to see their ids")
    number, heir = rows[0]
    while heir is not None:
        number, heir = heir, connection.execute(sa.select(_video.c.merged_into).where(_video.c.number == heir)).scalar()
    return int(number)
