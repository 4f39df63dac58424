"""From segments to a verdict: evidence, score, and the gates that explain them.

The evidence of a segment has two parts, both read from stored hashes alone.

* **Motion**: ``−n · ln(1 − r²)``, where ``r`` is the correlation of the changes on both sides and ``n`` the number of
  distinct query entries: the information, in nats, that the two change alike (twice that of a correlation of Gaussian
  variables). Different footage of one place has small ``r`` however alike its frames are.
* **Closeness**: how far the typical distance stays under the one that frames of one place reach without being copies.

The evidence of a pair is that of its strongest segment and half that of every other one; the score maps it to 0…1 so
that `MATCH_EVIDENCE` is 0.5.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vhashdb.fingerprints.model import Fingerprint, covered
from vhashdb.matching.motion import Motion
from vhashdb.matching.pairs import ViewPair

MATCH_EVIDENCE: Final = 5.0
"""Nats at which a pair is a match. No pair of different footage in `bench/accuracy.py` reaches it, same-place pairs included."""
SCORE_SLOPE: Final = 1.0
OTHER_SEGMENTS: Final = 0.5
"""What segments beyond the strongest add of their evidence: each was chosen among many, so chance favours it."""
SPEED_COST: Final = 1.5
"""Nats that a speed other than normal costs: forty of them were tried."""
NORMAL_SPEED: Final = 0.03
MIN_CORRELATION: Final = 0.15
"""Correlation below which motion counts as no evidence, however long the segment."""
MIN_ENTRIES: Final = 4
"""Distinct query entries a segment needs to count for a match."""
MIN_MATCHED_S: Final = 0.75
FULL_WEIGHT_VIDEOS: Final = 2
"""Different videos that may show a passage which still speaks for each: one may well be made of the other."""
FAR_BITS: Final = 72 / 256
"""Median distance beyond which a segment is an accident of alignment."""
CLOSE_BITS: Final = 32 / 256
"""Median distance under which closeness begins to count; few frames of one place without being copies are as near as 20 of 256."""
CLOSE_QUALITY: Final = 40
"""Quality under which closeness says nothing: the bits of flat pictures are alike by chance."""
CLOSENESS_PER_NAT: Final = 8 / 256

POSSIBLE_BITS: Final = 28 / 256
POSSIBLE_ENTRIES: Final = 3
POSSIBLE_SINGLE_BITS: Final = 12 / 256
"""One picture of a video this close is worth a look."""
POSSIBLE_STILL_BITS: Final = 31 / 256
"""The same when a still picture is asked about, or known: the threshold PDQ's authors give for pictures."""
POSSIBLE_MOTION: Final = 1.0
"""Nats of motion evidence that are worth a look without closeness."""
_POSSIBLE_SCORES: Final = (0.2, 0.49)


class Verdict(enum.StrEnum):
    """What is said about one file."""

    MATCH = "match"
    POSSIBLE = "possible"
    NO_MATCH = "no-match"
    INSUFFICIENT = "insufficient"
    """Too little usable picture to say."""
    UNREADABLE = "unreadable"


class GateName(enum.StrEnum):
    """What a condition is about."""

    FRAMES = "alike frames"
    SECONDS = "matched seconds"
    DISTANCE = "median distance"
    MOTION = "motion"
    EVIDENCE = "evidence"
    VIDEOS = "videos that show it"


@dataclass(frozen=True)
class Gate:
    """One condition of the verdict, as `vhashdb explain` shows it."""

    name: GateName
    value: float
    threshold: float
    passed: bool
    meaning: str


@dataclass(frozen=True)
class Segment:
    """A matched stretch: query start–end ↔ reference start–end."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    """Reference seconds per query second."""
    views: ViewPair
    matched_s: float
    """Query seconds in which an entry agreed."""
    entries: int
    """Distinct query entries that agreed."""
    distances: tuple[int, ...]
    """Their distances in bits, ascending."""
    motion: Motion
    bits: int
    """Bits of one hash."""
    quality: int = 100
    """Median quality of the agreeing entries, of the side that shows less."""

    @property
    def median_bits(self) -> float:
        """Median distance of all usable entries within the segment, agreeing or not."""
        return self.motion.median_bits

    @property
    def motion_evidence(self) -> float:
        """Nats; 0 when the correlation is too low to mean anything."""
        r = min(self.motion.correlation, 0.999)
        return -self.motion.moments * math.log(1 - r * r) if r >= MIN_CORRELATION else 0.0

    @property
    def closeness(self) -> float:
        """Nats; 0 when frames of one place, or frames with little in them, could be as close."""
        return 0.0 if self.quality < CLOSE_QUALITY else max(0.0, (CLOSE_BITS - self.median_bits / self.bits) / CLOSENESS_PER_NAT)

    @property
    def speed_cost(self) -> float:
        """Nats; 0 at normal speed."""
        return SPEED_COST if abs(self.speed - 1) > NORMAL_SPEED else 0.0

    @property
    def evidence(self) -> float:
        """Nats; 0 for a segment that is too short, too far off, or does not move alike."""
        if self.entries < MIN_ENTRIES or self.matched_s < MIN_MATCHED_S or self.median_bits > FAR_BITS * self.bits:
            return 0.0
        return max(0.0, self.motion_evidence + self.closeness - self.speed_cost) if self.motion_evidence else 0.0

    @property
    def promise(self) -> tuple[float, float]:
        """For choosing between segments that claim the same stretch of the query: evidence without conditions, then closeness.

        A known still picture, on which nothing moves, is where it is seen for longest.
        """
        if self.reference_start_s == self.reference_end_s:
            return self.matched_s * max(0.0, 0.25 - self.distances[0] / self.bits), 0.0
        far = self.median_bits > FAR_BITS * self.bits
        return 0.0 if far else self.motion_evidence + self.closeness, sum(max(0.0, 0.25 - d / self.bits) for d in self.distances)


@dataclass(frozen=True)
class Judgement:
    """The verdict on one pair, with what led to it."""

    verdict: Verdict
    score: float
    """0…1; a match from 0.5."""
    segments: tuple[Segment, ...]
    """In order of query time."""
    gates: tuple[Gate, ...]
    reason: str
    """The verdict's reason in one sentence."""
    matched_query_s: float = 0.0
    matched_reference_s: float = 0.0
    query_coverage: float = 0.0
    """Share of the query that matched."""
    reference_coverage: float = 0.0

    @property
    def found(self) -> bool:
        """Whether it is worth reporting."""
        return self.verdict in (Verdict.MATCH, Verdict.POSSIBLE)

    @property
    def bits(self) -> int:
        """Bits of one hash."""
        return self.segments[0].bits if self.segments else 0

    @property
    def median_bits(self) -> float:
        """Distance of the nearest of its segments."""
        return min((s.median_bits for s in self.segments), default=0.0)

    def held_back(self, videos: int) -> Judgement:
        """The same as `Verdict.POSSIBLE`, because so many different known videos show what was found and nothing else was."""
        meaning = "different known videos at most, if nothing else speaks for one of them"
        gate = Gate(GateName.VIDEOS, videos, FULL_WEIGHT_VIDEOS, False, meaning)
        reason = f"nothing but a passage that {videos} known videos share"
        score = min(self.score, _POSSIBLE_SCORES[1])
        return replace(self, verdict=Verdict.POSSIBLE, score=score, gates=(*self.gates, gate), reason=reason)

    def set_aside(self, reason: str) -> Judgement:
        """The same as `Verdict.NO_MATCH`."""
        return Judgement(Verdict.NO_MATCH, 0.0, (), self.gates, reason)


def judge(found: Sequence[Segment], query: Fingerprint, reference: Fingerprint) -> Judgement:
    """Weigh the segments found between two fingerprints.

    Args:
        found: all of them, in any view.
        query: the asked side.
        reference: the known side.
    """
    disjoint = without_overlaps(found)
    parts = sorted((s.evidence for s in disjoint), reverse=True)
    evidence = sum(parts[:1]) + OTHER_SEGMENTS * sum(parts[1:])
    telling = [s for s in disjoint if s.evidence > 0]
    gates = _gates(disjoint, evidence)
    if evidence >= MATCH_EVIDENCE:
        score = 1 / (1 + math.exp(-SCORE_SLOPE * (evidence - MATCH_EVIDENCE)))
        kept = [s for s in disjoint if s.evidence > 0 or _worth_a_look(s)]
        return _judgement(Verdict.MATCH, score, kept, gates, "both sides look alike and change alike", query, reference)
    still = len(np.unique(query.start_s)) == 1 or reference.is_still
    looks = [s for s in disjoint if _worth_a_look(s, still=still or query.still_at(s.query_start_s))]
    if looks:
        low, high = _POSSIBLE_SCORES
        score = low + (high - low) * min(1.0, max(evidence / MATCH_EVIDENCE, max(s.closeness for s in looks) / 4))
        unmoved = max(s.motion.change for s in looks) < 0.02 or not telling
        reason = "same picture; no motion to confirm it" if unmoved else "same pictures; not enough motion to confirm"
        return _judgement(Verdict.POSSIBLE, score, looks, gates, reason, query, reference)
    reason = "some frames are alike, but not in a row that moves alike" if disjoint else "no frames are alike"
    return Judgement(Verdict.NO_MATCH, 0.0, (), gates, reason)


def _worth_a_look(segment: Segment, *, still: bool = False) -> bool:
    bits = segment.bits
    if still:
        return segment.distances[0] <= POSSIBLE_STILL_BITS * bits
    if segment.motion_evidence >= POSSIBLE_MOTION and segment.median_bits <= FAR_BITS * bits and segment.entries >= MIN_ENTRIES:
        return True
    if segment.quality < CLOSE_QUALITY:
        return False
    if segment.entries >= POSSIBLE_ENTRIES and segment.median_bits <= POSSIBLE_BITS * bits:
        return True
    return segment.distances[0] <= POSSIBLE_SINGLE_BITS * bits and segment.median_bits <= CLOSE_BITS * bits


def without_overlaps(found: Sequence[Segment]) -> list[Segment]:
    """The most promising segments that do not claim the same stretch of the query, in order of query time."""
    chosen: list[Segment] = []
    for segment in sorted(found, key=lambda s: s.promise, reverse=True):
        length = max(segment.query_end_s - segment.query_start_s, 1e-9)
        if all(_overlap_s(segment, other) <= 0.3 * length for other in chosen):
            chosen.append(segment)
    return sorted(chosen, key=lambda s: s.query_start_s)


def _overlap_s(a: Segment, b: Segment) -> float:
    return max(0.0, min(a.query_end_s, b.query_end_s) - max(a.query_start_s, b.query_start_s))


def strongest(disjoint: Sequence[Segment]) -> Segment | None:
    """Of segments without overlaps, the one that a pair's gates are about."""
    return max(disjoint, key=lambda s: (s.evidence, s.promise), default=None)


def segment_gates(segment: Segment) -> tuple[Gate, ...]:
    """The conditions that a segment must meet by itself to count for a match."""
    r, far = segment.motion.correlation, FAR_BITS * segment.bits
    entries, matched_s, median = segment.entries, segment.matched_s, segment.median_bits
    return (
        Gate(GateName.FRAMES, entries, MIN_ENTRIES, entries >= MIN_ENTRIES, "different pictures of the file on one line of time"),
        Gate(GateName.SECONDS, matched_s, MIN_MATCHED_S, matched_s >= MIN_MATCHED_S, "seconds of the file in which they agree"),
        Gate(GateName.DISTANCE, median, far, median <= far, "bits at most, of all usable pictures in the stretch"),
        Gate(GateName.MOTION, r, MIN_CORRELATION, r >= MIN_CORRELATION, "correlation of the changes on both sides"),
    )


def _gates(segments: Sequence[Segment], evidence: float) -> tuple[Gate, ...]:
    """The conditions for a match, for the strongest segment and for the sum."""
    best = strongest(segments)
    if best is None:
        return (Gate(GateName.FRAMES, 0, 1, False, "query entries alike to a reference entry on one line of time"),)
    enough = evidence >= MATCH_EVIDENCE
    total = Gate(GateName.EVIDENCE, evidence, MATCH_EVIDENCE, enough, "nats: motion and closeness over all stretches")
    return (*segment_gates(best), total)


def _judgement(
    verdict: Verdict,
    score: float,
    segments: Sequence[Segment],
    gates: tuple[Gate, ...],
    reason: str,
    query: Fingerprint,
    reference: Fingerprint,
) -> Judgement:
    # Each second counts once, also of a known video that is shown twice, and none beyond the end.
    query_s = min(query.duration_s, _union_s((s.query_start_s, s.query_end_s) for s in segments))
    reference_s = min(reference.duration_s, _union_s((s.reference_start_s, s.reference_end_s) for s in segments))
    return Judgement(
        verdict,
        score,
        tuple(segments),
        gates,
        reason,
        matched_query_s=query_s,
        matched_reference_s=reference_s,
        query_coverage=min(1.0, query_s / query.duration_s) if query.duration_s else 0.0,
        reference_coverage=min(1.0, reference_s / reference.duration_s) if reference.duration_s else 0.0,
    )


def _union_s(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that lie in any of some spans."""
    start_s, end_s = np.array(list(spans)).reshape(-1, 2).T
    return covered(start_s, end_s)
