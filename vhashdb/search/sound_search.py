"""Look records up by their sound, and compare it."""

from __future__ import annotations

from collections.abc import Sequence

from vhashdb.fingerprints import Fingerprint
from vhashdb.live_index import LandmarkReader
from vhashdb.matching.comparison import Comparison
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.pair import heard_in, with_sound
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.verdict import Judgement
from vhashdb.search.sound_retrieval import asked_of, retrieve_sound
from vhashdb.search.trace import Trace
from vhashdb.store import Selection, Store


class SoundSearch:
    """Finds the records of one database that sound like a query. Safe from several threads."""

    def __init__(self, store: Store, reader: LandmarkReader, config: SoundConfig) -> None:
        self._store, self._reader, self.config = store, reader, config

    @property
    def worth_it(self) -> bool:
        """Whether any record has sound: else nothing is decoded for it."""
        return len(self._reader.current) > 0

    def alike(self, query: Fingerprint, where: Selection | None) -> dict[int, tuple[SoundSegment, ...]]:
        """Return the records whose sound is alike somewhere, by number, with where that is."""
        if query.sound is None or not len(query.sound) or not self.worth_it:
            return {}
        asked = asked_of(query.sound, self.config)
        numbers = retrieve_sound(query.sound, asked, self._reader.landmarks(asked.keys, where=where).hits, self.config)
        return self._alike(query, numbers)

    def judge(self, trace: Trace, number: int, query: Fingerprint, reference: Fingerprint, comparison: Comparison) -> Judgement:
        """Judge what was seen of a record in the light of what was heard of it, which was perhaps too little to be looked up."""
        heard = (trace.heard or {}).get(number, ())
        if trace.listens and not heard and comparison.judgement.found:
            heard = heard_in(trace.query, reference, self.config)
        return with_sound(query, reference, comparison, heard, self.config)

    def _alike(self, query: Fingerprint, numbers: Sequence[int]) -> dict[int, tuple[SoundSegment, ...]]:
        references = self._store.fingerprints(numbers) if numbers else {}
        found = {number: heard_in(query, references[number], self.config) for number in numbers if number in references}
        return {number: heard for number, heard in found.items() if heard}
