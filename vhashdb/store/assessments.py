"""Record what somebody says who looked at a record or at a match, so that it can be taken back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy.engine import Connection

from vhashdb.codes import AGREE, LOCAL, SAW_CONTENT, SAW_MATCH
from vhashdb.store.hits import CaseState, settle_in
from vhashdb.store.opinions import Opinion, Opinions
from vhashdb.store.records import Record
from vhashdb.store.records_file import Store
from vhashdb.store.undoing import UndoRecorder, UndoState


class FileCase(NamedTuple):
    """A file and a record, about which somebody decides."""

    file: str
    """What the file is known by: `Hits.file`."""
    record: Record | None
    """None: the decision is about the file by itself, which could not be checked."""
    verdict: str = ""
    """Of the match; empty if it may never have matched."""
    score: float = 0.0
    """Of the match, 0…1."""


ACTIONS: Final[Mapping[CaseState, str]] = {
    CaseState.CONFIRMED: "confirm-match",
    CaseState.NOT_THIS: "unmatch",
    CaseState.ESCALATED: "escalate",
    CaseState.LOOKED_AT: "looked-at",
}
"""What the audit log calls a decision about a file."""


class Assessments:
    """Assessments by people of one database. Each is one transaction, and returns what `Reviews.undo` needs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opinions = Opinions(store)

    def looked_at(self, record: Record, *, reason: str = "") -> UndoState:
        """Note that somebody looked at a record that matched, and has nothing to say about it."""
        with self._remembered({record.id: ()}) as (connection, memories):
            settle_in(connection, record.id, self._store.audit.log_in(connection, "looked-at", record.id, reason=reason))
        return memories[0]

    def opine(self, record: Record, verdict: str, *, basis: str, reason: str = "") -> UndoState:
        """Give an opinion, as `Opinions.give` does."""
        opinion = self._opinions.made(record, verdict, basis=basis, reason=reason)
        with self._remembered({record.id: ()}) as (connection, memories):
            settle_in(connection, record.id, self._opinions.give_in(connection, record, opinion))
        return memories[0]

    def confirm(self, record: Record, sha256: str, *, basis: str, reason: str = "") -> UndoState:
        """Say that the file with this hash does show a record, or has its sound, and so agree that the record belongs here.

        An opinion that says as much already stays as it is.
        """
        case = FileCase(self._store.hits.file(sha256), record)
        return self.decide([case], CaseState.CONFIRMED, reason=reason, basis=basis)[0]

    def deny(self, record: Record, sha256: str, *, reason: str = "", verdict: str = "", basis: str = SAW_MATCH) -> UndoState:
        """Mark that the file with this hash is not a record; with ``verdict`` also say so of the record itself."""
        case = FileCase(self._store.hits.file(sha256), record)
        return self.decide([case], CaseState.NOT_THIS, reason=reason, verdict=verdict, basis=basis)[0]

    def decide(
        self, cases: Sequence[FileCase], state: CaseState, *, reason: str = "", verdict: str = "", basis: str = SAW_MATCH
    ) -> list[UndoState]:
        """Decide about any number of files and records at once: all of it is written, or nothing.

        To confirm a file is also to agree that the record belongs here, unless people here said as much already.

        Args:
            cases: each file with the record it matched.
            state: the decision.
            reason: why; of an opinion, for members to read.
            verdict: what to say of the records themselves; empty: nothing but what confirming says.
            basis: of that opinion.

        Returns:
            For each record what `Reviews.undo` needs.
        """
        verdict = verdict or (AGREE if state is CaseState.CONFIRMED else "")
        records = {case.record.id: case.record for case in cases if case.record is not None}
        opinions = {
            record.id: self._opinions.made(record, verdict, basis=basis, reason=reason)
            for record in records.values()
            if verdict and not self._said(record, verdict, basis)
        }
        files: dict[str, list[str]] = {}
        for case in cases:
            files.setdefault(case.record.id if case.record is not None else "", []).append(case.file)
        with self._remembered(files) as (connection, memories):
            for identifier, opinion in opinions.items():
                self._opinions.give_in(connection, records[identifier], opinion)
            for case in cases:
                of = case.record.id if case.record is not None else ""
                self._store.decide_in(
                    connection, ACTIONS[state], of, case.file, state, reason=reason, verdict=case.verdict, score=case.score
                )
        return memories

    def _said(self, record: Record, verdict: str, basis: str) -> bool:
        """Tell whether people here said this of a record already, on grounds as good."""
        before = self.own(record)
        return before is not None and verdict == AGREE and (before.verdict, before.basis) in ((AGREE, basis), (AGREE, SAW_CONTENT))

    def own(self, record: Record) -> Opinion | None:
        """Return the latest opinion of people here on a record, if they gave one."""
        return next((said for said in reversed(self._opinions.about(record)) if said.author == LOCAL), None)

    @contextlib.contextmanager
    def _remembered(self, files: Mapping[str, Sequence[str]]) -> Iterator[tuple[Connection, list[UndoState]]]:
        """Open a transaction about records and files that matched them; their states before are in the list once it has ended."""
        memories: list[UndoState] = []
        with self._store.transactions.writing() as connection:
            remembering = [UndoRecorder(connection, record, some) for record, some in files.items()]
            yield connection, memories
            memories += [recorder.ended() for recorder in remembering]
