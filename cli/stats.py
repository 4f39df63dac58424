"""`vhashdb stats`: what is in the database and what it catches."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from vhashdb.errors import UsageError

from .common import day_or, db_option, json_option, opened, period_options, today, warn_of_index
from .output import emit, emit_json, printable, say, shown
from .settings import OneOf

if TYPE_CHECKING:
    from vhashdb import Database
    from vhashdb.charts import Overview

_YEAR: Final = datetime.timedelta(days=364)
"""Weeks of a year before the last day."""


@click.command(short_help="Show what is in the database and what it catches.")
@period_options("a year before the last, or when the database was made,")
@click.option("--by", type=OneOf("vhashdb.store", "By"), help="Unit of time to count by; one that suits the period unless given.")
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw it instead: a page (.html) or a picture (.svg).")
@db_option
@json_option
def command(
    since: datetime.datetime | None, until: datetime.datetime | None, by: str | None, plot: Path | None, db: Path, as_json: bool
) -> None:
    """Show what is in the database and what it catches.

    Records by label, source, severity and more; questions and matches over time; opinions, reviews, and how right the
    sources were. Nothing in it is about a file that was asked about, or about a person.

    Bars on a terminal; otherwise one line a number, columns separated by tabs.

    \b
    Example:
      vhashdb stats
      vhashdb stats --from 2026-01-01 --to 2026-06-30 --by month --plot stats.html
    """
    from vhashdb.writing import write_whole

    draw = _target(plot) if plot is not None else None
    with opened(db) as database:
        warn_of_index(database)
        overview = _counted(database, since, until, by)
    if draw is not None and plot is not None:
        write_whole(plot, draw(overview).encode())
        say(f"{shown(plot)} is written")
    if as_json:
        _as_json(overview)
    elif plot is None and sys.stdout.isatty():
        _on_screen(overview)
    elif plot is None:
        _as_lines(overview)


def _counted(database: Database, since: datetime.datetime | None, until: datetime.datetime | None, by: str | None) -> Overview:
    from vhashdb.charts import read_overview
    from vhashdb.store import Period, made_on

    last = day_or(until, today())
    first = day_or(since, min(last, max(made_on(database.store), last - _YEAR)))
    return read_overview(database, Period.of(first, last, by))


def _as_json(overview: Overview) -> None:
    emit_json(overview.to_json())
    for section in overview.sections:
        for chart in section.charts:
            emit_json(chart.to_json())


def _on_screen(overview: Overview) -> None:
    from .screen.charts import Charts
    from .screen.screen import Screen

    screen = Screen()
    screen.line(screen.text(printable(overview.name), "bold"))
    screen.line(overview.period)
    screen.facts((fact.name, printable(fact.said)) for fact in overview.facts)
    charts = Charts(screen)
    for section in overview.sections:
        charts.section(section)


def _as_lines(overview: Overview) -> None:
    emit("figure\tname\tpart\tnumber")
    for fact in overview.facts:
        emit(f"total\t{fact.key}\t\t{'' if fact.value is None else fact.value}")
    for section in overview.sections:
        for chart in section.charts:
            for row in chart.rows:
                for part, value in zip(chart.parts, row.values, strict=True):
                    emit(f"{chart.key}\t{printable(row.key)}\t{part.key}\t{value}")


def _target(path: Path) -> Callable[[Overview], str]:
    """What makes a file of this name; ends before anything is counted if it cannot be written.

    Raises:
        UsageError: it cannot.
    """
    from vhashdb.charts import FORMS
    from vhashdb.writing import require_writable

    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise UsageError(f"{path}: --plot makes {' and '.join(FORMS)} files", hint="name a file that ends so")
    require_writable(path)
    return form
