"""Carry out in the database what a reviewer decided about a case, and take it back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.inputs import sha256_of
from vhashdb.review.answers import Act, Answer
from vhashdb.store import Record, Store
from vhashdb.store.assessments import FileCase
from vhashdb.store.hits import CaseState
from vhashdb.store.moderation import Moderation
from vhashdb.store.reviews import Decision
from vhashdb.store.undoing import UndoState

_STATES: Final[Mapping[Act, CaseState]] = {
    Act.RIGHT: CaseState.CONFIRMED,
    Act.SEEN: CaseState.CONFIRMED,
    Act.WRONG: CaseState.NOT_THIS,
    Act.ESCALATE: CaseState.ESCALATED,
    Act.LOOKED: CaseState.LOOKED_AT,
}
"""What each answer about files decides."""


@dataclass(frozen=True)
class Done:
    """Result of a decision."""

    final: bool
    """False: a second person has to confirm it."""
    memories: tuple[UndoState, ...]


class DecisionExecutor:
    """Carry out what a reviewer decided; each decision is one transaction."""

    def __init__(self, store: Store, moderation: Moderation) -> None:
        self._store, self._moderation = store, moderation

    def carry_out(self, record: Record, answer: Answer, also: Sequence[Record] = ()) -> Done:
        """Write what was answered about a record.

        Args:
            record: the record it is about.
            answer: all of whose questions are answered.
            also: records of the same video, which are looked at when it is.

        Raises:
            VhashdbError: it cannot be written; nothing was.
        """
        assessments = self._moderation.assessments
        match answer.act:
            case Act.ACCEPT | Act.REJECT:
                decision = Decision.ACCEPTED if answer.act is Act.ACCEPT else Decision.REJECTED
                outcome = self._moderation.reviews.decide(record, decision, reason=answer.reason)
                return Done(outcome.final, (outcome.memory,))
            case Act.LOOKED:
                return Done(True, tuple(assessments.looked_at(each, reason=answer.reason) for each in (record, *also)))
            case Act.NOT_THIS:
                memory = assessments.deny(record, sha256_of(os.path.expanduser(answer.file)), reason=answer.reason)
            case _:
                memory = assessments.opine(record, answer.verdict, basis=answer.basis, reason=answer.reason)
        return Done(True, (memory,))

    def decide(self, cases: Sequence[FileCase], answer: Answer) -> Done:
        """Write what was answered about any number of files at once.

        Raises:
            VhashdbError: it cannot be written; nothing was.
        """
        memories = self._moderation.assessments.decide(cases, _STATES[answer.act], reason=answer.reason, basis=answer.basis)
        return Done(True, tuple(memories))

    def take_back(self, done: Done) -> None:
        """Put everything back to how it stood.

        Raises:
            UsageError: somebody did something with a record since, or others may know of it already.
        """
        self._moderation.reviews.undo(*done.memories)
