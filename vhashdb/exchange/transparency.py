"""A transparency report as Markdown, JSON or CSV. Pure: the figures come from `vhashdb.store.figures`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from vhashdb.escaping import escape_formula, escape_markdown
from vhashdb.store.figures import WHAT_WRONG_IS, Figures

TITLES: Final[dict[str, tuple[str, str]]] = {
    "by_label": ("Records by label", "label"),
    "by_origin": ("Records by what led to the decision", "origin"),
    "by_source": ("Records by source", "source"),
    "by_state": ("Records by state", "state"),
    "added": ("Added in the period, by source", "source"),
    "questions": ("Questions in the period, by verdict", "verdict"),
    "opinions": ("Opinions given in the period", "verdict"),
    "retractions": ("Retractions in the period, by reason", "reason"),
    "reviews": ("Reviews decided in the period", "decision"),
}
"""Of the figures that are counts by name: a heading, and what the names are."""


def as_json(figures: Figures) -> str:
    """Write one JSON object."""
    value: dict[str, Any] = {"type": "transparency", "from": figures.since.isoformat(), "to": figures.until.isoformat()}
    value |= {name: getattr(figures, name) for name in TITLES}
    value |= {"matches": figures.matches, "appeals_upheld": figures.appeals_upheld, "not_this": figures.not_this}
    value["sources"] = [{**vars(source), "precision": source.precision} for source in figures.sources]
    return json.dumps(value, indent=1)


def as_csv(figures: Figures) -> str:
    """Write rows of ``section,name,value``; every figure is one row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("section", "name", "value"))
    writer.writerows(_rows(figures))
    return text.getvalue().rstrip("\n")


def as_markdown(figures: Figures) -> str:
    """Return a page for people."""
    parts = [f"# Transparency report, {figures.since.isoformat()} to {figures.until.isoformat()}"]
    parts += [
        f"{figures.matches:,} matches, {figures.appeals_upheld:,} appeals upheld, {figures.not_this:,} marks that a file is not a record."
    ]
    for name, (title, head) in TITLES.items():
        counts: Mapping[str, int] = getattr(figures, name)
        rows = "\n".join(f"| {escape_markdown(key)} | {number:,} |" for key, number in counts.items())
        parts += [f"## {title}", f"| {head} | number |\n|---|---:|\n{rows}" if rows else "None."]
    parts.append("## Precision by source")
    rows = "\n".join(
        f"| {escape_markdown(s.source)} | {s.records:,} | {s.matches:,} | "
        f"{s.matched_records:,} | {s.wrong_records:,} | {_share(s.precision)} |"
        for s in figures.sources
    )
    parts.append("| source | records | matches | records matched | of these wrong | precision |\n|---|---:|---:|---:|---:|---:|\n" + rows)
    parts.append(WHAT_WRONG_IS)
    return "\n\n".join(parts)


TRANSPARENCY_FORMATS: Final[dict[str, Callable[[Figures], str]]] = {"markdown": as_markdown, "json": as_json, "csv": as_csv}
"""What writes a transparency report, by the name of its form; with HTML it is `vhashdb.charts.transparency_page`."""


def _rows(figures: Figures) -> Iterator[tuple[str, str, object]]:
    yield "period", "from", figures.since.isoformat()
    yield "period", "to", figures.until.isoformat()
    for name in TITLES:
        for key, number in getattr(figures, name).items():
            yield name, escape_formula(key), number
    for name in ("matches", "appeals_upheld", "not_this"):
        yield "total", name, getattr(figures, name)
    for source in figures.sources:
        for name in ("records", "matches", "matched_records", "wrong_records"):
            yield f"source_{name}", escape_formula(source.source), getattr(source, name)
        yield "source_precision", escape_formula(source.source), "" if source.precision is None else round(source.precision, 4)


def _share(precision: float | None) -> str:
    return "–" if precision is None else f"{precision:.1%}"
