"""The database as its users see it: a folder with records and an index, and the questions one can ask it."""

from __future__ import annotations

import contextlib
import datetime
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from PIL.Image import Image

from vhashdb.errors import DatabaseEmpty, DatabaseExists, DatabaseNotFound, NotADatabase, UnreadableMedia
from vhashdb.exchange.exchange import Exchange
from vhashdb.fingerprinting import build, rebuild
from vhashdb.fingerprints import CLOSE_VIEWS, KEYFRAME_VIEWS, QUERY_VIEWS, REFERENCE_VIEWS, SCOUT_VIEWS, Fingerprint, Plan
from vhashdb.hashing.algorithms import AlgorithmId, algorithm
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index import FrameIndex
from vhashdb.inputs import FileHashes, Source, as_image, as_path, hash_file, sha256_of
from vhashdb.limits import Limits
from vhashdb.live_index import LiveIndex
from vhashdb.matching.candidates import Candidacy, Candidate, candidacy
from vhashdb.matching.comparison import compare
from vhashdb.matching.explanation import Explanation, explain
from vhashdb.matching.ranking import Known, weigh
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.results import Addition, AddStatus, Effort, Match, Near, Result, effort_of
from vhashdb.store import AuditEntry, Details, NewRecord, Record, Selection, State, Store
from vhashdb.store.clock import now_utc
from vhashdb.store.store import LOCK_TIMEOUT_S
from vhashdb.store.withdrawals import withdraw
from vhashdb.video import DecoderPool

RECORDS_FILE: Final = "records.sqlite"
INDEX_FOLDER: Final = "index"


@dataclass(frozen=True)
class _Depth:
    """What an effort means."""

    plans: tuple[Plan, ...]
    """Tried one after the other until nothing is left open."""
    radius: float
    """Share of bits within which a record becomes a candidate."""


DEPTHS: Final = {
    Effort.FAST: _Depth((KEYFRAME_VIEWS, QUERY_VIEWS), 40 / 256),
    Effort.BALANCED: _Depth((SCOUT_VIEWS, QUERY_VIEWS), 52 / 256),
    Effort.THOROUGH: _Depth((CLOSE_VIEWS,), 52 / 256),
}
INDEX_SAMPLE: Final = 1000
"""Records that `Database.check` looks up in the index, picked at random."""
FIRST_LOOK: Final = "first look"
"""What `Database.match` begins with; without a candidate it also ends there, except for a still picture."""
FULL_LOOK: Final = "full look"
SECOND_PERSON: Final = "a second person has to confirm it"
STILL_S: Final = 0.2
"""Seconds under which an input counts as a still picture."""
MIN_USABLE_S: Final = 1.0
"""Usable seconds under which an input that matches nothing is `insufficient` …"""
MIN_USABLE_SHARE: Final = 0.1
"""… as it is when less than this share of it is usable."""


@dataclass(frozen=True)
class Prepared:
    """A video that is fingerprinted and compared with nothing yet: what `Database.prepare` gives `Database.record`."""

    reference: Fingerprint
    query: Fingerprint
    hashes: FileHashes | None


@dataclass(frozen=True)
class Health:
    """What `Database.check` found."""

    problems: tuple[str, ...]
    """Everything that was wrong, in words."""
    repaired: tuple[str, ...]
    """What was done about it."""
    left: tuple[str, ...]
    """Problems that are still there: of the records themselves, which nothing in here can bring back."""


class Database:
    """A vhashdb database. Made by `vhashdb.create`, opened by `vhashdb.open`; use it in a ``with`` statement.

    Reading is safe from several threads; one process at a time writes.
    """

    def __init__(self, path: Path, store: Store, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self._store = store
        self._algorithm_id = store.algorithm
        self._algorithm = algorithm(self._algorithm_id.name, self._algorithm_id.bits)
        self._algorithm_id.require(self._algorithm.id)
        self._live = LiveIndex(path / INDEX_FOLDER, store, self._algorithm_id)
        self._wrote = False
        self._asked: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._decoders = DecoderPool(limits)
        self.exchange = Exchange(store, path, self._algorithm_id, self._with_pictures_like, self.note_written)
        """Feeds, opinions, reviews: what is shared with others."""

    @classmethod
    def create(cls, path: Path, *, algorithm_name: str = "pdq", bits: int = 256, limits: Limits | None = None) -> Database:
        """Make a new, empty database; see `vhashdb.create`."""
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise DatabaseExists(f"{path} exists already")
        chosen = algorithm(algorithm_name, bits).id
        path.mkdir(parents=True, exist_ok=True)
        return cls(path, Store.create(path / RECORDS_FILE, chosen), limits or Limits())

    @classmethod
    def open(cls, path: Path, *, limits: Limits | None = None, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Database:
        """Open an existing database; see `vhashdb.open`."""
        if not path.exists():
            raise DatabaseNotFound(f"there is no database at {path}")
        records = path / RECORDS_FILE
        if not path.is_dir() or not records.is_file():
            raise NotADatabase(f"{path} is not a vhashdb database")
        return cls(path, Store.open(records, lock_timeout_s=lock_timeout_s), limits or Limits())

    def close(self) -> None:
        """Keep the index if this process wrote records, end decoder processes, release the files."""
        try:
            if self._wrote:
                self._live.keep()
                self._live.finish()
            if self._asked:
                self._store.log("queries", None, **self._asked)
                self._asked.clear()
        finally:  # whatever went wrong, no decoder process stays behind
            self._decoders.close()
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- what is in here -----------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The records and the audit log."""
        return self._store

    @property
    def algorithm(self) -> AlgorithmId:
        """The frame algorithm of all records."""
        return self._algorithm_id

    @property
    def index(self) -> FrameIndex:
        """The index, brought up to date with the store."""
        return self._live.current

    @property
    def live(self) -> LiveIndex:
        """The index as it is on disk: its state and its upkeep."""
        return self._live

    @property
    def index_problem(self) -> str | None:
        """Why the index on disk could not be used and was made again from the records, if so."""
        return self._live.problem

    def __len__(self) -> int:
        """Records that can be matched."""
        return sum(count for state, count in self._store.counts().items() if state is not State.RETRACTED)

    def get(self, identifier: str) -> Record:
        """The record with this id, or with the only id that begins so."""
        return self._store.get(identifier)

    def records(
        self, *, labels: Sequence[str] = (), states: Sequence[State] = (), source: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        """Records in the order they were added; every given label must be there."""
        return self._store.records(labels=labels, states=states, source=source, limit=limit)

    def fingerprint(self, identifier: str) -> Fingerprint:
        """The stored fingerprint of a record."""
        return self._store.fingerprint(self.get(identifier).id)

    def audit(self, *, record: str | None = None, limit: int | None = None) -> list[AuditEntry]:
        """The newest lines of the audit log."""
        return self._store.audit_log(record=record, limit=limit)

    # -- recording -----------------------------------------------------------------------------

    def add(
        self, source: Source | Fingerprint, *, labels: Sequence[str] = (), reason: str = "", details: Details | None = None
    ) -> Addition:
        """Record a known video.

        The very same file is not recorded twice; a near duplicate is recorded and linked.

        Args:
            source: a path, a picture, an array, a file object, or a reference fingerprint.
            labels: kinds of harm, such as ``"graphic-violence"``.
            reason: why it is here, in words.
            details: everything else; ``labels`` and ``reason`` are added to it.

        Raises:
            MediaError: the input cannot be fingerprinted.
            DatabaseLocked: another process is writing.
        """
        details = details or Details()
        details = replace(details, labels=(*details.labels, *labels), reason=reason or details.reason)
        if known := self.known_file(source):
            return Addition(known, AddStatus.DUPLICATE)
        return self.record(self.prepare(source), details)

    def known_file(self, source: Source | Fingerprint) -> Record | None:
        """The record made from this very file, if there is one."""
        if isinstance(source, str | os.PathLike) and Path(source).is_file():
            return self._store.by_sha256(sha256_of(source))
        return None

    def prepare(self, source: Source | Fingerprint) -> Prepared:
        """The part of `add` that costs time and writes nothing; safe from several threads."""
        if isinstance(source, Fingerprint):
            self._algorithm_id.require(source.algorithm)
            return Prepared(source, source, None)
        hashes = hash_file(source) if isinstance(source, str | os.PathLike) and Path(source).is_file() else None
        built = build(source, [REFERENCE_VIEWS, SCOUT_VIEWS], self._algorithm, self._decoders, self.limits)
        return Prepared(built.fingerprints[0], built.fingerprints[1], hashes)

    def record(self, prepared: Prepared, details: Details) -> Addition:
        """The part of `add` that writes: one transaction, durable when it returns."""
        sha256, md5 = (prepared.hashes.sha256, prepared.hashes.md5) if prepared.hashes else (None, None)
        with self._lock:
            if sha256 and (known := self._store.by_sha256(sha256)):
                return Addition(known, AddStatus.DUPLICATE)
            alike = self._compared(prepared.query, self._candidates(prepared.query, Effort.BALANCED))
            near = tuple(Near(m.record.id, m.score, m.verdict) for m in alike)
            new = NewRecord(prepared.reference.duration_s, sha256, md5, details)
            held = SECOND_PERSON if self.exchange.reviews.rules.two_person else ""
            record = self._store.add(new, prepared.reference, [(n.record, n.score) for n in near], held=held)
            self._wrote = True
            self._live.keep()
        status = AddStatus.NEAR_DUPLICATE if near else AddStatus.ADDED
        notes = () if prepared.reference.usable.any() else ("shows too little to be found again, except as the very same file",)
        return Addition(record, status, near, (*prepared.reference.damage, *notes))

    def note_written(self) -> None:
        """The store was written to by the exchange or an import: the index is kept when the database is closed."""
        self._wrote = True

    def label(self, identifier: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Record:
        """Add and take away labels of a record."""
        self._wrote = True
        return self._store.relabel(identifier, add=add, remove=remove)

    def retract(self, identifier: str, *, reason: str, code: str = "withdrawn", erase: bool = False) -> Record:
        """Withdraw a record: it stops matching at once and stays on file.

        Args:
            identifier: of the record.
            reason: in words, for people here.
            code: the same for whoever follows a feed of this database; one of `vhashdb.store.withdrawals.CODES`.
            erase: keep nothing of its content, here or there.
        """
        self._wrote = True
        return withdraw(self._store, self.get(identifier), reason=reason, code=code, erase=erase)

    def unmatch(self, source: str | os.PathLike[str], identifier: str, *, reason: str = "") -> Record:
        """Remember that this file is *not* that record, whatever the hashes say."""
        record = self.get(identifier)
        self._store.mark_not_this(record.id, sha256_of(source), reason)
        return record

    # -- asking --------------------------------------------------------------------------------

    def match(self, source: Source | Fingerprint, *, effort: Effort | str = Effort.BALANCED, among: Selection | None = None) -> Result:
        """Is any part of this a known video?

        Args:
            source: a path, a picture, an array, a file object, or a fingerprint (made with ``views="query"`` for best recall).
            effort: how much to spend; see `Effort`.
            among: which records count; None: all of them.

        Raises:
            MediaError: the input cannot be read.
            DatabaseEmpty: there is nothing to compare with.
            AlgorithmMismatch: the fingerprint is of another algorithm than the database.
        """
        effort = effort_of(effort)
        if not len(self.index) and not len(self):
            raise DatabaseEmpty(f"{self.path} holds no record to match against")
        if isinstance(source, Fingerprint):
            self._algorithm_id.require(source.algorithm)
            found = self._candidates(source, effort, among)
            return self._answer(source, effort, None, 0.0, self._compared(source, found))
        image = as_image(source)
        if image is not None:
            return self._ask(image, effort, None, among)
        with as_path(source, self.limits) as path:
            hashes = hash_file(path) if self._store.has_md5_alone() else FileHashes(sha256_of(path))
            return self._ask(path, effort, hashes, among)

    def _ask(self, source: Path | Image, effort: Effort, file: FileHashes | None, among: Selection | None) -> Result:
        """Look as deep as the effort goes, and no deeper than the question needs."""
        *first, last = DEPTHS[effort].plans
        spent_s, built = 0.0, None
        for plan in first:
            # A file without keyframes, or one that does not mark them, is left to the next plan.
            with contextlib.suppress(UnreadableMedia):
                built = build(source, [plan], self._algorithm, self._decoders, self.limits)
                query, spent_s = built.fingerprints[0], spent_s + built.decode_cpu_s
                found = self._candidates(query, effort, among)
                # On a still there is nothing to save.
                if not found and query.usable.any() and query.duration_s >= STILL_S:
                    return self._answer(query, effort, file, spent_s, [], among)
        closer = rebuild(built, last, self._algorithm) if built else None
        if closer is None:
            built = build(source, [last], self._algorithm, self._decoders, self.limits)
            closer, spent_s = built.fingerprints[0], spent_s + built.decode_cpu_s
        matches = self._compared(closer, self._candidates(closer, Effort.BALANCED, among))
        return replace(self._answer(closer, effort, file, spent_s, matches, among), confirmed=bool(first))

    def explain(self, source: Source | Fingerprint, identifier: str, *, effort: Effort | str = Effort.BALANCED) -> Explanation:
        """How an input compares with one record, and whether a search comes upon it: everything, whatever the verdict.

        Raises:
            MediaError: the input cannot be read.
            RecordNotFound: there is no such record.
        """
        effort, record = effort_of(effort), self.get(identifier)
        looks = [source] if isinstance(source, Fingerprint) else self._all_looks(source, effort)
        reference = self._store.fingerprint(record.id)
        reference.algorithm.require(looks[-1].algorithm)
        # As `match` has it: what follows on a first look is searched with the radius of `balanced`.
        asked = [(FIRST_LOOK, look, effort) for look in looks[:-1]] + [
            (FULL_LOOK, looks[-1], effort if isinstance(source, Fingerprint) else Effort.BALANCED)
        ]
        candidacy = tuple(self._candidacy(name, look, depth, record, reference) for name, look, depth in asked)
        explanation = explain(looks[-1], reference, candidacy)
        if not explanation.judgement.found or candidacy[-1].place is None:
            return explanation
        among = self._weighed(looks[-1], self._candidates(looks[-1], asked[-1][2]))
        return replace(explanation, among_others=next(judgement for other, judgement in among if other.id == record.id))

    def _all_looks(self, source: Source, effort: Effort) -> list[Fingerprint]:
        """The fingerprints that `match` makes at an effort when it need not stop early."""
        *first, last = DEPTHS[effort].plans
        image = as_image(source)
        with contextlib.nullcontext(image) if image is not None else as_path(source, self.limits) as given:
            if all(plan.sampling == last.sampling for plan in first):
                return list(build(given, [*first, last], self._algorithm, self._decoders, self.limits).fingerprints)
            made: list[Fingerprint] = []
            for plan in first:
                with contextlib.suppress(UnreadableMedia):  # no keyframes: left to the next plan
                    made += build(given, [plan], self._algorithm, self._decoders, self.limits).fingerprints
            return [*made, *build(given, [last], self._algorithm, self._decoders, self.limits).fingerprints]

    def _candidacy(self, look: str, query: Fingerprint, effort: Effort, record: Record, reference: Fingerprint) -> Candidacy:
        """Whether one look at an input comes upon a record."""
        found = self._candidates(query, effort)
        records = self._store.by_number([c.record for c in found]) if found else {}
        places = (place for place, candidate in enumerate(found, 1) if records[candidate.record].id == record.id)
        by_itself = candidacy(look, query, reference, round(DEPTHS[effort].radius * self._algorithm_id.bits))
        return replace(by_itself, place=next(places, None), candidates=len(found))

    def _answer(
        self,
        query: Fingerprint,
        effort: Effort,
        file: FileHashes | None,
        cpu_s: float,
        matches: list[Match],
        among: Selection | None = None,
    ) -> Result:
        """The verdict on a fingerprint, given what it matches."""
        if file:
            matches = self._with_identical(matches, file, query, among)
            unlike = self._store.not_this(file.sha256)
            matches = [m for m in matches if m.record.id not in unlike]
        matches = self._with_ceilings(matches, query, file.sha256 if file else None)
        verdict, reason = _verdict(query, matches)
        self._note_question(verdict, matches)
        return Result(
            verdict,
            reason,
            tuple(matches),
            duration_s=query.duration_s,
            usable_s=query.usable_s,
            damage=query.damage,
            effort=effort,
            sha256=file.sha256 if file else None,
            decode_cpu_s=cpu_s,
        )

    def _note_question(self, verdict: Verdict, matches: Sequence[Match]) -> None:
        """Audit: each hit at once, by record; the number of questions when the database is closed. Nothing about the file."""
        with self._lock:
            self._asked[verdict.value] += 1
        for match in matches:
            self._store.log("match", match.record.id, verdict=match.verdict.value, score=round(match.score, 3))

    def _compared(self, query: Fingerprint, found: Sequence[Candidate]) -> list[Match]:
        """Of the candidates, the records that the fingerprint matches or may match, best first."""
        matches = [Match(record, judgement) for record, judgement in self._weighed(query, found) if judgement.found]
        return sorted(matches, key=lambda m: (m.verdict is not Verdict.MATCH, -m.score))

    def _weighed(self, query: Fingerprint, found: Sequence[Candidate]) -> list[tuple[Record, Judgement]]:
        """The candidates that can match, each with the judgement on it in the light of the others."""
        records = self._store.by_number([c.record for c in found]) if found else {}
        active = [(records[c.record], c.near_s) for c in found if _in_force(records[c.record])]
        known = []
        for record, near_s in active:
            reference = self._store.fingerprint(record.id)
            known.append(Known(reference, compare(query, reference, near_s=near_s).judgement, near_s))
        return list(zip([record for record, _ in active], weigh(query, known), strict=True))

    def _candidates(self, query: Fingerprint, effort: Effort, among: Selection | None = None) -> list[Candidate]:
        return self._live.candidates(query, round(DEPTHS[effort].radius * self._algorithm_id.bits), among)

    def _with_identical(self, matches: list[Match], file: FileHashes, query: Fingerprint, among: Selection | None) -> list[Match]:
        """The same file decides by itself, still pictures included."""
        same, reason = self._store.by_sha256(file.sha256), "the very same file, byte for byte"
        if same is None and file.md5:
            same, reason = self._store.by_md5(file.md5), "a file with the same MD5, which is all that is known of it"
        if same is None or not _in_force(same) or not (among is None or among.allows(same)):
            return matches
        judgement = next((m.judgement for m in matches if m.record.id == same.id), Judgement(Verdict.MATCH, 1.0, (), (), ""))
        judgement = replace(judgement, verdict=Verdict.MATCH, score=1.0, reason=reason)
        if not judgement.segments:
            judgement = replace(
                judgement, matched_query_s=query.duration_s, matched_reference_s=same.duration_s, query_coverage=1.0, reference_coverage=1.0
            )
        return [Match(same, judgement, identical=True), *(m for m in matches if m.record.id != same.id)]

    def _with_ceilings(self, matches: Sequence[Match], query: Fingerprint, sha256: str | None) -> list[Match]:
        """Each match with the most that it may lead to, and why not more."""
        stretches = [[(s.query_start_s, s.query_end_s) for s in m.segments] or [(0.0, query.duration_s)] for m in matches]
        ceilings = self.exchange.ceilings([m.record for m in matches], query, stretches, sha256)
        return [replace(match, ceiling=ceiling) for match, ceiling in zip(matches, ceilings, strict=True)]

    def _with_pictures_like(self, hashes: PackedHashes, bits: int) -> set[int]:
        """Numbers of the records that have a picture within so many bits of these hashes."""
        return set(self.index.search(hashes, bits).record.tolist())

    # -- the index -----------------------------------------------------------------------------

    def check(self) -> Health:
        """Check the records and the index; make the index again if it is damaged or not as the records are."""
        left = tuple(self._store.problems())
        wrong = self._live.check(INDEX_SAMPLE)
        if wrong is not None:
            self._live.rebuild()
        return Health((*left, wrong) if wrong else left, ("the index was rebuilt from the records",) if wrong else (), left)


def _in_force(record: Record) -> bool:
    """Whether a record may match: neither retracted nor past its time."""
    expires: datetime.date | None = record.details.expires
    return record.state is not State.RETRACTED and (expires is None or expires >= now_utc().date())


def _verdict(query: Fingerprint, matches: Sequence[Match]) -> tuple[Verdict, str]:
    if matches:
        return matches[0].verdict, matches[0].judgement.reason
    if not _shows_enough(query):
        if query.duration_s < STILL_S:
            return Verdict.INSUFFICIENT, "the picture shows too little to compare"
        return Verdict.INSUFFICIENT, f"only {query.usable_s:.1f} of {query.duration_s:.1f} s show enough picture to compare"
    return Verdict.NO_MATCH, "nothing known is alike"


def _shows_enough(query: Fingerprint) -> bool:
    """Whether an input that matches nothing can be said to match nothing."""
    enough_s = max(min(MIN_USABLE_S, 0.5 * query.duration_s), MIN_USABLE_SHARE * query.duration_s)
    return bool(query.usable.any()) and query.usable_s >= enough_s
