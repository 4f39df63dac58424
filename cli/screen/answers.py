"""What a moderator sees on a terminal: the verdict first, which seconds, what to make of it, and what to do next."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from vhashdb.codes import LOCAL
from vhashdb.errors import RecordNotFound
from vhashdb.fingerprints import unusable_spans
from vhashdb.matching import finding_words
from vhashdb.search import ORDER, Urgency, urgency
from vhashdb.text import MOMENT_S, SHORT_S

from ..batch import Job, tally
from ..hints import with_options
from ..output import COLOURS, counted, printable, shown, told, verdict_word, without_path
from ..result_writers import WORDS, Summary, database_text
from ..verdicts import graded_labels, maximum, what_to_do
from .drawing import Side, draw, legend, stretches
from .screen import Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vhashdb import Database, Fingerprint, Match, Result

SHOWN_MATCHES: Final = 3
SHORT_RUN: Final = 20
"""Files whose answers can be overlooked at once; after more of them, what is to be looked at is listed again."""
SHOWN_AGAIN: Final = 30
_OTHER_COLUMNS: Final = 60
"""Columns of its table that are not the file's name."""
_VERDICT_WIDTH: Final = 14
_LABEL_WIDTH: Final = 18
_INDENT: Final = 2
_COMPARE: Final = "compare them yourself; on its own it proves nothing"
_LISTEN: Final = "listen to both yourself; it may be any music, and on its own it proves nothing"


@dataclass(frozen=True)
class _Open:
    """A file that a person has to look at."""

    place: Urgency
    cells: tuple[str, ...]


class ScreenWriter:
    """Tells answers on a terminal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._screen = Screen()
        self._notes: dict[str, int] = {}
        """What keeps matches from leading to more, and the numbers it was given: said in full only once."""
        self._steps: set[str] = set()
        """Next steps that were said already."""
        self._signs: set[str] = set()
        self._first: tuple[str, str] | None = None
        """The first file found, and its best record."""
        self._open: list[_Open] = []
        self._found = 0
        """Files that matched, and that nobody has decided about."""

    def write(self, job: Job[Result]) -> None:
        """One file: a line, and under it what is known of each match."""
        if job.value is None:
            self._heading("unreadable", job.name)
            if job.unread is None or not job.unread.settled:
                self._note_open("unreadable", job.name)
            self._because(without_path(job.failure.message, job.path), job.failure.hint)
            for decision in job.unread.decisions if job.unread else ():
                self._say(printable(decision.words))
            return
        result = job.value
        videos = result.by_video
        self._heading(result.verdict, job.name, len(videos))
        if not result.settled:
            self._note_open(result.verdict, job.name, result)
        if result.verdict == "insufficient":
            self._because(result.reason, what_to_do(result))
        for place, (match, *others) in enumerate(videos[:SHOWN_MATCHES], 1):
            self._match(result, match, f"{place}. " if len(videos) > 1 else "")
            self._copies(match, others, _INDENT + (3 if len(videos) > 1 else 0))
        if (more := len(videos) - SHOWN_MATCHES) > 0:
            self._say(f"and {more} more; all of them:")
            self._screen.command([*self._command("match", job.path), "| less"], _INDENT)
        for decision in result.decisions:
            self._say(printable(decision.words))
        for note in result.damage:
            self._say(f"note: {printable(note)}")
        # `explain` takes one video, so it is not for one of several in a file.
        if result.matches and not result.settled and self._first is None and not job.part:
            self._first = (job.path, result.matches[0].record.short_id)

    def finish(self, summary: Summary) -> None:
        """The counts, what the signs mean, and what to do next."""
        screen = self._screen
        screen.line("")
        if summary.files > SHORT_RUN:
            self._again()
        screen.hanging("", tally({WORDS[verdict]: number for verdict, number in summary.verdicts.items()}, summary.skipped, summary.older))
        screen.hanging("", f"{database_text(summary)} · exit {told(summary.code)}")
        self.explain_signs()
        self._next(summary)

    def _again(self) -> None:
        """What a person has to look at, once more: in a long run it is far above, among all that is not known."""
        if not self._open:
            return
        ranked = sorted(self._open, key=lambda one: one.place)
        self._say(f"to look at, {ORDER}:", 0)
        self._screen.table(("verdict", "severity", "label", "share", "file", "record"), [one.cells for one in ranked[:SHOWN_AGAIN]])
        if (more := len(ranked) - SHOWN_AGAIN) > 0:
            self._say(f"and {more} more above; --report FILE.html makes a page of all", 0)
        self._screen.line("")

    def explain_signs(self) -> None:
        """What the signs and numbers mean that were used."""
        legend(self._screen, self._signs)
        for note, number in self._notes.items():
            self._screen.hanging(f"[{number}] ", note)

    def _note_open(self, verdict: str, path: str, result: Result | None = None) -> None:
        self._found += bool(result and result.matches)
        best = result.most_pressing if result else None
        name = self._screen.shortened(shown(path), self._screen.width - _OTHER_COLUMNS)
        facts = _facts(best) if best else ("", "", "", "")
        cells = (verdict_word(verdict), *(self._screen.shortened(fact, _LABEL_WIDTH) for fact in facts[:3]), name, facts[3])
        self._open.append(_Open(result.urgency if result else urgency(verdict), cells))

    # -- one file --------------------------------------------------------------------------------------

    def _heading(self, verdict: str, path: str, videos: int = 0) -> None:
        screen, word = self._screen, verdict_word(verdict)
        tail = f"  {videos} videos" if videos > 1 else ""
        name = screen.shortened(shown(path), screen.width - _VERDICT_WIDTH - len(tail))
        style = f"bold {COLOURS[word]}" if word == "MATCH" else COLOURS[word]
        screen.line(screen.text(word.ljust(_VERDICT_WIDTH), style) + screen.text(name, "bold" if videos else "") + screen.text(tail))

    def _because(self, reason: str, step: str, indent: int = _INDENT) -> None:
        """Why no more is said of a file, and the next step unless it was said before."""
        self._say(printable(reason), indent)
        if step not in self._steps:
            self._steps.add(step)
            self._screen.hanging("→ ", printable(with_options(step)), indent)

    def _match(self, result: Result, match: Match, place: str) -> None:
        record, details, cap = match.record, match.record.details, match.action_cap
        labels = graded_labels(record) if record.labels else "no label"
        state = "" if record.state == "active" else f"  ({record.state})"
        mark = self._mark(match)
        seconds = match.judgement.reason if match.identical else _seconds(result, match)
        words = [f"{place}{seconds}", f"rec {record.short_id}{state}", labels, f"score {match.score:.2f}", f"→ {cap.action}{mark}"]
        self._screen.flow(words, "  ", indent=_INDENT, hang=len(place))
        indent = _INDENT + len(place)
        if match.verdict == "possible":
            self._because(match.judgement.reason, _LISTEN if match.judgement.by_sound else _COMPARE, indent)
        if not match.identical:
            query, known = _side("file", result.duration_s, result.fingerprint), _side("known", match.record.duration_s, self._known(match))
            self._signs |= draw(self._screen, match.judgement, query, known, indent)
            stretches(self._screen, match.judgement, indent)
            if said := finding_words(match.sound, match.judgement):
                self._say(said, indent)
        source = "recorded here" if details.source == LOCAL else f"from {printable(details.source)}"
        endorsements = "" if details.source == LOCAL and not cap.dispute else f" ({cap.agree} agree, {cap.dispute} dispute)"
        self._screen.hanging("", f"{source}{endorsements}{': ' if details.reason else ''}{printable(details.reason)}", indent)
        if match.decision is not None:
            self._say(printable(match.decision.words), indent)
        if cap.exceptions:
            self._say(f"does not apply to {printable(', '.join(cap.exceptions))}", indent)

    def _copies(self, match: Match, others: Sequence[Match], indent: int) -> None:
        """What other records of the same video say, in one line."""
        copies = match.copies - 1 + sum(other.copies for other in others)
        if not copies:
            return
        said = [f"{counted(copies, 'more record')} of this video"]
        said += [", ".join(sorted({label for other in others for label in other.record.labels}))]
        if sources := sorted({other.record.details.source for other in others} - {LOCAL}):
            said.append(f"from {', '.join(sources)}")
        actions = {other.action_cap.action for other in others} - {match.action_cap.action}
        said += [f"→ {action}" for action in sorted(actions)]
        if match.videos:
            said.append(f"vhashdb video show {match.videos[0][:8]}")
        self._screen.hanging("", printable("; ".join(text for text in said if text)), indent)

    def _mark(self, match: Match) -> str:
        """The number of the note that says why a match leads to no more."""
        if not match.action_cap.reasons:
            return ""
        note = maximum(match.action_cap)
        return f" [{self._notes.setdefault(note, len(self._notes) + 1)}]"

    def _known(self, match: Match) -> Fingerprint | None:
        try:
            return self._database.fingerprint(match.record.id)
        except RecordNotFound:  # erased since, or it came without hashes
            return None

    # -- words -----------------------------------------------------------------------------------------

    def _next(self, summary: Summary) -> None:
        """What a person does now."""
        screen, verdicts = self._screen, summary.verdicts
        unsure = verdicts["insufficient"] + verdicts["unreadable"]
        found = self._found
        if self._first is not None:
            example = "this says why" if found == 1 else "for example, this says why"
            screen.hanging("→ ", f"{counted(found, 'file')} to look at; {example}:")
            screen.command(self._command("explain", *self._first), _INDENT)
        if unsure:
            screen.hanging("→ ", f"{counted(unsure, 'file')} that could not be checked: that is not NO MATCH, so a person has to look")

    def _command(self, verb: str, *arguments: str) -> list[str]:
        """A command that can be given next, for the same database."""
        given = click.get_current_context().get_parameter_source("db") is ParameterSource.COMMANDLINE
        database = ["--db", quoted(str(self._database.place))] if given else []
        return [f"vhashdb {verb}", *database, *map(quoted, arguments)]

    def _say(self, words: str, indent: int = _INDENT) -> None:
        self._screen.line(words, indent)


def _side(name: str, duration_s: float, fingerprint: Fingerprint | None) -> Side:
    if fingerprint is None:
        return Side(name, duration_s)
    return Side(name, duration_s, unusable_spans(fingerprint), pictures=len(fingerprint) > 0)


def _facts(match: Match) -> tuple[str, str, str, str]:
    """Severity, label, share of the file that matched, and record."""
    record, severity = match.record, match.record.details.severity
    share = f"{match.judgement.query_coverage:.0%}" if match.segments or match.sounds else "100%" if match.identical else ""
    labels = printable(", ".join(record.labels))
    return "" if severity == "unspecified" else severity, labels, share, record.short_id


def _seconds(result: Result, match: Match) -> str:
    if result.duration_s <= MOMENT_S:
        return "still picture"
    digits = 1 if result.duration_s < SHORT_S else 0
    only = "sound only, " if match.judgement.by_sound else ""
    return f"{only}{match.judgement.matched_query_s:.{digits}f} of {result.duration_s:.{digits}f} s"


def quoted(word: str) -> str:
    """As a shell takes it; what is no plain text as the bytes it is."""
    if printable(word) == word:
        return shlex.quote(word)
    plain = "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'" else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{plain}'"
