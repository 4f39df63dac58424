"""Look records up by their sound, and compare it."""

from __future__ import annotations

import functools
from dataclasses import replace

from vhashdb.fingerprints import Fingerprint
from vhashdb.intervals import Spans, shared_s
from vhashdb.matching.comparison import Comparison
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.pair import heard_in, with_sound
from vhashdb.matching.retrieval import RetrievalCheck
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.verdict import Judgement
from vhashdb.search.sound_retrieval import SoundLookup, answered_share, asked_of, check_sound_retrieval, retrieve_sound
from vhashdb.search.stages import SOUND_SEARCH
from vhashdb.search.trace import Trace
from vhashdb.searcher import Searcher
from vhashdb.store import Selection, Store
from vhashdb.store.moderation import Moderation
from vhashdb.store.videos import editions_by_number


class SoundSearch:
    """Finds the records of one database that sound like a query. Safe from several threads."""

    def __init__(self, store: Store, searcher: Searcher, moderation: Moderation, config: SoundConfig) -> None:
        self._store, self._searcher, self._moderation, self.config = store, searcher, moderation, config
        self._worth_it = False

    @property
    def worth_it(self) -> bool:
        """Whether any record has sound, or had when this was last asked: else nothing is decoded for it."""
        self._worth_it = self._worth_it or self._searcher.sizes().landmarks > 0
        return self._worth_it

    def look_up(self, trace: Trace, where: Selection | None) -> None:
        """Look the query's sound up, unless that is done or not wanted: which records sound alike somewhere, and where that is."""
        if trace.heard is None and trace.listens and trace.query.sound is not None:
            trace.heard = self._found(trace, where)

    def _found(self, trace: Trace, where: Selection | None) -> dict[int, tuple[SoundSegment, ...]]:
        query = trace.query
        if query.sound is None or not len(query.sound):
            return {}
        asked = asked_of(query.sound, self.config)
        lookup = self._searcher.landmarks(asked.keys, where=where)
        candidates = retrieve_sound(
            query.sound, asked, lookup.hits, self.config, functools.partial(editions_by_number, self._store.transactions)
        )
        trace.sounds_left_out, trace.sound_unsearched = candidates.left_out, lookup.unsearched
        trace.sound_answered = answered_share(query.sound, asked, lookup)
        trace.sound_lookup = SoundLookup(asked.only(lookup.answered), candidates)
        references = self._store.fingerprints(candidates.chosen) if candidates.chosen else {}
        found = {number: self._heard_in(trace, references[number]) for number in candidates.chosen if number in references}
        return {number: heard for number, heard in found.items() if heard}

    def checked(self, trace: Trace, number: int, reference: Fingerprint) -> tuple[RetrievalCheck, ...]:
        """Say whether the look-up of the query's sound retrieves one record; nothing where there was none, or the record has no sound."""
        query, done = trace.query.sound, trace.sound_lookup
        if query is None or done is None or reference.sound is None:
            return ()
        chosen = done.candidates.chosen
        place = chosen.index(number) + 1 if number in chosen else None
        by_itself = check_sound_retrieval(SOUND_SEARCH, query, reference.sound, self.config, done.answered)
        return (replace(by_itself, place=place, candidates=len(chosen)),)

    def judge(
        self, trace: Trace, number: int, query: Fingerprint, reference: Fingerprint, comparison: Comparison, *, anyway: bool = False
    ) -> Judgement:
        """Judge what was seen of a record in the light of what was heard of it, which was perhaps too little to be looked up.

        What was not retrieved by its sound is listened to if its pictures are found, or ``anyway``.
        """
        heard = (trace.heard or {}).get(number, ())
        if trace.listens and not heard and (comparison.judgement.found or anyway):
            heard = self._heard_in(trace, reference)
        return with_sound(query, reference, comparison, heard, self._config_beside(trace))

    def says_something(self, trace: Trace) -> bool:
        """Whether a record is heard so clearly that it is possible whatever the pictures show: less is no reason to look closer at them."""
        heard = (trace.heard or {}).values()
        return any(one.evidence >= self._config_beside(trace).possible_evidence for stretches in heard for one in stretches)

    def _config_beside(self, trace: Trace) -> SoundConfig:
        """Return the thresholds beside all landmarks of the database, as many as there were when this query was first judged."""
        if trace.landmarks is None:
            trace.landmarks = self._searcher.sizes().landmarks
        return self.config.beside(trace.landmarks)

    def _heard_in(self, trace: Trace, reference: Fingerprint) -> tuple[SoundSegment, ...]:
        """Return where the query sounds like a record, without what is mostly a sound on an allow-list."""
        heard = heard_in(trace.query, reference, self.config)
        if heard and trace.harmless is None and trace.query.sound is not None:
            trace.harmless = self._moderation.allow_list().heard_in(trace.query.sound)
        return tuple(one for one in heard if self._counts(one, trace.harmless or []))

    def _counts(self, one: SoundSegment, harmless: Spans) -> bool:
        return shared_s([(one.query_start_s, one.query_end_s)], harmless) <= self.config.max_allowed * one.length_s
