"""All charts on one sheet: where each goes. Pure geometry, in CSS pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.charts.drawing import WIDTH, Drawing, draw
from vhashdb.charts.figures import Fact, Overview, Section
from vhashdb.charts.model import Chart

COLUMNS: Final = 3
MARGIN: Final = 32
GAP: Final = 40
SHEET: Final = 2 * MARGIN + COLUMNS * WIDTH + (COLUMNS - 1) * GAP
"""Width of all."""

_HEAD: Final = 84
"""Height of the name and the period."""
_FACTS: Final = 5
"""Beside each other."""
_FACT: Final = 58
_SECTION: Final = 64
_TITLE: Final = 26
_BELOW: Final = 36
_EMPTY: Final = 20


@dataclass(frozen=True)
class PlacedFact:
    """A fact and its upper left corner."""

    x: float
    y: float
    fact: Fact


@dataclass(frozen=True)
class PlacedChart:
    """A chart, the upper left corner of its title and its shapes below that; none if it is empty."""

    x: float
    y: float
    chart: Chart
    drawing: Drawing | None
    below_title: float = _TITLE


@dataclass(frozen=True)
class PlacedSection:
    """A section's heading, and the charts below it."""

    y: float
    section: Section
    charts: tuple[PlacedChart, ...]


@dataclass(frozen=True)
class Sheet:
    """Everything in its place."""

    height: float
    facts: tuple[PlacedFact, ...]
    sections: tuple[PlacedSection, ...]
    width: float = SHEET


def lay_out(overview: Overview) -> Sheet:
    """Return a sheet as high as it needs to be."""
    facts = tuple(_placed_facts(overview.facts))
    y = facts[-1].y + _FACT
    sections = []
    for section in overview.sections:
        charts, end = _placed_charts(section.charts, y + _SECTION)
        sections.append(PlacedSection(y, section, charts))
        y = end
    return Sheet(y, facts, tuple(sections))


def _placed_facts(facts: Sequence[Fact]) -> list[PlacedFact]:
    step = (SHEET - 2 * MARGIN) / _FACTS
    return [PlacedFact(MARGIN + n % _FACTS * step, _HEAD + n // _FACTS * _FACT, fact) for n, fact in enumerate(facts)]


def _placed_charts(charts: Sequence[Chart], y: float) -> tuple[tuple[PlacedChart, ...], float]:
    """Place each chart in the column that ends first; return also where the longest ends."""
    ends = [y] * COLUMNS
    placed = []
    for chart in charts:
        column = ends.index(min(ends))
        drawing = None if chart.is_empty else draw(chart)
        placed.append(PlacedChart(MARGIN + column * (WIDTH + GAP), ends[column], chart, drawing))
        ends[column] += _TITLE + (drawing.height if drawing else _EMPTY) + _BELOW
    return tuple(placed), max(ends)
