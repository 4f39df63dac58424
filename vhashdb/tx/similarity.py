"""Say of a pair what ThreatExchange's tools can show: a distance, and with it verdict, score and segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from threatexchange.signal_type.index import SignalSimilarityInfoWithSingleDistance

from vhashdb.matching import Judgement, MatchedSegment, Verdict

_SHOWN: Final = 8
"""Segments in the short text. Engineering bound: it is for one line; `VideoSimilarity.segments` has all."""


@dataclass(frozen=True)
class SharedSegment:
    """Seconds of two videos that show the same, played at some speed."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    """How fast the query plays what the reference has: 2 is twice as fast."""

    @classmethod
    def of(cls, segment: MatchedSegment) -> SharedSegment:
        """Return the times of a matched segment, to the millisecond."""
        return cls(
            round(segment.query_start_s, 3),
            round(segment.query_end_s, 3),
            round(segment.reference_start_s, 3),
            round(segment.reference_end_s, 3),
            round(segment.speed, 4),
        )

    @property
    def exchanged(self) -> SharedSegment:
        """The same with query and reference exchanged."""
        return SharedSegment(self.reference_start_s, self.reference_end_s, self.query_start_s, self.query_end_s, round(1 / self.speed, 4))

    def __str__(self) -> str:
        return f"{self.query_start_s:.1f}-{self.query_end_s:.1f}={self.reference_start_s:.1f}-{self.reference_end_s:.1f}"


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
        segments = [SharedSegment.of(segment) for segment in judgement.segments]
        if exchanged:
            segments = sorted((segment.exchanged for segment in segments), key=lambda segment: segment.query_start_s)
        return cls(1 - judgement.score, judgement.verdict, judgement.score, judgement.reason, tuple(segments))

    def pretty_str(self) -> str:
        """Return verdict, score and segments in one word, such as ``match/0.998/0.0-4.0=3.5-7.5``.

        Each segment is seconds of the query, then of the reference.
        """
        shown = [str(segment) for segment in self.segments[:_SHOWN]]
        more = [f"+{len(self.segments) - _SHOWN}"] if len(self.segments) > _SHOWN else []
        return "/".join([self.verdict.value, f"{self.score:.3f}", *([",".join(shown + more)] if shown else [])])
