"""Jobs over many files: what is to be done, who does it, and what came of it, in tables on PostgreSQL.

A worker leases one file at a time. While it works it renews the lease; when it is silent, the lease ends and somebody else begins the
file. What it found is written together with the end of the lease, in one transaction that first asks whether the lease is still the
worker's: so whatever was begun twice is written once. All times are the server's.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.fingerprints import Fingerprint
from vhashdb.store import schema
from vhashdb.store.additions import Item, insert
from vhashdb.store.job_schema import job, job_item
from vhashdb.store.job_values import Finding, ItemState, Job, JobKind, JobState, Lease, Listed, Progress
from vhashdb.store.records import NewRecord
from vhashdb.store.records_file import Store
from vhashdb.text import printable

ATTEMPTS: Final = 5
"""How often a file is begun before it is given up. Engineering bound: a file that ends its worker each time must not do so for ever."""
LEASE_S: Final = 60
"""For how long a file is a worker's that is silent. Engineering bound: a pause of the network is shorter, and a dead worker not waited
for much longer."""
_BACKOFF_S: Final = 2.0
"""Seconds before a file is tried for the second time; twice as many before each further time."""
_RECENT: Final = datetime.timedelta(minutes=5)
"""Time that the rate of a job is of."""
_SILENT: Final = (
    f"whoever worked at it ended without a word, {ATTEMPTS} times: it may need more memory than there is, or the machines went away"
)
_NOW: Final = sa.func.localtimestamp()  # sessions are in UTC


class Jobs:
    """The jobs of one database.

    Raises:
        UsageError: its records are not on PostgreSQL.
    """

    def __init__(self, store: Store) -> None:
        if isinstance(store.path, Path):
            raise UsageError(
                "jobs need a database on PostgreSQL, which several workers can write to",
                hint="open one by its URL; `vhashdb.moving.copy_database` copies a folder to one",
            )
        self._transactions, self._actor = store.transactions, store

    # -- jobs ----------------------------------------------------------------------------------

    def begin(self, kind: JobKind, places: Sequence[str], options: Mapping[str, Any]) -> Job:
        """Return the job for what is asked for: the one that was interrupted, if there is one, else a new one.

        Adding goes on with a job that is finished, too: the places are listed again, and what is new or changed there is added. A
        question is asked anew, as the records may be others by now.
        """
        said = json.dumps([kind.value, list(places), options], sort_keys=True)
        key = hashlib.sha256(said.encode()).hexdigest()
        goes_on = [JobState.LISTING, JobState.LISTED, *([JobState.FINISHED] if kind is JobKind.ADD else [])]
        with self._transactions.writing() as connection:
            found = sa.select(job.c.id, job.c.state).where(job.c.key == key, job.c.state.in_([state.value for state in goes_on]))
            row = connection.execute(found.order_by(job.c.made_at.desc()).limit(1)).first()
            if row is None:
                identifier = secrets.token_hex(4)
                values = {
                    "id": identifier, "kind": kind.value, "state": JobState.LISTING.value, "key": key, "by": self._actor.actor,
                    "places": json.dumps(list(places)), "options": json.dumps(options), "listed": json.dumps([0, ""]), "made_at": _NOW,
                }  # fmt: skip
                connection.execute(job.insert().values(values))
                return _job(connection, identifier)
            if row.state == JobState.FINISHED.value:
                again = {"state": JobState.LISTING.value, "listed": json.dumps([0, ""]), "ended_at": None}
                connection.execute(job.update().where(job.c.id == row.id).values(again))
            return _job(connection, row.id)

    def get(self, identifier: str) -> Job:
        """Return a job.

        Raises:
            RecordNotFound: there is none.
        """
        with self._transactions.reading() as connection:
            return _job(connection, identifier)

    def all(self) -> list[Job]:
        """Return all jobs, the newest first."""
        with self._transactions.reading() as connection:
            return [_read(row) for row in connection.execute(sa.select(job).order_by(job.c.made_at.desc(), job.c.id))]

    def finish(self, identifier: str) -> None:
        """Note that all that was asked for is done; a job that was cancelled stays so."""
        self._change(identifier, JobState.FINISHED, (JobState.LISTED,), ended_at=_NOW)

    def cancel(self, identifier: str) -> Job:
        """End a job: no further file is begun, and what is under way is not written."""
        self._change(identifier, JobState.CANCELLED, (JobState.LISTING, JobState.LISTED), ended_at=_NOW)
        return self.get(identifier)

    def forget(self, identifier: str) -> Job:
        """Delete a job, with the names of its files and what they came to; records that it added stay."""
        with self._transactions.writing() as connection:
            gone = _job(connection, identifier)
            for table, column in ((job_item, job_item.c.job), (job, job.c.id)):
                connection.execute(table.delete().where(column == gone.id))
        return gone

    def _change(self, identifier: str, state: JobState, before: Sequence[JobState], **values: Any) -> None:
        among = job.c.state.in_([each.value for each in before])
        with self._transactions.beside() as connection:
            connection.execute(job.update().where(job.c.id == identifier, among).values(state=state.value, **values))

    # -- listing -------------------------------------------------------------------------------

    def add_page(self, identifier: str, files: Sequence[Listed], then: tuple[int, str] | None) -> None:
        """Write some of the files of a job down, and in the same transaction where the listing goes on; None: these were the last.

        A file that is there already is not done again, unless it is another one by now.
        """
        rows = [{"path": each.path, "version": each.version, "size": each.size} for each in {each.path: each for each in files}.values()]
        with self._transactions.beside() as connection:
            if rows:
                new = postgresql.insert(job_item).values(job=identifier, due=_NOW, **_UNBEGUN)
                renewed = {name: new.excluded[name] for name in ("version", "size", "due", *_UNBEGUN)}
                changed = job_item.c.version != new.excluded.version
                connection.execute(new.on_conflict_do_update(index_elements=["job", "path"], set_=renewed, where=changed), rows)
            state = JobState.LISTED if then is None else JobState.LISTING
            values = {"state": state.value, "listed": json.dumps(then or [0, ""])}
            connection.execute(job.update().where(job.c.id == identifier, job.c.state == JobState.LISTING.value).values(values))

    # -- working -------------------------------------------------------------------------------

    def lease(self, identifier: str, worker: str) -> Lease | None:
        """Take the file that has waited longest, for `LEASE_S` seconds; None if there is none that may be begun now."""
        token = secrets.token_hex(16)
        values = {"job": identifier, "attempts": ATTEMPTS, "silent": _SILENT, "worker": worker, "token": token}
        with self._transactions.beside() as connection:
            row = connection.execute(_LEASE, values).first()
            if row is None:  # only then, as it looks at all that are due
                connection.execute(_GIVE_UP, values)
        return None if row is None else Lease(identifier, row.path, row.size, row.attempts, token)

    def renew(self, lease: Lease) -> bool:
        """Keep a file for longer; tell whether it still was this worker's."""
        until = _NOW + datetime.timedelta(seconds=LEASE_S)
        with self._transactions.beside() as connection:
            return connection.execute(job_item.update().where(*_held(lease)).values(due=until)).rowcount == 1

    def put_back(self, lease: Lease) -> None:
        """Let a file wait again that could not be finished for want of the database, or of a worker; that was no attempt."""
        values = {"state": ItemState.WAITING.value, "due": _NOW, "attempts": job_item.c.attempts - 1, "lease": ""}
        with self._transactions.beside() as connection:
            connection.execute(job_item.update().where(*_held(lease)).values(values))

    def release(self, identifier: str, worker: str) -> None:
        """Let the files be begun again, at once, that a worker had of whom it is known that it is gone."""
        its = job_item.c.job == identifier, job_item.c.worker == worker, job_item.c.state == ItemState.LEASED.value
        with self._transactions.beside() as connection:
            connection.execute(job_item.update().where(*its).values(due=_NOW))

    def failed(self, lease: Lease, reason: str, *, again: bool) -> None:
        """Note that a file could not be dealt with; ``again``: it may be otherwise after a while, so it is tried `ATTEMPTS` times."""
        values: dict[str, Any] = {"state": ItemState.FAILED.value, "due": None, "reason": printable(reason), "done_at": _NOW}
        if again and lease.attempts < ATTEMPTS:
            later = datetime.timedelta(seconds=_BACKOFF_S * 2 ** (lease.attempts - 1))
            values = {"state": ItemState.WAITING.value, "due": _NOW + later, "reason": printable(reason), "lease": ""}
        with self._transactions.beside() as connection:
            connection.execute(job_item.update().where(*_held(lease)).values(values))

    def settle(self, lease: Lease, outcome: str, *, reason: str = "", result: str = "") -> bool:
        """Write what a file came to; tell whether it was written: not if the file is somebody else's by now, or the job was cancelled."""
        with self._transactions.beside() as connection:
            return _settle(connection, lease, outcome, reason, result)

    def record(self, lease: Lease, new: NewRecord, fingerprint: Fingerprint, *, held: str) -> bool:
        """Record the video that a file has, and end its lease, in one transaction; tell whether that was done, see `settle`.

        The very same file is not recorded twice, whoever adds it meanwhile and under whichever name.
        """
        with self._transactions.writing() as connection:  # which writers enter one after the other, so nobody adds it meanwhile
            same = sa.select(schema.record.c.id).where(schema.record.c.sha256 == new.sha256, schema.not_retracted)
            known = connection.execute(same.order_by(schema.record.c.number).limit(1)).scalar() if new.sha256 else None
            outcome = "added" if known is None else "duplicate"
            if not _settle(connection, lease, outcome, "", ""):
                return False
            if known is None:
                (made,) = insert(connection, [Item(new, fingerprint)], actor=self._actor.actor, held=held)
                known = made.id
            said = json.dumps({"record": known})
            connection.execute(job_item.update().where(*_of(lease)).values(result=said))
        return True

    # -- what came of it -----------------------------------------------------------------------

    def progress(self, identifier: str) -> Progress:
        """Count the files of a job."""
        columns = job_item.c.state, job_item.c.outcome
        counts = sa.select(*columns, sa.func.count().label("number")).where(job_item.c.job == identifier).group_by(*columns)
        ended = job_item.c.done_at > _NOW - _RECENT
        lately = sa.select(sa.func.count(), sa.func.extract("epoch", _NOW - sa.func.min(job_item.c.done_at)))
        with self._transactions.reading() as connection:
            rows = connection.execute(counts).all()
            number, span = connection.execute(lately.where(job_item.c.job == identifier, ended)).one()
        states = dict.fromkeys(ItemState, 0)
        outcomes: dict[str, int] = {}
        for row in rows:
            states[ItemState(row.state)] += row.number
            if row.state == ItemState.DONE.value:
                outcomes[row.outcome] = row.number
        return Progress(states, outcomes, float(number / float(span)) if number and span else 0.0)

    def over(self, identifier: str) -> bool:
        """Tell whether nothing of a job is left to be begun, by anybody: all files are known and none is open, or it was ended."""
        left = sa.exists().where(job_item.c.job == identifier, job_item.c.due.is_not(None))
        with self._transactions.reading() as connection:
            row = connection.execute(sa.select(job.c.state, left.label("left")).where(job.c.id == identifier)).first()
        if row is None or row.state in (JobState.CANCELLED.value, JobState.FINISHED.value):
            return True
        return row.state == JobState.LISTED.value and not row.left

    def findings(self, identifier: str, *states: ItemState) -> Iterator[Finding]:
        """Yield what files came to, those in given states, in the order of their names; only some are in memory at a time."""
        names = "path", "state", "outcome", "reason", "attempts", "result"
        query = sa.select(*(job_item.c[name] for name in names)).where(job_item.c.job == identifier)
        query = query.where(job_item.c.state.in_([state.value for state in states])).order_by(job_item.c.path)
        with self._transactions.snapshot() as connection:
            for row in connection.execute(query, execution_options={"yield_per": 500}):
                yield Finding(row.path, ItemState(row.state), row.outcome, row.reason, row.attempts, row.result)

    def retry(self, identifier: str) -> int:
        """Let the files wait again that were given up; return how many they were. The job goes on when its command is given again."""
        given_up = job_item.c.job == identifier, job_item.c.state == ItemState.FAILED.value
        with self._transactions.beside() as connection:
            count = connection.execute(job_item.update().where(*given_up).values(due=_NOW, **_UNBEGUN)).rowcount
            done = job.c.state == JobState.FINISHED.value
            reopened = {"state": JobState.LISTED.value, "ended_at": None}
            if count:
                connection.execute(job.update().where(job.c.id == identifier, done).values(reopened))
        return int(count)


_UNBEGUN: Final[Mapping[str, Any]] = {
    "state": ItemState.WAITING.value, "attempts": 0, "lease": "", "worker": "", "outcome": "", "reason": "", "result": "", "done_at": None,
}  # fmt: skip
_GIVE_UP: Final = sa.text(
    "UPDATE job_item SET state = 'failed', due = NULL, reason = :silent, done_at = localtimestamp "
    "WHERE job = :job AND state = 'leased' AND due <= localtimestamp AND attempts >= :attempts"
)
# Materialized: else the server could look for the next file again for each row, and lock more than one.
_LEASE: Final = sa.text(
    "WITH next AS MATERIALIZED (SELECT i.job, i.path FROM job_item i JOIN job j ON j.id = i.job "
    "WHERE i.job = :job AND i.due <= localtimestamp AND i.attempts < :attempts AND j.state IN ('listing', 'listed') "
    "ORDER BY i.due, i.path LIMIT 1 FOR UPDATE OF i SKIP LOCKED) "
    "UPDATE job_item i SET state = 'leased', attempts = i.attempts + 1, lease = :token, worker = :worker, "
    f"due = localtimestamp + interval '{LEASE_S} seconds' FROM next WHERE i.job = next.job AND i.path = next.path "
    "RETURNING i.path, i.size, i.attempts"
)


def _of(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return job_item.c.job == lease.job, job_item.c.path == lease.path, job_item.c.lease == lease.token


def _held(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    """Whether a file is still whose lease this is: late is not too late while nobody else has begun it."""
    return *_of(lease), job_item.c.state == ItemState.LEASED.value


def _settle(connection: Connection, lease: Lease, outcome: str, reason: str, result: str) -> bool:
    wanted = sa.exists().where(job.c.id == lease.job, job.c.state.in_([JobState.LISTING.value, JobState.LISTED.value]))
    values = {
        "state": ItemState.DONE.value,
        "due": None,
        "outcome": outcome,
        "reason": printable(reason),
        "result": result,
        "done_at": _NOW,
    }
    return connection.execute(job_item.update().where(*_held(lease), wanted).values(values)).rowcount == 1


def _job(connection: Connection, identifier: str) -> Job:
    """Return a job by its id, or by the only id that begins so."""
    found = connection.execute(sa.select(job).where(job.c.id.startswith(identifier.lower(), autoescape=True)).limit(2)).all()
    if not identifier or len(found) != 1:
        raise RecordNotFound(f"there is no job {identifier!r}", hint="`Jobs.all` lists the jobs")
    return _read(found[0])


def _read(row: Any) -> Job:
    place, where = json.loads(row.listed)
    return Job(
        row.id, JobKind(row.kind), JobState(row.state), tuple(json.loads(row.places)), json.loads(row.options), row.by, row.made_at,
        row.ended_at, (place, where),
    )  # fmt: skip
