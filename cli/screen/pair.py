"""Two inputs side by side on a terminal: how `compare` and `explain` look to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.fingerprints import unusable_spans
from vhashdb.matching import finding_words

from ..output import COLOURS, printable, shown, verdict_word
from ..verdicts import (
    among_others_lines,
    conditions,
    coverage_line,
    gate_rows,
    identical_lines,
    near_miss_lines,
    note_lines,
    sound_reason_lines,
    technical_lines,
    views_lines,
)
from .drawing import Side, draw, legend, stretches
from .screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vhashdb import Explanation, Fingerprint

_INDENT = 2


def tell(
    query: str, reference: str, comparison: Explanation, fingerprints: tuple[Fingerprint, Fingerprint], notes: tuple[str, ...]
) -> None:
    """The verdict, both sides, and the matched stretches."""
    screen = Screen()
    _head(screen, query, reference, comparison, fingerprints)
    _lines(screen, note_lines(notes))


def tell_all(query: str, reference: str, explanation: Explanation, notes: tuple[str, ...]) -> None:
    """The same, with everything that led to it."""
    screen = Screen()
    _head(screen, query, reference, explanation, (explanation.query, explanation.reference))
    _lines(screen, identical_lines(explanation))
    _lines(screen, near_miss_lines(explanation))
    _lines(screen, sound_reason_lines(explanation))
    _lines(screen, among_others_lines(explanation))
    _lines(screen, views_lines(explanation))
    if explanation.judgement.gates:
        screen.line(conditions(explanation.judgement))
        columns, *rows = gate_rows(explanation.judgement)
        screen.table(columns, rows, roomy=columns[-1:])
    _lines(screen, note_lines(notes))
    _lines(screen, technical_lines(explanation))


def _head(screen: Screen, query: str, reference: str, comparison: Explanation, fingerprints: tuple[Fingerprint, Fingerprint]) -> None:
    judgement, word = comparison.judgement, verdict_word(comparison.judgement.verdict)
    score = f"  {judgement.score:.2f}" if judgement.score else ""
    screen.line(screen.text(word, COLOURS[word]) + screen.text(f"{score}  {printable(judgement.reason)}"))
    for name, text in (("file", query), ("known", reference)):
        screen.line(f"{name:<6} {screen.shortened(shown(text), screen.width - _INDENT - 7)}", _INDENT)
    for line in coverage_line(judgement):
        screen.line(line.strip(), _INDENT)
    query_side, known_side = (
        Side(name, fingerprint.duration_s, unusable_spans(fingerprint), pictures=len(fingerprint) > 0)
        for name, fingerprint in zip(("file", "known"), fingerprints, strict=True)
    )
    signs = draw(screen, judgement, query_side, known_side, _INDENT)
    stretches(screen, judgement, _INDENT)
    if words := finding_words(comparison.sound, judgement):
        screen.line(words, _INDENT)
    legend(screen, signs)


def _lines(screen: Screen, lines: Iterable[str]) -> None:
    """Plain lines, broken between words under where they begin."""
    for line in lines:
        words = line.lstrip()
        indent = len(line) - len(words)
        screen.hanging(words[:2], words[2:], indent) if words else screen.line("")
