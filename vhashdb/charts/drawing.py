"""Where the bars, lines and words of a chart go. Pure geometry, in CSS pixels, down and to the right."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from vhashdb.charts.model import Breakdown, Chart, Panel, Series
from vhashdb.text import counted, printable, shortened

WIDTH: Final = 320
"""Of a chart: as much as a phone shows."""
MOST_COLUMNS: Final = 120
"""Of a panel; one more would be less than two pixels wide."""
THINNEST: Final = 1.0
"""A bar of something that is not zero, however little it is."""

_NAME: Final = 34
"""Characters of a name."""
_LINE: Final = 18
_DIGIT: Final = 7.0
"""Width of a character of a number, at most."""
_BAR: Final = 10
_PART_GAP: Final = 4
_ROW_GAP: Final = 9
_PLOT: Final = 54
"""Height of a panel's columns."""
_PANEL_GAP: Final = 14
_SPARED: Final = 0.15
"""Share of a column's place that is left free beside it, where it is wide enough."""


@dataclass(frozen=True)
class Bar:
    """A rectangle whose length is a number."""

    x: float
    y: float
    width: float
    height: float
    said: str
    """Text that it stands for."""
    part: int = 0
    """Which of several numbers: each is filled in another way."""


@dataclass(frozen=True)
class Words:
    """A line of text on its baseline."""

    x: float
    y: float
    text: str
    kind: str
    """``name``, ``number`` or ``soft``."""
    anchor: str = "start"
    """Which end of it is at ``x``."""


@dataclass(frozen=True)
class Rule:
    """A line from one point to another."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str
    """``axis``, ``scale`` or ``unknown``, which stands where there is no number."""


@dataclass(frozen=True)
class Drawing:
    """A chart as shapes."""

    height: float
    bars: tuple[Bar, ...]
    words: tuple[Words, ...]
    rules: tuple[Rule, ...]
    width: float = WIDTH


def draw(chart: Chart) -> Drawing:
    """Return the shapes of a chart that is not empty."""
    pen = _Pen()
    if isinstance(chart, Breakdown):
        _breakdown(pen, chart)
    elif isinstance(chart, Series):
        _series(pen, chart)
    return Drawing(pen.y, tuple(pen.bars), tuple(pen.words), tuple(pen.rules))


@dataclass
class _Pen:
    """A drawing under way: its parts so far, and how far down it reaches."""

    y: float = 0.0
    bars: list[Bar] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    def line(self, *words: tuple[float, str, str, str]) -> None:
        """Draw a line of text: where, what, kind, and which end."""
        self.words += [Words(x, self.y + 13, text, kind, anchor) for x, text, kind, anchor in words]
        self.y += _LINE


def _breakdown(pen: _Pen, chart: Breakdown) -> None:
    several = len(chart.parts) > 1
    beside = max(len(text) for row in chart.drawn for text in chart.said_of(row.values)) * _DIGIT + 8 if several else 0
    room = WIDTH - beside
    for row in chart.drawn:
        right = row.said if several else f"{row.values[0]:,}"
        pen.line((0, _short(row.name), "name", "start"), (WIDTH, right, "number", "end"))
        top = pen.y
        for place, (value, said) in enumerate(zip(row.values, chart.said_of(row.values), strict=True)):
            width = max(THINNEST, value / chart.top * room) if value else 0.0
            if value:
                pen.bars.append(Bar(0, pen.y, width, _BAR, f"{printable(row.name)}: {said}", place))
            if several:
                pen.words.append(Words(WIDTH, pen.y + _BAR, said, "number", "end"))
            pen.y += _BAR + _PART_GAP * several
        pen.rules.append(Rule(0, top - 1, 0, pen.y + 1 - _PART_GAP * several, "axis"))
        pen.y += _ROW_GAP
    if chart.left_out:
        pen.line((0, chart.left_out, "soft", "start"))


def _series(pen: _Pen, chart: Series) -> None:
    panels = chart.panels(MOST_COLUMNS)
    gutter = max(len(panel.highest.said) if panel.highest else 1 for panel in panels) * _DIGIT + 6
    if panels[0].together > 1:
        pen.line((0, f"Each column is {counted(panels[0].together, chart.period.by)}.", "soft", "start"))
    for panel in panels:
        pen.y += _PANEL_GAP * (panel is not panels[0])
        _panel(pen, panel, gutter)


def _panel(pen: _Pen, panel: Panel, gutter: float) -> None:
    if panel.highest is None:
        pen.line((0, f"{panel.name}: none", "name", "start"))
        return
    pen.line((0, f"{panel.name}: {panel.total} in all", "name", "start"))
    pen.line((0, f"highest: {panel.highest.said} ({panel.highest.span})", "soft", "start"))
    top = pen.y + 8
    bottom = top + _PLOT
    pen.rules += [Rule(gutter, top, WIDTH, top, "scale"), Rule(gutter, bottom, WIDTH, bottom, "axis")]
    pen.words += [Words(gutter - 4, top + 4, panel.highest.said, "number", "end"), Words(gutter - 4, bottom + 4, "0", "number", "end")]
    pen.bars += _columns(panel, gutter, bottom)
    place = (WIDTH - gutter) / len(panel.columns)
    unknown = (n for n, column in enumerate(panel.columns) if column.value is None)
    pen.rules += [Rule(gutter + n * place, bottom + 3, gutter + (n + 1) * place, bottom + 3, "unknown") for n in unknown]
    pen.y = bottom + 4
    first, last = panel.columns[0].span.first, panel.columns[-1].span.last
    pen.line((gutter, str(first), "soft", "start"), *([(WIDTH, str(last), "soft", "end")] if first != last else []))


def _columns(panel: Panel, left: float, bottom: float) -> Iterator[Bar]:
    place = (WIDTH - left) / len(panel.columns)
    free = place * _SPARED if place * _SPARED >= 0.5 else 0.0
    for n, column in enumerate(panel.columns):
        if column.value:
            height = max(THINNEST, column.value / panel.top * _PLOT)
            yield Bar(left + n * place + free / 2, bottom - height, place - free, height, f"{column.span}: {column.said}")


def _short(name: str) -> str:
    """Return a name that fits; characters of full width take twice the room."""
    name = printable(name)
    wide = any(unicodedata.east_asian_width(character) in "WF" for character in name)
    return shortened(name, _NAME // 2 if wide else _NAME)
