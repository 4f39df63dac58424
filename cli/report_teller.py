"""`vhashdb match --report`: a page for people who look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vhashdb.writing import require_writable

from .batch import Job
from .codes import ExitCode
from .output import say, shown
from .tellers import Summary

if TYPE_CHECKING:
    from vhashdb import Database, Result, Selection


class ReportTeller:
    """Collects what the page shows and writes it at the end, after Ctrl-C with what there is."""

    def __init__(self, path: Path, database: Database, *, effort: str, among: Selection | None, pictures: str, quiet: bool) -> None:
        from vhashdb.report import Report

        self._path, self._quiet = require_writable(path), quiet
        self._report = Report(database, effort=effort, among=among, pictures=pictures)

    def tell(self, job: Job[Result]) -> None:
        """One file more for the page."""
        if job.value is not None:
            self._report.add(job.path, job.value)
        else:
            self._report.add_error(job.path, job.failure)

    def finish(self, summary: Summary) -> None:
        """Write the page."""
        with self._report:
            self._report.write(self._path, interrupted=summary.code is ExitCode.INTERRUPTED)
        if not self._quiet:
            say(f"report: {shown(os.path.abspath(self._path))}")
