"""List the actions that are available for a case, and say in plain words what each does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vhashdb.codes import LOCAL, METADATA, SAW_MATCH, WITHDRAWN
from vhashdb.moderation.policy import Action
from vhashdb.review.answers import Act, AvailableAction
from vhashdb.review.case_summary import CaseSummary
from vhashdb.review.found import FoundMatch
from vhashdb.store.queue import Cause
from vhashdb.store.records import State

_DECIDED: Final = frozenset(Cause) - {Cause.MATCHED}
"""Causes that accepting ends."""


def record_actions(summary: CaseSummary) -> tuple[AvailableAction, ...]:
    """List the actions for a record that waits."""
    return tuple(_actions(summary))


def match_actions(summary: CaseSummary, found: FoundMatch) -> tuple[AvailableAction, ...]:
    """List the actions for one match of one file."""
    known = f"have the sound of rec {summary.record.short_id}" if found.by_sound else f"show rec {summary.record.short_id}"
    note = "" if found.sha256 else "; the line has no SHA-256 of the file, so it will be asked again"
    does = f"the file does {known}; this is also your opinion that it belongs here{_replaced(summary)}{note}"
    right = AvailableAction(Act.RIGHT, does, SAW_MATCH, found.by_sound)
    if not found.sha256:
        return (right,)
    wrong = f"the file does not {known}: this very file never matches it again"
    return right, AvailableAction(Act.WRONG, wrong, SAW_MATCH, found.by_sound)


def _actions(summary: CaseSummary) -> Iterator[AvailableAction]:
    causes = summary.causes
    basis = SAW_MATCH if summary.hits else METADATA
    if causes & _DECIDED:
        yield AvailableAction(Act.ACCEPT, _by_two(summary, "accepted", "; ".join(_accepting(summary))))
    yield AvailableAction(Act.REJECT, _by_two(summary, "rejected", _rejecting(summary)))
    if Cause.MATCHED in causes:
        yield AvailableAction(Act.LOOKED, "nothing is changed or said; it waits again when it matches again")
    replaced = _replaced(summary)
    yield AvailableAction(Act.AGREE, f"your opinion that it belongs here, for members to read{replaced}", basis)
    less = "; a match then leads to a review at most" if summary.action_cap.action is Action.BLOCK else ""
    yield AvailableAction(Act.DISPUTE, f"your opinion that something is wrong with it, for members to read{less}{replaced}", basis)
    yield AvailableAction(Act.NOT_THIS, "you name a file that it wrongly matched, which never matches it again")


def _accepting(summary: CaseSummary) -> Iterator[str]:
    """Say what accepting does, for each reason why the record waits."""
    details, source = summary.record.details, summary.record.details.source
    mine = source == LOCAL
    if Cause.HELD in summary.causes:
        yield f"it is held no longer, and a match may lead to {summary.accepted.action}"
    if Cause.DISPUTED in summary.causes:
        yield "it stays; a match leads to a review at most while that opinion stands"
    if Cause.DUE in summary.causes:
        yield (
            "somebody looked again; its day of review is taken away"
            if mine
            else f"it stays, and is due again when {source} names a new day"
        )
    if Cause.EXPIRED in summary.causes:
        kept = f"it stays on file and does not match; only {source} can give it a new last day"
        yield f"its last day, {details.expires}, is taken away, so that it matches again" if mine else kept
    if Cause.PROPOSED in summary.causes:
        yield "it stays as it is"


def _rejecting(summary: CaseSummary) -> str:
    if summary.record.details.source == LOCAL:
        published = summary.published.feed != LOCAL and summary.record.state is not State.HELD
        told = "; members that have it are told when you publish next" if published else ""
        return f"it never matches here again{told}"
    return f"it never matches here again, whatever {summary.record.details.source} says of it later"


def _by_two(summary: CaseSummary, decision: str, does: str) -> str:
    """Say the effect of a decision also where two people are required."""
    if not summary.two_person:
        return does
    proposed, who = summary.proposed
    if proposed == decision and who != summary.actor:
        return f"confirms what {who} proposed: {does}"
    instead = f" instead of what {who} proposed" if proposed and who != summary.actor else ""
    return f"proposes this{instead}, and another person has to confirm it: {does}"


def _replaced(summary: CaseSummary) -> str:
    own = summary.own_opinion
    return f"; replaces what was said here on {own.at:%Y-%m-%d}" if own is not None and own.verdict != WITHDRAWN else ""
