"""Record what somebody says who looked at a record or at a match, so that it can be taken back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import AGREE, LOCAL, SAW_CONTENT, SAW_MATCH
from vhashdb.store import schema
from vhashdb.store.opinions import Opinion, Opinions
from vhashdb.store.queue import UNDONE
from vhashdb.store.records import Record
from vhashdb.store.records_file import Store
from vhashdb.store.undoing import UndoRecorder, UndoState


class AssessedMatch(NamedTuple):
    """A match that somebody here looked at: of which file, with which record."""

    sha256: str
    record: str


class Assessments:
    """Assessments by people of one database. Each is one transaction, and returns what `Reviews.undo` needs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opinions = Opinions(store)

    def looked_at(self, record: Record, *, reason: str = "") -> UndoState:
        """Note that somebody looked at a record that matched, and has nothing to say about it."""
        with self._remembered(record) as (connection, memories):
            self._store.audit.log_in(connection, "looked-at", record.id, reason=reason)
        return memories[0]

    def opine(self, record: Record, verdict: str, *, basis: str, reason: str = "") -> UndoState:
        """Give an opinion, as `Opinions.give` does."""
        opinion = self._opinions.made(record, verdict, basis=basis, reason=reason)
        with self._remembered(record) as (connection, memories):
            self._opinions.give_in(connection, record, opinion)
        return memories[0]

    def confirm(self, record: Record, sha256: str, *, basis: str, reason: str = "") -> UndoState:
        """Say that the file with this hash does show a record, or has its sound, and so agree that the record belongs here.

        An opinion that says as much already stays as it is.
        """
        before, opinion = self.own(record), self._opinions.made(record, AGREE, basis=basis, reason=reason)
        with self._remembered(record) as (connection, memories):
            if before is None or (before.verdict, before.basis) not in ((AGREE, basis), (AGREE, SAW_CONTENT)):
                self._opinions.give_in(connection, record, opinion)
            self._store.audit.log_in(connection, "confirm-match", record.id, sha256=sha256, reason=reason)
        return memories[0]

    def deny(self, record: Record, sha256: str, *, reason: str = "", verdict: str = "", basis: str = SAW_MATCH) -> UndoState:
        """Mark that the file with this hash is not a record; with ``verdict`` also say so of the record itself."""
        opinion = self._opinions.made(record, verdict, basis=basis, reason=reason) if verdict else None
        with self._remembered(record, sha256) as (connection, memories):
            self._store.mark_in(connection, record.id, sha256, reason)
            if opinion is not None:
                self._opinions.give_in(connection, record, opinion)
        return memories[0]

    def own(self, record: Record) -> Opinion | None:
        """Return the latest opinion of people here on a record, if they gave one."""
        return next((said for said in reversed(self._opinions.about(record)) if said.author == LOCAL), None)

    def assessed(self) -> frozenset[AssessedMatch]:
        """Return every match that was confirmed or denied, and not taken back."""
        audit = schema.audit.c
        with self._store.transactions.reading() as connection:
            undone = connection.execute(sa.select(audit.details).where(audit.action == UNDONE)).scalars()
            lines = {line for details in undone for line in json.loads(details)["lines"]}
            confirmed = connection.execute(sa.select(schema.audit).where(audit.action == "confirm-match")).mappings()
            right = {AssessedMatch(json.loads(row["details"])["sha256"], row["record"]) for row in confirmed if row["number"] not in lines}
            wrong = {AssessedMatch(row.sha256, row.record) for row in connection.execute(sa.select(schema.not_this))}
        return frozenset(right | wrong)

    @contextlib.contextmanager
    def _remembered(self, record: Record, sha256: str | None = None) -> Iterator[tuple[Connection, list[UndoState]]]:
        """Open a transaction about a record; its state before is in the list once the transaction has ended."""
        memories: list[UndoState] = []
        with self._store.transactions.writing() as connection:
            remembering = UndoRecorder(connection, record.id, sha256)
            yield connection, memories
            memories.append(remembering.ended())
