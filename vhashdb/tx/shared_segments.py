"""Say of a pair what it shares, in short: seconds of both, and one word with all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.matching import Judgement, MatchedSegment, Verdict

_SHOWN: Final = 8
"""Segments in the one word. Engineering bound: it is for one line."""


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


def shared_segments(judgement: Judgement, *, exchanged: bool = False) -> tuple[SharedSegment, ...]:
    """Return the segments of a judgement in order of query time; ``exchanged`` if its query is the reference here."""
    segments = [SharedSegment.of(segment) for segment in judgement.segments]
    if exchanged:
        segments = sorted((segment.exchanged for segment in segments), key=lambda segment: segment.query_start_s)
    return tuple(segments)


def told(verdict: Verdict, score: float, segments: Sequence[SharedSegment]) -> str:
    """Return verdict, score and segments in one word, such as ``match/0.998/0.0-4.0=3.5-7.5``.

    Each segment is seconds of the query, then of the reference.
    """
    shown = [str(segment) for segment in segments[:_SHOWN]]
    more = [f"+{len(segments) - _SHOWN}"] if len(segments) > _SHOWN else []
    return "/".join([verdict.value, f"{score:.3f}", *([",".join(shown + more)] if shown else [])])
