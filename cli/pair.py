"""Two inputs side by side: how `compare` and `explain` get their fingerprints and say what they found."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

from .codes import ExitCode
from .limits import limits
from .output import decoded, emit, emit_json, say, shown
from .sound_lines import sound_lines
from .sources import AUTO, source_of
from .verdicts import (
    LISTEN,
    LOOK,
    among_others_lines,
    conditions,
    gates_lines,
    identical_lines,
    judgement_lines,
    near_miss_lines,
    note_lines,
    segment_lines,
    sound_reason_lines,
    technical_lines,
    views_lines,
)

if TYPE_CHECKING:
    from vhashdb import Comparison, Coverage, Explanation, Fingerprint, Gate, MatchedSegment
    from vhashdb.hashing import AlgorithmId
    from vhashdb.matching import Fate, RetrievalCheck, ViewComparison

_FEW = 0.5
"""Share of a video that is usable, under which a reader is told."""


def fingerprints_of(query: str, reference: str, kind: str = AUTO, *, sound: bool) -> tuple[Fingerprint, Fingerprint]:
    """Return the fingerprints of an asked and a known file, each a media or a fingerprint file.

    A media file is hashed with the algorithm of the other side's fingerprint file.
    """
    from vhashdb import Fingerprint
    from vhashdb.hashing import Pdq

    asked, known = source_of(query, kind=kind), source_of(reference, kind=kind)
    algorithm = next((side.algorithm for side in (known, asked) if isinstance(side, Fingerprint)), Pdq.id)
    return _made(asked, "query", algorithm, sound=sound), _made(known, "reference", algorithm, sound=sound)


def _made(source: str | BinaryIO | Fingerprint, views: str, algorithm: AlgorithmId, *, sound: bool) -> Fingerprint:
    import vhashdb

    if isinstance(source, vhashdb.Fingerprint):
        return source if sound else replace(source, sound=None)
    return vhashdb.fingerprint(source, views=views, algorithm=algorithm.name, bits=algorithm.bits, sound=sound, limits=limits())


def code_of(comparison: Comparison, query: Fingerprint, reference: Fingerprint, *, exit_zero: bool) -> ExitCode:
    """10 if anything was found, 3 if nothing can be said, or not of all that there is."""
    verdict = comparison.judgement.verdict
    if verdict in ("match", "possible"):
        return ExitCode.FINISHED if exit_zero else ExitCode.FOUND
    complete = query.coverage.complete and reference.coverage.complete
    return ExitCode.INCOMPLETE if verdict == "insufficient" or not complete else ExitCode.FINISHED


def doubts(query: tuple[str, Fingerprint], reference: tuple[str, Fingerprint]) -> tuple[str, ...]:
    """Return what should make a reader careful: damage, and videos that show little."""
    notes: list[str] = []
    for name, fingerprint in (query, reference):
        notes += [f"{shown(name)}: {damage}" for damage in fingerprint.damage]
        if not len(fingerprint) and fingerprint.sound is not None:
            notes.append(f"{shown(name)}: no pictures, only sound")
        elif not fingerprint.usable.any() or fingerprint.usable_s < _FEW * fingerprint.duration_s:
            notes.append(f"{shown(name)}: only {fingerprint.usable_s:.1f} of {fingerprint.duration_s:.1f} s show enough to be compared")
    return tuple(notes)


def tell(
    query: tuple[str, Fingerprint], reference: tuple[str, Fingerprint], comparison: Explanation, notes: tuple[str, ...], *, as_json: bool
) -> None:
    """Print a comparison of two named fingerprints: the verdict and the matched stretches."""
    (asked, asked_print), (known, known_print) = query, reference
    if as_json:
        emit_json(_json("comparison", asked, known, comparison, notes, asked_print.coverage))
        return
    if sys.stdout.isatty():
        from .screen import pair as screen_pair

        screen_pair.tell(asked, known, comparison, (asked_print, known_print), notes)
        _next(comparison)
        return
    for line in _head(asked, known, comparison) + note_lines(notes):
        emit(line)
    _next(comparison)


def tell_all(query: str, reference: str, explanation: Explanation, notes: tuple[str, ...], *, as_json: bool) -> None:
    """Print a comparison with everything that led to it."""
    if as_json:
        emit_json(_json("explanation", query, reference, explanation, notes, explanation.query.coverage) | _explanation_json(explanation))
        return
    if sys.stdout.isatty():
        from .screen import pair as screen_pair

        screen_pair.tell_all(query, reference, explanation, notes)
        _next(explanation)
        return
    lines = _head(query, reference, explanation)
    lines += identical_lines(explanation) + near_miss_lines(explanation) + sound_reason_lines(explanation)
    lines += among_others_lines(explanation) + views_lines(explanation)
    if explanation.judgement.gates:
        lines += [conditions(explanation.judgement), *gates_lines(explanation.judgement)]
    lines += note_lines(notes) + technical_lines(explanation)
    for line in lines:
        emit(line)
    _next(explanation)


def _next(comparison: Explanation) -> None:
    """What to do where nothing can be said."""
    if comparison.judgement.verdict == "insufficient":
        say(f"hint: {LOOK if all(map(len, (comparison.query, comparison.reference))) else LISTEN}")


def _head(query: str, reference: str, comparison: Explanation) -> list[str]:
    judgement = comparison.judgement
    return [
        f"{shown(query)}  against  {shown(reference)}",
        *judgement_lines(judgement),
        *segment_lines(judgement.segments),
        *sound_lines(judgement, comparison.sound),
    ]


def _json(kind: str, query: str, reference: str, comparison: Explanation, notes: tuple[str, ...], coverage: Coverage) -> dict[str, Any]:
    from vhashdb.matching import rests_on
    from vhashdb.search import segment_to_json, sound_to_json

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


def _explanation_json(explanation: Explanation) -> dict[str, Any]:
    fates, strongest = iter(explanation.found), explanation.strongest
    among = explanation.among_others
    return {
        "identical": bool(explanation.identical),
        "why_not_by_sound": explanation.why_not_by_sound,
        "among_others": among and {"verdict": among.verdict.value, "score": round(among.score, 3), "outweighed": explanation.outweighed},
        "candidacy": [_retrieval_json(one) for one in explanation.retrieval],
        "views_tried": [{"view": str(pair), "alike": count} for pair, count in explanation.views_tried],
        "looks": [_view_comparison_json(each, [next(fates) for _ in each.segments], strongest) for each in explanation.view_comparisons],
        "gates": [_gate_json(gate) for gate in explanation.judgement.gates],
    }


def _retrieval_json(one: RetrievalCheck) -> dict[str, Any]:
    return {
        "look": one.stage,
        "moments_near": one.times,
        "moments": one.searched,
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
    from vhashdb.search import segment_to_json

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
