"""JSON forms of two videos side by side: what was found, and everything that led to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vhashdb.matching import rests_on
from vhashdb.search import segment_to_json, sound_to_json
from vhashdb.text import decoded

if TYPE_CHECKING:
    from vhashdb.coverage import Coverage
    from vhashdb.matching import Explanation, Fate, Gate, MatchedSegment, RetrievalCheck, ViewComparison


def comparison_json(query: str, reference: str, comparison: Explanation, notes: Sequence[str], coverage: Coverage) -> dict[str, Any]:
    """Return a comparison as a `comparison`.

    Args:
        query: name of what was asked about.
        reference: name of what it was compared with.
        comparison: of their fingerprints, with what led to it.
        notes: what should make a reader careful, in words.
        coverage: how much of the query was looked at.
    """
    return _head("comparison", query, reference, comparison, notes, coverage)


def explanation_json(query: str, reference: str, explanation: Explanation, notes: Sequence[str]) -> dict[str, Any]:
    """Return a comparison with everything that led to it, as an `explanation`; the arguments are those of `comparison_json`."""
    fates, strongest = iter(explanation.found), explanation.strongest
    among = explanation.among_others
    return _head("explanation", query, reference, explanation, notes, explanation.query.coverage) | {
        "identical": bool(explanation.identical),
        "why_not_by_sound": explanation.why_not_by_sound,
        "among_others": among and {"verdict": among.verdict.value, "score": round(among.score, 3), "outweighed": explanation.outweighed},
        "candidacy": [_retrieval_json(one) for one in explanation.retrieval],
        "views_tried": [{"view": str(pair), "alike": count} for pair, count in explanation.views_tried],
        "looks": [_view_comparison_json(each, [next(fates) for _ in each.segments], strongest) for each in explanation.view_comparisons],
        "gates": [_gate_json(gate) for gate in explanation.judgement.gates],
    }


def _head(kind: str, query: str, reference: str, comparison: Explanation, notes: Sequence[str], coverage: Coverage) -> dict[str, Any]:
    judgement = comparison.judgement
    return {
        "type": kind,
        "query": decoded(query),
        "reference": decoded(reference),
        "verdict": judgement.verdict.value,
        "score": round(judgement.score, 3),
        "reason": judgement.reason,
        "near_miss": comparison.near_miss,
        "query_coverage": round(judgement.query_coverage, 3),
        "reference_coverage": round(judgement.reference_coverage, 3),
        "rests_on": rests_on(judgement).value if judgement.found else None,
        "sound": comparison.sound.value,
        "segments": [segment_to_json(segment) for segment in judgement.segments],
        "sounds": [sound_to_json(sound) for sound in judgement.sounds],
        "notes": list(notes),
        "coverage": coverage.summary(),
    }


def _retrieval_json(one: RetrievalCheck) -> dict[str, Any]:
    return {
        "look": one.stage,
        "moments_near": one.times,
        "moments": one.searched,
        "moments_needed": one.needed,
        "nearest_bits": one.nearest_bits,
        "radius_bits": one.radius_bits,
        "place": one.place,
        "candidates": one.candidates,
    }


def _view_comparison_json(
    each: ViewComparison, found: list[tuple[MatchedSegment, Fate]], strongest: MatchedSegment | None
) -> dict[str, Any]:
    return {
        "view": str(each.views),
        "query_frames": len(each.query),
        "reference_frames": len(each.reference),
        "pairs_alike": each.alignment.alike,
        "votes": round(each.alignment.votes, 2),
        "most_votes": round(each.alignment.most_votes, 2),
        "stretches": [_stretch_json(segment, fate) | {"strongest": segment is strongest} for segment, fate in found],
    }


def _stretch_json(segment: MatchedSegment, fate: Fate) -> dict[str, Any]:
    return segment_to_json(segment) | {
        "chosen": fate == "chosen",
        "set_aside": None if fate == "chosen" else fate.value,
        "evidence": round(segment.evidence, 3),
        "motion_evidence": round(segment.motion_evidence, 3),
        "closeness": round(segment.closeness, 3),
        "speed_cost": segment.speed_cost,
    }


def _gate_json(gate: Gate) -> dict[str, Any]:
    return {
        "name": gate.name,
        "value": round(float(gate.value), 4),
        "threshold": round(float(gate.threshold), 4),
        "passed": bool(gate.passed),
        "meaning": gate.meaning,
    }
