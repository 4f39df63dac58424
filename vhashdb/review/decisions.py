"""What people decided about files before, as the database has it now, and which matches therefore wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from vhashdb.review.found import FoundMatch
from vhashdb.store import CaseState

if TYPE_CHECKING:
    from vhashdb.database import Database
    from vhashdb.store import CaseDecision


class Decisions:
    """What people decided about the files of a list, as the database has it now."""

    def __init__(self, keys: Mapping[str, str], decisions: Mapping[str, Sequence[CaseDecision]], actor: str) -> None:
        self._keys, self._decisions, self._actor = keys, decisions, actor

    @classmethod
    def about(cls, database: Database, found: Iterable[FoundMatch]) -> Decisions:
        """Read them, all at once, for the person who is named in what is written now."""
        hits = database.store.hits
        keys = {one.sha256: hits.file(one.sha256) for one in found if one.sha256 is not None}
        return cls(keys, hits.decisions(keys.values()), database.store.audit.actor)

    def of(self, one: FoundMatch) -> CaseDecision | None:
        """Return the decision about a match; None if there is none."""
        if one.sha256 is None:
            return None
        some = self._decisions.get(self._keys[one.sha256], ())
        return next((decision for decision in some if decision.record == one.record), None)

    def wait(self, one: FoundMatch) -> bool:
        """Tell whether a match waits for this person: nothing is decided, something has changed since, or somebody else passed it on."""
        decision = self.of(one)
        if decision is None or not decision.stands:
            return True
        return self.passed_to(one)

    def passed_to(self, one: FoundMatch) -> bool:
        """Tell whether somebody else passed a match on, to this person among others."""
        decision = self.of(one)
        return decision is not None and decision.stands and decision.state is CaseState.ESCALATED and decision.by != self._actor

    def passed_on(self, one: FoundMatch) -> bool:
        """Tell whether a match waits for somebody else."""
        decision = self.of(one)
        return decision is not None and not decision.closed and not self.wait(one)

    def changed(self, one: FoundMatch) -> str:
        """Say what was decided before about a match that waits again; empty if nothing was."""
        decision = self.of(one)
        return decision.words if decision is not None else ""


ANSWERS: Final[Mapping[CaseState, str]] = {
    CaseState.CONFIRMED: "right",
    CaseState.NOT_THIS: "wrong",
    CaseState.ESCALATED: "passed on",
    CaseState.LOOKED_AT: "looked at",
}
"""What a handover calls each decision."""
