"""`vhashdb jobs`: what becomes of many files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .bulk import files_words
from .common import db_option, json_option, opened
from .help import Group
from .output import counted, emit, emit_json, printable, say

if TYPE_CHECKING:
    from vhashdb.store import Job, Jobs, Progress

_STATES: Final = {"listing": "looking for files", "listed": "under way", "finished": "finished", "cancelled": "cancelled"}


def _job_options(function: Callable[..., None]) -> Callable[..., None]:
    """One job of a database, for a function that takes the table of jobs, this one of them and whether to answer in JSON."""

    @click.argument("job")
    @db_option
    @json_option
    @functools.wraps(function)
    def with_job(job: str, db: Path, as_json: bool) -> None:
        from vhashdb.store import Jobs

        with opened(db) as database:
            jobs = Jobs(database.store)
            function(jobs, jobs.get(job), as_json=as_json)

    return with_job


@click.group(cls=Group, short_help="See and steer what is done with many files.")
def command() -> None:
    """See and steer what is done with many files.

    A job is begun by `vhashdb add` and `vhashdb match` with URLs or with --cluster. It is a table of a database on PostgreSQL: workers take
    one file at a time from it, and what they find is written together with the file's end. Whatever is killed, the same command goes on.
    A file that fails for a reason that may pass is tried 5 times; then it waits for a person, who sees the reason with `jobs show`.

    \b
    Example:
      vhashdb jobs list
    """


@command.command("list", short_help="Show the jobs, the newest first.")
@db_option
@json_option
def list_jobs(db: Path, as_json: bool) -> None:
    """Show the jobs, the newest first.

    Each with how many files it has, and what they came to; of one that goes on also the rate and the time left, over all workers.

    \b
    Example:
      vhashdb jobs list
    """
    from vhashdb.store import Jobs

    with opened(db) as database:
        jobs = Jobs(database.store)
        for job in jobs.all():
            _tell(job, jobs.progress(job.id), as_json=as_json)


@command.command(short_help="Show one job, and the files that failed.")
@_job_options
def show(jobs: Jobs, job: Job, *, as_json: bool) -> None:
    """Show one job, and the files that failed, with the reasons.

    JOB is the id that the command said, or the beginning of it.

    \b
    Example:
      vhashdb jobs show 3f2a
    """
    from vhashdb.store import ItemState

    _tell(job, jobs.progress(job.id), as_json=as_json)
    if not as_json:
        emit(f"  {', '.join(map(printable, job.places))}")
    for finding in jobs.findings(job.id, ItemState.FAILED):
        if as_json:
            emit_json(finding.to_json(job.id))
        else:
            emit(f"  {printable(finding.path)}  FAILED after {counted(finding.attempts, 'attempt')}: {printable(finding.reason)}")


@command.command(short_help="Let the files that failed be tried again.")
@_job_options
def retry(jobs: Jobs, job: Job, *, as_json: bool) -> None:
    """Let the files that failed be tried again.

    They are tried by the command that began the job, when it is given again.

    \b
    Example:
      vhashdb jobs retry 3f2a
    """
    count = jobs.retry(job.id)
    _tell(jobs.get(job.id), jobs.progress(job.id), as_json=as_json)
    if not as_json:
        say(f"{counted(count, 'file')} will be tried again; give the command again that began the job")


@command.command(short_help="End a job; what it did stays.")
@_job_options
def cancel(jobs: Jobs, job: Job, *, as_json: bool) -> None:
    """End a job; what it did stays.

    No file is begun any more, and what is under way is not written. Records that were added stay.

    \b
    Example:
      vhashdb jobs cancel 3f2a
    """
    _tell(jobs.cancel(job.id), jobs.progress(job.id), as_json=as_json)


@command.command(short_help="Delete what is known of a job.")
@_job_options
def forget(jobs: Jobs, job: Job, *, as_json: bool) -> None:
    """Delete what is known of a job.

    That is the names of its files, and what they came to. Records that were added stay.

    \b
    Example:
      vhashdb jobs forget 3f2a
    """
    last = jobs.progress(job.id)
    jobs.forget(job.id)
    _tell(job, last, as_json=as_json)


def _tell(job: Job, progress: Progress, *, as_json: bool) -> None:
    if as_json:
        emit_json(progress.to_json(job))
        return
    made = f"{job.made_at:%Y-%m-%d %H:%M} by {printable(job.by)}"
    line = f"{job.id}  {job.kind.value}  {_STATES[job.state.value]}  {made}  {files_words(progress)}"
    if progress.open and progress.rate:
        seconds = int(progress.left_s or 0)
        line += f"; {progress.rate:.1f} files/s, {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} left"
    emit(line)
