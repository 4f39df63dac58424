"""What the steps of one query found: each step reads what the ones before wrote."""

from __future__ import annotations

from dataclasses import dataclass, field

from vhashdb.fingerprints import Fingerprint
from vhashdb.inputs import FileHashes
from vhashdb.intervals import Spans
from vhashdb.matching.reranking import Compared
from vhashdb.matching.retrieval import Candidates
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.verdict import Judgement
from vhashdb.search.sound_retrieval import SoundLookup
from vhashdb.search.stages import Stage
from vhashdb.store import Record


@dataclass(frozen=True)
class Search:
    """What one stage retrieved."""

    stage: Stage
    query: Fingerprint
    candidates: Candidates

    def place_of(self, number: int) -> int | None:
        """Return the place of a record among the candidates, 1 for the first; None if it is none."""
        return next((place for place, each in enumerate(self.candidates, 1) if each.record == number), None)


@dataclass
class Trace:
    """What the steps of one query found, in their order."""

    hashes: FileHashes | None = None
    """Of the file, if it is one."""
    identical: Record | None = None
    """The record of this very file …"""
    identical_by: str = ""
    """… and what says so, in words."""
    searches: list[Search] = field(default_factory=list)
    """What was extracted and retrieved: the last one decides."""
    listens: bool = True
    """Whether sound is compared, where there is any."""
    harmless: Spans | None = None
    """Seconds of the query in which a sound on an allow-list is heard; None before anybody asked."""
    heard: dict[int, tuple[SoundSegment, ...]] | None = None
    """Records, by number, whose sound is alike, and where; None before sound was looked up."""
    sound_lookup: SoundLookup | None = None
    """What was looked up for that, and retrieved; None if nothing was."""
    sounds_left_out: int = 0
    """Records that sound alike, must be compared for it and were not."""
    sound_answered: float = 1.0
    """Share of the sound's landmarks that were looked up and answered, of those that any record has: of the rest there are too many."""
    sound_unsearched: str = ""
    """What of the sound index was not searched, in words; empty: everything was."""
    places_unsearched: str = ""
    """The same of the index of pictures, when it was looked into for places."""
    landmarks: int | None = None
    """In the sound index, as it was when a judgement first needed to know."""
    hears: bool = False
    """Whether sound was decoded for the fingerprint that the answer rests on, if the file has any."""
    compared: list[tuple[Record, Compared]] = field(default_factory=list)
    """Candidates in force, each compared with the query of the last search."""
    left_out: int = 0
    """Records that must be compared and were not."""
    judgements: list[Judgement] = field(default_factory=list)
    """Of those in ``compared``, in the light of each other."""
    seen: dict[str, Fingerprint] = field(default_factory=dict)
    """What the query shows where a record's picture lies, by the record's id, for those that were found by registration."""
    settled: bool = False
    """Whether the last search was a closer one that left nothing open; its candidates are compared already."""
    confirmed: bool = False
    """Whether the first search retrieved something or could not decide, so that more was extracted."""
    decode_cpu_s: float = 0.0

    @property
    def query(self) -> Fingerprint:
        """The fingerprint that the answer rests on."""
        return self.searches[-1].query

    @property
    def unsearched(self) -> str:
        """What was not searched, in words; empty: everything was."""
        return self.searches[-1].candidates.unsearched or self.sound_unsearched or self.places_unsearched

    @property
    def listened(self) -> bool:
        """Whether that fingerprint has the sound, as far as there is any."""
        return self.hears or self.query.sound is not None

    def place_of(self, number: int) -> int | None:
        """Return the place of a record among the candidates of the last search, 1 for the first; None if it is none."""
        return self.searches[-1].place_of(number)
