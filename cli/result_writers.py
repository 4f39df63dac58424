"""What `vhashdb match` finds, written by one writer for each form: text, JSON, and a page for people who look."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import click

from vhashdb.errors import VhashdbError
from vhashdb.forms import with_part, with_path

from .batch import Job, emit_skipped, tally
from .codes import ExitCode
from .files import Skipped
from .output import Hints, counted, decoded, emit, emit_json, error_json, printable, say, shown, told, without_path
from .verdicts import decision_line, not_checked_line, result_lines, what_to_do

if TYPE_CHECKING:
    from vhashdb import Database, Result, Selection

WORDS: Final = {
    "match": "match",
    "possible": "possible",
    "no-match": "no match",
    "insufficient": "insufficient",
    "unreadable": "not checked",
}
"""Verdicts as counts are given, in the order to be shown."""
RENEWED_EVERY_S: Final = 5.0
"""Seconds between two writings of the page of a run without end."""


@dataclass(frozen=True)
class Summary:
    """What a whole run came to."""

    verdicts: Mapping[str, int]
    """Files by verdict, in the order of `WORDS`."""
    matches: int
    skipped: Skipped
    """Files in folders that were passed over."""
    older: int
    """Files passed over because they were last changed before `--since`."""
    database: Path | str
    records: int
    """That can match."""
    updated_at: datetime.datetime | None
    """When a record was last added or changed."""
    effort: str
    elapsed_s: float
    code: ExitCode

    @property
    def files(self) -> int:
        """All that were asked about."""
        return sum(self.verdicts.values())


def database_text(summary: Summary) -> str:
    """Return which database answered, and of which day: an old one does not know what others have recorded since."""
    day = f", {summary.updated_at.date()}" if summary.updated_at else ""
    return f"database {shown(summary.database)}{day}, {counted(summary.records, 'record')}"


class ResultWriter(Protocol):
    """Write the answers of a run in one form: each in the order of the inputs, and at the end a summary, also after Ctrl-C."""

    def write(self, job: Job[Result]) -> None:
        """Write the answer to one file: its result, or the error that it could not be read with."""

    def finish(self, summary: Summary) -> None:
        """Write what it all came to; there will be no more answers."""


class TextWriter:
    """Plain lines, the same whatever the terminal."""

    def __init__(self, width: int, *, quiet: bool = False) -> None:
        self._width = width
        """Characters that names are padded to."""
        self._hints = Hints(quiet=quiet)

    def write(self, job: Job[Result]) -> None:
        """One line for each match, or the verdict."""
        if job.value is None:
            emit(not_checked_line(job.name, without_path(job.failure.message, job.path), self._width))
            for decision in job.unread.decisions if job.unread else ():
                emit(decision_line(decision))
            self._hints.give(job.failure.hint)
            return
        for line in result_lines(job.name, job.value, self._width):
            emit(line)
        if job.value.verdict == "insufficient":
            self._hints.give(what_to_do(job.value))

    def finish(self, summary: Summary) -> None:
        """One line."""
        files = tally({WORDS[verdict]: number for verdict, number in summary.verdicts.items()}, summary.skipped, summary.older)
        emit(f"{files} · {database_text(summary)} · exit {told(summary.code)}")


class JsonWriter:
    """One object a line, as `docs/json.md` has it."""

    def __init__(self, effort: str) -> None:
        self._effort = effort

    def write(self, job: Job[Result]) -> None:
        """The ``file`` line and its ``match`` lines, or its ``error`` line."""
        if job.value is not None:
            emit_json(with_part(with_path(job.value.to_json(""), job.path), job.part))
            for match in job.value.matches:
                emit_json(with_part(with_path(match.to_json(""), job.path), job.part))
            return
        assert job.unread is not None  # an answer has one of both
        emit_json(with_part(with_path(job.unread.to_json(""), job.path), job.part))
        emit_json(with_part(error_json(job.failure, job.path), job.part))

    def finish(self, summary: Summary) -> None:
        """The ``skipped`` lines and the ``summary`` line."""
        emit_skipped(summary.skipped)
        emit_json(
            {
                "type": "summary",
                "files": summary.files,
                "verdicts": dict(summary.verdicts),
                "matches": summary.matches,
                "skipped": len(summary.skipped),
                "skipped_because": dict(summary.skipped.reasons),
                "older": summary.older,
                "database": decoded(summary.database),
                "records": summary.records,
                "effort": summary.effort,
                "elapsed_s": round(summary.elapsed_s, 3),
                "interrupted": summary.code is ExitCode.INTERRUPTED,
                "exit_code": told(summary.code),
            }
        )


_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Page:
    """What is wanted: where, with which pictures of the files, and whether all of it is printed."""

    path: Path
    pictures: str
    print_details: bool


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
        click.option("--print-details", is_flag=True, help="Print all of the report, and not a summary; the page has a switch for it."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def page_of(report: Path | None, *, thumbnails: bool, clear: bool, print_details: bool) -> Page | None:
    """Return the page that the options ask for, known to be writable."""
    if clear and not thumbnails:
        raise click.UsageError("--clear-thumbnails is for --thumbnails")
    if report is None:
        for flag, given in (("--thumbnails", thumbnails), ("--print-details", print_details)):
            if given:
                raise click.UsageError(f"{flag} is for --report")
        return None
    from vhashdb.report import require_page

    require_page(report)
    return Page(report, "clear" if clear else "obscured" if thumbnails else "none", print_details)


class ReportWriter:
    """Collects what the page shows and writes it at the end, after Ctrl-C with what there is; of an endless run also meanwhile."""

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
        self._renewal = _Renewal(lambda: self._write(goes_on=True)) if endless else None

    def write(self, job: Job[Result]) -> None:
        """One file more for the page."""
        self._add(job)
        if self._renewal is not None:
            self._renewal.ask()

    def _add(self, job: Job[Result]) -> None:
        if job.value is not None:
            self._report.add(job.name, job.value)
        else:
            self._report.add_error(job.name, job.failure, job.unread.decisions if job.unread else ())

    def finish(self, summary: Summary) -> None:
        """Write the page."""
        if self._renewal is not None:
            self._renewal.close()
        with self._report:
            self._write(interrupted=summary.code is ExitCode.INTERRUPTED and not self._endless)
        if not self._quiet:
            say(f"report: {shown(os.path.abspath(self._page.path))}")

    def _write(self, *, interrupted: bool = False, goes_on: bool = False) -> None:
        self._report.write(self._page.path, interrupted=interrupted, goes_on=goes_on, print_details=self._page.print_details)


class _Renewal:
    """Writes a page anew in the background, soon after it was asked to and not more often than `RENEWED_EVERY_S`.

    Whoever asks does not wait. A page that cannot be written is said once, and tried again with the next file.
    """

    def __init__(self, renew: Callable[[], None]) -> None:
        self._renew = renew
        self._asked, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """There is more to show."""
        self._asked.set()

    def close(self) -> None:
        """Stop, once a page that is being written is done."""
        self._closed.set()
        self._asked.set()
        self._thread.join()

    def _run(self) -> None:
        said = False
        while self._asked.wait() and not self._closed.is_set():
            self._asked.clear()
            try:
                self._renew()
            except VhashdbError as error:
                if not said:
                    say(f"warning: {printable(error.message)}; it is tried again with the next file")
                said = True
            self._closed.wait(RENEWED_EVERY_S)
