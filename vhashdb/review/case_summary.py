"""Everything that is known of a record, for a person who is to decide about it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from vhashdb.codes import LOCAL
from vhashdb.moderation.policy import ActionCap
from vhashdb.store import Record, Store
from vhashdb.store.alike import Alike, alike
from vhashdb.store.feeds import Feeds
from vhashdb.store.moderation import Moderation
from vhashdb.store.opinions import Opinion, Subject
from vhashdb.store.queue import Case, Cause, RecentMatches


@dataclass(frozen=True)
class CaseSummary:
    """One record with all that speaks for and against it."""

    record: Record
    cases: tuple[Case, ...]
    """Why it waits; empty if it does not."""
    published: Subject
    """Name of the record in feeds."""
    publisher: str
    """The organisation that published it; empty for a record of one's own."""
    opinions: tuple[Opinion, ...]
    """The latest of everybody, oldest first."""
    action_cap: ActionCap
    """Action cap of a match now."""
    accepted: ActionCap
    """Action cap once the record is accepted."""
    hits: RecentMatches | None
    """Matches since the day that was asked about; None if there were none."""
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
        """Latest opinion of people here, if they gave one."""
        return next((said for said in reversed(self.opinions) if said.author == LOCAL), None)

    @property
    def proposed(self) -> tuple[str, str]:
        """Decision that somebody proposed, and who did; both empty if nobody did."""
        return next(((case.proposed, case.proposed_by) for case in self.cases if case.proposed), ("", ""))

    @property
    def theirs_to_confirm(self) -> bool:
        """Whether nothing is left to do here but that somebody else confirms."""
        return self.two_person and self.proposed[1] == self.actor


def summarise_case(store: Store, moderation: Moderation, identifier: str, *, since: datetime.datetime) -> CaseSummary:
    """Gather what is known of a record now.

    Args:
        store: where it is.
        moderation: of the same database.
        identifier: its full id.
        since: matches are counted from then on (UTC, without a time zone).

    Raises:
        RecordNotFound: there is none.
    """
    record, reviews, opinions = store.get(identifier), moderation.reviews, moderation.opinions
    published = opinions.subject(record)
    feed = None if record.details.source == LOCAL else Feeds(store).find(published.feed)
    return CaseSummary(
        record=record,
        cases=tuple(reviews.queue(record=record.id, matched_since=since)),
        published=published,
        publisher=feed.member if feed is not None else "",
        opinions=tuple(opinions.about(record)),
        action_cap=moderation.action_caps([record])[0],
        accepted=moderation.accepted_cap(record),
        hits=reviews.hits(record, since),
        alike=tuple(alike(store, record.id)),
        two_person=reviews.rules.two_person,
        actor=store.audit.actor,
    )
