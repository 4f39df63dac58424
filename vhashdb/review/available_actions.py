"""List the actions that are available for a case, and say in plain words what each does. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from vhashdb.codes import LOCAL, METADATA, SAW_CONTENT, SAW_MATCH, WITHDRAWN
from vhashdb.moderation.policy import Action
from vhashdb.review.answers import Act, AvailableAction
from vhashdb.review.case_summary import CaseSummary
from vhashdb.review.grouping import Group
from vhashdb.store.queue import Cause
from vhashdb.store.records import State

_DECIDED: Final = frozenset(Cause) - {Cause.MATCHED, Cause.ESCALATED}
"""Causes that accepting ends."""


def record_actions(summary: CaseSummary, reasons: Mapping[Act, Sequence[str]]) -> tuple[AvailableAction, ...]:
    """List the actions for a record that waits, with the reasons to choose from."""
    about_files = (Act.LOOKED,)
    return tuple(
        action if action.act in about_files else replace(action, reasons=tuple(reasons.get(action.act, ()))) for action in _actions(summary)
    )


def group_actions(group: Group, reasons: Mapping[Act, Sequence[str]]) -> tuple[AvailableAction, ...]:
    """List the actions for files that are answered at once."""
    count = len(group.files)
    it, them = ("the file", "it") if count == 1 else ("both files" if count == 2 else f"all {count} files", "them")
    passed_on = AvailableAction(Act.ESCALATE, f"somebody else decides about {them}", reasons=tuple(reasons[Act.ESCALATE]))
    if not group.records:
        looked = f"somebody looked at {them}, as far as that can be done"
        return AvailableAction(Act.LOOKED, looked, reasons=tuple(reasons[Act.LOOKED])), passed_on
    one, some, video = ("has", "have", "the sound of the known video") if group.by_sound else ("shows", "show", "the known video")
    right = f"{it} {one if count == 1 else some} {video}; this is also your opinion that it belongs here"
    none = f"the file does not {some}" if count == 1 else f"{'neither file' if count == 2 else f'none of the {count} files'} {one}"
    wrong = f"{none} {video}, and {'never matches' if count == 1 else 'none of them ever matches'} it again"
    attention = "listened to" if group.by_sound else "looked at"
    return (
        AvailableAction(Act.RIGHT, right, SAW_MATCH, tuple(reasons[Act.RIGHT])),
        AvailableAction(Act.SEEN, f"the same, and you {attention} {them} at these times", SAW_CONTENT, tuple(reasons[Act.SEEN])),
        AvailableAction(Act.WRONG, wrong, SAW_MATCH, tuple(reasons[Act.WRONG])),
        passed_on,
    )


def _actions(summary: CaseSummary) -> Iterator[AvailableAction]:
    causes = summary.causes
    basis = SAW_MATCH if summary.hits else METADATA
    if causes & _DECIDED:
        yield AvailableAction(Act.ACCEPT, _by_two(summary, "accepted", "; ".join(_accepting(summary))))
    yield AvailableAction(Act.REJECT, _by_two(summary, "rejected", _rejecting(summary)))
    if causes & {Cause.MATCHED, Cause.ESCALATED}:
        yield AvailableAction(Act.LOOKED, "nothing is changed or said; it waits again when it matches another file")
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
