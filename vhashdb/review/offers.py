"""What may be answered to a case, and what each answer does, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vhashdb.moderation.policy import Action
from vhashdb.review.answers import Act, Offer
from vhashdb.review.dossier import Dossier
from vhashdb.review.found import FoundMatch
from vhashdb.store.opinions import LOCAL
from vhashdb.store.queue import Cause
from vhashdb.store.records import State

_DECIDED: Final = frozenset(Cause) - {Cause.MATCHED}
"""Causes that accepting ends."""
_SAW_MATCH: Final = "saw_match"


def offers(dossier: Dossier) -> tuple[Offer, ...]:
    """What may be answered to a record that waits."""
    return tuple(_offers(dossier))


def match_offers(dossier: Dossier, found: FoundMatch) -> tuple[Offer, ...]:
    """What may be answered to one match of one file."""
    name = dossier.record.short_id
    note = "" if found.sha256 else "; the line has no SHA-256 of the file, so it will be asked again"
    right = Offer(
        Act.RIGHT, f"the file does show rec {name}; this is also your opinion that it belongs here{_replaced(dossier)}{note}", _SAW_MATCH
    )
    if not found.sha256:
        return (right,)
    wrong = f"the file does not show rec {name}: this very file never matches it again"
    return right, Offer(Act.WRONG, wrong, _SAW_MATCH)


def _offers(dossier: Dossier) -> Iterator[Offer]:
    causes = dossier.causes
    basis = _SAW_MATCH if dossier.hits else "metadata"
    if causes & _DECIDED:
        yield Offer(Act.ACCEPT, _by_two(dossier, "accepted", "; ".join(_accepting(dossier))))
    yield Offer(Act.REJECT, _by_two(dossier, "rejected", _rejecting(dossier)))
    if Cause.MATCHED in causes:
        yield Offer(Act.LOOKED, "nothing is changed or said; it waits again when it matches again")
    replaced = _replaced(dossier)
    yield Offer(Act.AGREE, f"your opinion that it belongs here, for members to read{replaced}", basis)
    less = "; a match then leads to a review at most" if dossier.ceiling.action is Action.BLOCK else ""
    yield Offer(Act.DISPUTE, f"your opinion that something is wrong with it, for members to read{less}{replaced}", basis)
    yield Offer(Act.NOT_THIS, "you name a file that it wrongly matched, which never matches it again")


def _accepting(dossier: Dossier) -> Iterator[str]:
    """What accepting does, for each reason why the record waits."""
    details, source = dossier.record.details, dossier.record.details.source
    mine = source == LOCAL
    if Cause.HELD in dossier.causes:
        yield f"it is held no longer, and a match may lead to {dossier.accepted.action}"
    if Cause.DISPUTED in dossier.causes:
        yield "it stays; a match leads to a review at most while that opinion stands"
    if Cause.DUE in dossier.causes:
        yield (
            "somebody looked again; its day of review is taken away"
            if mine
            else f"it stays, and is due again when {source} names a new day"
        )
    if Cause.EXPIRED in dossier.causes:
        kept = f"it stays on file and does not match; only {source} can give it a new last day"
        yield f"its last day, {details.expires}, is taken away, so that it matches again" if mine else kept
    if Cause.PROPOSED in dossier.causes:
        yield "it stays as it is"


def _rejecting(dossier: Dossier) -> str:
    if dossier.record.details.source == LOCAL:
        published = dossier.published.feed != LOCAL and dossier.record.state is not State.HELD
        told = "; members that have it are told when you publish next" if published else ""
        return f"it never matches here again{told}"
    return f"it never matches here again, whatever {dossier.record.details.source} says of it later"


def _by_two(dossier: Dossier, decision: str, does: str) -> str:
    """The same where two people are required."""
    if not dossier.two_person:
        return does
    proposed, who = dossier.proposed
    if proposed == decision and who != dossier.actor:
        return f"confirms what {who} proposed: {does}"
    instead = f" instead of what {who} proposed" if proposed and who != dossier.actor else ""
    return f"proposes this{instead}, and another person has to confirm it: {does}"


def _replaced(dossier: Dossier) -> str:
    own = dossier.own_opinion
    return f"; replaces what was said here on {own.at:%Y-%m-%d}" if own is not None and own.verdict != "withdrawn" else ""
