"""Everything that is known of a record, for a person who is to decide about it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from vhashdb.exchange.exchange import Exchange
from vhashdb.moderation import policy
from vhashdb.moderation.policy import Ceiling
from vhashdb.store import Record, Store
from vhashdb.store.alike import Alike, alike
from vhashdb.store.opinions import LOCAL, Opinion, Subject
from vhashdb.store.queue import Case, Cause, RecentMatches
from vhashdb.store.standing import standings


@dataclass(frozen=True)
class Dossier:
    """One record with all that speaks for and against it."""

    record: Record
    cases: tuple[Case, ...]
    """Why it waits; empty if it does not."""
    published: Subject
    """How feeds name it."""
    publisher: str
    """The organisation that published it; empty for a record of one's own."""
    opinions: tuple[Opinion, ...]
    """The latest of everybody, oldest first."""
    ceiling: Ceiling
    """What a match may lead to now …"""
    accepted: Ceiling
    """… and if the record is accepted."""
    hits: RecentMatches | None
    """How often it matched since the day that was asked about."""
    alike: tuple[Alike, ...]
    two_person: bool
    actor: str
    """Who looks."""

    @property
    def causes(self) -> frozenset[Cause]:
        """Why it waits."""
        return frozenset(case.cause for case in self.cases)

    @property
    def own_opinion(self) -> Opinion | None:
        """What people here think of it now, if they said."""
        return next((said for said in reversed(self.opinions) if said.author == LOCAL), None)

    @property
    def proposed(self) -> tuple[str, str]:
        """What somebody proposed, and who; both empty if nobody did."""
        return next(((case.proposed, case.proposed_by) for case in self.cases if case.proposed), ("", ""))

    @property
    def theirs_to_confirm(self) -> bool:
        """Whether nothing is left to do here but that somebody else confirms."""
        return self.two_person and self.proposed[1] == self.actor


def dossier(store: Store, exchange: Exchange, identifier: str, *, since: datetime.datetime) -> Dossier:
    """What is known of a record now.

    Args:
        store: where it is.
        exchange: of the same database.
        identifier: its full id.
        since: matches are counted from then on (UTC, without a time zone).

    Raises:
        RecordNotFound: there is none.
    """
    record, now = store.get(identifier), store.now()
    opinions = exchange.opinions
    published = opinions.subject(record)
    with store.transactions.reading() as connection:
        standing = standings(connection, [record], now)[record.id]
    local = record.details.source == LOCAL
    heard = replace(standing.voices, seen_here=True)
    accepted = replace(standing, held="", voices=heard, review_by=None if local else standing.review_by)
    feed = None if local else exchange.feeds.find(published.feed)
    rules = exchange.reviews.rules
    return Dossier(
        record=record,
        cases=tuple(exchange.reviews.queue(record=record.id, matched_since=since)),
        published=published,
        publisher=feed.member if feed is not None else "",
        opinions=tuple(opinions.about(record)),
        ceiling=exchange.ceilings([record])[0],
        accepted=policy.ceiling(accepted, today=now.date(), quorum=rules.quorum, seen_here=rules.seen_here),
        hits=exchange.reviews.hits(record, since),
        alike=tuple(alike(store, record.id)),
        two_person=rules.two_person,
        actor=store.actor,
    )
