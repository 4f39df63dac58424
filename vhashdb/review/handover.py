"""Write what one shift hands to the next: open cases and decisions. Pure; the facts come from the store.

It names no file of anybody, except those of a list of matches that was walked through just before: these are known to the
person who asks, and stand nowhere else.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vhashdb import display_names
from vhashdb.escaping import escape_formula, escape_markdown
from vhashdb.json_values import dumps, json_value
from vhashdb.review import words
from vhashdb.store.history import Decided
from vhashdb.store.queue import Case
from vhashdb.text import counted


@dataclass(frozen=True)
class ReviewedMatch:
    """One match of the list that was walked through."""

    file: str
    """Its path, as text."""
    record: str
    verdict: str
    score: float
    answer: str
    """``right``, ``wrong``, ``passed on``, ``looked at`` or ``open``."""
    reason: str


@dataclass(frozen=True)
class Handover:
    """The state of the queue at one moment, and the decisions since another. Times are UTC, without saying so."""

    at: datetime.datetime
    by: str
    since: datetime.datetime
    matched_since: datetime.datetime
    """Matches are counted from then on."""
    open: tuple[Case, ...]
    decided: tuple[Decided, ...]
    matches: tuple[ReviewedMatch, ...] | None = None
    """None if no list of matches was walked through."""


_HEAD: Final = ("section", "time", "person", "what", "record", "labels", "source", "reason", "file")


def as_markdown(handover: Handover) -> str:
    """Return a page for people."""
    parts = [f"# {escape_markdown(title(handover))}", summary(handover)]
    for section in sections(handover):
        rows = "\n".join(f"| {' | '.join(map(escape_markdown, row))} |" for row in section.rows)
        table = f"| {' | '.join(section.head)} |\n|{'---|' * len(section.head)}\n{rows}"
        parts += [f"## {section.title}", table if section.rows else section.none]
    return "\n\n".join([*parts, note(handover)]) + "\n"


def as_csv(handover: Handover) -> str:
    """Write one table; no cell is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows([escape_formula(cell) for cell in row] for row in _rows(handover))
    return text.getvalue()


def as_json_lines(handover: Handover) -> str:
    """Return a line of type ``handover``, then ``case``, ``decision`` and ``judged`` lines."""
    return "".join(f"{dumps(line)}\n" for line in _lines(handover))


def as_html(handover: Handover) -> str:
    """Write one self-contained page."""
    from vhashdb.report.page import render

    values: dict[str, Any] = {"title": title(handover), "summary": summary(handover), "note": note(handover)}
    return render("handover.html.j2", styles=["handover.css"], sections=list(sections(handover)), **values)


FORMS: Final[Mapping[str, Callable[[Handover], str]]] = {".md": as_markdown, ".csv": as_csv, ".jsonl": as_json_lines, ".html": as_html}
"""By the ending of a file's name."""


# -- words -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """One table, for people."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    none: str
    """Text where there is no row."""


def title(handover: Handover) -> str:
    """Return the title: of when and by whom it is."""
    return f"Handover, {_time(handover.at)}, by {handover.by}"


def summary(handover: Handover) -> str:
    """Summarise in one line."""
    taken_back = sum(decided.taken_back for decided in handover.decided)
    back = f", {taken_back} of them taken back" if taken_back else ""
    cases, decisions = counted(len(handover.open), "case"), counted(len(handover.decided), "decision")
    return f"{cases} open; {decisions} since {_time(handover.since)}{back}."


def note(handover: Handover) -> str:
    """Tell the reader whether there are names of files in it."""
    if handover.matches is None:
        return "No name of an uploaded file is in here: the database has none."
    return "The names of files come from the list of matches that was walked through. The database has none: treat this file accordingly."


def sections(handover: Handover) -> Iterator[Section]:
    """Yield the tables; open cases come first, as they are what the next shift has to do."""
    rows = [
        (_day(case.since), words.CAUSE_WORDS[case.cause], case.record[:8], ", ".join(case.labels), case.source, _why(case))
        for case in handover.open
    ]
    yield Section("Open", ("since", "why it waits", "record", "labels", "source", "what is known"), rows, "Nothing waits.")
    done = [(_time(d.at), d.actor, what(d), d.record[:8], ", ".join(d.labels), d.source, d.reason) for d in handover.decided]
    head = ("when", "who", "what", "record", "labels", "source", "reason")
    yield Section(f"Decided since {_time(handover.since)}", head, done, "Nothing was decided.")
    if handover.matches is not None:
        judged = [(m.file, m.record[:8], f"{m.verdict} {m.score:.2f}", m.answer, m.reason) for m in handover.matches]
        yield Section("Matches looked at", ("file", "record", "verdict", "answer", "reason"), judged, "There was none to look at.")


def what(decided: Decided) -> str:
    """Say one decision in words."""
    said = f" ({display_names.BASES.get(decided.basis, decided.basis)})" if decided.basis else ""
    text = (
        f"opinion: {display_names.OPINIONS.get(decided.verdict, decided.verdict)}{said}"
        if decided.action == "opinion"
        else _ACTIONS[decided.action]
    )
    return f"{text}; taken back" if decided.taken_back else text


_ACTIONS: Final = {
    "review-accepted": "accepted",
    "review-rejected": "rejected",
    "propose-accepted": "proposed to accept it",
    "propose-rejected": "proposed to reject it",
    "unmatch": "a file is not this record",
    "confirm-match": "a file does show this record, or has its sound",
    "escalate": "passed a file on to somebody else",
    "looked-at": "looked at, nothing to say",
    "retract": "retracted",
    "erase": "retracted and erased",
}


def _why(case: Case) -> str:
    return f"{case.why}; {case.proposed_by} proposed that it be {case.proposed}" if case.proposed else case.why


def _rows(handover: Handover) -> Iterator[tuple[str, ...]]:
    for case in handover.open:
        labels = " ".join(case.labels)
        yield "open", _stamp(case.since), case.proposed_by, case.cause.value, case.record, labels, case.source, _why(case), ""
    for d in handover.decided:
        yield "decided", _stamp(d.at), d.actor, what(d), d.record, " ".join(d.labels), d.source, d.reason, ""
    for m in handover.matches or ():
        yield "match", "", "", m.answer, m.record, "", "", m.reason, m.file


def _lines(handover: Handover) -> Iterator[dict[str, Any]]:
    matches = handover.matches
    head = {"type": "handover", "at": handover.at, "by": handover.by, "since": handover.since}
    counts = {"open": len(handover.open), "decided": len(handover.decided), "matches": None if matches is None else len(matches)}
    yield head | {"matched_since": handover.matched_since} | counts
    for case in handover.open:
        yield case.to_json()
    for d in handover.decided:
        yield {"type": "decision", **vars(d)}
    for m in matches or ():
        yield {"type": "judged", **vars(m)}


def _time(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _day(moment: datetime.datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else ""


def _stamp(moment: datetime.datetime | None) -> str:
    return str(json_value(moment)) if moment is not None else ""
