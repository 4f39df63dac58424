"""From measured segments to a verdict on one pair: which segments count, their evidence together, and the score.

The evidence of a pair is that of its strongest segment and a share of that of every other one; the score maps it to 0…1 so
that `MatchingConfig.match_evidence` is 0.5.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.intervals import covered
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import Gate, GateName, MatchedSegment
from vhashdb.matching.sound_alignment import SoundSegment


class Verdict(enum.StrEnum):
    """What is said about one file."""

    MATCH = "match"
    POSSIBLE = "possible"
    NO_MATCH = "no-match"
    INSUFFICIENT = "insufficient"
    """Too little usable picture to say."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Judgement:
    """The verdict on one pair, with what led to it."""

    verdict: Verdict
    score: float
    """0…1; a match from 0.5."""
    segments: tuple[MatchedSegment, ...]
    """In order of query time."""
    gates: tuple[Gate, ...]
    reason: str
    """The verdict's reason in one sentence."""
    matched_query_s: float = 0.0
    """Seconds of the query that show the record, or sound like it: those that its stretches cover, each once. What people are told."""
    matched_reference_s: float = 0.0
    """The same of the reference."""
    query_coverage: float = 0.0
    """Share of the query that matched."""
    reference_coverage: float = 0.0
    common: bool = False
    """Whether it was suppressed because several different known videos look, or sound, as near."""
    sounds: tuple[SoundSegment, ...] = ()
    """Stretches in which both sound alike, in order of query time; none where sound was not compared."""

    @property
    def found(self) -> bool:
        """Whether it is worth reporting."""
        return self.verdict in (Verdict.MATCH, Verdict.POSSIBLE)

    @property
    def by_sound(self) -> bool:
        """Whether it rests on sound alone."""
        return self.found and bool(self.sounds) and not self.segments

    @property
    def needs_sound(self) -> bool:
        """Whether it would be less without sound."""
        return self.by_sound or any(gate.name is GateName.SOUND and gate.passed for gate in self.gates)

    @property
    def query_spans(self) -> tuple[tuple[float, float], ...]:
        """First and last second of each stretch of the query that it rests on: of pictures, or else of sound."""
        return tuple((each.query_start_s, each.query_end_s) for each in self.segments or self.sounds)

    @property
    def bits(self) -> int:
        """Bits of one hash."""
        return self.segments[0].bits if self.segments else 0

    @property
    def median_bits(self) -> float:
        """Distance of the nearest of its segments."""
        return min((s.median_bits for s in self.segments), default=0.0)


def judge(found: Sequence[MatchedSegment], query: Fingerprint, reference: Fingerprint, config: MatchingConfig) -> Judgement:
    """Weigh the segments found between two fingerprints.

    Args:
        found: all of them, in any view.
        query: the fingerprint that is asked about.
        reference: the recorded one.
        config: for the algorithm of both.
    """
    disjoint = without_overlaps(found, config)
    evidences = sorted((s.evidence for s in disjoint), reverse=True)
    evidence = sum(evidences[:1]) + config.other_segments * sum(evidences[1:])
    gates = _gates(disjoint, evidence, config)
    if evidence >= config.match_evidence:
        score = 1 / (1 + math.exp(-config.score_slope * (evidence - config.match_evidence)))
        kept = [s for s in disjoint if s.evidence > 0 or _is_possible(s, config, still=False)]
        return _judgement(Verdict.MATCH, score, kept, gates, "both sides look alike and change alike", query, reference)
    still = len(np.unique(query.start_s)) == 1 or reference.is_still
    possible = [s for s in disjoint if _is_possible(s, config, still=still or query.still_at(s.query_start_s))]
    if possible:
        share = max(evidence / config.match_evidence, max(s.closeness for s in possible) / config.full_closeness)
        score = config.possible_min_score + (config.possible_max_score - config.possible_min_score) * min(1.0, share)
        unmoved = max(s.motion.change for s in possible) < config.still_change or not any(evidences)
        reason = "same picture; no motion to confirm it" if unmoved else "same pictures; not enough motion to confirm"
        return _judgement(Verdict.POSSIBLE, score, possible, gates, reason, query, reference)
    reason = "some frames are alike, but not in a row that moves alike" if disjoint else "no frames are alike"
    return Judgement(Verdict.NO_MATCH, 0.0, (), gates, reason)


PASSAGE: Final = "nothing but a passage that {} known videos share"

OUTSHONE: Final = "another known video explains the same seconds better"


def held_back(judgement: Judgement, videos: int, config: MatchingConfig, reason: str = PASSAGE) -> Judgement:
    """Return the judgement as `Verdict.POSSIBLE`, because ``videos`` different known videos have what was found and nothing else was."""
    threshold = config.max_videos_of_passage
    gate = Gate(GateName.VIDEOS, videos, threshold, False, "different known videos at most, if nothing else speaks for one of them")
    score = min(judgement.score, config.possible_max_score)
    return replace(judgement, verdict=Verdict.POSSIBLE, score=score, gates=(*judgement.gates, gate), reason=reason.format(videos))


def outshone(judgement: Judgement, bits: float, config: MatchingConfig) -> Judgement:
    """Return the judgement as `Verdict.POSSIBLE`, because a different known video is so many bits nearer in the same place."""
    meaning = "bits by which a different known video is nearer, less than"
    gate = Gate(GateName.NEARER, bits, config.clearly_nearer_bits, False, meaning)
    score = min(judgement.score, config.possible_max_score)
    return replace(judgement, verdict=Verdict.POSSIBLE, score=score, gates=(*judgement.gates, gate), reason=OUTSHONE)


def suppressed(judgement: Judgement, reason: str, *, common: bool = False) -> Judgement:
    """Return the judgement as `Verdict.NO_MATCH`, for a reason that lies in other records."""
    return Judgement(Verdict.NO_MATCH, 0.0, (), judgement.gates, reason, common=common)


def without_overlaps(found: Sequence[MatchedSegment], config: MatchingConfig) -> list[MatchedSegment]:
    """Return the segments of highest rank that do not claim the same time of the query, in order of query time."""
    chosen: list[MatchedSegment] = []
    for segment in sorted(found, key=lambda s: s.rank, reverse=True):
        length_s = max(segment.length_s, 1e-9)
        if all(_overlap_s(segment, other) <= config.max_overlap * length_s for other in chosen):
            chosen.append(segment)
    return sorted(chosen, key=lambda s: s.query_start_s)


def strongest(disjoint: Sequence[MatchedSegment]) -> MatchedSegment | None:
    """Return that of some segments without overlaps which a pair's gates are about."""
    return max(disjoint, key=lambda s: (s.evidence, s.rank), default=None)


def _overlap_s(a: MatchedSegment, b: MatchedSegment) -> float:
    return max(0.0, min(a.query_end_s, b.query_end_s) - max(a.query_start_s, b.query_start_s))


def _is_possible(segment: MatchedSegment, config: MatchingConfig, *, still: bool) -> bool:
    """Whether a segment is worth a person's time without being a match; ``still``: one side shows a still picture there."""
    nearest = segment.distances[0]
    if still:
        return nearest <= config.possible_still_bits
    if segment.information_of_moments >= config.possible_motion and segment.passes(GateName.FRAMES, GateName.DISTANCE):
        return True
    if segment.quality < config.possible_quality:
        return False
    fullness = min(1.0, segment.quality / config.full_quality)
    near_bits = config.possible_flat_bits + fullness * (config.possible_bits - config.possible_flat_bits)
    several = segment.entries >= config.possible_entries and segment.median_bits <= near_bits
    lasts = segment.matched_s >= config.possible_single_s
    return several or (lasts and nearest <= config.possible_single_bits and segment.median_bits <= config.close_bits)


def _gates(segments: Sequence[MatchedSegment], evidence: float, config: MatchingConfig) -> tuple[Gate, ...]:
    """The conditions for a match: those of the strongest segment, and the evidence of all."""
    best = strongest(segments)
    if best is None:
        return (Gate(GateName.FRAMES, 0, 1, False, "query entries alike to a reference entry on one line of time"),)
    enough = evidence >= config.match_evidence
    total = Gate(GateName.EVIDENCE, evidence, config.match_evidence, enough, "nats: motion and closeness over all stretches")
    return (*best.gates, total)


def _judgement(
    verdict: Verdict,
    score: float,
    segments: Sequence[MatchedSegment],
    gates: tuple[Gate, ...],
    reason: str,
    query: Fingerprint,
    reference: Fingerprint,
) -> Judgement:
    # Each second counts once, also of a reference that is shown twice, and none beyond the end.
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
