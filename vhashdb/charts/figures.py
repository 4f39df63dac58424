"""The figures of a database as charts, with the words that explain them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.charts.model import Breakdown, Chart, Part, Row, Series, Share, share
from vhashdb.json_values import json_value
from vhashdb.matching.verdict import Verdict
from vhashdb.store.figures import WHAT_WRONG_IS, Figures, SourceFigures
from vhashdb.store.periods import Span
from vhashdb.store.queue import Cause
from vhashdb.store.statistics import ASKED, FOUND, TOP, ByVerdict, Statistics
from vhashdb.text import size


@dataclass(frozen=True)
class Section:
    """Charts that belong together."""

    key: str
    title: str
    about: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Fact:
    """One number that says much."""

    key: str
    """For programs."""
    name: str
    """For people."""
    value: float | None
    """None: it cannot be said."""
    said: str
    """The value in words."""


@dataclass(frozen=True)
class Overview:
    """A database by its figures."""

    name: str
    """Name of the database: that of its folder, without where that is."""
    statistics: Statistics
    hashes: int
    """In the index, those that came last included."""
    index_bytes: int
    """Of the index on disk."""

    @property
    def period(self) -> str:
        """Period in words."""
        period = self.statistics.period
        return f"From {period.since} to {period.until} by {period.by}, as known on {self.statistics.today} (UTC)"

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The numbers that say most, first."""
        statistics = self.statistics
        asked, found, waiting = sum(statistics.asked), sum(statistics.found), sum(statistics.waiting.values())
        return (
            whole("records", "records that can match", statistics.figures.records),
            whole("waiting", "waiting for a person", waiting),
            whole("hashes", "hashes in the index", self.hashes),
            Fact("index_bytes", "index on disk", self.index_bytes, size(self.index_bytes)),
            whole("records_added", "records added in the period", sum(statistics.added)),
            whole("questions", "questions in the period", asked),
            Fact("found_share", "of them found a record", found / asked if asked else None, share(found, asked)),
            whole("matches", "matches in the period", statistics.figures.matches),
            whole("appeals_upheld", "appeals upheld in the period", statistics.figures.appeals_upheld),
            whole("not_this", "marks that a file is not a record", statistics.figures.not_this),
        )

    @property
    def sections(self) -> tuple[Section, ...]:
        """All charts, in the order in which one would ask."""
        return sections(self.statistics)

    def to_json(self) -> dict[str, Any]:
        """Return its facts as `stats`; `Chart.to_json` has the figures of the sections."""
        period = self.statistics.period
        head = {"type": "stats", "database": self.name, "from": json_value(period.since), "to": json_value(period.until)}
        return head | {"by": period.by.value} | {fact.key: fact.value for fact in self.facts}


_RECORDS: Final = (Part("records", "records"),)
_HITS: Final = tuple(Part(verdict.value, verdict.value) for verdict in FOUND)
_VERDICTS: Final = tuple(Part(verdict.value, verdict.value.replace("-", " ")) for verdict in ASKED)
_NO_LABEL: Final = "(no label)"
_STATES: Final = {"active": "active", "held": "held", "disputed": "disputed", "retracted": "retracted, never matches"}
_CAUSES: Final = {
    Cause.HELD: "held: somebody has to accept it",
    Cause.DISPUTED: "disputed: opinions differ",
    Cause.DUE: "due: to be looked at again",
    Cause.EXPIRED: "expired: its time is over",
    Cause.PROPOSED: "proposed: a second has to agree",
    Cause.MATCHED: "matched: nobody decided yet",
    Cause.ESCALATED: "passed on: another decides",
}


def sections(statistics: Statistics) -> tuple[Section, ...]:
    """Return everything that was counted, in the order in which one would ask."""
    period = statistics.period
    during = f"from {period.since} to {period.until}"
    return (
        Section(
            "contents", "What is in the database", "As it is now. Retracted records are counted by state alone.", _contents(statistics)
        ),
        Section(
            "catches",
            "What it catches",
            f"Questions and their answers {during}. Of the files only keyed digests are kept.",
            _catches(statistics),
        ),
        Section("people", "What people say of it", f"What waits for a person now, and what was decided {during}.", _people(statistics)),
    )


def _contents(statistics: Statistics) -> tuple[Chart, ...]:
    figures = statistics.figures
    labels = _ranked(figures.by_label) + ([Row("", (statistics.unlabelled,), words=_NO_LABEL)] if statistics.unlabelled else [])
    states = [Row(state, (figures.by_state.get(state, 0),), words=words) for state, words in _STATES.items()]
    none = "No records."
    return (
        Breakdown("records_by_state", "Records by state", "All records there ever were.", "state", _RECORDS, tuple(states), none),
        _records("source", "Where records come from: local, a feed or an imported list.", _ranked(figures.by_source)),
        _records("origin", "What led to the decision to record it.", _ranked(figures.by_origin)),
        _records("length", "How long the known videos are; pictures are under 1 second.", _in_order(statistics.by_length)),
        _records("severity", "How bad it is said to be.", _in_order(statistics.by_severity)),
        _records("age", "How long ago records were added.", _in_order(statistics.by_age)),
        Breakdown(
            "records_by_label", "Records by label", "A record with several labels counts for each.", "label", _RECORDS, tuple(labels), none
        ),
        _over_time(
            statistics,
            "records_added",
            "Records added",
            "When they came, including those that were retracted since.",
            {_RECORDS[0]: statistics.added},
            "No record was added in this period.",
        ),
    )


def _records(what: str, about: str, rows: list[Row]) -> Breakdown:
    return Breakdown(f"records_by_{what}", f"Records by {what}", about, what, _RECORDS, tuple(rows), "No records.")


def _catches(statistics: Statistics) -> tuple[Chart, ...]:
    asked, none = "No question was asked in this period.", "Nothing matched in this period."
    questions = {part: statistics.questions[Verdict(part.key)] for part in _VERDICTS}
    matches = {part: statistics.matches[Verdict(part.key)] for part in _HITS}
    found = [
        Row(_key(span), (some, of), share(some, of), str(span))
        for span, some, of in zip(statistics.period.spans, statistics.found, statistics.asked, strict=True)
    ]
    return (
        _over_time(
            statistics,
            "questions",
            "Questions by answer",
            "Files that were asked about. They are noted every ten minutes and when the program that asked ends.",
            questions,
            asked,
        ),
        _over_time(
            statistics, "matches", "Records matched", "Every record that an answer named; one file may match several.", matches, none
        ),
        Share(
            "found",
            "Share of questions that found a record",
            "Match or possible, of all questions. Where nobody asked there is no share; that stretch is marked.",
            "from – to",
            (Part("found", "found"), Part("asked", "asked")),
            tuple(found),
            asked if not sum(statistics.asked) else "No question found a record in this period.",
            "share",
            period=statistics.period,
        ),
        _matched("label", "By the labels that the records have now.", statistics.matches_by_label, none),
        _matched("source", "Where the matched records come from.", statistics.matches_by_source, none),
        Breakdown(
            "matches_by_record",
            "Records that matched most",
            f"At most {TOP}, by id; “vhashdb show” tells more of each.",
            "record",
            _HITS,
            tuple(Row(record, _of(hits)) for record, hits in statistics.top.items()),
            none,
        ),
    )


def _matched(what: str, about: str, hits: Mapping[str, ByVerdict], none: str) -> Breakdown:
    ranked = sorted(hits.items(), key=lambda item: (-sum(_of(item[1])), item[0]))
    rows = tuple(Row(name, _of(each), words=name or _NO_LABEL) for name, each in ranked)
    return Breakdown(f"matches_by_{what}", f"Matches by {what}", about, what, _HITS, rows, none)


def _people(statistics: Statistics) -> tuple[Chart, ...]:
    figures = statistics.figures
    waiting = tuple(Row(cause, (number,), words=_CAUSES[cause]) for cause, number in statistics.waiting.items())
    endorsements = tuple(Row(source, (each.agree, each.dispute)) for source, each in statistics.opinions.items())
    return (
        Breakdown(
            "waiting",
            "Waiting for a person",
            "Records in the review queue, now.",
            "why",
            _RECORDS,
            waiting,
            "Nothing waits for a person.",
        ),
        Breakdown(
            "opinions",
            "Opinions by source",
            "Given in the period; local are those of people here.",
            "source",
            (Part("agree", "agree"), Part("dispute", "dispute")),
            endorsements,
            "No opinion was given in this period.",
        ),
        precision(figures),
        simple(
            "reviews",
            "Reviews decided",
            "What people decided in the period.",
            "decision",
            figures.reviews,
            "No review was decided in this period.",
        ),
        simple(
            "retractions",
            "Retractions by reason",
            "Records withdrawn in the period.",
            "reason",
            figures.retractions,
            "Nothing was retracted in this period.",
        ),
    )


def precision(figures: Figures) -> Breakdown:
    """Chart each source's records that matched, and those of them that were found wrong since."""
    sources = sorted((each for each in figures.sources if each.matched_records), key=lambda each: -each.matched_records)
    return Breakdown(
        "precision",
        "How right the sources were",
        f"Records that matched in the period. {WHAT_WRONG_IS}",
        "source",
        (Part("right", "not found wrong"), Part("wrong", "found wrong")),
        tuple(map(_rightness, sources)),
        "Nothing matched in this period.",
        "precision, at most",
    )


def simple(key: str, title: str, about: str, head: str, counts: Mapping[str, int], none: str) -> Breakdown:
    """Chart one number for each of some names, the greatest first."""
    return Breakdown(key, title, about, head, (Part("number", "number"),), tuple(_ranked(counts)), none)


def _over_time(statistics: Statistics, key: str, title: str, about: str, lines: Mapping[Part, tuple[int, ...]], none: str) -> Series:
    period = statistics.period
    rows = tuple(
        Row(_key(span), values, words=str(span)) for span, values in zip(period.spans, zip(*lines.values(), strict=True), strict=True)
    )
    return Series(key, f"{title}, by {period.by}", about, "from – to", tuple(lines), rows, none, period=period)


def _key(span: Span) -> str:
    """Return an interval as ISO 8601 writes it."""
    return f"{span.first}/{span.last}"


def _rightness(source: SourceFigures) -> Row:
    right = source.matched_records - source.wrong_records
    return Row(source.source, (right, source.wrong_records), share(right, source.matched_records))


def _ranked(counts: Mapping[str, int]) -> list[Row]:
    """Return the most frequent first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Row(name, (number,), words=name.replace("_", " ")) for name, number in ranked]


def _in_order(counts: Mapping[str, int]) -> list[Row]:
    return [Row(name, (number,)) for name, number in counts.items()]


def _of(hits: ByVerdict) -> tuple[int, int]:
    return hits.match, hits.possible


def whole(key: str, name: str, value: int) -> Fact:
    """Return a fact that is a whole number."""
    return Fact(key, name, value, f"{value:,}")
