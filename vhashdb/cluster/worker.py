"""What a worker does, wherever it runs: lease a file, read it, write what came of it, until nothing is left."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Final, Self, TypeVar, cast
from urllib.parse import urlsplit

from vhashdb.cluster.places import Fetched, NotFetched
from vhashdb.content import skip_reason_of
from vhashdb.database import Database
from vhashdb.errors import (
    DatabaseError,
    DatabaseLocked,
    DatabaseUnreachable,
    DecoderFailed,
    LimitExceeded,
    MediaError,
    UsageError,
    VhashdbError,
)
from vhashdb.forms.about_files import error_json, with_path
from vhashdb.layout import place_of
from vhashdb.limits import Limits
from vhashdb.matching.verdict import Verdict
from vhashdb.search.efforts import effort_of
from vhashdb.search.results import Result
from vhashdb.store import Details, Selection, State, acting_as
from vhashdb.store.job_values import Job, JobKind, Lease
from vhashdb.store.jobs import ATTEMPTS, LEASE_S, Jobs

PATIENCE_S: Final = 600.0
"""Seconds for which a worker waits for a server that went away. Engineering bound: longer than restarting it takes."""
_IDLE_S: Final = 1.0
"""Seconds between two looks for a file, while all are somebody's. Engineering bound."""
_RENEWED: Final = 3
"""How often a lease is renewed while it lasts. Engineering bound: two renewals may be lost."""
_FAULT: Final = "tell whoever maintains this; the log of the worker has more"

_log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Assignment:
    """What a worker is told."""

    database: str
    """URL of the database, without a password."""
    job: str
    limits: Limits
    local: str | None
    """Folder for what a machine keeps of databases; see `vhashdb.open`."""
    lock_timeout_s: float

    def to_text(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        said = json.loads(text)
        return cls(**(said | {"limits": Limits(**said["limits"])}))


def work(assignment: Assignment, stopped: Callable[[], bool] = lambda: False) -> int:
    """Deal with the files of a job until none is left, or until ``stopped``; return how many.

    Raises:
        DatabaseError: the database cannot be used, or did not come back within `PATIENCE_S` seconds.
        UsageError: this machine lacks what the files are read with.
    """
    with patiently(lambda: opened(assignment)) as database:
        jobs = Jobs(database.store)
        job = patiently(lambda: jobs.get(assignment.job))
        with acting_as(job.by), _Keeper(jobs) as keeper:
            return _Worker(database, jobs, job, keeper).run(stopped)


def name_of(pid: int) -> str:
    """Return what a worker is called that is a process of this machine."""
    return f"{socket.gethostname()}:{pid}"


def opened(assignment: Assignment) -> Database:
    """Open the database of an assignment."""
    local = None if assignment.local is None else Path(assignment.local)
    return Database.open(place_of(assignment.database), limits=assignment.limits, lock_timeout_s=assignment.lock_timeout_s, local=local)


def patiently(step: Callable[[], _T], *, patience_s: float = PATIENCE_S) -> _T:
    """Do something to the database, again and again while its server is away or others write.

    Raises:
        DatabaseUnreachable: it stayed away.
        DatabaseLocked: others kept writing.
    """
    deadline_s, pause_s = time.monotonic() + patience_s, 0.1
    while True:
        try:
            return step()
        except (DatabaseUnreachable, DatabaseLocked) as error:
            if time.monotonic() > deadline_s:
                raise
            _log.info("waiting for the database: %s", error)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 5.0)


class _Worker:
    """One worker at one job."""

    def __init__(self, database: Database, jobs: Jobs, job: Job, keeper: _Keeper) -> None:
        self._database, self._jobs, self._job, self._keeper = database, jobs, job, keeper
        self._name = name_of(os.getpid())
        self._deal = self._add if job.kind is JobKind.ADD else self._match

    def run(self, stopped: Callable[[], bool]) -> int:
        done = 0
        while not stopped():
            lease = patiently(lambda: self._jobs.lease(self._job.id, self._name))
            if lease is None:
                if patiently(lambda: self._jobs.over(self._job.id)):
                    break
                time.sleep(_IDLE_S)  # all are somebody's, who may be dead, or not known yet
                continue
            with self._keeper.keeping(lease):
                self._one(lease)
            done += 1
        return done

    def _one(self, lease: Lease) -> None:
        try:
            if lease.size > self._database.limits.upload_bytes:
                raise LimitExceeded(f"{lease.path}: the file is larger than {self._database.limits.upload_bytes} bytes")
            with Fetched(lease.path, most_bytes=self._database.limits.upload_bytes) as file:
                skipped = skip_reason_of(file.head(), PurePath(urlsplit(lease.path).path), lease.size, sound=self._database.sound)
                if skipped:
                    patiently(lambda: self._jobs.settle(lease, "skipped", reason=skipped))
                else:
                    self._deal(lease, file)
        except NotFetched as error:
            self._failed(lease, error, again=True)
        except MediaError as error:
            self._unreadable(lease, error)
        except (DatabaseUnreachable, DatabaseLocked) as error:
            _log.info("%s waits for the database: %s", lease.path, error)
            patiently(lambda: self._jobs.put_back(lease))
        except (KeyboardInterrupt, SystemExit):
            self._jobs.put_back(lease)
            raise
        except (DatabaseError, UsageError):  # no other file would fare better here
            patiently(lambda: self._jobs.put_back(lease))
            raise
        except Exception as error:  # a fault of ours with this file
            _log.exception("an error that nobody foresaw, at %s", lease.path)
            self._failed(lease, VhashdbError(f"internal error: {type(error).__name__}: {error}", hint=_FAULT), again=True)

    def _add(self, lease: Lease, file: Fetched) -> None:
        prepared = self._database.prepare(cast("BinaryIO", file))
        new = prepared.as_new(details_of(self._job.options))
        held = patiently(lambda: self._database.held)
        patiently(lambda: self._jobs.record(lease, new, prepared.reference, held=held))

    def _match(self, lease: Lease, file: Fetched) -> None:
        options = self._job.options
        where = selection_of(options)
        result = self._database.match(cast("BinaryIO", file), effort=options["effort"], sound=options["sound"], where=where)
        lines = [with_path(line, lease.path) for line in (result.to_json(""), *(match.to_json("") for match in result.matches))]
        self._answer(lease, result.verdict.value, lines)

    def _unreadable(self, lease: Lease, error: MediaError) -> None:
        """To a question this is an answer; a file that cannot be added waits for a person.

        What may be this machine's fault is tried again.
        """
        again = isinstance(error, DecoderFailed) or isinstance(error.__cause__, OSError)
        if self._job.kind is JobKind.ADD or (again and lease.attempts < ATTEMPTS):
            self._failed(lease, error, again=again)
        else:
            self._answer(lease, Verdict.UNREADABLE.value, unread_lines(lease.path, error, self._job.options["effort"]))

    def _answer(self, lease: Lease, verdict: str, lines: list[dict[str, Any]]) -> None:
        patiently(lambda: self._jobs.settle(lease, verdict, result="\n".join(json.dumps(line) for line in lines)))

    def _failed(self, lease: Lease, error: VhashdbError, *, again: bool) -> None:
        reason = "; ".join(filter(None, (_without_name(error, lease.path), error.hint)))
        patiently(lambda: self._jobs.failed(lease, reason, again=again))


def unread_lines(path: str, error: VhashdbError, effort: str) -> list[dict[str, Any]]:
    """Return the lines about a file that could not be looked at."""
    unread = Result(Verdict.UNREADABLE, _without_name(error, path), effort=effort_of(effort))
    return [with_path(unread.to_json(""), path), error_json(error, path)]


def _without_name(error: VhashdbError, path: str) -> str:
    return error.message.removeprefix(path).removeprefix(": ").strip()


class _Keeper:
    """Renews the lease of the file that is being worked at, in a thread."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._lease: Lease | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vhashdb-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @contextlib.contextmanager
    def keeping(self, lease: Lease) -> Iterator[None]:
        """Keep a lease for the duration of a ``with`` statement."""
        self._lease = lease
        try:
            yield
        finally:
            self._lease = None

    def _run(self) -> None:
        while not self._ended.wait(LEASE_S / _RENEWED):
            if (lease := self._lease) is not None:
                with contextlib.suppress(DatabaseError):  # the next time it may work
                    self._jobs.renew(lease)


# -- what a job says of its files ------------------------------------------------------------------

_DAYS: Final = ("first_seen", "review_by", "expires")


def options_of_adding(details: Details) -> dict[str, Any]:
    """Return what a job has to say to add files with these details."""
    said = asdict(details)
    return {"details": said | {name: said[name] and said[name].isoformat() for name in _DAYS}}


def details_of(options: Mapping[str, Any]) -> Details:
    """Return what is said of each record that a job adds."""
    said = dict(options["details"])
    days: dict[str, Any] = {name: date.fromisoformat(said[name]) for name in _DAYS if said[name]}
    return replace(Details(**(said | dict.fromkeys(_DAYS) | {"labels": tuple(said["labels"])})), **days)


def options_of_asking(effort: str, where: Selection | None, *, sound: bool) -> dict[str, Any]:
    """Return what a job has to say to ask about files."""
    return {"effort": effort, "sound": sound, "where": None if where is None else asdict(where)}


def selection_of(options: Mapping[str, Any]) -> Selection | None:
    """Return which records count in a job."""
    said = options["where"]
    if said is None:
        return None
    labels, severities, sources = (tuple(said[name]) for name in ("labels", "severities", "sources"))
    return Selection(labels, severities, sources, tuple(State(each) for each in said["states"]))
