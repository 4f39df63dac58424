"""`vhashdb add`: fingerprint videos and record them."""

from __future__ import annotations

import datetime
import functools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

from vhashdb.errors import VhashdbError
from vhashdb.forms import with_part, with_path

from .batch import Job, emit_skipped, in_order, nothing_to_do, tally, trace
from .bulk import Bulk, add_in_bulk, cluster_option, is_bulk, refuse
from .codes import ExitCode
from .common import Stopped, db_option, json_option, opened, quiet_option, workers_option
from .files import InputFiles, input_options
from .limits import limit_options
from .output import Hints, clock, counted, decoded, emit, emit_json, error_json, labels_text, printable, say, shown, told, without_path
from .progress import Progress
from .screen import emit_words
from .settings import OneOf
from .sources import kind_option, sources_of
from .verdicts import note_lines

if TYPE_CHECKING:
    from vhashdb import Addition, Database, Details, Fingerprint, HashQuery
    from vhashdb.database import Prepared

    from .screen.screen import Screen

    _Prepared = Job[Addition | Prepared]

_RECORDS: Final = "vhashdb.store"
_WORDS: Final = {"added": "added", "near-duplicate": "added near a known one", "duplicate": "duplicate", "error": "not added"}


def _day(_: click.Context, __: click.Parameter, value: datetime.datetime | None) -> datetime.date | None:
    return value.date() if value else None


_date_option = functools.partial(click.option, type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", callback=_day)


def _details_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options for what people say about a record; each is a field of `vhashdb.Details`."""
    options = (
        click.option("--label", "labels", multiple=True, metavar="LABEL", help="What kind of harm it shows; can be given several times."),
        click.option("--reason", default="", metavar="TEXT", help="Why it is recorded, in at most 280 characters."),
        click.option("--reason-code", default="", metavar="CODE", help="The same as a code, such as perpetrator-produced."),
        click.option("--severity", type=OneOf(_RECORDS, "SEVERITIES"), default="unspecified", show_default=True, help="How grave it is."),
        click.option(
            "--origin", type=OneOf(_RECORDS, "ORIGINS"), default="own_review", show_default=True, help="What led to the decision."
        ),
        click.option("--policy", default="", metavar="TEXT", help="The rule of yours that it breaks."),
        click.option("--law", default="", metavar="TEXT", help="The law that it breaks."),
        click.option(
            "--review-method", type=OneOf(_RECORDS, "REVIEW_METHODS"), default="unspecified", show_default=True, help="How it was reviewed."
        ),
        click.option("--reviewers", type=click.IntRange(min=0), default=0, metavar="N", help="How many people looked at it."),
        click.option(
            "--max-action",
            type=OneOf(_RECORDS, "MAX_ACTIONS"),
            default="review",
            show_default=True,
            help="The most a match may lead to by itself.",
        ),
        click.option(
            "--tlp", type=OneOf(_RECORDS, "TLP"), default="amber", show_default=True, help="Traffic Light Protocol: who may see it."
        ),
        _date_option("--first-seen", help="When it first appeared."),
        _date_option("--review-by", help="When the decision should be looked at again."),
        _date_option("--expires", help="When it should stop matching."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class _Options:
    as_json: bool
    workers: int
    quiet: bool
    kind: str


@click.command(short_help="Fingerprint known videos and record them in the database.")
@input_options
@_details_options
@kind_option
@db_option
@json_option
@workers_option
@cluster_option
@limit_options
@quiet_option
def command(inputs: InputFiles, db: Path, as_json: bool, workers: int, cluster: str | None, quiet: bool, kind: str, **details: Any) -> int:
    """Fingerprint known videos and record them in the database.

    FILE is a video, a picture, a file of hashes, a folder (searched for media files), a pattern, or - to read names from standard input.
    The very same file is not recorded twice, so an interrupted command can simply be given again. A near duplicate is
    recorded and linked to what it resembles. A record that was printed is safe on disk. Whether sound is recorded as well, and so
    whether files with sound alone are taken from folders, was chosen when the database was made.

    Where FILE is a URL of an object store or of files (s3://, gs://, abfs://, https://, file://), or with --cluster, the files are a job of
    a database on PostgreSQL, for workers here or in a cluster: `vhashdb jobs` has more.

    \b
    Example:
      vhashdb add --label graphic-violence --reason "perpetrator-produced" known.mp4
      vhashdb add --label graphic-violence --severity high known/
      vhashdb add --label graphic-violence --cluster auto s3://evidence/2026/
    """
    from vhashdb import Details

    inputs.require()
    said = Details(**details)  # a wrong label should be said before an hour of decoding
    if is_bulk(inputs, cluster):
        refuse(kind=kind)
        return add_in_bulk(inputs, db, said, Bulk(cluster, workers, as_json, quiet))
    with opened(db) as database:
        inputs.sound = database.sound
        return _Adding(database, said, _Options(as_json, workers, quiet, kind), inputs).run()


class _Adding:
    """One run over many files."""

    def __init__(self, database: Database, details: Details, options: _Options, inputs: InputFiles) -> None:
        self._database, self._details, self._options, self._inputs = database, details, options, inputs
        self._counts = dict.fromkeys(_WORDS, 0)
        self._hints = Hints(quiet=options.quiet)
        self._screen = _screen()
        self._started = time.monotonic()

    def run(self) -> int:
        listed = self._inputs.listed()
        total = len(listed) if listed is not None else None
        try:
            with Progress(total, quiet=self._options.quiet) as progress:
                for job in in_order(self._inputs if listed is None else listed, progress.watching(self._prepare), self._options.workers):
                    self._record(job)
                    progress.advance()
        except KeyboardInterrupt:
            done = sum(self._counts.values())
            self._summary(ExitCode.INTERRUPTED)
            of = f" of {total}" if total is not None else ""
            raise Stopped(f"{done}{of} files done", "nothing is lost; run the same command again to go on") from None
        nothing = not sum(self._counts.values()) and len(self._inputs.skipped)
        code = ExitCode.INCOMPLETE if self._counts["error"] or nothing else ExitCode.FINISHED
        self._summary(code)
        if not sum(self._counts.values()) and not self._options.quiet:
            say(nothing_to_do("add", self._inputs.skipped))
        return code

    def _prepare(self, path: str) -> list[_Prepared]:
        """In a worker thread: everything that takes time and writes nothing; of each video, if it is a file of hashes."""
        return [self._prepared(path, source) for source in sources_of(path, kind=self._options.kind, named=self._inputs.named(path))]

    def _prepared(self, path: str, source: str | BinaryIO | HashQuery) -> _Prepared:
        from vhashdb import HashQuery

        if not isinstance(source, HashQuery):
            return Job(path, self._ready(source))
        one: _Prepared = Job(path, part=source.name)
        try:
            from vhashdb.hash_query import only_one

            one.value = self._ready(only_one([source], path))
        except VhashdbError as error:
            one.error = error
        return one

    def _ready(self, source: str | BinaryIO | Fingerprint) -> Addition | Prepared:
        from vhashdb import Addition, AddStatus

        if known := self._database.known_file(source):
            return Addition(known, AddStatus.DUPLICATE)
        return self._database.prepare(source)

    def _record(self, job: Job[list[_Prepared]]) -> None:
        """In the main thread: write, and only then say so."""
        for one in [Job(job.path, error=job.error)] if job.value is None else job.value:
            self._record_one(one)

    def _record_one(self, job: _Prepared) -> None:
        from vhashdb import Addition

        if job.value is None:
            self._tell_error(job)
            return
        addition = job.value if isinstance(job.value, Addition) else self._database.record(job.value, self._details)
        self._counts[addition.status.value] += 1
        if self._options.as_json:
            emit_json(with_part(with_path(addition.to_json(""), job.path), job.part))
        else:
            self._row(job.name, addition_words(addition))
            for line in addition_notes(addition):
                emit_words(line)

    def _tell_error(self, job: _Prepared) -> None:
        error = job.failure
        if self._options.as_json:
            emit_json(with_part(error_json(error, job.path), job.part))
        else:
            self._row(job.name, f"NOT ADDED  {printable(without_path(error.message, job.path))}")
            self._hints.give(error.hint)
        trace(error)
        self._counts["error"] += 1

    def _row(self, path: str, words: str) -> None:
        """One line, which a terminal would not break."""
        if self._screen is None:
            emit(f"{shown(path)}  {words}")
        else:
            self._screen.row(shown(path), words)

    def _summary(self, code: ExitCode) -> None:
        records, path, skipped = len(self._database), self._database.place, self._inputs.skipped
        if self._options.as_json:
            emit_skipped(skipped)
        if not self._options.as_json:
            files = tally({_WORDS[word]: number for word, number in self._counts.items()}, skipped, self._inputs.older)
            emit_words(f"{files} · database {shown(path)}, {counted(records, 'record')} · exit {told(code)}")
            return
        emit_json(
            {
                "type": "summary",
                "files": sum(self._counts.values()),
                "added": self._counts["added"],
                "near_duplicates": self._counts["near-duplicate"],
                "duplicates": self._counts["duplicate"],
                "errors": self._counts["error"],
                "skipped": len(skipped),
                "skipped_because": dict(skipped.reasons),
                "older": self._inputs.older,
                "database": decoded(path),
                "records": records,
                "elapsed_s": round(time.monotonic() - self._started, 3),
                "interrupted": code is ExitCode.INTERRUPTED,
                "exit_code": told(code),
            }
        )


def _screen() -> Screen | None:
    """The terminal, if a person reads there."""
    if not sys.stdout.isatty():
        return None
    from .screen.screen import Screen

    return Screen()


def addition_words(addition: Addition) -> str:
    """Return what came of one file, to be said after its name."""
    record = addition.record
    if addition.status == "duplicate":
        return f"DUPLICATE  rec {record.short_id}  the very same file is recorded already"
    return f"ADDED  rec {record.short_id}  {labels_text(record.labels)}  {clock(record.duration_s)}"


def addition_notes(addition: Addition) -> list[str]:
    """Lines about it that follow."""
    if addition.status == "duplicate":
        return []
    near = [f"  near duplicate of rec {near.record[:8]} ({near.verdict}, {near.score:.2f}); linked" for near in addition.near]
    return near + note_lines(addition.damage)
