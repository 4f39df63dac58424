"""What waits for people, as a list: matches of kept uploads grouped as they are answered, then records; with filters and counts."""

from __future__ import annotations

import base64
import datetime
import enum
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from vhashdb.errors import UsageError
from vhashdb.json_values import json_value
from vhashdb.review.decisions import Decisions
from vhashdb.review.found import FoundMatch, found_in
from vhashdb.review.grouping import By, Group, groups
from vhashdb.review.opened import together
from vhashdb.store import Case, Cause, Claim, Question, State, now_utc, records_with_ids
from vhashdb.store.records import SEVERITIES

if TYPE_CHECKING:
    from vhashdb.database import Database
    from vhashdb.store import Record


class Kind(enum.StrEnum):
    """What a case in the queue is about."""

    VIDEO = "video"
    """A known video, and every upload that shows it."""
    FILE = "file"
    """An upload, and everything that it shows."""
    UNCHECKED = "unchecked"
    """Uploads that could not be checked."""
    RECORD = "record"
    """A record that waits: held, disputed, due and so on, or matched by files that are not kept."""


class Claimed(enum.StrEnum):
    """Who is at a case."""

    NOBODY = "nobody"
    ME = "me"
    OTHERS = "others"


DIMENSIONS: Final = ("kind", "cause", "verdict", "severity", "label", "source", "claimed")
"""What a queue can be filtered by, and is counted by."""
_FINDING: Final = frozenset({Cause.MATCHED, Cause.ESCALATED})


@dataclass(frozen=True)
class QueueEntry:
    """One case in the queue, in short."""

    id: str
    """Its kind and what it is about; the same as long as that waits."""
    kind: Kind
    version: str
    """Another as soon as something else waits under this id."""
    causes: tuple[str, ...]
    why: str
    since: datetime.datetime | None
    """When the first of it began to wait."""
    verdict: str
    """Of the match that presses most; empty of a record."""
    score: float
    severity: str
    labels: tuple[str, ...]
    sources: tuple[str, ...]
    records: tuple[str, ...]
    uploads: tuple[str, ...]
    """Ids of the questions."""
    claim: Claim | None
    claimed: Claimed
    order: tuple[Any, ...]
    """Its place: the least comes first."""

    def values(self, dimension: str) -> tuple[str, ...]:
        """Return what it counts for in one of `DIMENSIONS`."""
        single = {"kind": self.kind.value, "verdict": self.verdict, "severity": self.severity, "claimed": self.claimed.value}
        several = {"cause": self.causes, "label": self.labels, "source": self.sources}
        return several[dimension] if dimension in several else (single[dimension],) if single[dimension] else ()

    def to_json(self) -> dict[str, Any]:
        """Return it as a `queue-entry`."""
        names = ("id", "kind", "version", "causes", "why", "since", "verdict", "score", "severity", "labels", "sources")
        said = {name: json_value(getattr(self, name)) for name in (*names, "records", "uploads", "claimed")}
        claim = self.claim
        until = json_value(claim.until) if claim else None
        return {"type": "queue-entry"} | said | {"claimed_by": claim.by if claim else "", "claimed_until": until}


@dataclass(frozen=True)
class QueuePage:
    """A part of the queue."""

    entries: tuple[QueueEntry, ...]
    next: str | None
    """Cursor of the next part; None if there is none."""
    total: int
    """Entries that the filter lets through."""
    counts: Mapping[str, Mapping[str, int]]
    """For each of `DIMENSIONS` and each value, how many entries there would be with this value alone and the rest of the filter."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a `queue`."""
        counts = {dimension: dict(values) for dimension, values in self.counts.items()}
        items = [entry.to_json() for entry in self.entries]
        return {"type": "queue", "items": items, "next": self.next, "total": self.total, "counts": counts}


def page_of(entries: Sequence[QueueEntry], chosen: Mapping[str, Collection[str]], limit: int, cursor: str = "") -> QueuePage:
    """Return a part of a queue.

    Args:
        entries: all of it, in order.
        chosen: by dimension, the values that count, of which an entry has one; of ``label``, all. A dimension without values counts whole.
        limit: entries at most.
        cursor: `QueuePage.next` of the part before. It stays right while others decide.

    Raises:
        UsageError: the cursor is none.
    """
    passing = [entry for entry in entries if _passes(entry, chosen)]
    after = _place_of(cursor) if cursor else None
    rest = [entry for entry in passing if after is None or _sortable(entry) > after]
    counts = {dimension: _counts(entries, chosen, dimension) for dimension in DIMENSIONS}
    following = _cursor(rest[limit - 1]) if len(rest) > limit else None
    return QueuePage(tuple(rest[:limit]), following, len(passing), counts)


def _passes(entry: QueueEntry, chosen: Mapping[str, Collection[str]], but: str = "") -> bool:
    for dimension, values in chosen.items():
        if dimension == but or not values:
            continue
        mine = set(entry.values(dimension))
        if not (set(values) <= mine if dimension == "label" else mine & set(values)):
            return False
    return True


def _counts(entries: Iterable[QueueEntry], chosen: Mapping[str, Collection[str]], dimension: str) -> dict[str, int]:
    found = Counter(value for entry in entries if _passes(entry, chosen, dimension) for value in entry.values(dimension))
    return dict(sorted(found.items()))


def _sortable(entry: QueueEntry) -> list[Any]:
    return [*entry.order, entry.id]


def _cursor(entry: QueueEntry) -> str:
    return base64.urlsafe_b64encode(json.dumps(_sortable(entry)).encode()).decode()


def _place_of(cursor: str) -> list[Any]:
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        place = None
    if not isinstance(place, list) or [type(each) for each in place] not in (_OF_GROUP, _OF_RECORD):
        raise UsageError("the cursor is none of this list", hint="give `next` of the page before, as it was")
    return place


_OF_GROUP: Final = [int, int, int, str, float, str]
_OF_RECORD: Final = [int, str, str]


# -- uploads -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WaitingMatches:
    """The matches of kept uploads, as they are for the person who acts."""

    matches: tuple[FoundMatch, ...]
    """Those that wait."""
    passed_to: frozenset[FoundMatch]
    """Those of them that somebody else passed on."""
    passed_on: tuple[FoundMatch, ...]
    """Others, which wait for somebody else, as this person passed them on."""


def waiting_matches(database: Database, questions: Iterable[Question]) -> WaitingMatches:
    """Return the matches of kept uploads.

    An upload is called by the id of its question. Labels, severity and video are those of the record as it is now.
    """
    found = [one for question in questions if question.review and question.answer for one in found_in(question.answer, question.id)]
    before, records = Decisions.about(database, found), records_with_ids(database.store, {one.record for one in found if one.record})
    counting = [_as_now(one, records) for one in found if not one.record or _counts_still(records.get(one.record))]
    waiting = tuple(one for one in counting if before.wait(one))
    passed_to = frozenset(one for one in waiting if before.passed_to(one))
    return WaitingMatches(waiting, passed_to, tuple(one for one in counting if before.passed_on(one)))


def _counts_still(record: Record | None) -> bool:
    return record is not None and record.state is not State.RETRACTED


def _as_now(one: FoundMatch, records: Mapping[str, Record]) -> FoundMatch:
    if not one.record:
        return one
    record = records[one.record]
    video = one.video if one.video in record.videos else next(iter(record.videos), "")
    return replace(one, labels=record.labels, severity=record.details.severity, source=record.details.source, video=video)


def identity(group: Group, by: By) -> tuple[Kind, str]:
    """Return the kind of a group, and the id of the case that it is."""
    first = group.found[0]
    if by is By.FILE:
        return Kind.FILE, f"{Kind.FILE}-{first.path}"
    if not first.record:
        return Kind.UNCHECKED, f"{Kind.UNCHECKED}-{first.verdict}"
    return Kind.VIDEO, f"{Kind.VIDEO}-{first.video or first.record}"


def group_entries(waiting: WaitingMatches, questions: Mapping[str, Question], by: By, who: str) -> list[tuple[QueueEntry, Group]]:
    """Return the groups of matches that wait, each with its entry, in order of urgency."""
    return [(_group_entry(group, waiting, questions, by, who), group) for group in groups(waiting.matches, by)]


def _group_entry(group: Group, waiting: WaitingMatches, questions: Mapping[str, Question], by: By, who: str) -> QueueEntry:
    first, asked = group.found[0], [questions[path] for path in group.files]
    kind, identifier = identity(group, by)
    now = now_utc()
    claims = [Claim(each.claimed_by, each.claimed_until) for each in asked if each.claimed_until is not None and each.claimed_until > now]
    claim = next((each for each in claims if each.by != who), claims[0] if claims else None)
    uploads = f"{len(asked):,} {'upload' if len(asked) == 1 else 'uploads'}"
    return QueueEntry(
        id=identifier,
        kind=kind,
        version=_digest([identifier, *sorted({(one.path, one.record) for one in group.found})]),
        causes=tuple(sorted({_cause(one, waiting) for one in group.found})),
        why=f"{uploads}, best score {max(one.score for one in group.found):.2f}" if first.record else first.reason,
        since=min(each.made_at for each in asked),
        verdict=first.verdict,
        score=first.score,
        severity=max((one.severity for one in group.found if one.severity), key=SEVERITIES.index, default=""),
        labels=tuple(sorted({label for one in group.found for label in one.labels})),
        sources=tuple(sorted({one.source for one in group.found if one.source})),
        records=group.records,
        uploads=group.files,
        claim=claim,
        claimed=_claimed(claim, who),
        order=(0, *(first.urgency[:3]), float(first.urgency.share)),
    )


def _cause(one: FoundMatch, waiting: WaitingMatches) -> str:
    if one in waiting.passed_to:
        return Cause.ESCALATED.value
    return Cause.MATCHED.value if one.record else Kind.UNCHECKED.value


# -- records -----------------------------------------------------------------------------------------


def record_entries(
    database: Database, cases: Sequence[Case], shown: Collection[str], claims: Mapping[str, Claim], who: str
) -> list[QueueEntry]:
    """Return the records that wait, oldest first.

    Args:
        database: where they are.
        cases: why they wait, without those that wait for somebody else.
        shown: records that matched kept uploads, which are cases of their own.
        claims: that hold now, by the record's id.
        who: looks.
    """
    counting = [case for case in cases if case.cause not in _FINDING or case.record not in shown]
    by_record: dict[str, list[Case]] = {}
    for case in counting:
        by_record.setdefault(case.record, []).append(case)
    records = records_with_ids(database.store, by_record)
    made = []
    for some in together(database, counting):
        known = [records[each] for each in some if each in records]
        if known:
            made.append(_record_entry(known, [case for each in some for case in by_record[each]], claims, who))
    return made


def _record_entry(records: Sequence[Record], cases: Sequence[Case], claims: Mapping[str, Claim], who: str) -> QueueEntry:
    first = records[0]
    since = min((case.since for case in cases if case.since), default=None)
    claim = next((claims[each.id] for each in records if each.id in claims), None)
    facts = [(each.id, each.revision) for each in records]
    return QueueEntry(
        id=f"{Kind.RECORD}-{first.id}",
        kind=Kind.RECORD,
        version=_digest([*facts, *sorted((case.cause.value, case.why, case.proposed, case.proposed_by) for case in cases)]),
        causes=tuple(sorted({case.cause.value for case in cases})),
        why="; ".join(dict.fromkeys(case.why for case in cases)),
        since=since,
        verdict="",
        score=0.0,
        severity=max((each.details.severity for each in records), key=SEVERITIES.index),
        labels=tuple(sorted({label for each in records for label in each.labels})),
        sources=tuple(sorted({each.details.source for each in records})),
        records=tuple(each.id for each in records),
        uploads=(),
        claim=claim,
        claimed=_claimed(claim, who),
        order=(1, since.isoformat(timespec="microseconds") if since else ""),
    )


def _claimed(claim: Claim | None, who: str) -> Claimed:
    return Claimed.NOBODY if claim is None else Claimed.ME if claim.by == who else Claimed.OTHERS


def _digest(facts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
