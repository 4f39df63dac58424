"""Answering: is any part of an input a known video, and why is a record said to match or not to match?

An input is looked at no deeper than the question needs. The index names candidates, each is compared, and the records that
match are weighed against each other; then come file hashes, local *not this* marks, and what a match may lead to.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from vhashdb.coverage import LEAST_RUN_S, Coverage
from vhashdb.errors import UnreadableMedia
from vhashdb.exchange.exchange import Exchange
from vhashdb.fingerprints import COARSE_PROFILE, DENSE_PROFILE, KEYFRAME_PROFILE, QUERY_PROFILE, ExtractionProfile, Fingerprint
from vhashdb.hash_query import HashQuery
from vhashdb.hashing.algorithms import FrameAlgorithm
from vhashdb.inputs import FileHashes, Source, as_file, as_image, hash_file
from vhashdb.limits import Limits
from vhashdb.live_index import LiveIndex
from vhashdb.matching.candidates import Budget, Candidacy, Candidates, candidacy
from vhashdb.matching.comparison import compare
from vhashdb.matching.explanation import Explanation, explain
from vhashdb.matching.ranking import Known, weigh
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.opening import OpenFile
from vhashdb.query_looks import QueryLooks
from vhashdb.results import Effort, Match, Result
from vhashdb.store import Record, Selection, State, Store
from vhashdb.store.cache import FingerprintCache
from vhashdb.store.question_log import QuestionLog
from vhashdb.video import DecoderPool


@dataclass(frozen=True)
class _Depth:
    """What an effort means."""

    plans: tuple[ExtractionProfile, ...]
    """Tried one after the other until nothing is left open."""
    radius: float
    """Share of bits within which a record becomes a candidate."""


DEPTHS: Final = {
    Effort.FAST: _Depth((KEYFRAME_PROFILE, QUERY_PROFILE), 40 / 256),
    Effort.BALANCED: _Depth((COARSE_PROFILE, QUERY_PROFILE), 52 / 256),
    Effort.THOROUGH: _Depth((DENSE_PROFILE,), 52 / 256),
}
FIRST_LOOK: Final = "first look"
"""What `Database.match` begins with; without a candidate it also ends there, except for a still picture."""
FULL_LOOK: Final = "full look"
MIN_USABLE_S: Final = 1.0
"""Usable seconds under which an input that matches nothing is `insufficient` …"""
MIN_USABLE_SHARE: Final = 0.1
"""… as it is when less than this share of it is usable."""


class _Compared(NamedTuple):
    """What comparing the candidates gave."""

    matches: list[Match]
    left_out: int = 0
    """Records that are near enough to be missed, and were not compared."""


class Questions:
    """The questions of one database; `Database.match` and `Database.explain` ask them. Safe from several threads."""

    def __init__(
        self,
        store: Store,
        live: LiveIndex,
        exchange: Exchange,
        frame_algorithm: FrameAlgorithm,
        decoders: DecoderPool,
        limits: Limits,
        cache: FingerprintCache | None,
        log: QuestionLog,
    ) -> None:
        self._store, self._live, self._exchange, self._limits = store, live, exchange, limits
        self._algorithm, self._decoders, self._cache, self._log = frame_algorithm, decoders, cache, log

    def match(self, source: Source | Fingerprint | HashQuery, effort: Effort, among: Selection | None) -> Result:
        """See `Database.match`."""
        if isinstance(source, HashQuery):
            return self._match_hashes(source, effort, among)
        if isinstance(source, Fingerprint):
            self._algorithm.id.require(source.algorithm)
            found = self._candidates(source, effort, among)
            return self._answer(source, effort, None, 0.0, self._compared(source, found), among)
        with self._looked_at(source) as (looks, file):
            result = self._ask(looks, effort, file, among)
            if not result.matches:  # what was hashed and what was looked at may have been two things
                looks.require_unchanged()
            return result

    def _match_hashes(self, asked: HashQuery, effort: Effort, among: Selection | None) -> Result:
        """The answer to hashes alone. That no record has the hash of a file says nothing of what the file shows."""
        asked.require()
        query = asked.frames if asked.frames is not None else Fingerprint.empty(self._algorithm.id)
        self._algorithm.id.require(query.algorithm)
        file = FileHashes(asked.sha256, asked.md5) if asked.exact else None
        compared = self._compared(query, self._candidates(query, effort, among)) if len(query) else _Compared([])
        result = self._answer(query, effort, file, 0.0, compared, among)
        if len(query) or result.matches:
            return result
        return replace(result, reason=f"no record has this {asked.exact}, and nothing is known of what the file shows")

    def explain(self, source: Source | Fingerprint, record: Record, effort: Effort) -> Explanation:
        """See `Database.explain`."""
        if isinstance(source, Fingerprint):
            looks = [source]
        else:
            with self._looked_at(source) as (at_source, _):
                looks = at_source.all(DEPTHS[effort].plans)
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
        among, _ = self._weighed(looks[-1], self._candidates(looks[-1], asked[-1][2]))
        return replace(explanation, among_others=next(judgement for other, judgement in among if other.id == record.id))

    def known_like(self, query: Fingerprint) -> list[Match]:
        """What a video that is to be recorded matches; nobody asked, so nothing is counted."""
        return self._compared(query, self._candidates(query, Effort.BALANCED)).matches

    @contextlib.contextmanager
    def _looked_at(self, source: Source) -> Iterator[tuple[QueryLooks, FileHashes | None]]:
        """The looks at an input, and the hashes of the file if it is one."""
        image = as_image(source)
        if image is not None:
            yield QueryLooks(image, self._algorithm, self._decoders, self._limits), None
            return
        with as_file(source, self._limits) as file:
            hashes = self._file_hashes(file)
            yield QueryLooks(file, self._algorithm, self._decoders, self._limits, sha256=hashes.sha256, remembered=self._cache), hashes

    def _file_hashes(self, file: OpenFile) -> FileHashes:
        """SHA-256, and MD5 where records are known by nothing better."""
        with_md5 = self._store.has_md5_alone()
        known = self._cache.hashes(file) if self._cache else None
        if known and (known.md5 or not with_md5):
            return known
        made = hash_file(file, with_md5=with_md5, time_s=self._limits.time_s)
        if self._cache:
            self._cache.keep_hashes(file, made)
        return made

    def _ask(self, looks: QueryLooks, effort: Effort, file: FileHashes | None, among: Selection | None) -> Result:
        """Look as deep as the effort goes, and no deeper than the question needs."""
        *first, last = DEPTHS[effort].plans
        for plan in first:
            # A file without keyframes, or one that does not mark them, is left to the next plan.
            with contextlib.suppress(UnreadableMedia):
                query = looks.at(plan)
                found = self._candidates(query, effort, among)
                # On a still there is nothing to save, and keyframes far apart do not speak for what lies between them.
                if not found and query.usable.any() and not query.is_still and not query.coverage.sparse:
                    return self._answer(query, effort, file, looks.decode_cpu_s, _Compared([]), among)
        closer = looks.at(last)
        compared = self._compared(closer, self._candidates(closer, Effort.BALANCED, among))
        return replace(self._answer(closer, effort, file, looks.decode_cpu_s, compared, among), confirmed=bool(first))

    def _candidacy(self, look: str, query: Fingerprint, effort: Effort, record: Record, reference: Fingerprint) -> Candidacy:
        """Whether one look at an input comes upon a record."""
        found = self._candidates(query, effort)
        records = self._store.by_number([c.record for c in found]) if found else {}
        places = (place for place, candidate in enumerate(found, 1) if records[candidate.record].id == record.id)
        by_itself = candidacy(look, query, reference, round(DEPTHS[effort].radius * self._algorithm.id.bits))
        return replace(by_itself, place=next(places, None), candidates=len(found))

    def _answer(
        self,
        query: Fingerprint,
        effort: Effort,
        file: FileHashes | None,
        cpu_s: float,
        compared: _Compared,
        among: Selection | None = None,
    ) -> Result:
        """The verdict on a fingerprint, given what it matches."""
        matches = compared.matches
        if file:
            matches = self._with_identical(matches, file, query, among)
            unlike = self._store.not_this(file.sha256)
            matches = [m for m in matches if m.record.id not in unlike]
        self._store.check([m.record.id for m in matches])
        matches = self._with_ceilings(matches, query, (file.sha256 or None) if file else None)
        damaged = self._live.damaged(among)
        verdict, reason = _verdict(query, matches, compared.left_out, damaged)
        self._note_question(verdict, matches)
        return Result(
            verdict,
            reason,
            tuple(matches),
            duration_s=query.duration_s,
            usable_s=query.usable_s,
            damage=(*query.damage, *_left_out(compared), *_damaged(damaged)),
            not_compared=compared.left_out + damaged,
            coverage=query.coverage,
            effort=effort,
            sha256=(file.sha256 or None) if file else None,
            decode_cpu_s=cpu_s,
            fingerprint=query,
        )

    def _note_question(self, verdict: Verdict, matches: Sequence[Match]) -> None:
        """Audit: each hit, by record, and the number of questions now and then. Nothing about the file."""
        self._log.asked(verdict.value)
        for match in matches:
            self._log.note("match", match.record.id, verdict=match.verdict.value, score=round(match.score, 3))
        self._log.try_to_write()

    def _compared(self, query: Fingerprint, found: Candidates) -> _Compared:
        """Of the candidates, the records that the fingerprint matches or may match, best first."""
        weighed, skipped = self._weighed(query, found)
        matches = [Match(record, judgement) for record, judgement in weighed if judgement.found]
        return _Compared(sorted(matches, key=lambda m: (m.verdict is not Verdict.MATCH, -m.score)), found.left_out + skipped)

    def _weighed(self, query: Fingerprint, found: Candidates) -> tuple[list[tuple[Record, Judgement]], int]:
        """The candidates that can match, each with the judgement on it in the light of the others; how many cost too much."""
        records = self._store.by_number([c.record for c in found]) if found else {}
        today = self._store.now().date()
        active = [(records[c.record], c) for c in found if _in_force(records[c.record], today)]
        weighed, known, skipped = [], [], 0
        budget = Budget(query)
        for record, candidate in active:
            reference = self._store.fingerprint(record.id)
            if not budget.allows(candidate.source, reference):
                skipped += candidate.could_matter
                continue
            weighed.append(record)
            judgement = compare(query, reference, near_s=candidate.near_s).judgement
            known.append(Known(reference, judgement, candidate.near_s, candidate.source))
        return list(zip(weighed, weigh(query, known), strict=True)), skipped

    def _candidates(self, query: Fingerprint, effort: Effort, among: Selection | None = None) -> Candidates:
        return self._live.candidates(query, round(DEPTHS[effort].radius * self._algorithm.id.bits), among)

    def _with_identical(self, matches: list[Match], file: FileHashes, query: Fingerprint, among: Selection | None) -> list[Match]:
        """The same file decides by itself, still pictures included."""
        same, reason = self._store.by_sha256(file.sha256), "the very same file, byte for byte"
        if same is None and file.md5:
            same = self._store.by_md5(file.md5, alone=bool(file.sha256))
            reason = "a file with the same MD5, which is all that is known of it"
        if same is None or not _in_force(same, self._store.now().date()) or not (among is None or among.allows(same)):
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
        possible = [m.verdict is not Verdict.MATCH for m in matches]
        ceilings = self._exchange.ceilings([m.record for m in matches], query, stretches, sha256, possible)
        return [replace(match, ceiling=ceiling) for match, ceiling in zip(matches, ceilings, strict=True)]


def _in_force(record: Record, today: datetime.date) -> bool:
    """Whether a record may match: neither retracted nor past its time."""
    return record.state is not State.RETRACTED and not record.details.expired(today)


def _verdict(query: Fingerprint, matches: Sequence[Match], left_out: int, damaged: int) -> tuple[Verdict, str]:
    if matches:
        return matches[0].verdict, matches[0].judgement.reason
    if not _shows_enough(query):
        if query.is_still:
            return Verdict.INSUFFICIENT, "the picture shows too little to compare"
        return Verdict.INSUFFICIENT, f"only {query.usable_s:.1f} of {query.shown_s:.1f} s show enough picture to compare"
    if not query.coverage.complete:
        return Verdict.INSUFFICIENT, f"nothing known in {_what_was_seen(query.coverage)}"
    if left_out:
        return Verdict.INSUFFICIENT, "nothing known in what was compared, and not everything that looks alike could be"
    if damaged:
        return Verdict.INSUFFICIENT, "nothing known in what could be compared, and the database is damaged"
    return Verdict.NO_MATCH, "nothing known is alike"


def _left_out(compared: _Compared) -> list[str]:
    """What is to be said of an input that matches nothing if not everything that is near it could be compared."""
    if compared.matches or not compared.left_out:
        return []
    several = "1 known video that looks" if compared.left_out == 1 else f"{compared.left_out:,} known videos that look"
    return [f"{several} alike could not be compared: too many do, or they are too long"]


def _damaged(records: int) -> list[str]:
    """What is to be said if records cannot be found."""
    if not records:
        return []
    several = "the fingerprint of 1 record is" if records == 1 else f"the fingerprints of {records:,} records are"
    return [f"{several} damaged in the database, so nothing is compared with that; `vhashdb doctor` names what is damaged"]


def _what_was_seen(coverage: Coverage) -> str:
    """In words, of what there is."""
    seen_s, there_s = coverage.seen_s, coverage.there_s
    if there_s - seen_s >= LEAST_RUN_S:
        return f"the {seen_s:.1f} of {there_s:.1f} s that could be looked at"
    return f"the {seen_s:.1f} s that could be looked at; {'; '.join(coverage.unseen) or 'keyframes alone say too little'}"


def _shows_enough(query: Fingerprint) -> bool:
    """Whether an input that matches nothing can be said to match nothing."""
    if len(query) > 1 and not query.usable_s and len(set(query.view.tolist())) < len(query):
        return False  # frames of no length, as some programs write them
    enough_s = max(min(MIN_USABLE_S, 0.5 * query.shown_s), MIN_USABLE_SHARE * query.shown_s)
    return bool(query.usable.any()) and query.usable_s >= enough_s
