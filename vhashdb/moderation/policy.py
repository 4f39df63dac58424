"""What a match may lead to without a person: the ceiling, and why it is not higher. Pure; the store gives the facts.

``ceiling = min(record's handling, feed's policy, local trust in the feed)`` over none < log < review < block, and at most
review as long as anything speaks against acting alone:

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

Records of one's own have no feed above them: their handling decides, and the same conditions.

What others say of a record (opinions, entries of allow-lists) counts **up to the trust given to who says it**: an objection
sends a match to a person, so it takes trust up to ``review``; a vote for a block takes trust up to ``block``. See `counts`.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

POSITIVE: Final = frozenset({"agree"})
NEGATIVE: Final = frozenset({"disagree_label", "disagree_inclusion", "false_positive", "outdated"})
"""Verdicts of opinions; `seen` is neither, and `withdrawn` takes an earlier one back."""
SAW_CONTENT: Final = "saw_content"
DEFAULT_QUORUM: Final = 2
"""Organisations that must have seen the content before anything may be blocked without a person."""


class Action(enum.StrEnum):
    """What may happen, from nothing upwards."""

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
    """How far a feed can be relied upon at the moment."""

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
class FeedStanding:
    """What is known about the feed that a record comes from."""

    id: str = "local"
    max_action: Action = Action.BLOCK
    """The feed's own policy, from its signed metadata."""
    trust: Action = Action.BLOCK
    """What the people of this database allow it."""
    status: FeedStatus = FeedStatus.LOCAL
    why: str = ""
    """Of a status that limits, in words."""


LOCAL: Final = FeedStanding()


def counts(towards: Action, trust: Action) -> bool:
    """Whether the word of somebody who is trusted up to ``trust`` counts towards an action.

    Whoever may bring about an action by a record may also speak for it: with trust up to `Action.REVIEW` an objection or an
    entry of an allow-list sends matches to a person, and with trust up to `Action.BLOCK` a vote helps to a block. The words
    of others are kept and shown, and decide nothing.
    """
    return trust.rank >= towards.rank


@dataclass(frozen=True)
class Word:
    """What one organisation says of one record; its latest word."""

    who: str
    """The organisation: all its feeds have one voice."""
    verdict: str
    basis: str
    trust: Action = Action.BLOCK
    """How far it is trusted here."""
    here: bool = False
    """Said by people of this database."""
    current: bool = True
    """Of what the record is now, rather than of an earlier revision."""


@dataclass(frozen=True)
class Voices:
    """Who says what about one record, by organisation. The publisher's own record counts as agreeing."""

    agree: frozenset[str] = frozenset()
    dispute: frozenset[str] = frozenset()
    saw_content: frozenset[str] = frozenset()
    """Those who agree, looked at the content itself, and may speak for a block."""
    seen_here: bool = False
    """Somebody of this database looked at the content, or accepted the record."""

    @property
    def disputed(self) -> bool:
        """At least one for it and one against it."""
        return bool(self.agree and self.dispute)


@dataclass(frozen=True)
class Standing:
    """Everything that decides what a match with one record may lead to."""

    max_action: Action
    """The record's own handling."""
    feed: FeedStanding = LOCAL
    voices: Voices = field(default_factory=Voices)
    held: str = ""
    """Why it waits for a person; empty if it does not."""
    review_by: datetime.date | None = None
    allowed: str = ""
    """Why automatic action on it is ruled out by an allow-list; empty if it is not."""
    exceptions: tuple[str, ...] = ()
    """Uses, such as news, that a person has to tell apart."""
    possible: bool = False
    """What is asked about may show the record, or may not."""


@dataclass(frozen=True)
class Ceiling:
    """The most that may happen without a person, and what keeps it from being more."""

    action: Action
    reasons: tuple[str, ...] = ()
    agree: int = 0
    """Organisations for the record, its publisher included …"""
    dispute: int = 0
    """… and against it."""
    exceptions: tuple[str, ...] = ()


def ceiling(standing: Standing, *, today: datetime.date, quorum: int = DEFAULT_QUORUM, seen_here: bool = True) -> Ceiling:
    """The effective action for one record, with every reason that keeps it from being higher.

    Args:
        standing: everything that is known of the record and of the match.
        today: the day on which it is asked.
        quorum: organisations that must have seen the content before a block.
        seen_here: whether somebody of this database must be among them.
    """
    limits = list(_limits(standing, today, quorum, seen_here))
    action = min((limit for limit, _ in limits), key=lambda limit: limit.rank, default=Action.BLOCK)
    reasons = tuple(why for limit, why in limits if limit is action)
    voices = standing.voices
    return Ceiling(action, reasons, len(voices.agree), len(voices.dispute), standing.exceptions)


def _limits(standing: Standing, today: datetime.date, quorum: int, seen_here: bool) -> Iterator[tuple[Action, str]]:
    """Everything that forbids the highest action: up to where, and why."""
    feed, voices = standing.feed, standing.voices
    if standing.max_action is not Action.BLOCK:
        yield standing.max_action, "set by the record"
    if feed.max_action is not Action.BLOCK:
        yield feed.max_action, f"the policy of feed {feed.id} allows {feed.max_action} at most"
    if feed.trust is not Action.BLOCK:
        yield feed.trust, f"feed {feed.id} is trusted up to {feed.trust}"
    if feed.status not in (FeedStatus.LOCAL, FeedStatus.FRESH):
        why = f": {feed.why}" if feed.why else ""
        yield Action.REVIEW, f"feed {feed.id} is {feed.status}{why}"
    if standing.possible:
        yield Action.REVIEW, "the match is possible, not certain"
    if standing.held:
        yield Action.REVIEW, f"held: {standing.held}"
    if voices.disputed:
        yield Action.REVIEW, f"disputed: {len(voices.agree)} for it, {len(voices.dispute)} against ({', '.join(sorted(voices.dispute))})"
    if standing.review_by is not None and standing.review_by < today:
        yield Action.REVIEW, f"was to be reviewed by {standing.review_by.isoformat()}"
    if standing.allowed:
        yield Action.REVIEW, f"on an allow-list: {standing.allowed}"
    if standing.max_action is Action.BLOCK and len(voices.saw_content) < quorum:
        yield Action.REVIEW, f"{len(voices.saw_content)} of {quorum} organisations required saw the content"
    if standing.max_action is Action.BLOCK and seen_here and not voices.seen_here:
        yield Action.REVIEW, "nobody here saw the content"


def voices_of(publisher: str, saw_content: bool, words: Iterable[Word], *, seen_here: bool = False) -> Voices:
    """Who says what, from a record's publisher and everybody's latest words, each counting as far as `counts` says.

    An organisation's word about its own record adds nothing when it agrees, and counts when it does not.

    Args:
        publisher: the organisation.
        saw_content: whether its record says that people looked.
        words: of everybody.
        seen_here: whether people of this database saw the content, as far as that is known without their word.
    """
    agree, dispute, saw = {publisher}, set(), {publisher} if saw_content else set()
    for word in words:
        if not counts(Action.REVIEW, word.trust):
            continue
        if word.verdict in NEGATIVE:
            dispute.add(word.who)
        elif word.verdict in POSITIVE:
            agree.add(word.who)
            if word.basis == SAW_CONTENT and word.current and counts(Action.BLOCK, word.trust):
                saw.add(word.who)
                seen_here = seen_here or word.here
    return Voices(frozenset(agree), frozenset(dispute), frozenset(saw - dispute), seen_here)
