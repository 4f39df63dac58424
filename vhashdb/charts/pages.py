"""The figures of a database as a page, and as one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vhashdb.charts.drawing import draw
from vhashdb.charts.figures import Fact, Overview, Section, precision, simple, whole
from vhashdb.charts.sheet import MARGIN, lay_out
from vhashdb.exchange.transparency import TITLES
from vhashdb.report.page import render, render_part
from vhashdb.store.figures import Figures

_NOW: Final = ("by_label", "by_origin", "by_source", "by_state")
"""Figures of what is there, as opposed to what happened in the period."""


def page(overview: Overview) -> str:
    """Return a self-contained HTML page: a chart and a table for every figure."""
    return _page("stats.html.j2", overview.period, overview.facts, overview.sections, overview=overview)


def transparency_page(figures: Figures) -> str:
    """Return a transparency report as such a page."""
    return _page(
        "transparency.html.j2", f"{figures.since} to {figures.until}", _transparency_facts(figures), _transparency_sections(figures)
    )


def picture(overview: Overview) -> str:
    """Render one SVG with all charts, which opens by itself: on the screen in light or dark, and on paper."""
    return render_part("stats.svg.j2", styles=["chart.css", "sheet.css"], overview=overview, sheet=lay_out(overview), margin=MARGIN)


FORMS: Final[dict[str, Callable[[Overview], str]]] = {".html": page, ".svg": picture}
"""By the end of a file's name."""


def _page(template: str, period: str, facts: tuple[Fact, ...], sections: tuple[Section, ...], **more: Any) -> str:
    return render(template, styles=["chart.css", "figures.css"], period=period, facts=facts, sections=sections, draw=draw, **more)


def _transparency_facts(figures: Figures) -> tuple[Fact, ...]:
    """Return the numbers that say most, first."""
    return (
        whole("records", "records that can match", figures.records),
        whole("questions", "questions", sum(figures.questions.values())),
        whole("matches", "matches", figures.matches),
        whole("appeals_upheld", "appeals upheld", figures.appeals_upheld),
        whole("not_this", "marks that a file is not a record", figures.not_this),
    )


def _transparency_sections(figures: Figures) -> tuple[Section, ...]:
    """Return the charts of a transparency report: of what is there, and of what happened."""
    charts = {name: simple(name, title, "", head, getattr(figures, name), "None.") for name, (title, head) in TITLES.items()}
    happened = tuple(chart for name, chart in charts.items() if name not in _NOW)
    return (
        Section("records", "Records", "Those that can match now; by state also those that cannot.", tuple(charts[name] for name in _NOW)),
        Section("period", "What happened", f"From {figures.since} to {figures.until}, both included.", (*happened, precision(figures))),
    )
