"""Jobs over many files: nobody is given what somebody else has, nothing is lost with a worker, and nothing is written twice."""

import threading

import pytest
import sqlalchemy as sa

import vhashdb
from tests.exchange.companies import film
from vhashdb.hashing.algorithms import get_algorithm
from vhashdb.store import Details, ItemState, JobKind, Jobs, JobState, NewRecord, Store
from vhashdb.store.job_values import Listed
from vhashdb.store.jobs import ATTEMPTS

PDQ = get_algorithm("pdq", 256).id
PLACES, OPTIONS = ["s3://bucket/a"], {"details": {}}


@pytest.fixture
def store(postgres):
    with Store.create(postgres.url(), PDQ, actor="tester") as store:
        yield store


@pytest.fixture
def jobs(store):
    return Jobs(store)


def begun(jobs, count=3, kind=JobKind.ADD):
    """A job whose files are all known."""
    job = jobs.begin(kind, PLACES, OPTIONS)
    jobs.add_page(job.id, [Listed(f"s3://bucket/a/{n:03}", "1", 5) for n in range(count)], (0, "x"))
    jobs.add_page(job.id, [], None)
    return jobs.get(job.id)


def in_sql(store, text, **values):
    with store.transactions.writing() as connection:
        return connection.execute(sa.text(text), values)


def expire(store):
    """Let all that is due later be due now."""
    in_sql(store, "UPDATE job_item SET due = localtimestamp - interval '1 second' WHERE due IS NOT NULL")


def states(jobs, job):
    return {state: number for state, number in jobs.progress(job.id).states.items() if number}


def test_a_folder_has_no_jobs(tmp_path):
    with Store.create(tmp_path / "records", PDQ) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "path", tmp_path)
        with pytest.raises(vhashdb.UsageError, match="PostgreSQL"):
            Jobs(store)


def test_many_leasers_at_once_never_get_the_same(jobs):
    job, taken, lock = begun(jobs, 60), [], threading.Lock()
    start = threading.Barrier(6)

    def lease(name):
        start.wait()
        while (one := jobs.lease(job.id, name)) is not None:
            with lock:
                taken.append(one.path)

    threads = [threading.Thread(target=lease, args=[str(n)]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 60 == len(set(taken))
    assert not jobs.over(job.id)


def test_a_silent_workers_file_is_begun_again_and_only_the_second_writes(store, jobs):
    job = begun(jobs, 1)
    first = jobs.lease(job.id, "a")
    assert jobs.lease(job.id, "b") is None
    expire(store)
    assert jobs.renew(first)  # late is not too late while nobody has it
    assert jobs.lease(job.id, "b") is None
    expire(store)
    second = jobs.lease(job.id, "b")
    assert (second.path, second.attempts) == (first.path, 2)
    assert not jobs.renew(first)
    new = NewRecord(1.0, "a" * 64, None, Details())
    assert not jobs.record(first, new, film(1), held="")
    jobs.failed(first, "too late", again=False)
    jobs.put_back(first)
    assert jobs.record(second, new, film(1), held="")
    assert not jobs.record(second, new, film(1), held="")  # as when the answer to a commit was lost
    assert [record.sha256 for record in store.records()] == ["a" * 64]
    assert jobs.over(job.id) and states(jobs, job) == {ItemState.DONE: 1}


def test_a_file_that_ends_its_workers_is_given_up_with_a_reason_and_can_be_tried_again(store, jobs):
    job = begun(jobs, 2)
    for _ in range(ATTEMPTS):
        assert jobs.lease(job.id, "a").path.endswith("000")
        in_sql(store, "UPDATE job_item SET due = localtimestamp + interval '1 h' WHERE path LIKE '%001'")
        in_sql(store, "UPDATE job_item SET due = localtimestamp - interval '1 s' WHERE path LIKE '%000'")
    assert jobs.lease(job.id, "a") is None
    (finding,) = jobs.findings(job.id, ItemState.FAILED)
    assert finding.path.endswith("000") and "without a word" in finding.reason
    assert jobs.retry(job.id) == 1
    assert jobs.lease(job.id, "a").attempts == 1


def test_what_fails_for_a_while_is_tried_later_and_in_the_end_given_up(store, jobs):
    job = begun(jobs, 1)
    for attempt in range(1, ATTEMPTS + 1):
        lease = jobs.lease(job.id, "a")
        assert lease.attempts == attempt
        jobs.failed(lease, "the bucket said \0 no", again=True)
        assert jobs.lease(job.id, "a") is None
        assert jobs.over(job.id) is (attempt == ATTEMPTS)
        expire(store)
    (finding,) = jobs.findings(job.id, ItemState.FAILED)
    assert finding.reason == r"the bucket said \x00 no"


def test_what_is_put_back_was_no_attempt(jobs):
    job = begun(jobs, 1)
    for _ in range(ATTEMPTS + 2):
        lease = jobs.lease(job.id, "a")
        assert lease.attempts == 1
        jobs.put_back(lease)


def test_the_very_same_file_under_two_names_is_one_record(store, jobs):
    job = begun(jobs, 2)
    leases = [jobs.lease(job.id, name) for name in "ab"]
    assert all(jobs.record(lease, NewRecord(1.0, "a" * 64, None, Details()), film(1), held="") for lease in leases)
    assert jobs.progress(job.id).outcomes == {"added": 1, "duplicate": 1}
    assert len(list(store.records())) == 1 == len({finding.result for finding in jobs.findings(job.id, ItemState.DONE)})
    assert store.problems() == []


def test_a_record_and_the_end_of_its_file_are_one_step(store, jobs, monkeypatch):
    job = begun(jobs, 1)
    lease = jobs.lease(job.id, "a")

    def fails(*_, **__):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr("vhashdb.store.jobs.insert", fails)
        with pytest.raises(RuntimeError):
            jobs.record(lease, NewRecord(1.0, "a" * 64, None, Details()), film(1), held="")
    assert not list(store.records()) and states(jobs, job) == {ItemState.LEASED: 1}
    assert jobs.record(lease, NewRecord(1.0, "a" * 64, None, Details()), film(1), held="")


def test_the_same_command_goes_on_and_a_finished_one_looks_for_what_is_new(jobs):
    job = begun(jobs, 2)
    assert jobs.begin(JobKind.ADD, PLACES, OPTIONS).id == job.id
    assert jobs.begin(JobKind.ADD, PLACES, {"details": {"severity": "high"}}).id != job.id
    for lease in (jobs.lease(job.id, "a"), jobs.lease(job.id, "a")):
        jobs.settle(lease, "added")
    jobs.finish(job.id)
    again = jobs.begin(JobKind.ADD, PLACES, OPTIONS)
    assert (again.id, again.state, again.listed) == (job.id, JobState.LISTING, (0, ""))
    files = [Listed("s3://bucket/a/000", "1", 5), Listed("s3://bucket/a/001", "2", 5), Listed("s3://bucket/a/002", "1", 5)]
    jobs.add_page(job.id, files, (0, "s3://bucket/a/002"))
    assert jobs.get(job.id).listed == (0, "s3://bucket/a/002")
    assert {jobs.lease(job.id, "a").path[-1] for _ in range(2)} == {"1", "2"}  # changed, and new
    assert jobs.lease(job.id, "a") is None


def test_a_question_that_was_finished_is_asked_anew(jobs):
    job = begun(jobs, 1, JobKind.MATCH)
    assert jobs.begin(JobKind.MATCH, PLACES, OPTIONS).id == job.id
    jobs.settle(jobs.lease(job.id, "a"), "no-match", result="{}")
    jobs.finish(job.id)
    assert jobs.begin(JobKind.MATCH, PLACES, OPTIONS).id != job.id


def test_nothing_is_written_of_a_job_that_was_cancelled(store, jobs):
    job = begun(jobs, 2)
    lease = jobs.lease(job.id, "a")
    assert jobs.cancel(job.id).state is JobState.CANCELLED
    assert not jobs.record(lease, NewRecord(1.0, "a" * 64, None, Details()), film(1), held="")
    assert jobs.lease(job.id, "a") is None and jobs.over(job.id) and not list(store.records())
    jobs.finish(job.id)
    assert jobs.get(job.id[:3]).state is JobState.CANCELLED
    jobs.forget(job.id)
    with pytest.raises(vhashdb.RecordNotFound, match="no job"):
        jobs.get(job.id)


def test_leasing_waits_for_no_writer(store, jobs):
    job = begun(jobs, 1)
    with store.transactions.writing():
        lease = jobs.lease(job.id, "a")
        assert lease is not None and jobs.renew(lease)
