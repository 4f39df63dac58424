"""Say of a pair what ThreatExchange's tools can show: a distance, and with it verdict, score and segments."""

from __future__ import annotations

from dataclasses import dataclass

from threatexchange.signal_type.index import SignalSimilarityInfoWithSingleDistance

from vhashdb.matching import Judgement, Verdict
from vhashdb.tx.shared_segments import SharedSegment, shared_segments, told


@dataclass(eq=False)
class VideoSimilarity(SignalSimilarityInfoWithSingleDistance[float]):
    """What was found between a query and a reference.

    ``distance`` is 1 less the score, so that a match has 0.5 at most, and compares with other distances as those tools expect.
    """

    verdict: Verdict
    score: float
    """0…1; a match from 0.5."""
    reason: str
    """The verdict's reason in one sentence."""
    segments: tuple[SharedSegment, ...] = ()
    """In order of query time."""

    @classmethod
    def of(cls, judgement: Judgement, *, exchanged: bool = False) -> VideoSimilarity:
        """Return what a judgement says; ``exchanged`` if its query is the reference here."""
        segments = shared_segments(judgement, exchanged=exchanged)
        return cls(1 - judgement.score, judgement.verdict, judgement.score, judgement.reason, segments)

    def pretty_str(self) -> str:
        """Return verdict, score and segments in one word; see `told`."""
        return told(self.verdict, self.score, self.segments)
