"""Adding and matching by a job: many files, workers here or in a cluster, and a table on PostgreSQL that survives all of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from vhashdb.errors import DatabaseEmpty, UsageError

from .codes import ExitCode
from .common import Stopped, local_folder, lock_timeout_s, opened
from .files import InputFiles
from .limits import limits
from .output import counted, emit, emit_json, printable, say, shown, told
from .progress import Progress
from .result_writers import WORDS

if TYPE_CHECKING:
    from vhashdb import Database, Details, Selection
    from vhashdb.store import Job
    from vhashdb.store import Progress as State

ADDED: Final = {"added": "added", "duplicate": "duplicate", "skipped": "passed over"}
"""Outcomes of files that are added, as they are counted."""
OUTCOMES: Final = {**ADDED, **WORDS}
"""The same of all files."""
_SHOWN_FAILURES: Final = 5

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Bulk:
    """How a job is to be worked off."""

    cluster: str | None
    workers: int
    as_json: bool
    quiet: bool


def cluster_option(function: _F) -> _F:
    """``--cluster``."""
    text = "Have the workers of a Ray cluster read the files: its address, such as auto or HOST:6379."
    return click.option("--cluster", metavar="ADDRESS", help=text)(function)


def is_bulk(inputs: InputFiles, cluster: str | None) -> bool:
    """Tell whether what is named is a job."""
    if cluster is None and not any("://" in name for name in inputs.names):
        return False
    if inputs.limited or len(inputs.names) == 0 or "-" in inputs.names or inputs.has_lists:
        raise click.UsageError("a job has URLs, files and folders: give no --list, no --since and no -")
    return True


def refuse(*, kind: str, **options: object) -> None:
    """End with an error if an option is given that a job does not have."""
    given = ["--as"] if kind not in ("auto", "media") else []
    given += [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if given:
        raise click.UsageError(f"{given[0]} is not for jobs, which are of URLs or of a cluster")


def options_of_asking(effort: str, where: Selection | None, *, sound: bool) -> dict[str, Any]:
    """Return how a job asks."""
    from vhashdb.cluster import options_of_asking

    return options_of_asking(effort, where, sound=sound)


def add_in_bulk(inputs: InputFiles, db: Path, details: Details, bulk: Bulk) -> int:
    """Add the files of a job, and say what it came to."""
    from vhashdb.cluster import options_of_adding
    from vhashdb.store import JobKind

    with opened(db) as database:
        job, state = _run(database, JobKind.ADD, inputs, options_of_adding(details), bulk)
        code = ExitCode.INCOMPLETE if _failed(state) else ExitCode.FINISHED
        _tell(database, job, state, bulk, code)
    return code


def match_in_bulk(inputs: InputFiles, db: Path, options: Mapping[str, Any], bulk: Bulk, output: Path | None, *, exit_zero: bool) -> int:
    """Ask about the files of a job, write the answers, and say what it came to."""
    from vhashdb.cluster import write_results
    from vhashdb.store import JobKind
    from vhashdb.writing import require_writable

    if output is None:
        raise UsageError("the answers of a job need a file", hint="name one with --output, such as answers.jsonl or answers.parquet")
    require_writable(output)
    with opened(db) as database:
        if not len(database):
            raise DatabaseEmpty(f"the database {db} holds no record, so nothing can be found")
        job, state = _run(database, JobKind.MATCH, inputs, dict(options), bulk, lambda jobs, job: write_results(jobs, job, output))
        found = any(state.outcomes.get(word) for word in ("match", "possible"))
        unsure = _failed(state) or any(state.outcomes.get(word) for word in ("insufficient", "unreadable"))
        code = ExitCode.FOUND if found and not exit_zero else ExitCode.INCOMPLETE if unsure else ExitCode.FINISHED
        _tell(database, job, state, bulk, code)
        if not bulk.quiet:
            say(f"answers: {shown(os.path.abspath(output))}")
    return code


def _run(
    database: Database, kind: Any, inputs: InputFiles, options: dict[str, Any], bulk: Bulk, then: Callable[[Any, Any], object] | None = None
) -> tuple[Job, State]:
    from vhashdb.cluster import Crew, begin, finish, run
    from vhashdb.store import Jobs

    chosen = click.get_current_context().get_parameter_source("workers") is not ParameterSource.DEFAULT
    count = bulk.workers if chosen or bulk.cluster is None else None
    job = begin(database, kind, inputs.names, options)
    if not bulk.quiet:
        say(f"job {job.id}: the same command goes on with it if it is interrupted")
    with _stopping(job), Progress(None, quiet=bulk.quiet) as bar:
        done = 0

        def told(state: State) -> None:
            nonlocal done
            bar.expect(state.open + state.closed)
            bar.advance(state.closed - done)
            done = state.closed

        state = run(database, job, Crew(count, bulk.cluster, local_folder(), lock_timeout_s()), limits(), told)
        if then is not None:
            then(Jobs(database.store), job)
        return finish(database, job), state


@contextlib.contextmanager
def _stopping(job: Job) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(f"job {job.id} is not finished", "nothing is lost; run the same command again to go on") from None


def _failed(state: State) -> int:
    from vhashdb.store import ItemState

    return state.states[ItemState.FAILED]


def _tell(database: Database, job: Job, state: State, bulk: Bulk, code: ExitCode) -> None:
    from vhashdb.store import ItemState, Jobs

    if bulk.as_json:
        emit_json(state.to_json(job))
        return
    for count, finding in enumerate(Jobs(database.store).findings(job.id, ItemState.FAILED)):
        if count == _SHOWN_FAILURES:
            emit(f"… `vhashdb jobs show {job.id}` has all that failed")
            break
        emit(f"{printable(finding.path)}  FAILED  {printable(finding.reason)}")
    records = counted(len(database), "record")
    emit(f"{files_words(state)} · job {job.id} · database {shown(database.place)}, {records} · exit {told(code)}")


def files_words(state: State) -> str:
    """``3 files: 2 added, 1 failed``."""
    from vhashdb.store import ItemState

    states = {ItemState.FAILED: "failed", ItemState.LEASED: "under way", ItemState.WAITING: "waiting"}
    counts = {word: state.outcomes.get(outcome, 0) for outcome, word in OUTCOMES.items()}
    counts |= {word: state.states[one] for one, word in states.items()}
    parts = [f"{number:,} {word}" for word, number in counts.items() if number]
    return counted(state.open + state.closed, "file") + (f": {', '.join(parts)}" if parts else "")
