"""The matcher: from an input to a verdict, step by step.

    exact hash → extract → retrieve → compare → rerank → policy

`Matcher.match` goes through the steps in this order, and no deeper than the query needs: extracting begins with little and is
repeated until nothing is left open. `Matcher.explain` shows what the first and the deepest of these searches found out about one
record. What each step gives the next is a `Trace`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from vhashdb.codes import LOCAL
from vhashdb.errors import DatabaseDamaged, NotMedia, RecordNotFound, UnreadableMedia
from vhashdb.fingerprinting import MAX_KEPT_FRAMES
from vhashdb.fingerprints import Fingerprint, closer, to_bytes
from vhashdb.hash_query import HashQuery
from vhashdb.hashing.algorithms import FrameAlgorithm
from vhashdb.inputs import FileHashes, Source, as_file, as_image, hash_file
from vhashdb.limits import Limits
from vhashdb.matching.comparison import compare_pictures
from vhashdb.matching.config import MatchingConfig, SoundConfig
from vhashdb.matching.explanation import Explanation
from vhashdb.matching.reranking import Compared, rerank
from vhashdb.matching.retrieval import Candidate, Candidates, ComparisonBudget, RetrievalCheck, check_retrieval
from vhashdb.matching.verdict import Verdict
from vhashdb.opening import OpenFile
from vhashdb.search.copies import speaking_for_any, videos_shown_by, with_copies, with_videos
from vhashdb.search.efforts import Effort
from vhashdb.search.found_matches import found_matches, with_identical, with_sound_findings
from vhashdb.search.picture_retrieval import retrieve_pictures
from vhashdb.search.places import PlaceFinder
from vhashdb.search.query_fingerprinter import QueryFingerprinter
from vhashdb.search.results import Match, Result
from vhashdb.search.sound_search import SoundSearch
from vhashdb.search.stages import CLOSER_SEARCH, STAGES, Stage, stage_of_given
from vhashdb.search.sufficiency import damaged_words, left_out_words, settled, unheard_words, verdict_without_matches
from vhashdb.search.trace import Search, Trace
from vhashdb.searcher import Searcher
from vhashdb.store import Record, Selection, Store
from vhashdb.store.cache import FingerprintCache
from vhashdb.store.hits import CaseState
from vhashdb.store.moderation import Moderation
from vhashdb.store.query_log import QueryLog
from vhashdb.store.sources import sources
from vhashdb.video import DecoderPool


class Likenesses(NamedTuple):
    """What a video is like."""

    matches: list[Match]
    """What it matches or may match, best first."""
    near: list[tuple[int, Compared]]
    """What it was compared with and is no match by itself, by number, the nearest first."""


class Matcher:
    """Answers the queries of one database; `Database.match` and `Database.explain` ask it. Safe from several threads."""

    def __init__(
        self,
        store: Store,
        searcher: Searcher,
        moderation: Moderation,
        frame_algorithm: FrameAlgorithm,
        decoders: DecoderPool,
        limits: Limits,
        cache: FingerprintCache | None,
        log: QueryLog,
    ) -> None:
        self._store, self._searcher, self._moderation, self._limits = store, searcher, moderation, limits
        self._algorithm, self._decoders, self._cache, self._log = frame_algorithm, decoders, cache, log
        self._config = MatchingConfig.of(frame_algorithm.id)
        self._sounds = SoundSearch(store, searcher, moderation, SoundConfig())
        self._places = PlaceFinder(store, searcher, self._sounds, self._config)

    # -- what is asked -------------------------------------------------------------------------

    def match(
        self,
        source: Source | Fingerprint | HashQuery,
        effort: Effort,
        where: Selection | None,
        *,
        sound: bool = True,
        progress: Callable[[float], None] | None = None,
    ) -> Result:
        """Answer a query; see `Database.match`."""
        with self._opened(source, sound=sound, progress=progress) as (fingerprinter, hashes):
            trace = Trace(hashes, listens=sound)
            self._find_identical(trace, where)
            self._extract_and_retrieve(trace, source, fingerprinter, effort, where)
            if not trace.settled:
                self._compare(trace, where)
                if fingerprinter is not None:
                    self._places.look(trace, fingerprinter, effort, where)
                self._rerank(trace)
            result = self._result(trace, effort, where)
            if fingerprinter is not None and not result.matches:  # what was hashed and what was decoded may have been two things
                fingerprinter.require_unchanged()
        if isinstance(source, HashQuery) and trace.query.is_empty and not result.matches:
            # That no record has the hash of a file says nothing of what the file shows.
            return replace(result, reason=f"no record has this {source.exact}, and nothing is known of what the file shows")
        return result

    def explain(self, source: Source | Fingerprint, record: Record, effort: Effort, *, sound: bool = True) -> Explanation:
        """Show what the steps find out about one record, every stage included; see `Database.explain`."""
        reference = self._store.fingerprint(record.id)
        number = self._store.number(record.id)
        with self._opened(source, sound=sound) as (fingerprinter, hashes):
            trace = Trace(hashes, listens=sound)
            self._find_identical(trace, None)
            if fingerprinter is None:
                assert isinstance(source, Fingerprint)
                self._retrieve(trace, stage_of_given(effort), source, None)
            else:
                self._look(trace, fingerprinter, effort, None)
                last = STAGES[effort][-1]
                if trace.searches[-1].stage != last and not (trace.settled and trace.place_of(number)):
                    self._retrieve(trace, last, fingerprinter.fingerprint(last.profile), None)
                    trace.settled, trace.compared, trace.judgements = False, [], []
                trace.hears = fingerprinter.listens_to(trace.searches[-1].stage.profile)
            if (trace.place_of(number) is not None or number in (trace.heard or {})) and not trace.settled:
                self._compare(trace, None)
            if fingerprinter is not None:
                self._places.look(trace, fingerprinter, effort, None)
        shown = dict.fromkeys((0, len(trace.searches) - 1))
        checks = [self._checked(trace.searches[n], reference, number) for n in shown] + [*self._sounds.checked(trace, number, reference)]
        if not trace.settled:
            self._rerank(trace)
        pairs = zip(trace.compared, trace.judgements, strict=True)
        found = next(((each, judgement) for (other, each), judgement in pairs if other.id == record.id), None)
        comparison = found[0].comparison if found else compare_pictures(trace.query, reference, config=self._config)
        by_itself = found[0].judgement if found else self._sounds.judge(trace, number, trace.query, reference, comparison, anyway=True)
        among_others = found[1] if found and by_itself.found else None
        identical = trace.identical_by if trace.identical is not None and trace.identical.id == record.id else ""
        return Explanation(
            by_itself, comparison.views_tried, comparison.view_comparisons, comparison.config,
            trace.seen.get(record.id, trace.query), reference, tuple(checks), identical, among_others, trace.listened,
        )  # fmt: skip

    def known_like(self, query: Fingerprint, related: Collection[int], explained: Collection[int]) -> Likenesses:
        """Return what a video that is to be recorded is like beside records that it is related to, and records of some videos.

        Nobody asked, so nothing is counted.

        Args:
            query: the video's fingerprint.
            related: the numbers of those records.
            explained: the numbers of those videos.
        """
        trace = Trace()
        self._retrieve(trace, STAGES[Effort.BALANCED][-1], query, None)
        candidates, heard = trace.searches[-1].candidates.require_complete(), trace.heard or {}
        videos = videos_shown_by(self._store, [*(each.record for each in candidates), *heard])

        def beside(number: int) -> bool:
            return number not in related and videos.get(number, frozenset()).isdisjoint(explained)

        chosen = tuple(each for each in candidates if beside(each.record))
        trace.searches[-1] = replace(trace.searches[-1], candidates=replace(candidates, chosen=chosen))
        trace.heard = {number: segments for number, segments in heard.items() if beside(number)}
        self._compare(trace, None)
        self._rerank(trace)
        near = [(self._store.number(record.id), each) for record, each in trace.compared if each.judgement.verdict is not Verdict.MATCH]
        return Likenesses(found_matches(trace), near)

    # -- exact hash ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _opened(
        self, source: Source | Fingerprint | HashQuery, *, sound: bool, progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[QueryFingerprinter | None, FileHashes | None]]:
        """What makes the fingerprints of an input, and the hashes of the file, as far as it is one."""
        if isinstance(source, HashQuery):
            source.require()
            yield None, FileHashes(source.sha256, source.md5) if source.exact else None
            return
        if isinstance(source, Fingerprint):
            yield None, None
            return
        image = as_image(source)
        if image is not None:
            yield QueryFingerprinter(image, self._algorithm, self._decoders, self._limits), None
            return
        with as_file(source, self._limits) as file:
            hashes = self._file_hashes(file)
            yield QueryFingerprinter(
                file, self._algorithm, self._decoders, self._limits, sha256=hashes.sha256, cache=self._cache,
                hears=sound and self._sounds.worth_it, progress=progress,
            ), hashes  # fmt: skip

    def _file_hashes(self, file: OpenFile) -> FileHashes:
        """SHA-256, and MD5 where records are known by nothing better."""
        with_md5 = self._store.has_md5_alone()
        kept = self._cache.hashes(file) if self._cache else None
        if kept and (kept.md5 or not with_md5):
            return kept
        made = hash_file(file, with_md5=with_md5, time_s=self._limits.time_s)
        if self._cache:
            self._cache.keep_hashes(file, made)
        return made

    def _find_identical(self, trace: Trace, where: Selection | None) -> None:
        """Look the file up by its hashes. The same file decides by itself, still pictures included."""
        if trace.hashes is None:
            return
        found, by = self._store.by_sha256(trace.hashes.sha256), "the very same file, byte for byte"
        if found is None and trace.hashes.md5:
            found = self._store.by_md5(trace.hashes.md5, alone=bool(trace.hashes.sha256))
            by = "a file with the same MD5, which is all that is known of it"
        if found is None or not found.in_force(self._store.now().date()) or not (where is None or where.allows(found)):
            return
        if found.id not in self._store.hits.unlike(self._file(trace)):
            trace.identical, trace.identical_by = found, by

    # -- extract, retrieve ---------------------------------------------------------------------

    def _extract_and_retrieve(
        self,
        trace: Trace,
        source: Source | Fingerprint | HashQuery,
        fingerprinter: QueryFingerprinter | None,
        effort: Effort,
        where: Selection | None,
    ) -> None:
        """Ask the index about what is given, or else about as many fingerprints of the file as it needs."""
        if fingerprinter is None:
            query = source.frames if isinstance(source, HashQuery) else source
            query = query if isinstance(query, Fingerprint) else Fingerprint.empty(self._algorithm.id)
            self._retrieve(trace, stage_of_given(effort), query, where)
            return
        if (recorded := self._recorded(trace)) is not None:
            self._retrieve(trace, STAGES[effort][-1], recorded, where)
            return
        self._look(trace, fingerprinter, effort, where)
        trace.hears = fingerprinter.listens_to(trace.searches[-1].stage.profile)
        trace.decode_cpu_s = fingerprinter.decode_cpu_s

    def _look(self, trace: Trace, fingerprinter: QueryFingerprinter, effort: Effort, where: Selection | None) -> None:
        """Make the searches of an effort, each only if the one before retrieved something or could not decide."""
        *first, last = STAGES[effort]
        for stage in first:
            # A file without keyframes, one that does not mark them, or one of sound alone, is left to the next stage.
            with contextlib.suppress(UnreadableMedia, NotMedia):
                query = fingerprinter.fingerprint(stage.profile)
                self._retrieve(trace, stage, query, where)
                if not len(query) and query.sound is not None:  # there is nothing to see
                    return
                # On a still there is nothing to save, and keyframes far apart do not speak for what lies between them.
                if trace.searches[-1].candidates or self._sounds.says_something(trace) or query.is_still:
                    break
                if query.usable.any() and not query.coverage.sparse:
                    return
        if first and self._worth_a_closer_look(trace, last):
            self._look_closer(trace, last, fingerprinter, where)
        if not trace.settled:
            self._retrieve(trace, last, fingerprinter.fingerprint(last.profile), where)
        trace.confirmed = bool(first)

    def _worth_a_closer_look(self, trace: Trace, last: Stage) -> bool:
        """Say whether to search first in the views that were nearest: in a video of which the frames for the last search are kept."""
        if not trace.searches or not trace.searches[-1].candidates.views:
            return False
        query = trace.query
        return not query.is_still and query.duration_s * last.profile.sampling.rate < MAX_KEPT_FRAMES

    def _look_closer(self, trace: Trace, last: Stage, fingerprinter: QueryFingerprinter, where: Selection | None) -> None:
        """Search as in the last stage, but only in the views in which the one before found records nearest, and see what that leaves."""
        before = trace.searches[-1]
        stage = replace(last, name=CLOSER_SEARCH, profile=closer(last.profile, before.candidates.views))
        self._retrieve(trace, stage, fingerprinter.fingerprint(stage.profile), where)
        if {each.record for each in before.candidates} <= {each.record for each in trace.searches[-1].candidates}:
            self._compare(trace, where)
            self._rerank(trace)
            missing = trace.left_out or trace.unsearched
            trace.settled = not missing and settled(before.query, trace.query.duration_s, trace.judgements, self._config)
            if not trace.settled:
                trace.compared, trace.judgements = [], []

    def _recorded(self, trace: Trace) -> Fingerprint | None:
        """The fingerprint that was made here of this very file, which saves decoding it; None if there is none.

        What others store under the hash of a file need not be what the file shows, and would hide what else it matches.
        """
        same = trace.identical
        if same is None or trace.hashes is None or same.sha256 != trace.hashes.sha256 or same.details.source != LOCAL:
            return None
        try:
            stored = self._store.fingerprint(same.id)
        except (DatabaseDamaged, RecordNotFound):
            return None
        return stored if stored.usable.any() or stored.sound is not None else None

    def _checked(self, search: Search, reference: Fingerprint, number: int) -> RetrievalCheck:
        """Say whether a search retrieves one record."""
        reference.algorithm.require(search.query.algorithm)
        by_itself = check_retrieval(search.stage.name, search.query, reference, search.stage.radius_bits(self._config), self._config)
        return replace(by_itself, place=search.place_of(number), candidates=len(search.candidates))

    def _retrieve(self, trace: Trace, stage: Stage, query: Fingerprint, where: Selection | None) -> None:
        """Ask the index for the records that are near the query."""
        self._algorithm.id.require(query.algorithm)
        radius_bits = stage.radius_bits(self._config)
        found = retrieve_pictures(self._store, self._searcher, query, radius_bits, self._config, where) if len(query) else Candidates()
        trace.searches.append(Search(stage, query, found))
        self._sounds.look_up(trace, where)

    # -- compare, rerank -----------------------------------------------------------------------

    def _compare(self, trace: Trace, where: Selection | None) -> None:
        """Compare the query with each candidate that speaks for anything in force, as far as the budget of its source goes."""
        query, candidates = trace.query, trace.searches[-1].candidates
        trace.compared, trace.left_out = [], candidates.left_out
        seen = {candidate.record for candidate in candidates}
        heard = [number for number in trace.heard or {} if number not in seen]
        if not candidates and not heard:
            return
        source_of = sources(self._store, heard) if heard else {}
        numbers = [*(candidate.record for candidate in candidates), *heard]
        records, references = self._store.by_number(numbers), self._store.fingerprints(numbers)
        speaking = speaking_for_any(self._store, numbers, where)
        videos = videos_shown_by(self._store, numbers)
        budget = ComparisonBudget(query, self._config)
        for candidate in (
            *candidates,
            *(Candidate(number, 0, self._config.bits, source=source_of.get(number), must_compare=True) for number in heard),
        ):
            if candidate.record not in speaking:
                continue
            record = records[candidate.record]
            reference = references[candidate.record]
            if not budget.allows(candidate.source, reference):
                trace.left_out += candidate.must_compare
                continue
            comparison = compare_pictures(query, reference, config=self._config, anchors_s=candidate.anchors_s)
            judgement = self._sounds.judge(trace, candidate.record, query, reference, comparison)
            compared = Compared(reference, comparison, judgement, candidate.source, videos.get(candidate.record, frozenset()))
            trace.compared.append((record, compared))

    def _rerank(self, trace: Trace) -> None:
        """Judge the compared records in the light of each other."""
        trace.judgements = rerank(trace.query, [compared for _, compared in trace.compared], self._config)

    # -- policy --------------------------------------------------------------------------------

    def _result(self, trace: Trace, effort: Effort, where: Selection | None) -> Result:
        """Say what may happen with each match, and the verdict."""
        query, sha256 = trace.query, (trace.hashes.sha256 or None) if trace.hashes else None
        file = self._file(trace) if trace.hashes is not None or trace.compared else ""
        decided = {each.record: each for each in self._store.hits.decisions([file]).get(file, ())} if file else {}
        unlike = {record for record, each in decided.items() if each.state is CaseState.NOT_THIS}
        matches = [m for m in found_matches(trace) if m.record.id not in unlike]  # nor is the file any copy of such a record
        matches = with_copies(with_sound_findings(matches, trace, self._sounds.config), trace, self._store, where)
        matches = [m for m in with_identical(matches, trace) if m.record.id not in unlike]
        self._store.check([m.record.id for m in matches])
        matches = self._with_action_caps(with_videos(matches, self._store), query, sha256)
        damaged, unsearched = self._searcher.damaged(where), trace.unsearched
        unheard = () if matches else unheard_words(trace.sounds_left_out, trace.sound_answered, self._sounds.config)
        common = any(each.common for each in trace.judgements)
        verdict, reason = (
            (matches[0].verdict, matches[0].judgement.reason)
            if matches
            else verdict_without_matches(query, trace.left_out, damaged, self._config, common, unheard=unheard, unsearched=unsearched)
        )
        matches = self._noted(verdict, matches, file)
        left_out = (left_out_words(trace.left_out),) if trace.left_out and not matches else ()
        return Result(
            verdict,
            reason,
            tuple(matches),
            duration_s=query.duration_s,
            usable_s=query.usable_s,
            damage=(*query.damage, *left_out, *unheard, *((damaged_words(damaged),) if damaged else ()), *filter(None, (unsearched,))),
            unsearched=unsearched,
            not_compared=trace.left_out + trace.sounds_left_out + damaged,
            coverage=query.coverage,
            effort=effort,
            confirmed=trace.confirmed,
            sha256=sha256,
            decode_cpu_s=trace.decode_cpu_s,
            fingerprint=query,
            listened=trace.listened,
            decisions=tuple(each for each in decided.values() if each.record not in {m.record.id for m in matches}),
        )

    def _file(self, trace: Trace) -> str:
        """What the file is known by here: its hash, or else what it shows."""
        hashes = trace.hashes
        return self._store.hits.file((hashes.sha256 or hashes.md5 if hashes else "") or to_bytes(trace.query))

    def _with_action_caps(self, matches: Sequence[Match], query: Fingerprint, sha256: str | None) -> list[Match]:
        """Each match with the most that it may lead to, and why not more."""
        spans = [list(m.judgement.query_spans) or [(0.0, query.duration_s)] for m in matches]
        possible = [m.verdict is not Verdict.MATCH for m in matches]
        action_caps = self._moderation.action_caps([m.record for m in matches], query, spans, sha256, possible)
        return [replace(match, action_cap=cap) for match, cap in zip(matches, action_caps, strict=True)]

    def _noted(self, verdict: Verdict, matches: Sequence[Match], file: str) -> list[Match]:
        """Note each hit, and the number of queries now and then; nothing of the file is kept but a keyed digest.

        Returns the matches with what was decided about each, which a surer match reopens.
        """
        self._log.asked(verdict.value)
        for match in matches:
            self._log.hit(file, match.record.id, match.verdict.value, match.score)
        self._log.try_to_write()
        if not matches:
            return []
        decided = {each.record: each for each in self._store.hits.decisions([file]).get(file, ())}
        return [replace(match, decision=decided.get(match.record.id)) for match in matches]
