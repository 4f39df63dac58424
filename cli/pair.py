"""Two inputs side by side: how `compare` and `explain` get their fingerprints and say what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .codes import ExitCode
from .files import source_of
from .output import decoded, emit, emit_json, shown
from .verdicts import gates_lines, judgement_lines, note_lines, segment_lines, views_lines

if TYPE_CHECKING:
    from vhashdb import Comparison, Fingerprint, Gate
    from vhashdb.hashing.algorithms import AlgorithmId

_FEW = 0.5
"""Share of a video that is usable, under which a reader is told."""


def fingerprints_of(query: str, reference: str) -> tuple[Fingerprint, Fingerprint]:
    """The fingerprints of an asked and a known file, each a media or a fingerprint file.

    A media file is hashed with the algorithm of the other side's fingerprint file.
    """
    from vhashdb.hashing.algorithms import Pdq

    asked, known = source_of(query), source_of(reference)
    algorithm = next((side.algorithm for side in (known, asked) if not isinstance(side, str)), Pdq.id)
    return _made(asked, "query", algorithm), _made(known, "reference", algorithm)


def _made(source: str | Fingerprint, views: str, algorithm: AlgorithmId) -> Fingerprint:
    import vhashdb

    if not isinstance(source, str):
        return source
    return vhashdb.fingerprint(source, views=views, algorithm_name=algorithm.name, bits=algorithm.bits)


def code_of(comparison: Comparison, exit_zero: bool) -> ExitCode:
    """10 if anything was found, 3 if nothing can be said."""
    verdict = comparison.judgement.verdict
    if verdict in ("match", "possible"):
        return ExitCode.FINISHED if exit_zero else ExitCode.FOUND
    return ExitCode.INCOMPLETE if verdict == "insufficient" else ExitCode.FINISHED


def doubts(query: tuple[str, Fingerprint], reference: tuple[str, Fingerprint]) -> tuple[str, ...]:
    """What should make a reader careful: damage, and videos that show little."""
    notes: list[str] = []
    for name, fingerprint in (query, reference):
        notes += [f"{shown(name)}: {damage}" for damage in fingerprint.damage]
        if not fingerprint.usable.any() or fingerprint.usable_s < _FEW * fingerprint.duration_s:
            notes.append(f"{shown(name)}: only {fingerprint.usable_s:.1f} of {fingerprint.duration_s:.1f} s show enough to be compared")
    return tuple(notes)


def tell(kind: str, query: str, reference: str, comparison: Comparison, notes: tuple[str, ...], *, as_json: bool) -> None:
    """Print a comparison; one of kind ``explanation`` with everything that led to it."""
    if as_json:
        emit_json(_json(kind, query, reference, comparison, notes))
        return
    judgement = comparison.judgement
    emit(f"{shown(query)}  against  {shown(reference)}")
    lines = judgement_lines(judgement) + segment_lines(judgement.segments)
    if kind == "explanation":
        lines += views_lines(comparison)
        lines += ["Conditions for a match, for the strongest stretch:", *gates_lines(judgement)]
    for line in lines + note_lines(notes):
        emit(line)


def _json(kind: str, query: str, reference: str, comparison: Comparison, notes: tuple[str, ...]) -> dict[str, Any]:
    from vhashdb.results import segment_to_json

    judgement = comparison.judgement
    value: dict[str, Any] = {
        "type": kind,
        "query": decoded(query),
        "reference": decoded(reference),
        "verdict": judgement.verdict.value,
        "score": round(judgement.score, 3),
        "reason": judgement.reason,
        "query_coverage": round(judgement.query_coverage, 3),
        "reference_coverage": round(judgement.reference_coverage, 3),
        "segments": [segment_to_json(segment) for segment in judgement.segments],
        "notes": list(notes),
    }
    if kind == "explanation":
        value["views_tried"] = [{"view": str(pair), "alike": count} for pair, count in comparison.views_tried]
        value["gates"] = [_gate_json(gate) for gate in judgement.gates]
    return value


def _gate_json(gate: Gate) -> dict[str, Any]:
    return {
        "name": gate.name,
        "value": round(float(gate.value), 4),
        "threshold": round(float(gate.threshold), 4),
        "passed": bool(gate.passed),
        "meaning": gate.meaning,
    }
