"""`vhashdb match`: is any part of these files a known video?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from vhashdb.errors import DatabaseEmpty

from .batch import Job, Progress, in_order, trace
from .codes import ExitCode
from .common import Stopped, db_option, effort_option, exit_zero_option, json_option, opened, quiet_option, warn_of_index, workers_option
from .files import InputFiles, source_of
from .output import say, shown
from .settings import OneOf
from .tellers import WORDS, JsonTeller, Summary, Teller, TextTeller

if TYPE_CHECKING:
    from vhashdb import Database, Result, Selection

_FOUND: Final = ("match", "possible")
_UNSURE: Final = ("insufficient", "unreadable")
_NAME_WIDTH: Final = 40
_RECORDS: Final = "vhashdb.store.records"


@dataclass(frozen=True)
class _Options:
    effort: str
    as_json: bool
    exit_zero: bool
    workers: int
    quiet: bool
    labels: tuple[str, ...]
    severities: tuple[str, ...]
    sources: tuple[str, ...]
    states: tuple[str, ...]


@click.command(short_help="Check whether any part of these files is a known video.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--null", is_flag=True, help="With `-`: names on standard input end with a NUL byte instead of a line break.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Only records with this label; given twice, with both.")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=OneOf(_RECORDS, "SEVERITIES"),
    help="Only records of this severity, or one of these.",
)
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only records from this source, or one of these.")
@click.option("--state", "states", multiple=True, type=OneOf(_RECORDS, "State"), help="Only records in this state, or one of these.")
@db_option
@effort_option
@json_option
@exit_zero_option
@workers_option
@quiet_option
def command(files: tuple[str, ...], null: bool, db: Path, **given: Any) -> int:
    """Check whether any part of these files is a known video.

    FILE is a video, a picture, a fingerprint file, a folder (searched for media files), a pattern, or - to read names from standard input.
    Each file gets one of the verdicts MATCH, POSSIBLE, NO MATCH, INSUFFICIENT (too little usable picture to say) and
    NOT CHECKED (unreadable). Exit code 10 says that something was found.

    \b
    Example:
      vhashdb match upload.mp4
      vhashdb match --json --effort fast uploads/ > verdicts.jsonl
      vhashdb match --label terrorism --severity extreme uploads/
      find . -name '*.mp4' -print0 | vhashdb match --null -
    """
    options, inputs = _Options(**given), InputFiles(files, null=null)
    with opened(db) as database:
        if not len(database):
            raise DatabaseEmpty(f"the database {db} holds no record, so nothing can be found")
        warn_of_index(database)
        return _Matching(database, options, inputs).run()


class _Matching:
    """One run over many files."""

    def __init__(self, database: Database, options: _Options, inputs: InputFiles) -> None:
        self._database, self._options, self._inputs = database, options, inputs
        self._among = _selection(options)
        self._counts = dict.fromkeys(WORDS, 0)
        self._matches = 0
        self._started = time.monotonic()

    def run(self) -> int:
        listed = None if self._inputs.streamed else list(self._inputs)
        total = len(listed) if listed is not None else None
        tellers = self._tellers(listed or ())
        try:
            with Progress(total, quiet=self._options.quiet) as progress:
                for job in in_order(self._inputs if listed is None else listed, self._ask, self._options.workers):
                    self._tell(job, tellers)
                    progress.advance()
        except KeyboardInterrupt:
            self._finish(tellers, ExitCode.INTERRUPTED)
            of = f" of {total}" if total is not None else ""
            done = f"{sum(self._counts.values())}{of} files checked"
            raise Stopped(done, "what was found so far is above; run the same command again to check all") from None
        code = self._code()
        self._finish(tellers, code)
        if not sum(self._counts.values()) and not self._options.quiet:
            say("warning: there was no file to check")
        return code

    def _tellers(self, listed: Sequence[str]) -> list[Teller]:
        if self._options.as_json:
            return [JsonTeller(self._options.effort)]
        return [TextTeller(min(_NAME_WIDTH, max((len(shown(path)) for path in listed), default=0)))]

    def _ask(self, path: str) -> Result:
        return self._database.match(source_of(path), effort=self._options.effort, among=self._among)

    def _tell(self, job: Job[Result], tellers: Sequence[Teller]) -> None:
        # Counted first: after Ctrl-C between two lines the summary must not know less than was printed.
        self._counts[job.value.verdict.value if job.value else "unreadable"] += 1
        self._matches += len(job.value.matches) if job.value else 0
        for teller in tellers:
            teller.tell(job)
        if job.error is not None:
            trace(job.error)

    def _code(self) -> ExitCode:
        if any(self._counts[word] for word in _FOUND) and not self._options.exit_zero:
            return ExitCode.FOUND
        return ExitCode.INCOMPLETE if any(self._counts[word] for word in _UNSURE) else ExitCode.FINISHED

    def _finish(self, tellers: Sequence[Teller], code: ExitCode) -> None:
        summary = Summary(
            verdicts=self._counts,
            matches=self._matches,
            skipped=self._inputs.skipped,
            database=self._database.path,
            records=len(self._database),
            updated_at=self._database.store.updated_at(),
            effort=self._options.effort,
            elapsed_s=time.monotonic() - self._started,
            code=code,
        )
        for teller in tellers:
            teller.finish(summary)


def _selection(options: _Options) -> Selection | None:
    """The records that count, if not all do."""
    if not (options.labels or options.severities or options.sources or options.states):
        return None
    from vhashdb import Selection, State

    return Selection(options.labels, options.severities, options.sources, tuple(State(state) for state in options.states))
