"""A transparency report as charts. Pure."""

from __future__ import annotations

from typing import Final

from vhashdb.charts.figures import Fact, Section, precision, simple, whole
from vhashdb.exchange.transparency import TITLES
from vhashdb.store.figures import Figures

_NOW: Final = ("by_label", "by_origin", "by_source", "by_state")


def facts(figures: Figures) -> tuple[Fact, ...]:
    """The numbers that say most, first."""
    return (
        whole("records", "records that can match", figures.records),
        whole("questions", "questions", sum(figures.questions.values())),
        whole("matches", "matches", figures.matches),
        whole("appeals_upheld", "appeals upheld", figures.appeals_upheld),
        whole("not_this", "marks that a file is not a record", figures.not_this),
    )


def sections(figures: Figures) -> tuple[Section, ...]:
    """What is there, and what happened."""
    charts = {name: simple(name, title, "", head, getattr(figures, name), "None.") for name, (title, head) in TITLES.items()}
    happened = tuple(chart for name, chart in charts.items() if name not in _NOW)
    return (
        Section("records", "Records", "Those that can match now; by state also those that cannot.", tuple(charts[name] for name in _NOW)),
        Section("period", "What happened", f"From {figures.since} to {figures.until}, both included.", (*happened, precision(figures))),
    )
