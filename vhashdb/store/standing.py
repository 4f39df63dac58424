"""The facts that decide what a match may lead to, read from the database for `vhashdb.exchange.policy`."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from vhashdb.exchange import policy
from vhashdb.exchange.policy import Action, FeedStanding, FeedStatus, Standing
from vhashdb.store import feed_schema as tables
from vhashdb.store import schema
from vhashdb.store.feeds import NEW, QUARANTINED, SYNCED, Feed
from vhashdb.store.opinions import LOCAL
from vhashdb.store.records import Record

SEEN_BY_PEOPLE = frozenset({"human", "human_assisted"})
"""Methods of review in which somebody looked at the content."""


def status_of(status: str, why: str, expires_at: datetime.datetime | None, now: datetime.datetime) -> tuple[FeedStatus, str]:
    """How far a feed can be relied upon now, and why not further."""
    if status == QUARANTINED:
        return FeedStatus.QUARANTINED, why
    if status == NEW:
        return FeedStatus.NEW, "nothing was synced yet"
    if status != SYNCED or expires_at is None or expires_at < now:
        when = f"its signature expired on {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "it is trusted no longer"
        return FeedStatus.STALE, f"{when}, so a retraction may be missing"
    return FeedStatus.FRESH, ""


def feed_standing(feed: Feed, now: datetime.datetime) -> FeedStanding:
    """One feed, for people who ask about it."""
    status, why = status_of(feed.status, feed.why, feed.expires_at, now)
    return FeedStanding(feed.id, Action(feed.max_action), Action(feed.trust), status, why)


def saw_content(method: str, reviewers: int) -> bool:
    """Whether somebody here looked at the content of a record."""
    return method in SEEN_BY_PEOPLE and reviewers > 0


def standings(connection: Connection, records: Sequence[Record], now: datetime.datetime) -> dict[str, Standing]:
    """The standing of each record, by its id."""
    ids = [record.id for record in records]
    origins = _origins(connection, ids)
    held = _held(connection, ids)
    own = {row.id: row.member for row in connection.execute(sa.select(tables.feed.c.id, tables.feed.c.member).where(tables.feed.c.own))}
    here = next(iter(own.values()), LOCAL)
    subjects = [(origin["id"], origin["rid"]) for origin in origins.values()]
    subjects += [(feed, record.id) for record in records if record.id not in origins for feed in (*own, LOCAL)]
    spoken = _opinions(connection, subjects, here)
    found = {}
    for record in records:
        details, origin = record.details, origins.get(record.id)
        if origin is None:
            said = [opinion for feed in (*own, LOCAL) for opinion in spoken.get((feed, record.id), ())]
            voices = policy.voices_of(here, saw_content(details.review_method, details.reviewers), said)
            feed, exceptions = policy.LOCAL, ()
        else:
            voices = policy.voices_of(origin["member"], bool(origin["saw_content"]), spoken.get((origin["id"], origin["rid"]), []))
            status, why = status_of(origin["status"], origin["why"], origin["expires_at"], now)
            feed = FeedStanding(origin["id"], Action(origin["max_action"]), Action(origin["trust"]), status, why)
            exceptions = tuple(json.loads(origin["exceptions"]))
        found[record.id] = Standing(
            Action(details.max_action), feed, voices, held.get(record.id, ""), details.review_by, exceptions=exceptions
        )
    return found


def _origins(connection: Connection, ids: Sequence[str]) -> dict[str, RowMapping]:
    feed, origin = tables.feed, tables.origin
    columns = (feed.c.id, feed.c.member, feed.c.status, feed.c.why, feed.c.expires_at, feed.c.max_action, feed.c.trust)
    query = (
        sa.select(schema.record.c.id.label("record"), *columns, origin.c.rid, origin.c.saw_content, origin.c.exceptions)
        .join(origin, origin.c.record == schema.record.c.number)
        .join(feed, feed.c.number == origin.c.feed)
        .where(schema.record.c.id.in_(ids))
    )
    return {row["record"]: row for row in connection.execute(query).mappings()}


def _held(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Why records wait, for those that do."""
    query = (
        sa.select(schema.record.c.id, tables.held.c.reason)
        .outerjoin(tables.held, tables.held.c.record == schema.record.c.number)
        .where(schema.record.c.id.in_(list(ids)), schema.record.c.state == "held")
    )
    return {row.id: row.reason or "put aside by a person" for row in connection.execute(query)}


def _opinions(
    connection: Connection, subjects: Sequence[tuple[str, str]], here: str
) -> Mapping[tuple[str, str], list[tuple[str, str, str]]]:
    """(organisation, verdict, basis) of each subject's opinions, without those of feeds that are trusted in nothing."""
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    if not subjects:
        return found
    opinion, feed = tables.opinion, tables.feed
    query = (
        sa.select(opinion, feed.c.member, feed.c.trust)
        .outerjoin(feed, feed.c.id == opinion.c.author)
        .where(opinion.c.on_rid.in_([rid for _, rid in subjects]))
    )
    wanted: set[Any] = set(subjects)
    for row in connection.execute(query).mappings():
        key = (row["on_feed"], row["on_rid"])
        if key in wanted and row["trust"] != Action.NONE:
            who = here if row["author"] == LOCAL else row["member"] or row["author"]
            found[key].append((who, row["verdict"], row["basis"]))
    return found
