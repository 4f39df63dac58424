"""Why not, in words: of each segment that does not count, and of a pair that is not a match."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import Gate, GateName, MatchedSegment
from vhashdb.matching.verdict import Judgement, Verdict, without_overlaps


class Fate(enum.StrEnum):
    """What became of a segment; the value says it in words."""

    CHOSEN = "chosen"
    OVERLAPS = "claims the same seconds as a stronger one"
    FRAMES = "too few different pictures"
    SECONDS = "too short"
    DISTANCE = "too different on the whole"
    MOTION = "does not change alike"
    CHANGES = "changes too little"
    EVIDENCE = "too little evidence"


_FATES: Final = {
    GateName.FRAMES: Fate.FRAMES,
    GateName.SECONDS: Fate.SECONDS,
    GateName.DISTANCE: Fate.DISTANCE,
    GateName.MOTION: Fate.MOTION,
    GateName.CHANGES: Fate.CHANGES,
}


def fates(found: Sequence[MatchedSegment], judgement: Judgement, config: MatchingConfig) -> list[Fate]:
    """Say for every segment that was found whether the judgement is about it, or else why not."""
    disjoint = without_overlaps(found, config)
    return [_fate(segment, judgement.segments, disjoint) for segment in found]


def _fate(segment: MatchedSegment, chosen: Sequence[MatchedSegment], disjoint: Sequence[MatchedSegment]) -> Fate:
    if any(segment is other for other in chosen):
        return Fate.CHOSEN
    if not any(segment is other for other in disjoint):
        return Fate.OVERLAPS
    return next((_FATES[gate.name] for gate in segment.gates if not gate.passed), Fate.EVIDENCE)


def near_miss(judgement: Judgement, best: MatchedSegment | None, *, alike_somewhere: bool, compared: bool = True) -> str:
    """Name the first condition for a match that failed, and by how much, in a sentence; empty for a match.

    Args:
        judgement: on the pair.
        best: the segment that its gates are about, if there is one.
        alike_somewhere: whether single frames were alike in any view.
        compared: whether any of these were more than pictures that unrelated videos share.
    """
    if judgement.verdict in (Verdict.MATCH, Verdict.INSUFFICIENT):  # the second one's reason has said it
        return ""
    if judgement.by_sound:
        return "the sound is the same, and no picture confirms it"
    if best is None:
        if not alike_somewhere:
            return "at none of the moments tried is the file alike to the known video, in any way of looking"
        if not compared:
            return "only pictures that unrelated videos share are alike, such as black ones and test cards"
        return "single frames are alike, but nowhere in the order in which the known video shows them"
    failed = next((gate for gate in judgement.gates if not gate.passed), None)
    return _sentence(failed, best) if failed else ""


def _sentence(gate: Gate, best: MatchedSegment) -> str:
    """What one failed gate means for the strongest segment."""
    match gate.name:
        case GateName.FRAMES:
            pictures = "1 picture" if gate.value == 1 else f"{gate.value:.0f} different pictures"
            return f"the frames are alike in only {pictures} of the file; at least {gate.threshold:.0f} are needed"
        case GateName.SECONDS:
            return f"the frames are alike for only {gate.value:.2f} s; at least {gate.threshold:.2f} s are needed"
        case GateName.DISTANCE:
            return (
                f"some frames are alike, but on the whole the two are too different: the median over {best.length_s:.1f} s is "
                f"{gate.value:.0f} of {best.bits} bits, at most {gate.threshold:.0f} are allowed"
            )
        case GateName.MOTION if best.motion.change < best.config.still_change:
            return f"{_alike(best)}, but the picture does not move, so nothing shows whether they change alike"
        case GateName.MOTION:
            return f"{_alike(best)} but do not change alike: correlation {_under(gate)}, at least {gate.threshold:.2f} is needed"
        case GateName.CHANGES:
            return (
                f"{_alike(best)} and change alike, but so little changes that it may be chance: {gate.value:.1f} independent "
                f"changes, more than {gate.threshold:g} are needed"
            )
        case GateName.EVIDENCE:
            lacking = f"evidence {_under(gate)}, at least {gate.threshold:g} is needed"
            return f"{_alike(best)} and change alike, but not clearly enough: {lacking}{_cost(best)}"
        case GateName.VIDEOS:
            return (
                f"{gate.value:.0f} different known videos share the passage that was found, such as an intro, and nothing else speaks "
                "for this one"
            )
        case GateName.NEARER:
            return f"another known video, which this one is no copy of, is {gate.value:.0f} bits nearer in the same place at the same time"
        case GateName.SOUND:
            return "the sound is alike, but not beyond what chance gives"


def _alike(best: MatchedSegment) -> str:
    return f"the frames are alike (median {best.median_bits:.0f} of {best.bits} bits over {best.length_s:.1f} s)"


def _under(gate: Gate) -> str:
    """A value that is too small, with as many digits as show that it is."""
    return next((text for digits in (2, 3, 4) if float(text := f"{gate.value:.{digits}f}") < gate.threshold), f"{gate.value}")


def _cost(best: MatchedSegment) -> str:
    """What took evidence away, if something did."""
    if best.speed_cost:
        return f" ({best.speed_cost:g} was taken off because the speed, × {best.speed:.2f}, was one of many tried)"
    if best.quality < best.config.full_quality:
        return " (how close they are does not count, because the picture shows little)"
    return ""
