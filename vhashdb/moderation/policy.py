"""Compute the action cap of a match: the most that may happen without a person, and why not more. Pure; the store reads the facts.

``action cap = min(record's handling, feed's policy, local trust in the feed)`` over none < log < review < block, and at most
review as long as any of these holds:

=================  ==========================================================================================
possible           the match itself is not certain
held               the import gate, or a person, put it aside
disputed           somebody agrees and somebody disagrees; the publisher counts as agreeing
past its review    the day by which somebody was to look again has gone by
stale feed         the feed expired: a retraction may be missing
suspected feed     several uploads that its records matched were called harmless here
quarantined feed   the feed broke a rule of trust
allow-list         the signal is on a list of what must never act automatically
quorum             fewer organisations than required saw the content and agree
not seen here      nobody of this database saw the content, and the rules here ask for it
=================  ==========================================================================================

A local record has no feed: its handling decides, and the same conditions.

What others say of a record (opinions, entries of allow-lists) counts **up to the trust placed in them**: an objection
sends a match to a person, so it takes trust up to ``review``; a vote for a block takes trust up to ``block``. See `counts`.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from vhashdb.codes import LOCAL, NEGATIVE, POSITIVE, SAW_CONTENT

DEFAULT_QUORUM: Final = 2
"""Organisations that must have seen the content before anything may be blocked without a person."""


class Action(enum.StrEnum):
    """Action that may happen, from nothing upwards."""

    NONE = "none"
    LOG = "log"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for none … 3 for block."""
        return _RANKS[self]


_RANKS: Final = {action: rank for rank, action in enumerate(Action)}


class FeedStatus(enum.StrEnum):
    """State of a feed that decides whether it can be relied upon at the moment."""

    LOCAL = "local"
    """Not a feed: records of this database."""
    NEW = "new"
    """Trusted, but nothing was synced from it yet."""
    FRESH = "fresh"
    STALE = "stale"
    """Its signature expired, or it could not be reached for longer than that: a retraction may be missing."""
    SUSPECTED = "suspected"
    """Several uploads that its records matched were called harmless here."""
    QUARANTINED = "quarantined"
    """It broke a rule of trust; the last good state is kept."""


@dataclass(frozen=True)
class FeedTrust:
    """Trust in the feed that a record comes from."""

    id: str = LOCAL
    max_action: Action = Action.BLOCK
    """The feed's own policy, from its signed metadata."""
    trust: Action = Action.BLOCK
    """The most that people of this database allow its records to lead to."""
    status: FeedStatus = FeedStatus.LOCAL
    why: str = ""
    """Why its status limits it, in words."""


LOCAL_TRUST: Final = FeedTrust()


def counts(towards: Action, trust: Action) -> bool:
    """Tell whether an opinion of somebody who is trusted up to ``trust`` counts towards an action.

    Whoever may bring about an action by a record may also speak for it: with trust up to `Action.REVIEW` an objection or an
    entry of an allow-list sends matches to a person, and with trust up to `Action.BLOCK` a vote helps to a block. Opinions of
    others are kept and shown, and decide nothing.
    """
    return trust.rank >= towards.rank


@dataclass(frozen=True)
class WeighedOpinion:
    """One organisation's latest opinion on one record, with the trust in it."""

    organisation: str
    """Independent organisation: all its feeds count once."""
    verdict: str
    basis: str
    trust: Action = Action.BLOCK
    """The most that people here allow it to bring about."""
    here: bool = False
    """Given by people of this database."""
    current: bool = True
    """About the record as it is now, rather than an earlier revision."""


@dataclass(frozen=True)
class Endorsements:
    """The independent organisations for and against one record; its publisher counts as one for it."""

    agree: frozenset[str] = frozenset()
    dispute: frozenset[str] = frozenset()
    saw_content: frozenset[str] = frozenset()
    """Those who agree, looked at the content itself, and may speak for a block."""
    seen_here: bool = False
    """Somebody of this database looked at the content, or accepted the record."""

    @property
    def disputed(self) -> bool:
        """Whether at least one is for it and one against it."""
        return bool(self.agree and self.dispute)


@dataclass(frozen=True)
class TrustState:
    """All that is known for or against a record when its action cap is computed."""

    max_action: Action
    """The record's own handling."""
    feed: FeedTrust = LOCAL_TRUST
    endorsements: Endorsements = field(default_factory=Endorsements)
    held: str = ""
    """Why it waits for a person; empty if it does not."""
    review_by: datetime.date | None = None
    allowed: str = ""
    """Why an allow-list rules out automatic action; empty if none does."""
    exceptions: tuple[str, ...] = ()
    """Uses, such as news, that a person has to tell apart."""
    possible: bool = False
    """The query may show the record, or may not."""


@dataclass(frozen=True)
class ActionCap:
    """The most that may happen without a person, and what keeps it from being more."""

    action: Action
    reasons: tuple[str, ...] = ()
    agree: int = 0
    """Number of organisations for the record, its publisher included."""
    dispute: int = 0
    """Number of organisations against it."""
    exceptions: tuple[str, ...] = ()


def action_cap(state: TrustState, *, today: datetime.date, quorum: int = DEFAULT_QUORUM, seen_here: bool = True) -> ActionCap:
    """Compute the action cap of one record, with every reason that keeps it from being higher.

    Args:
        state: everything that is known of the record and of the match.
        today: the day for which it is computed.
        quorum: organisations that must have seen the content before a block.
        seen_here: whether somebody of this database must be among them.
    """
    limits = list(_limits(state, today, quorum, seen_here))
    action = min((limit for limit, _ in limits), key=lambda limit: limit.rank, default=Action.BLOCK)
    reasons = tuple(why for limit, why in limits if limit is action)
    endorsements = state.endorsements
    return ActionCap(action, reasons, len(endorsements.agree), len(endorsements.dispute), state.exceptions)


def _limits(state: TrustState, today: datetime.date, quorum: int, seen_here: bool) -> Iterator[tuple[Action, str]]:
    """Yield each limit below the highest action, with its reason."""
    feed, endorsements = state.feed, state.endorsements
    if state.max_action is not Action.BLOCK:
        yield state.max_action, "set by the record"
    if feed.max_action is not Action.BLOCK:
        yield feed.max_action, f"the policy of feed {feed.id} allows {feed.max_action} at most"
    if feed.trust is not Action.BLOCK:
        yield feed.trust, f"feed {feed.id} is trusted up to {feed.trust}"
    if feed.status not in (FeedStatus.LOCAL, FeedStatus.FRESH):
        why = f": {feed.why}" if feed.why else ""
        yield Action.REVIEW, f"feed {feed.id} is {feed.status}{why}"
    if state.possible:
        yield Action.REVIEW, "the match is possible, not certain"
    if state.held:
        yield Action.REVIEW, f"held: {state.held}"
    if endorsements.disputed:
        against = ", ".join(sorted(endorsements.dispute))
        yield Action.REVIEW, f"disputed: {len(endorsements.agree)} for it, {len(endorsements.dispute)} against ({against})"
    if state.review_by is not None and state.review_by < today:
        yield Action.REVIEW, f"was to be reviewed by {state.review_by.isoformat()}"
    if state.allowed:
        yield Action.REVIEW, f"on an allow-list: {state.allowed}"
    if state.max_action is Action.BLOCK and len(endorsements.saw_content) < quorum:
        yield Action.REVIEW, f"{len(endorsements.saw_content)} of {quorum} organisations required saw the content"
    if state.max_action is Action.BLOCK and seen_here and not endorsements.seen_here:
        yield Action.REVIEW, "nobody here saw the content"


def endorsements_of(publisher: str, saw_content: bool, opinions: Iterable[WeighedOpinion], *, seen_here: bool = False) -> Endorsements:
    """Count who is for and against a record, from its publisher and all latest opinions, each as far as `counts` says.

    An organisation's opinion on its own record adds nothing when it agrees, and counts when it does not.

    Args:
        publisher: the organisation.
        saw_content: whether its record says that people looked.
        opinions: of everybody.
        seen_here: whether people of this database saw the content, as far as that is known without their opinion.
    """
    agree, dispute, saw = {publisher}, set(), {publisher} if saw_content else set()
    for opinion in opinions:
        if not counts(Action.REVIEW, opinion.trust):
            continue
        if opinion.verdict in NEGATIVE:
            dispute.add(opinion.organisation)
        elif opinion.verdict in POSITIVE:
            agree.add(opinion.organisation)
            if opinion.basis == SAW_CONTENT and opinion.current and counts(Action.BLOCK, opinion.trust):
                saw.add(opinion.organisation)
                seen_here = seen_here or opinion.here
    return Endorsements(frozenset(agree), frozenset(dispute), frozenset(saw - dispute), seen_here)
