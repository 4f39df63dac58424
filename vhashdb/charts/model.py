"""Content of a chart, before anybody draws it: on a terminal or as a picture. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.store.periods import Period, Span

MOST_BARS: Final = 12
"""More rows are summed up in words; the table has them all."""


@dataclass(frozen=True)
class Part:
    """Meaning of one number of every row."""

    key: str
    """For programs."""
    name: str
    """For people."""


@dataclass(frozen=True)
class Row:
    """One line of a chart's table."""

    key: str
    """For programs."""
    values: tuple[int, ...]
    """One for each part."""
    said: str = ""
    """Conclusion from the numbers, in words."""
    words: str = ""
    """For people, where the key would not do."""

    @property
    def name(self) -> str:
        """For people; text from outside, as it came."""
        return self.words or self.key


@dataclass(frozen=True)
class Chart:
    """Numbers of one kind, with the words that belong to them."""

    key: str
    """For programs."""
    title: str
    about: str
    """Subject, in one or two sentences."""
    head: str
    """Kind of the rows: a label, a source …"""
    parts: tuple[Part, ...]
    rows: tuple[Row, ...]
    empty: str
    """Text where there is nothing to draw."""
    said_head: str = ""
    """Kind of `Row.said`; empty if the rows say nothing."""

    @property
    def is_empty(self) -> bool:
        """Whether every number is zero."""
        return not any(any(row.values) for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """Return its numbers as a `figure`."""
        keys = [part.key for part in self.parts]
        return {
            "type": "figure",
            "figure": self.key,
            "rows": [{"name": r.key, **dict(zip(keys, r.values, strict=True))} for r in self.rows],
        }


@dataclass(frozen=True)
class Breakdown(Chart):
    """Kinds beside each other: a bar for every row and part, all from zero and on one scale."""

    @property
    def drawn(self) -> tuple[Row, ...]:
        """The rows that get bars."""
        return self.rows[:MOST_BARS]

    @property
    def left_out(self) -> str:
        """The other rows in words; empty if there are none."""
        rest = self.rows[MOST_BARS:]
        if not rest:
            return ""
        sums = (sum(row.values[place] for row in rest) for place in range(len(self.parts)))
        return f"and {len(rest):,} more, together {', '.join(self.said_of(sums))}"

    @property
    def top(self) -> int:
        """The greatest number that is drawn: a bar of the whole length."""
        return max((value for row in self.drawn for value in row.values), default=0)

    def said_of(self, values: Iterable[int]) -> list[str]:
        """Write numbers, each with what it counts if they count different things."""
        names = [f" {part.name}" for part in self.parts] if len(self.parts) > 1 else [""]
        return [f"{number:,}{name}" for number, name in zip(values, names, strict=True)]


@dataclass(frozen=True)
class Column:
    """One span of time, or several neighbours, in a panel."""

    span: Span
    value: float | None
    """None: there is nothing that could be said of it."""
    said: str
    """The value in words."""


@dataclass(frozen=True)
class Panel:
    """One line of numbers over time, on a scale of its own that begins at zero."""

    name: str
    columns: tuple[Column, ...]
    together: int
    """Spans in one column."""
    total: str
    """Of the whole period."""

    @property
    def highest(self) -> Column | None:
        """The first of the highest columns; None if every one is zero or unknown."""
        best = max(self.columns, key=lambda column: column.value or 0.0, default=None)
        return best if best is not None and best.value else None

    @property
    def top(self) -> float:
        """Where the scale ends."""
        return (self.highest.value or 0.0) if self.highest else 0.0


@dataclass(frozen=True, kw_only=True)
class Series(Chart):
    """Numbers over time: a row for every span, a panel for every part."""

    period: Period

    def panels(self, most: int) -> tuple[Panel, ...]:
        """Lay it out in at most so many columns; neighbours are added up where there are more spans."""
        together = max(1, math.ceil(len(self.rows) / most))
        groups = [(_joined(spans), sums) for spans, sums in self._groups(together)]
        return tuple(self._panel(place, groups, together) for place in range(self._panels))

    @property
    def _panels(self) -> int:
        return len(self.parts)

    def _panel(self, place: int, groups: list[tuple[Span, tuple[int, ...]]], together: int) -> Panel:
        columns = tuple(Column(span, sums[place], f"{sums[place]:,}") for span, sums in groups)
        return Panel(self.parts[place].name, columns, together, f"{sum(sums[place] for _, sums in groups):,}")

    def _groups(self, together: int) -> Iterator[tuple[tuple[Span, ...], tuple[int, ...]]]:
        for start in range(0, len(self.rows), together):
            rows = self.rows[start : start + together]
            yield self.period.spans[start : start + together], tuple(map(sum, zip(*(row.values for row in rows), strict=True)))


@dataclass(frozen=True, kw_only=True)
class Share(Series):
    """Share of the first part in the second, over time; where the second is zero there is none."""

    @property
    def _panels(self) -> int:
        return 1

    def _panel(self, place: int, groups: list[tuple[Span, tuple[int, ...]]], together: int) -> Panel:
        columns = tuple(Column(span, some / of if of else None, share(some, of)) for span, (some, of) in groups)
        some, of = (sum(sums[place] for _, sums in groups) for place in range(2))
        return Panel(self.parts[place].name, columns, together, share(some, of))


def share(some: int, of: int) -> str:
    """Write a share as ``2.5 %``; small ones are never said to be none, nor large ones all."""
    if not of:
        return "–"
    percent = 100 * some / of
    if 0 < percent < 0.1:
        return "under 0.1 %"
    return "over 99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %"


def _joined(spans: tuple[Span, ...]) -> Span:
    return Span(spans[0].first, spans[-1].last)
