"""`vhashdb match`: is any part of these files a known video?"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

from vhashdb.errors import DatabaseEmpty, DatabaseError, VhashdbError

from .batch import Job, in_order, nothing_to_do, trace, undisturbed
from .bulk import Bulk, cluster_option, is_bulk, match_in_bulk, options_of_asking, refuse
from .codes import ExitCode
from .common import (
    Stopped,
    cache_option,
    cached,
    db_option,
    effort_option,
    exit_zero_option,
    json_option,
    opened,
    quiet_option,
    sound_option,
    warn_of_index,
    workers_option,
)
from .files import InputFiles, Inputs, input_options
from .limits import limit_options
from .output import counted, decoded, say, shown, without_path
from .progress import Progress
from .result_writers import WORDS, JsonWriter, Page, ReportWriter, ResultWriter, Summary, TextWriter, page_of, report_options
from .settings import OneOf
from .sources import kind_option, sources_of
from .watching import WatchedFolder, memory_path

if TYPE_CHECKING:
    from vhashdb import Database, HashQuery, Result, Selection

_FOUND: Final = ("match", "possible")
_UNSURE: Final = ("insufficient", "unreadable")
_NAME_WIDTH: Final = 40
_RECORDS: Final = "vhashdb.store"


@dataclass(frozen=True)
class _Options:
    effort: str
    sound: bool
    as_json: bool
    exit_zero: bool
    workers: int
    quiet: bool
    labels: tuple[str, ...]
    severities: tuple[str, ...]
    sources: tuple[str, ...]
    states: tuple[str, ...]
    page: Page | None
    kind: str


@click.command(short_help="Check whether any part of these files is a known video.")
@input_options
@click.option(
    "--label", "labels", multiple=True, metavar="LABEL", help="Only records with this label; given several times, with all of them."
)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=OneOf(_RECORDS, "SEVERITIES"),
    help="Only records of this severity; given several times, of any of them.",
)
@click.option(
    "--source", "sources", multiple=True, metavar="NAME", help="Only records from this source; given several times, from any of them."
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=OneOf(_RECORDS, "State"),
    help="Only records in this state; given several times, in any of them.",
)
@click.option(
    "--watch", type=click.Path(path_type=Path), metavar="DIR", help="Match files as they are finished in this folder, until it is stopped."
)
@click.option(
    "--watch-memory",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where --watch remembers what it matched; by default in the user's state folder, one for each folder and database.",
)
@kind_option
@report_options
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the answers of a job go: JSON Lines or, if it ends in .parquet, Parquet.",
)
@db_option
@effort_option
@sound_option
@cache_option
@json_option
@exit_zero_option
@workers_option
@cluster_option
@limit_options
@quiet_option
def command(
    inputs: InputFiles,
    db: Path,
    cache: str,
    cluster: str | None,
    output: Path | None,
    watch: Path | None,
    watch_memory: Path | None,
    report: Path | None,
    thumbnails: bool,
    clear_thumbnails: bool,
    print_details: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Check whether any part of these files is a known video.

    FILE is a video, a picture, a file of hashes, a folder (searched for media files), a pattern, or - to read names from standard input.
    Of hashes, everything is read that `vhashdb hash` prints and `vhashdb import` takes; each video in such a file gets an answer of its
    own, called FILE#NAME.
    Files with sound alone are listened to; in folders they are skipped where no record has sound, or with --no-sound.
    Each file gets one of the verdicts MATCH, POSSIBLE, NO MATCH, INSUFFICIENT (it shows too little to tell) and
    NOT CHECKED (unreadable). Exit code 10 says that something was found.

    With --watch, a file is matched once its size has not changed for two seconds, and not again while it stays as it is, not even by
    the next run; Ctrl-C or a TERM signal ends it, and after TERM the exit code is 0. Files whose names begin with a dot or
    end as those of unfinished ones do, such as .part, wait for their last name.

    Where FILE is a URL of an object store or of files (s3://, gs://, abfs://, https://, file://), or with --cluster, the files are a job of
    a database on PostgreSQL, for workers here or in a cluster, and the answers go to --output: `vhashdb jobs` has more.

    \b
    Example:
      vhashdb match upload.mp4
      vhashdb match --json --effort fast uploads/ > verdicts.jsonl
      vhashdb match --label terrorism --severity extreme --since 2h uploads/
      vhashdb match --report today.html uploads/
      vhashdb match --watch uploads/ --json >> verdicts.jsonl
      vhashdb match --cluster auto s3://uploads/2026/ --output answers.jsonl
      find . -name '*.mp4' -print0 | vhashdb match --null --list -
    """
    page = page_of(report, thumbnails=thumbnails, clear=clear_thumbnails, print_details=print_details)
    options = _Options(quiet=quiet, page=page, **given)
    if is_bulk(inputs, cluster):
        refuse(kind=options.kind, watch=watch, watch_memory=watch_memory, report=report)
        bulk = Bulk(cluster, options.workers, options.as_json, quiet)
        asking = options_of_asking(options.effort, _selection(options), sound=options.sound)
        return match_in_bulk(inputs, db, asking, bulk, output, exit_zero=options.exit_zero)
    if output is not None:
        raise click.UsageError("--output is for jobs: give a URL, or --cluster; else send the lines of --json where they are to go")
    with _files(inputs, watch, watch_memory, db) as files, cached(cache, quiet=quiet) as kept, opened(db, kept) as database:
        if not len(database):
            raise DatabaseEmpty(f"the database {db} holds no record, so nothing can be found")
        warn_of_index(database)
        files.sound = options.sound and database.searcher.sizes().landmarks > 0
        return _Matching(database, options, files).run()


@contextlib.contextmanager
def _files(inputs: InputFiles, watch: Path | None, memory: Path | None, database: Path) -> Iterator[Inputs]:
    """What is to be matched."""
    if watch is None:
        if memory is not None:
            raise click.UsageError("--watch-memory is for --watch")
        inputs.require()
        yield inputs
        return
    if inputs.given or inputs.limited:
        raise click.UsageError("with --watch, all files of the folder count: give no other files, and no --list or --since")
    with contextlib.closing(WatchedFolder(watch, memory or memory_path(watch, database))) as folder, _ended_by_term(folder):
        yield folder


@contextlib.contextmanager
def _ended_by_term(folder: WatchedFolder) -> Iterator[None]:
    """A service is ended with TERM: that is its proper end, and a second one does not cut off the summary."""

    def stop(_number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        folder.stopped = True
        interrupt = signal.getsignal(signal.SIGINT)  # which waits where a verdict is being printed
        (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, frame)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Matching:
    """One run over many files."""

    def __init__(self, database: Database, options: _Options, inputs: Inputs) -> None:
        self._database, self._options, self._inputs = database, options, inputs
        self._among = _selection(options)
        self._counts = dict.fromkeys(WORDS, 0)
        self._matches = 0
        self._started = time.monotonic()

    def run(self) -> int:
        listed = self._inputs.listed()
        total = len(listed) if listed is not None else None
        if self._inputs.beginning and not self._options.quiet:
            say(self._inputs.beginning)
        writers = self._writers(listed or ())
        try:
            with Progress(total, quiet=self._options.quiet) as progress:
                for job in in_order(self._inputs if listed is None else listed, progress.watching(self._ask), self._options.workers):
                    with undisturbed():
                        self._tell(job, writers)
                    progress.advance()
        except KeyboardInterrupt:
            if self._inputs.stopped:
                self._finish(writers, ExitCode.FINISHED)
                return ExitCode.FINISHED
            self._finish(writers, ExitCode.INTERRUPTED)
            of = f" of {total}" if total is not None else ""
            done = f"{sum(self._counts.values())}{of} files checked" if of else f"{counted(sum(self._counts.values()), 'file')} checked"
            again = "to go on" if self._inputs.endless else "to check all"
            raise Stopped(done, f"what was found so far is above; run the same command again {again}") from None
        code = self._code()
        self._finish(writers, code)
        if not sum(self._counts.values()) and not self._options.quiet:
            say(nothing_to_do("check", self._inputs.skipped))
        return code

    def _writers(self, listed: Sequence[str]) -> list[ResultWriter]:
        first: ResultWriter
        if self._options.as_json:
            first = JsonWriter(self._options.effort)
        elif sys.stdout.isatty():
            from .screen.answers import ScreenWriter

            first = ScreenWriter(self._database)
        else:
            width = min(_NAME_WIDTH, max((len(shown(path)) for path in listed), default=0))
            first = TextWriter(width, quiet=self._options.quiet)
        return [first, *self._report()]

    def _report(self) -> list[ResultWriter]:
        options = self._options
        if options.page is None:
            return []
        endless = self._inputs.endless
        return [ReportWriter(options.page, self._database, effort=options.effort, where=self._among, endless=endless, quiet=options.quiet)]

    def _ask(self, path: str) -> list[Job[Result]]:
        """The answers to a file: one, unless it holds the hashes of several videos."""
        sources = sources_of(path, kind=self._options.kind, named=self._inputs.named(path))
        return [self._answer(path, source) for source in sources]

    def _answer(self, path: str, source: str | BinaryIO | HashQuery) -> Job[Result]:
        from vhashdb import HashQuery

        options = self._options
        answer: Job[Result] = Job(path, part=source.name if isinstance(source, HashQuery) else "")
        try:
            answer.value = self._database.match(source, effort=options.effort, where=self._among, sound=options.sound)
        except DatabaseError:
            raise
        except VhashdbError as error:
            answer.error, answer.unread = error, self._unread(path, error)
        return answer

    def _unread(self, path: str, error: VhashdbError) -> Result:
        """What is known of a file that could not be read: which it is, and what people decided about it."""
        return self._database.unreadable(path, decoded(without_path(error.message, path)), effort=self._options.effort)

    def _tell(self, job: Job[list[Job[Result]]], writers: Sequence[ResultWriter]) -> None:
        answers: list[Job[Result]] = [self._unanswered(job)] if job.value is None else job.value
        for answer in answers:
            with undisturbed():  # after Ctrl-C the summary must know what was printed, and nothing else
                self._counts[answer.value.verdict.value if answer.value else "unreadable"] += 1
                self._matches += len(answer.value.matches) if answer.value else 0
                for writer in writers:
                    writer.write(answer)
            if answer.error is not None:
                trace(answer.error)
        self._inputs.done(job.path)

    def _unanswered(self, job: Job[list[Job[Result]]]) -> Job[Result]:
        return Job(job.path, error=job.error, unread=self._unread(job.path, job.failure))

    def _code(self) -> ExitCode:
        if any(self._counts[word] for word in _FOUND) and not self._options.exit_zero:
            return ExitCode.FOUND
        nothing = not sum(self._counts.values()) and len(self._inputs.skipped) and not self._inputs.endless
        return ExitCode.INCOMPLETE if nothing or any(self._counts[word] for word in _UNSURE) else ExitCode.FINISHED

    def _finish(self, writers: Sequence[ResultWriter], code: ExitCode) -> None:
        summary = Summary(
            verdicts=self._counts,
            matches=self._matches,
            skipped=self._inputs.skipped,
            older=self._inputs.older,
            database=self._database.place,
            records=len(self._database),
            updated_at=self._database.store.updated_at(),
            effort=self._options.effort,
            elapsed_s=time.monotonic() - self._started,
            code=code,
        )
        for writer in reversed(writers):  # what can fail, such as a page, before the line that says the exit code
            writer.finish(summary)


def _selection(options: _Options) -> Selection | None:
    """The records that count, if not all do."""
    if not (options.labels or options.severities or options.sources or options.states):
        return None
    from vhashdb import Selection, State

    return Selection(options.labels, options.severities, options.sources, tuple(State(state) for state in options.states))
