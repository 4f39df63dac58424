"""The facts that decide what a match may lead to, read from the database for `vhashdb.moderation.policy`."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from vhashdb.codes import LOCAL
from vhashdb.moderation import policy
from vhashdb.moderation.organisations import independent_organisations
from vhashdb.moderation.policy import Action, FeedStatus, FeedTrust, TrustState, WeighedOpinion
from vhashdb.store import feed_schema as tables
from vhashdb.store import schema
from vhashdb.store.feeds import NEW, QUARANTINED, SYNCED, Feed
from vhashdb.store.hits import CaseState
from vhashdb.store.records import Record

SEEN_BY_PEOPLE = frozenset({"human", "human_assisted"})
"""Methods of review in which somebody looked at the content."""
IMPORTED: Final = Action.REVIEW
"""Trust in those whose opinions came in a file of others: as far as in the records in it."""


HARMLESS_UPLOADS: Final = 5
"""Different uploads that matched records of one feed and were called harmless here, from which on the feed is suspected."""
HARMLESS_DAYS: Final = 30
"""Days in which they have to be that many, after people here last said how far they trust the feed."""

_SUSPECTED: Final = sa.text(
    f"SELECT f.id, count(DISTINCT h.file) AS uploads FROM hit h JOIN audit m ON m.number = h.line "
    "JOIN record r ON r.id = h.record JOIN origin o ON o.record = r.number JOIN feed f ON f.number = o.feed "
    f"WHERE h.state = '{CaseState.NOT_THIS}' AND m.at >= :since AND m.number > coalesce((SELECT max(t.number) FROM audit t "
    "WHERE t.action IN ('trust', 'trust-level', 'trust-release') AND json_extract(t.details, '$.feed') = f.id), 0) "
    "GROUP BY f.number HAVING count(DISTINCT h.file) >= :uploads"
)


def suspected(connection: Connection, now: datetime.datetime) -> dict[str, str]:
    """Return why feeds are suspected, by their ids."""
    since = (now - datetime.timedelta(days=HARMLESS_DAYS)).isoformat(" ", "microseconds")
    rows = connection.execute(_SUSPECTED, {"since": since, "uploads": HARMLESS_UPLOADS}).all()
    return {row.id: f"{row.uploads:,} uploads that its records matched were called harmless here" for row in rows}


def status_of(status: str, why: str, expires_at: datetime.datetime | None, now: datetime.datetime) -> tuple[FeedStatus, str]:
    """Return how far a feed can be relied upon now, and why not further."""
    if status == QUARANTINED:
        return FeedStatus.QUARANTINED, why
    if status == NEW:
        return FeedStatus.NEW, "nothing was synced yet"
    if status != SYNCED or expires_at is None or expires_at < now:
        when = f"its signature expired on {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "it is trusted no longer"
        return FeedStatus.STALE, f"{when}, so a retraction may be missing"
    return FeedStatus.FRESH, ""


def _unless_suspected(status: FeedStatus, why: str, suspicion: str) -> tuple[FeedStatus, str]:
    return (FeedStatus.SUSPECTED, suspicion) if suspicion and status is not FeedStatus.QUARANTINED else (status, why)


def feed_trust(connection: Connection, feed: Feed, now: datetime.datetime) -> FeedTrust:
    """Return how far one feed can be relied upon, for people who ask about it."""
    suspicion = suspected(connection, now).get(feed.id, "")
    status, why = _unless_suspected(*status_of(feed.status, feed.why, feed.expires_at, now), suspicion)
    return FeedTrust(feed.id, Action(feed.max_action), Action(feed.trust), status, why)


def saw_content(method: str, reviewers: int) -> bool:
    """Tell whether somebody here looked at the content of a record."""
    return method in SEEN_BY_PEOPLE and reviewers > 0


def trust_states(connection: Connection, records: Sequence[Record], now: datetime.datetime) -> dict[str, TrustState]:
    """Read the trust state of each record, by its id."""
    ids = [record.id for record in records]
    origins = _origins(connection, ids)
    held, accepted = _held(connection, ids), _accepted(connection, ids)
    own = connection.execute(_OWN).scalars().all()
    subjects = {record.id: [(feed, record.id) for feed in (*own, LOCAL)] for record in records if record.id not in origins}
    subjects |= {record: [(origin["id"], origin["rid"])] for record, origin in origins.items()}
    said = _opinions(connection, [subject for several in subjects.values() for subject in several])
    organisations = organisations_in(
        connection, {row["author"] for several in said.values() for row in several} | {o["id"] for o in origins.values()}
    )
    suspicions = suspected(connection, now) if origins else {}
    found = {}
    for record in records:
        details, origin = record.details, origins.get(record.id)
        rows = [row for subject in subjects[record.id] for row in said.get(subject, ())]
        opinions = [_weighed(row, organisations, None if origin is None else origin["rev"]) for row in rows]
        if origin is None:
            seen = saw_content(details.review_method, details.reviewers)
            endorsements = policy.endorsements_of(organisations[LOCAL], seen, opinions, seen_here=seen or record.id in accepted)
            feed, exceptions = policy.LOCAL_TRUST, ()
        else:
            publisher, seen = organisations[origin["id"]], bool(origin["saw_content"])
            endorsements = policy.endorsements_of(publisher, seen, opinions, seen_here=record.id in accepted)
            status, why = status_of(origin["status"], origin["why"], origin["expires_at"], now)
            status, why = _unless_suspected(status, why, suspicions.get(origin["id"], ""))
            feed = FeedTrust(origin["id"], Action(origin["max_action"]), Action(origin["trust"]), status, why)
            exceptions = tuple(json.loads(origin["exceptions"]))
        found[record.id] = TrustState(
            Action(details.max_action), feed, endorsements, held.get(record.id, ""), details.review_by, exceptions=exceptions
        )
    return found


# Made once: what a question asks for again and again costs more to put together than to answer.
_feed, _origin, _held_back = tables.feed.c, tables.origin.c, tables.held.c
_IDS: Final = schema.record.c.id.in_(sa.bindparam("ids", expanding=True))
_OWN: Final = sa.select(_feed.id).where(_feed.own)
_ORIGINS: Final = (
    sa.select(
        schema.record.c.id.label("record"), _feed.id, _feed.status, _feed.why, _feed.expires_at, _feed.max_action, _feed.trust,
        _origin.rid, _origin.rev, _origin.saw_content, _origin.exceptions,
    )
    .join(tables.origin, _origin.record == schema.record.c.number)
    .join(tables.feed, _feed.number == _origin.feed)
    .where(_IDS)
)  # fmt: skip
_HELD: Final = (
    sa.select(schema.record.c.id, _held_back.reason)
    .outerjoin(tables.held, _held_back.record == schema.record.c.number)
    .where(_IDS, schema.record.c.state == "held")
)
_ACCEPTED: Final = (
    sa.select(schema.record.c.id)
    .join(tables.held, _held_back.record == schema.record.c.number)
    .where(_IDS, _held_back.decided == "accepted", _held_back.decided_by != "")
)
_OPINIONS: Final = (
    sa.select(tables.opinion, _feed.trust)
    .outerjoin(tables.feed, _feed.id == tables.opinion.c.author)
    .where(tables.opinion.c.on_rid.in_(sa.bindparam("rids", expanding=True)))
)
_ORGANISATIONS: Final = (
    sa.select(_feed.id, _feed.member, _feed.root, _feed.own)
    .where(_feed.own | _feed.id.in_(sa.bindparam("feeds", expanding=True)))
    .order_by(~_feed.own, _feed.number)
)


def _origins(connection: Connection, ids: Sequence[str]) -> dict[str, RowMapping]:
    return {row["record"]: row for row in connection.execute(_ORIGINS, {"ids": ids}).mappings()}


def _held(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Return why records wait, for those that do."""
    return {row.id: row.reason or "put aside by a person" for row in connection.execute(_HELD, {"ids": list(ids)})}


def _accepted(connection: Connection, ids: Iterable[str]) -> frozenset[str]:
    """Return those that people here looked at and accepted as they are now."""
    return frozenset(connection.execute(_ACCEPTED, {"ids": list(ids)}).scalars())


def _opinions(connection: Connection, subjects: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], list[RowMapping]]:
    """Read each subject's opinions, with the trust in their authors (None for one without a feed)."""
    found: dict[tuple[str, str], list[RowMapping]] = defaultdict(list)
    wanted = set(subjects)
    for row in connection.execute(_OPINIONS, {"rids": [rid for _, rid in subjects]}).mappings():
        key = (row["on_feed"], row["on_rid"])
        if key in wanted:
            found[key].append(row)
    return found


def _weighed(row: RowMapping, organisations: Mapping[str, str], rev: int | None) -> WeighedOpinion:
    """Return an opinion as policy weighs it; ``rev`` is what its publisher calls the record now, None for a record of one's own."""
    author, here = row["author"], row["author"] == LOCAL
    trust = Action.BLOCK if here else Action(row["trust"] or IMPORTED)
    return WeighedOpinion(organisations.get(author, author), row["verdict"], row["basis"], trust, here, rev is None or row["on_rev"] == rev)


def organisations_in(connection: Connection, feeds: Iterable[str]) -> dict[str, str]:
    """Return the organisation that each of these feeds speaks for, and people here."""
    rows = connection.execute(_ORGANISATIONS, {"feeds": list(feeds)}).all()
    here = next((row.member for row in rows if row.own), LOCAL)
    return independent_organisations([(LOCAL, here, b""), *((row.id, row.member or row.id, row.root) for row in rows)])
