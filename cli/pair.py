"""Two inputs side by side: how `compare` and `explain` get their fingerprints and say what they found."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from .codes import ExitCode
from .limits import limits
from .output import emit, emit_json, say, shown
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
    from vhashdb import Comparison, Explanation, Fingerprint
    from vhashdb.hashing import AlgorithmId

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
        from vhashdb.forms import comparison_json

        emit_json(comparison_json(asked, known, comparison, notes, asked_print.coverage))
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
        from vhashdb.forms import explanation_json

        emit_json(explanation_json(query, reference, explanation, notes))
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
