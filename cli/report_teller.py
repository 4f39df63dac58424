"""`vhashdb match --report`: a page for people who look."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .batch import Job
from .codes import ExitCode
from .output import say, shown
from .tellers import Summary

if TYPE_CHECKING:
    from vhashdb import Database, Result, Selection

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Page:
    """What is wanted: where, and with which pictures of the files."""

    path: Path
    pictures: str


def report_options(function: _F) -> _F:
    """``--report`` and what goes with it."""
    options = (
        click.option(
            "--report",
            type=click.Path(path_type=Path),
            metavar="FILE.html",
            help="Also write a page to look at in a browser or to print: one file that needs no network and no script.",
        ),
        click.option("--thumbnails", is_flag=True, help="Put pictures of matched files in the report, small, grey and blurred."),
        click.option("--clear-thumbnails", is_flag=True, help="With --thumbnails: small and grey, but not blurred."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def page_of(report: Path | None, *, thumbnails: bool, clear: bool) -> Page | None:
    """The page that the options ask for, known to be writable."""
    if clear and not thumbnails:
        raise click.UsageError("--clear-thumbnails is for --thumbnails")
    if report is None:
        if thumbnails:
            raise click.UsageError("--thumbnails is for --report")
        return None
    from vhashdb.report import require_page

    require_page(report)
    return Page(report, "clear" if clear else "obscured" if thumbnails else "none")


class ReportTeller:
    """Collects what the page shows and writes it at the end, after Ctrl-C with what there is."""

    def __init__(self, page: Page, database: Database, *, effort: str, where: Selection | None, endless: bool, quiet: bool) -> None:
        """Make an empty report.

        Args:
            page: where it goes.
            database: what is asked.
            effort: for the head of the page.
            where: which records count.
            endless: there are always more files, so Ctrl-C is no interruption.
            quiet: do not say where it is.
        """
        from vhashdb.report import Report

        self._page, self._endless, self._quiet = page, endless, quiet
        self._report = Report(database, effort=effort, where=where, pictures=page.pictures)

    def tell(self, job: Job[Result]) -> None:
        """One file more for the page."""
        if job.value is not None:
            self._report.add(job.name, job.value)
        else:
            self._report.add_error(job.name, job.failure)

    def finish(self, summary: Summary) -> None:
        """Write the page."""
        interrupted = summary.code is ExitCode.INTERRUPTED and not self._endless
        with self._report:
            self._report.write(self._page.path, interrupted=interrupted)
        if not self._quiet:
            say(f"report: {shown(os.path.abspath(self._page.path))}")
