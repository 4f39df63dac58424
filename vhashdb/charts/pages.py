"""The figures of a database as a page, and as one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vhashdb.charts.drawing import draw
from vhashdb.charts.figures import Fact, Overview, Section
from vhashdb.charts.sheet import MARGIN, lay_out
from vhashdb.charts.transparency import facts, sections
from vhashdb.report.page import render, render_part
from vhashdb.store.figures import Figures


def page(overview: Overview) -> str:
    """A self-contained HTML page: a chart and a table for every figure."""
    return _page("stats.html.j2", overview.period, overview.facts, overview.sections, overview=overview)


def transparency(figures: Figures) -> str:
    """A transparency report as such a page."""
    return _page("transparency.html.j2", f"{figures.since} to {figures.until}", facts(figures), sections(figures))


def picture(overview: Overview) -> str:
    """One SVG with all charts, which opens by itself: on the screen in light or dark, and on paper."""
    return render_part("stats.svg.j2", styles=["chart.css", "sheet.css"], overview=overview, sheet=lay_out(overview), margin=MARGIN)


FORMS: Final[dict[str, Callable[[Overview], str]]] = {".html": page, ".svg": picture}
"""By the end of a file's name."""


def _page(template: str, period: str, facts: tuple[Fact, ...], sections: tuple[Section, ...], **more: Any) -> str:
    return render(template, styles=["chart.css", "figures.css"], period=period, facts=facts, sections=sections, draw=draw, **more)
