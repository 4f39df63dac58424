"""Look for records anywhere in the frames of a query, where its views do not show them; how is in `place_search`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from vhashdb.fingerprints import DENSE_PROFILE, Fingerprint
from vhashdb.matching.comparison import compare_pictures
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.reranking import Compared
from vhashdb.matching.retrieval import ComparisonBudget, shared_out
from vhashdb.matching.verdict import Verdict
from vhashdb.search.copies import speaking_for_any, videos_shown_by
from vhashdb.search.efforts import Effort
from vhashdb.search.found_matches import says_less
from vhashdb.search.place_search import PlaceSearch
from vhashdb.search.query_fingerprinter import QueryFingerprinter
from vhashdb.search.sound_search import SoundSearch
from vhashdb.search.trace import Trace
from vhashdb.searcher import Searcher
from vhashdb.store import Selection, Store
from vhashdb.store.sources import sources
from vhashdb.store.videos import editions_by_number


class PlaceFinder:
    """Finds records of one database anywhere in a query's frames. Safe from several threads."""

    def __init__(self, store: Store, searcher: Searcher, sounds: SoundSearch, config: MatchingConfig) -> None:
        self._store, self._searcher, self._sounds, self._config = store, searcher, sounds, config
        self._squares = store.squares

    def look(self, trace: Trace, fingerprinter: QueryFingerprinter, effort: Effort, where: Selection | None) -> None:
        """Look for records about where their views are near, and anywhere in the frames if the query is thorough or they sound alike.

        Files that are recorded themselves, and stills, are left alone. A fast query is registered nowhere but where it sounds alike.
        """
        if trace.identical is not None or trace.query.is_still or not trace.query.usable.any():
            return
        if effort is not Effort.FAST:
            self._register_views(trace, fingerprinter)
        if effort is Effort.THOROUGH:
            self._find_places(trace, fingerprinter, where)
        elif heard := {self._store.number(record.id) for record, each in trace.compared if each.judgement.by_sound}:
            self._compare_closely(trace, fingerprinter.fingerprint(DENSE_PROFILE), heard)
            self._find_places(trace, fingerprinter, where, heard)

    def _register_views(self, trace: Trace, fingerprinter: QueryFingerprinter) -> None:
        """Look for records exactly where a view is near them, if neither they nor others of their video match: they may lie a bit off."""
        named = frozenset[int]().union(*(each.videos for _, each in trace.compared if each.judgement.verdict is Verdict.MATCH))
        near = [
            (place, record, each)
            for place, (record, each) in enumerate(trace.compared)
            if each.judgement.verdict is not Verdict.MATCH
            and each.videos.isdisjoint(named)
            and any(v.alignment.segments for v in each.comparison.view_comparisons)
        ]
        if not near:
            return
        search = PlaceSearch(trace.query, fingerprinter.frames(trace.searches[-1].stage.profile), self._config)
        trace.decode_cpu_s = fingerprinter.decode_cpu_s
        for place, record, each in near[: self._config.max_registered] if search.is_possible else ():
            if (found := search.place_of_views(each.comparison, each.reference)) is None:
                continue
            judgement = self._sounds.judge(trace, self._store.number(record.id), found.seen, each.reference, found.comparison)
            if says_less(each.judgement, judgement):
                trace.compared[place] = record, replace(each, comparison=found.comparison, judgement=judgement)
                trace.seen[record.id] = found.seen

    def _compare_closely(self, trace: Trace, dense: Fingerprint, numbers: Collection[int]) -> None:
        """Compare some records with a fingerprint that has more of the query."""
        for place, (record, each) in enumerate(trace.compared):
            if (number := self._store.number(record.id)) not in numbers:
                continue
            comparison = compare_pictures(dense, each.reference, config=self._config)
            judgement = self._sounds.judge(trace, number, dense, each.reference, comparison)
            if comparison.judgement.found and says_less(each.judgement, judgement):
                trace.compared[place] = record, replace(each, comparison=comparison, judgement=judgement)
                trace.seen[record.id] = dense

    def _find_places(
        self, trace: Trace, fingerprinter: QueryFingerprinter, where: Selection | None, numbers: Collection[int] | None = None
    ) -> None:
        """Look for records anywhere in the frames, and compare those that are found there; see `place_search`.

        Records that match already are left alone; if ``numbers`` are given, so are all others.
        """
        query, config = trace.query, self._config
        frames = fingerprinter.frames(DENSE_PROFILE)
        trace.decode_cpu_s = fingerprinter.decode_cpu_s
        search = PlaceSearch(query, frames, config)
        if not search.is_possible:
            return
        windows = search.windows(squares=self._squares)
        near = self._searcher.glance(windows.hashes, round(config.window_radius_bits), where=where)
        trace.places_unsearched = near.unsearched
        found = windows.records(near)
        found = [number for number in found if numbers is None or number in numbers]
        found.sort(key=lambda number: number not in (trace.heard or {}))  # what sounds alike is looked for first
        compared = {record.id: place for place, (record, _) in enumerate(trace.compared)}
        matched = {record.id for record, each in trace.compared if each.judgement.verdict is Verdict.MATCH}
        source_of = sources(self._store, found) if found else {}
        edition_of = editions_by_number(self._store.transactions, found) if found else {}
        origins = [(source_of.get(number), edition_of.get(number)) for number in found]
        order = shared_out(range(len(found)), origins, config, config.max_hypothesised + len(matched))
        chosen = [found[place] for place in order]
        records = self._store.by_number(chosen) if chosen else {}
        speaking = speaking_for_any(self._store, chosen, where)
        videos = videos_shown_by(self._store, chosen)
        chosen = [n for n in chosen if records[n].id not in matched and n in speaking][: config.max_hypothesised]
        references = self._store.fingerprints(chosen) if chosen else {}
        budget = ComparisonBudget(query, config)
        agreed = {number: said for number in chosen if (said := windows.hypotheses(number, references[number]))}
        for number in sorted(agreed, key=lambda number: -agreed[number][0].votes)[: config.max_registered]:
            record, reference, source = records[number], references[number], source_of.get(number)
            place = search.place(agreed[number], reference) if budget.allows(source, reference) else None
            if place is None:
                continue
            judgement = self._sounds.judge(trace, number, place.seen, reference, place.comparison)
            there = record, Compared(reference, place.comparison, judgement, source, videos.get(number, frozenset()))
            if record.id not in compared:
                trace.compared.append(there)
            elif says_less(trace.compared[compared[record.id]][1].judgement, judgement):
                trace.compared[compared[record.id]] = there
            else:
                continue
            trace.seen[record.id] = place.seen
