"""Add or match many files, with workers on this machine or on a cluster: begin a job, or go on with one, and see it through."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from vhashdb.cluster import places
from vhashdb.cluster.on_ray import RayWorkers
from vhashdb.cluster.on_this_machine import Processes
from vhashdb.cluster.worker import Assignment, patiently
from vhashdb.database import Database
from vhashdb.errors import DatabaseLocked, DatabaseUnreachable, VhashdbError
from vhashdb.limits import Limits
from vhashdb.store.job_values import Job, JobKind, JobState, Listed, Progress
from vhashdb.store.jobs import Jobs

__all__ = ["Crew", "begin", "finish", "run"]

_LOOKED_S: Final = 0.5
"""Seconds between two looks at a job, or more: …"""
_SHARE: Final = 20
"""… counting its files takes at most one part in so many of the time. Engineering bounds."""


class _Workers(Protocol):
    def tend(self, closed: int) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Crew:
    """Who works."""

    count: int | None
    """How many workers; None: one for each processor of the cluster."""
    cluster: str | None
    """Address of a Ray cluster; None: processes of this machine."""
    local: str | None = None
    """Folder for what each machine keeps of databases; see `vhashdb.open`."""
    lock_timeout_s: float = 10.0


def begin(database: Database, kind: JobKind, names: Sequence[str], options: dict[str, Any]) -> Job:
    """Return the job for what is asked for, an interrupted one or a new one; see `Jobs.begin`.

    Args:
        database: on PostgreSQL.
        kind: what is done with each file.
        names: URLs and paths of files and folders.
        options: of `worker.options_of_adding` or `worker.options_of_asking`.

    Raises:
        UsageError: the database is a folder, or a name is no place that files are read from.
    """
    return Jobs(database.store).begin(kind, [places.place_of(name) for name in names], options)


def run(database: Database, job: Job, crew: Crew, limits: Limits, told: Callable[[Progress], None] = lambda _: None) -> Progress:
    """See a job through: list its places, have workers deal with their files, and return what it came to.

    Interrupted in any way, it is gone on with by another call. ``told`` hears from time to time how far it is.

    Raises:
        UsageError: a place cannot be read here, or there is no cluster.
        VhashdbError: workers cannot work, with the reason.
    """
    jobs = Jobs(database.store)
    listing = _Listing(jobs, job, sound=database.sound)
    assignment = Assignment(str(database.place), job.id, limits, crew.local, crew.lock_timeout_s)
    workers: _Workers
    if crew.cluster is None:
        workers = Processes(assignment, crew.count or 1, lambda worker: _release(jobs, job, worker))
    else:
        workers = RayWorkers(assignment, crew.cluster, crew.count)
    with contextlib.closing(workers), listing:
        while True:
            began_s = time.monotonic()
            progress = patiently(lambda: jobs.progress(job.id))
            told(progress)
            listing.raise_failure()
            if patiently(lambda: jobs.over(job.id)):
                break
            workers.tend(progress.closed)
            time.sleep(max(_LOOKED_S, _SHARE * (time.monotonic() - began_s)))
    return patiently(lambda: jobs.progress(job.id))


def _release(jobs: Jobs, job: Job, worker: str) -> None:
    with contextlib.suppress(DatabaseUnreachable, DatabaseLocked):  # then the lease ends by itself
        jobs.release(job.id, worker)


def finish(database: Database, job: Job) -> Job:
    """Note that all of a job is done, its records grouped and its results written; return it as it is then."""
    jobs = Jobs(database.store)
    if job.kind is JobKind.ADD:
        database.index_writer.note_change()
        patiently(database.index_writer.maintain)  # which groups first what is new
    patiently(lambda: jobs.finish(job.id))
    return patiently(lambda: jobs.get(job.id))


class _Listing:
    """Writes down the files of a job, in a thread, page by page; a page that is written down is not listed again."""

    def __init__(self, jobs: Jobs, job: Job, *, sound: bool) -> None:
        self._jobs, self._job, self._sound = jobs, job, sound
        self._stopped = threading.Event()
        self._failure: VhashdbError | None = None
        self._thread = threading.Thread(target=self._run, name="vhashdb-listing", daemon=True)

    def __enter__(self) -> _Listing:
        if self._job.state is JobState.LISTING:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def raise_failure(self) -> None:
        """Raise what the listing failed with, if it did."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._list()
        except VhashdbError as error:
            self._failure = error

    def _list(self) -> None:
        first, cursor = self._job.listed
        for place in range(first, len(self._job.places)):
            for page in places.pages(self._job.places[place], cursor if place == first else "", sound=self._sound):
                if self._stopped.is_set():
                    return
                self._write(page.files, (place, page.cursor))
        self._write([], None)

    def _write(self, files: list[Listed], then: tuple[int, str] | None) -> None:
        patiently(lambda: self._jobs.add_page(self._job.id, files, then))
