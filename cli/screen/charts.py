"""Charts on a terminal: only modules that run on one may import this, as rich takes a while to load."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from vhashdb.charts import Breakdown, Series

from ..output import counted, printable, speaks_utf8

if TYPE_CHECKING:
    from vhashdb.charts import Column, Panel, Section

    from .screen import Screen


@dataclass(frozen=True)
class Glyphs:
    """What bars, columns and axes are made of."""

    across: str
    """From the thinnest mark to a full cell."""
    upwards: str
    """The same from low to high."""
    tick: str
    side: str
    corner: str
    bottom: str
    unknown: str
    """Where there is no number."""


BLOCKS: Final = Glyphs("▏▎▍▌▋▊▉█", "▁▂▃▄▅▆▇█", "┤", "│", "└", "─", "·")
ASCII: Final = Glyphs("|#", ".:#", "|", "|", "+", "-", "?")


def bar(value: float, top: float, width: int, glyphs: Glyphs) -> str:
    """Return a bar from zero, of ``width`` cells for ``top``. What is not zero can be seen, however small."""
    steps = glyphs.across
    whole, rest = divmod(_level(value, top, width * len(steps)), len(steps))
    return steps[-1] * whole + (steps[rest - 1] if rest else "")


def columns(values: Sequence[float | None], top: float, rows: int, glyphs: Glyphs) -> list[str]:
    """Lines from the highest down, a character for each value; ``top`` fills all of its ``rows``."""
    steps = glyphs.upwards
    levels = [None if value is None else _level(value, top, rows * len(steps)) for value in values]
    return ["".join(_cell(level, row, glyphs) for level in levels) for row in reversed(range(rows))]


def _level(value: float, top: float, steps: int) -> int:
    return max(1, round(value / top * steps)) if value > 0 and top > 0 else 0


def _cell(level: int | None, row: int, glyphs: Glyphs) -> str:
    if level is None:
        return glyphs.unknown if row == 0 else " "
    inside = min(len(glyphs.upwards), level - row * len(glyphs.upwards))
    return glyphs.upwards[inside - 1] if inside > 0 else " "


_NAME_WIDTH: Final = 32
"""Columns for what a bar is about; what is longer is shortened."""
_GAP: Final = 2
_HEIGHT: Final = 3
"""Lines of a panel."""
_WIDEST: Final = 6
"""Characters for one span."""
_BOTH_DATES: Final = 24
"""Characters of an axis from which both of its ends are named below it."""
_BAR: Final = "cyan"


class Charts:
    """Draws charts on one screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._glyphs = BLOCKS if speaks_utf8(sys.stdout) else ASCII

    def section(self, section: Section) -> None:
        """A heading, and the charts below it."""
        self._blank()
        self._screen.line(self._screen.text(section.title.upper(), "bold"))
        self._screen.line(section.about)
        for chart in section.charts:
            self._blank()
            self._screen.line(self._screen.text(chart.title, "bold"))
            if chart.is_empty:
                self._screen.line(chart.empty, _GAP)
            elif isinstance(chart, Breakdown):
                self._breakdown(chart)
            elif isinstance(chart, Series):
                self._series(chart)

    def _breakdown(self, chart: Breakdown) -> None:
        """A line for every row and part: the name, what is counted if there is a choice, the bar, the number."""
        names = [self._screen.shortened(printable(row.name), _NAME_WIDTH) for row in chart.drawn]
        parts = [part.name for part in chart.parts] if len(chart.parts) > 1 else [""]
        name_width, part_width = max(map(cell_len, names)) + _GAP, max(map(len, parts)) + _GAP * any(parts)
        number_width = _GAP + len(f"{chart.top:,}")
        said_width = _GAP + max(len(row.said) for row in chart.drawn) if chart.said_head else 0
        room = self._screen.width - _GAP - name_width - part_width - number_width - said_width
        for row, name in zip(chart.drawn, names, strict=True):
            for place, (part, value) in enumerate(zip(parts, row.values, strict=True)):
                lead = (" " * name_width if place else _padded(name, name_width)) + part.ljust(part_width)
                said = "" if place else row.said.rjust(said_width)
                self._drawn(" " * _GAP + lead, bar(value, chart.top, room, self._glyphs).ljust(room), f"{value:>{number_width},}{said}")
        if chart.said_head:
            self._screen.line(f"On the right: {chart.said_head}.", _GAP)
        if chart.left_out:
            self._screen.line(chart.left_out, _GAP)

    def _series(self, chart: Series) -> None:
        """A panel for every part, all with the same axis of time."""
        gutter = max(len(_top(panel)) for panel in chart.panels(len(chart.rows)))
        panels = chart.panels(self._screen.width - _GAP - gutter - 2)
        cell = min(_WIDEST, (self._screen.width - _GAP - gutter - 2) // len(panels[0].columns))
        if panels[0].together > 1:
            self._screen.line(f"Each column is {counted(panels[0].together, str(chart.period.by))}.", _GAP)
        for panel in panels:
            self._panel(panel, gutter, cell)

    def _panel(self, panel: Panel, gutter: int, cell: int) -> None:
        highest = panel.highest
        if highest is None:
            self._screen.line(f"{panel.name}: none", _GAP)
            return
        self._screen.line(f"{panel.name}: {panel.total} in all, highest {highest.said} ({highest.span})", _GAP)
        glyphs, width = self._glyphs, cell * len(panel.columns)
        for row, line in enumerate(columns([column.value for column in panel.columns], panel.top, _HEIGHT, glyphs)):
            scale = (_top(panel) if not row else "").rjust(gutter)
            wide = "".join(character * max(1, cell - 1) + " " * (cell > 1) for character in line)
            self._drawn(f"{' ' * _GAP}{scale} {glyphs.side if row else glyphs.tick}", wide, "")
        self._screen.line(f"{' ' * _GAP}{'0'.rjust(gutter)} {glyphs.corner}{glyphs.bottom * width}")
        self._screen.line(f"{' ' * (_GAP + gutter + 2)}{_ends(panel.columns, width)}")

    def _drawn(self, before: str, drawing: str, after: str) -> None:
        line = Text()
        for words, style in ((before, ""), (drawing, _BAR), (after, "")):
            line.append_text(self._screen.text(words, style))
        self._screen.line(line)

    def _blank(self) -> None:
        self._screen.line("")


def _top(panel: Panel) -> str:
    return panel.highest.said if panel.highest else ""


def _ends(drawn: tuple[Column, ...], width: int) -> str:
    """The first and the last day of an axis."""
    first, last = str(drawn[0].span.first), str(drawn[-1].span.last)
    if first == last:
        return first
    return f"{first}{last.rjust(width - len(first))}" if width >= _BOTH_DATES else f"{first} – {last}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
