"""What a moderator reads: verdicts, matches and segments as lines of text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from vhashdb.codes import LOCAL
from vhashdb.text import MOMENT_S, SAID_SPEED, SHORT_S, span

from .hints import with_options
from .output import coloured, labels_text, printable, shown, verdict_word
from .sound_lines import sound_lines

if TYPE_CHECKING:
    from vhashdb import ActionCap, Comparison, Explanation, Match, MatchedSegment, Record, Result
    from vhashdb.matching import Fate, Judgement, RetrievalCheck, ViewComparison
    from vhashdb.store import CaseDecision

CONDITIONS = "Conditions for a match, for the strongest stretch:"
"""The heading over the gates …"""
CONDITIONS_BY_SOUND = "Conditions; that of sound is the one for being possible, not for a match:"
"""… and where nothing but sound speaks for it."""
SHOWN_VIEWS = 8
SHOWN_STRETCHES = 6
"""Of each way of looking."""
WIDTH = 80
_USUAL = ("review", ("set by the record",))
"""What nearly every record says; not worth a line."""
LOOK = "look at it yourself; it is too dark, flat or short for the software to say anything"
"""What to do about a file that shows too little."""
LISTEN = "listen to it yourself; it has no pictures, and too little sound of its own for the software to say anything"
"""The same of a file that has only sound."""
_LOOK_AT_REST = "look at the rest of it yourself, or get the whole file; nothing can be said of what was not looked at"
_LOOK_ANYWAY = "look at it yourself: not everything that is known could be compared"
_LIMITS = ("limit on length", "limit on time", "limit on tracks")


def what_to_do(result: Result) -> str:
    """About an insufficient file: something was not looked at or not compared, or it shows too little."""
    coverage = result.coverage
    if coverage.complete:
        alone = result.fingerprint is not None and not len(result.fingerprint) and result.fingerprint.sound is not None
        return _LOOK_ANYWAY if result.not_compared else LISTEN if alone else LOOK
    reached = next((limit for limit in _LIMITS if any(limit in words for words in coverage.unseen)), None)
    return f"raise the {reached}, or look at the rest of it yourself" if reached else _LOOK_AT_REST


def result_lines(path: str, result: Result, width: int = 0) -> list[str]:
    """Return one file: its verdict, or one line for each match and one for each matched stretch; then what was damaged."""
    name = shown(path).ljust(width)
    lines = [line for match in result.matches for line in _match_lines(name, match)]
    if not result.matches:
        said = "" if result.verdict == "no-match" else f"  {printable(result.reason)}"
        lines = [f"{name}  {coloured(verdict_word(result.verdict))}{said}"]
    return lines + [decision_line(decision) for decision in result.decisions] + note_lines(result.damage)


def decision_line(decision: CaseDecision) -> str:
    """Return what people decided, on a line of its own."""
    return f"  {printable(decision.words)}"


def not_checked_line(path: str, reason: str, width: int = 0) -> str:
    """Return one file that could not be read."""
    return f"{shown(path).ljust(width)}  {coloured('NOT CHECKED')}  {printable(reason)}"


def note_lines(notes: tuple[str, ...]) -> list[str]:
    """Return what a reader should know about a file."""
    return [f"  note: {printable(with_options(note))}" for note in notes]


def _match_lines(name: str, match: Match) -> list[str]:
    record, cap, word = match.record, match.action_cap, coloured(verdict_word(match.verdict))
    endorsements = "" if record.details.source == LOCAL and not cap.dispute else f" ({cap.agree} agree, {cap.dispute} dispute)"
    state = "" if record.state == "active" else f"   ({record.state})"
    labels, source = graded_labels(record), printable(record.details.source)
    lines = [f"{name}  {word}  {match.score:.2f}  rec {record.short_id}  {labels}  from {source}{endorsements}{state}  → {cap.action}"]
    if cap.reasons and (cap.action, cap.reasons) != _USUAL:
        lines.append(f"  {maximum(cap)}")
    if match.decision is not None:
        lines.append(decision_line(match.decision))
    if cap.exceptions:
        lines.append(f"  does not apply to {printable(', '.join(cap.exceptions))}")
    if match.identical:
        lines.append("  the very same file, byte for byte")
        return lines
    if match.verdict == "possible":
        lines.append(f"  {printable(match.judgement.reason)}")
    return lines + segment_lines(match.segments) + sound_lines(match.judgement, match.sound)


def graded_labels(record: Record) -> str:
    """Return the labels of a record, and its severity where somebody said it."""
    severity = record.details.severity
    return labels_text(record.labels) + ("" if severity == "unspecified" else f", severity {severity}")


def maximum(cap: ActionCap) -> str:
    """Return the most that may happen without a person, and why it is no more."""
    return f"maximum automatic action: {cap.action} ({printable('; '.join(cap.reasons))})"


def segment_lines(segments: tuple[MatchedSegment, ...], query: str = "file", known: str = "known") -> list[str]:
    """Matched stretches: where in the file, where in the known video, and how."""
    return [_segment_line(segment, query, known) for segment in segments]


def _segment_line(segment: MatchedSegment, query: str, known: str) -> str:
    still = segment.length_s <= MOMENT_S
    here = "still picture" if still else f"{query}  {span(segment.query_start_s, segment.query_end_s)}"
    there = span(segment.reference_start_s, segment.reference_end_s)
    digits = 1 if segment.length_s < SHORT_S else 0
    words = [] if still else [f"{segment.length_s:.{digits}f} s"]
    words += segment.picture_words
    if abs(segment.speed - 1) > SAID_SPEED and not still:
        words.append(f"speed {segment.speed_words}")
    words.append(f"{'' if still else 'median '}{segment.median_bits:.0f}/{segment.bits} bits")
    return f"  {here}   ↔   {known} {there}      {', '.join(words)}"


def judgement_lines(judgement: Judgement) -> list[str]:
    """Verdict, score and reason of one comparison."""
    word = coloured(verdict_word(judgement.verdict))
    score = f"  {judgement.score:.2f}" if judgement.score else ""
    return [f"{word}{score}  {printable(judgement.reason)}", *coverage_line(judgement)]


def coverage_line(judgement: Judgement) -> list[str]:
    """Return how much of both sides matched, if any did."""
    if not judgement.query_spans:
        return []
    by_sound = ", by its sound alone" if judgement.by_sound else ""
    return [f"  {judgement.query_coverage:.0%} of the file, {judgement.reference_coverage:.0%} of the known video{by_sound}"]


def views_lines(comparison: Comparison) -> list[str]:
    """Return the ways of looking that were tried, best first."""
    if not comparison.views_tried:
        return ["Views in which any pictures were alike: none"]
    lines = ["Views, and at how many moments the two sides were alike:"]
    lines += [f"  {count:>4}  {pair}" for pair, count in comparison.views_tried[:SHOWN_VIEWS]]
    more = len(comparison.views_tried) - SHOWN_VIEWS
    return lines + ([f"        and {more} more"] if more > 0 else [])


def near_miss_lines(comparison: Comparison) -> list[str]:
    """Why it is not a match, unless it is."""
    if not comparison.near_miss:
        return []
    return textwrap.wrap(f"Why not a match: {printable(comparison.near_miss)}", WIDTH, subsequent_indent="  ")


def sound_reason_lines(explanation: Explanation) -> list[str]:
    """Return why sound added nothing, where there was something to add to."""
    why = explanation.why_not_by_sound
    return textwrap.wrap(f"Sound: {printable(with_options(why))}", WIDTH, subsequent_indent="  ") if why else []


def identical_lines(explanation: Explanation) -> list[str]:
    """Return that the file is the recorded one, if it is: `match` then says so whatever the pictures say."""
    return [f"It is {printable(explanation.identical)}: a match whatever its pictures say."] if explanation.identical else []


def among_others_lines(explanation: Explanation) -> list[str]:
    """Return what other records change about it, if they do."""
    if explanation.among_others is None or not explanation.outweighed:
        return []
    word = verdict_word(explanation.among_others.verdict)
    return textwrap.wrap(f"Among the other records: {word}, {printable(explanation.outweighed)}", WIDTH, subsequent_indent="  ")


def technical_lines(explanation: Explanation) -> list[str]:
    """Say what is of use to whoever tunes or mends the software: what a search retrieves, votes, and the evidence of each stretch."""
    lines = _retrieval_lines(explanation) + _full_comparison_lines(explanation)
    return ["", "Technical details", *lines] if lines else []


def _retrieval_lines(explanation: Explanation) -> list[str]:
    """Whether a search comes upon the record: one that compares well is missed too when it does not."""
    checks = explanation.retrieval
    if not checks:
        return []
    width = max(len(one.stage) for one in checks)
    return ["Does a search find it?", *(f"  {one.stage:<{width}}  {_retrieval(one)}" for one in checks)]


def _retrieval(one: RetrievalCheck) -> str:
    if one.radius_bits is None:
        near = f"{one.times} of {one.searched} half seconds agree about it, at least {one.needed} have to"
        if not one.near:
            return f"no: {near}"
    elif one.nearest_bits is None:
        return "no: one side has no picture of its own to search with"
    elif not one.near:
        return f"no: nearest {one.nearest_bits} bits, at most {one.radius_bits} are near"
    else:
        near = f"{one.times} of {one.searched} moments within {one.radius_bits} bits, nearest {one.nearest_bits}"
    if one.candidates is None:
        return f"yes: {near}"
    if one.place is None:
        return f"no: {near}, but {'other records are nearer' if one.crowded_out else 'it is not searched'}"
    return f"yes: {near}, place {one.place} of {one.candidates}"


def _full_comparison_lines(comparison: Comparison) -> list[str]:
    """The ways of looking in which both sides were compared in full, and every stretch found, chosen or not."""
    lines = ["Compared in full:"] if comparison.view_comparisons else []
    found = iter(comparison.found)
    for each in comparison.view_comparisons:
        lines += _view_comparison_lines(each)
        stretches = [next(found) for _ in each.segments]
        # The ones that the rest of the explanation is about must not be among those that are not shown.
        stretches.sort(key=lambda item: (item[1] != "chosen", item[0] is not comparison.strongest))
        for segment, fate in stretches[:SHOWN_STRETCHES]:
            lines += _stretch_lines(segment, fate, strongest=segment is comparison.strongest)
        more = len(each.segments) - SHOWN_STRETCHES
        lines += [f"    and {more} more"] if more > 0 else []
    return lines


def _view_comparison_lines(each: ViewComparison) -> list[str]:
    stretches = "1 stretch" if len(each.segments) == 1 else f"{len(each.segments)} stretches"
    found = each.alignment
    pairs = f"{found.alike:,} {'pair' if found.alike == 1 else 'pairs'} alike"
    return [
        f"  {each.views}",
        f"    {len(each.query)} × {len(each.reference)} pictures, {pairs}, votes {found.votes:.1f} of {found.most_votes:.1f}, {stretches}",
    ]


def _stretch_lines(segment: MatchedSegment, fate: Fate, *, strongest: bool) -> list[str]:
    here, there = span(segment.query_start_s, segment.query_end_s), span(segment.reference_start_s, segment.reference_end_s)
    speed = f"  {segment.speed_words}" if abs(segment.speed - 1) > SAID_SPEED else ""
    word, why = ("chosen", "") if fate == "chosen" else ("set aside", f"{fate}; ")
    why = f"the strongest; {why}" if strongest else why
    parts = f"motion {segment.motion_evidence:.2f}, closeness {segment.closeness:.2f}"
    parts += f", − {segment.speed_cost:.2f} for the speed" if segment.speed_cost else ""
    weight = f"evidence {segment.evidence:.2f}" if segment.evidence else "no evidence"
    said = textwrap.wrap(f"{why}{weight} ({parts})", WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return [f"    {word:<9}  {here} ↔ {there}{speed}", *said]


def conditions(judgement: Judgement) -> str:
    """Return the heading over the gates of a judgement."""
    return CONDITIONS_BY_SOUND if judgement.by_sound and judgement.verdict == "possible" else CONDITIONS


def gates_lines(judgement: Judgement) -> list[str]:
    """Return each condition with its value and threshold."""
    rows = gate_rows(judgement)
    first, second, third = (max(len(row[column]) for row in rows) for column in range(3))
    return [f"  {r[0]:<{first}}  {r[1]:>{second}}  {r[2]:>{third}}  {r[3]:<6}  {r[4]}" for r in rows]


def gate_rows(judgement: Judgement) -> list[tuple[str, ...]]:
    """Return the same in columns, after a row of their names."""
    rows: list[tuple[str, ...]] = [("condition", "value", "threshold", "result", "meaning")]
    return rows + [
        (gate.name, _number(gate.value), _number(gate.threshold), "pass" if gate.passed else "FAIL", gate.meaning)
        for gate in judgement.gates
    ]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
