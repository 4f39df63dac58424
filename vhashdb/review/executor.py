"""Carry out in the database what a reviewer decided about a case, and take it back."""

from __future__ import annotations

import os
from dataclasses import dataclass

from vhashdb.codes import AGREE, FALSE_POSITIVE, SAW_CONTENT, SAW_MATCH
from vhashdb.errors import UsageError
from vhashdb.inputs import sha256_of
from vhashdb.review.answers import Act, Answer
from vhashdb.store import Record, Store
from vhashdb.store.moderation import Moderation
from vhashdb.store.reviews import Decision
from vhashdb.store.undoing import UndoState


@dataclass(frozen=True)
class Done:
    """Result of a decision."""

    record: Record
    """As it stands now."""
    final: bool
    """False: a second person has to confirm it."""
    memories: tuple[UndoState, ...]


class DecisionExecutor:
    """Carry out what a reviewer decided; each decision is one transaction."""

    def __init__(self, store: Store, moderation: Moderation) -> None:
        self._store, self._moderation = store, moderation

    def carry_out(self, record: Record, answer: Answer, sha256: str | None = None) -> Done:
        """Write what was answered.

        Args:
            record: the record it is about.
            answer: all of whose questions are answered.
            sha256: of the file that matched, where the answer is about a match.

        Raises:
            VhashdbError: it cannot be written; nothing was.
        """
        final = True
        match answer.act:
            case Act.ACCEPT | Act.REJECT:
                decision = Decision.ACCEPTED if answer.act is Act.ACCEPT else Decision.REJECTED
                outcome = self._moderation.reviews.decide(record, decision, reason=answer.reason)
                final, memories = outcome.final, [outcome.memory]
            case Act.LOOKED:
                memories = [self._moderation.assessments.looked_at(record, reason=answer.reason)]
            case Act.AGREE | Act.DISPUTE:
                memories = [self._moderation.assessments.opine(record, answer.verdict, basis=answer.basis, reason=answer.reason)]
            case Act.NOT_THIS:
                memories = [self._moderation.assessments.deny(record, sha256_of(os.path.expanduser(answer.file)), reason=answer.reason)]
            case Act.RIGHT | Act.WRONG:
                memories = [self._judged(record, answer, sha256)]
        return Done(self._store.get(record.id), final, tuple(memories))

    def take_back(self, done: Done) -> Record:
        """Put the record back to how it stood.

        Raises:
            UsageError: somebody did something with it since, or others may know of it already.
        """
        self._moderation.reviews.undo(*done.memories)
        return self._store.get(done.record.id)

    def _judged(self, record: Record, answer: Answer, sha256: str | None) -> UndoState:
        assessments, basis = self._moderation.assessments, SAW_CONTENT if answer.saw else SAW_MATCH
        if answer.act is Act.RIGHT:
            if sha256 is None:
                return assessments.opine(record, AGREE, basis=basis, reason=answer.reason)
            return assessments.confirm(record, sha256, basis=basis, reason=answer.reason)
        if sha256 is None:
            raise UsageError("nothing says which file it was", hint="match the file itself")
        return assessments.deny(record, sha256, reason=answer.reason, verdict=FALSE_POSITIVE if answer.also else "", basis=basis)
