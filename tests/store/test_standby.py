"""A real primary and its standby: what was acknowledged survives, a number of a change stands for one thing, old answers are errors."""

import contextlib
import datetime
import subprocess
import sys

import pytest

import vhashdb
from tests.cli.driver import run
from tests.conftest import ROOT
from tests.exchange.companies import film
from tests.postgres import Server, folders, programs, url_of
from tests.service.serving import eventually
from vhashdb.index import compaction
from vhashdb.store import Details
from vhashdb.store.figures import read_figures
from vhashdb.store.periods import Period
from vhashdb.store.postgresql import LEFT_OUT
from vhashdb.store.statistics import read_statistics

SCHEMA = "hashes"
WRITERS, BEFORE, AFTER = 4, 8, 4
WRITER = """
import sys, time
import vhashdb
from tests.exchange.companies import film
from vhashdb.store import NewRecord, Store

url, number, some = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store, count = None, 0
while count < some:
    try:
        if store is None:
            store = Store.open(url, lock_timeout_s=60.0)
        record = store.add(NewRecord(1.0), film(1000 * number + count))
    except vhashdb.DatabaseError:  # nothing is known of this one
        print("lost", flush=True)
        time.sleep(0.05)
    else:
        print(record.id, 1000 * number + count, flush=True)
    count += 1
"""


@pytest.fixture
def servers():
    """A primary that waits for its standby, and that."""
    programs()
    with folders() as folder, contextlib.ExitStack() as stack:
        primary = Server(folder())
        primary.make()
        stack.callback(primary.stop)
        primary.start("fsync=off", "wal_level=replica")
        standby = primary.standby(folder())
        stack.callback(standby.stop)
        standby.start("fsync=off", "hot_standby_feedback=on")
        with primary.connect() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")  # the standby, once promoted, has none to wait for
            connection.execute("SELECT pg_reload_conf()")
            eventually(
                lambda: connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall(), lambda found: found == [("sync",)]
            )
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
        yield primary, standby


def writers(url, numbers, some):
    command = [sys.executable, "-u", "-c", WRITER, url]
    return [subprocess.Popen([*command, str(number), str(some)], cwd=ROOT, stdout=subprocess.PIPE, text=True) for number in numbers]


def caught_up(primary, standby):
    with primary.connect() as one, standby.connect() as other:
        (wanted,) = one.execute("SELECT pg_current_wal_lsn()").fetchone()
        eventually(lambda: other.execute("SELECT pg_last_wal_replay_lsn() >= %s", [wanted]).fetchone(), lambda found: found == (True,))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a cursor whose server was killed under it
def test_what_was_acknowledged_survives_the_primary_and_a_follower_goes_on(servers, tmp_path):
    primary, standby = servers
    url = url_of([primary, standby], SCHEMA, target_session_attrs="read-write")
    with vhashdb.create(url, local=tmp_path / "follower") as follower, contextlib.ExitStack() as stack:
        first = follower.store.add(vhashdb.store.NewRecord(1.0), film(1))
        store, seen, acknowledged = follower.store, {}, {first.id: 1}

        def follow():
            for change in store.changes.since(max(seen, default=0)):
                assert change.change not in seen
                seen[change.change] = change.record
            return len(follower.index)

        follow()
        adding = writers(url, range(2, 2 + WRITERS), BEFORE + AFTER)
        for process in adding:
            stack.enter_context(process)
            stack.callback(process.kill)
            for _ in range(BEFORE):
                note(process.stdout.readline(), acknowledged)
        with contextlib.suppress(vhashdb.DatabaseError):
            follow()
        primary.kill()
        standby.promote()
        for process in adding:
            for line in process.stdout:
                note(line, acknowledged)
            assert process.wait() == 0
        eventually(lambda: attempt(follow), bool)
        with store.transactions.reading() as connection:
            there = {row.id: (row.number, row.change) for row in connection.exec_driver_sql("SELECT id, number, change FROM record")}
        assert acknowledged.keys() <= there.keys()
        assert len(acknowledged) > WRITERS * BEFORE
        # Each number of a change stands for what the follower saw, or for nothing any more.
        assert all(seen[change] == number for number, change in there.values() if change in seen)
        assert {number for number, _ in there.values()} <= set(seen.values())
        assert max(seen) > LEFT_OUT > min(seen)
        for identifier, seed in acknowledged.items():
            assert identifier in {match.record.id for match in follower.match(film(seed)).matches}
        assert follower.check().problems == ()


def note(line, acknowledged):
    if line.strip() not in ("", "lost"):
        identifier, seed = line.split()
        acknowledged[identifier] = int(seed)


def attempt(work):
    try:
        return work()
    except vhashdb.DatabaseError:
        return None


def test_a_standby_is_read_and_says_when_it_is_too_far_behind(servers, tmp_path, monkeypatch):
    primary, standby = servers
    here, there = url_of([primary], SCHEMA), url_of([standby], SCHEMA)
    monkeypatch.setattr(compaction, "MEMTABLE_ROWS", 1)
    with vhashdb.create(here, local=tmp_path) as db:
        known = db.add(film(1), labels=["nudity"], details=Details(severity="high")).record
        db.match(film(1))
        db.query_log.close()
        caught_up(primary, standby)
        today = datetime.date.today()
        with vhashdb.open(there, local=tmp_path, max_lag_s=3600.0) as copy:
            assert copy.read_only
            assert [match.record.id for match in copy.match(film(1)).matches] == [known.id]
            with pytest.raises(vhashdb.DatabaseError, match="standby"):
                copy.add(film(2))
            period = Period.of(today, today, None)
            assert read_statistics(copy.store, period) == read_statistics(db.store, period)
            assert read_figures(copy.store, today, today).by_label == {"nudity": 1}
        (index,) = tmp_path.glob("*/reading/index/current.json")  # kept for the next time, apart from that of writers

        # The standby stops where it is, and the primary goes on.
        with standby.connect() as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
        later = db.add(film(2)).record
        monkeypatch.setenv("VHASHDB_INDEX", str(tmp_path))
        monkeypatch.setenv("VHASHDB_MAX_LAG", "0")
        done = eventually(lambda: run("list", "--db", there), lambda done: done.code != 0)
        assert "is a standby: it is " in done.err and "s behind the primary" in done.err and "0 s are allowed" in done.err
        for verb in (["show", known.id], ["match", str(ROOT / "data/samples/known/harbour.mp4")], ["stats"]):
            assert "behind the primary" in run(*verb, "--db", there).err
        with pytest.raises(vhashdb.DatabaseError, match="behind"), vhashdb.open(there, local=tmp_path, max_lag_s=0.0):
            pass
        with vhashdb.open(there, local=tmp_path, max_lag_s=3600.0) as copy:
            assert not copy.match(film(2)).matches  # as far as it is, which was said to be enough

        with standby.connect() as connection:
            connection.execute("SELECT pg_wal_replay_resume()")
        caught_up(primary, standby)
        with vhashdb.open(there, local=tmp_path, max_lag_s=3600.0) as copy:
            assert [match.record.id for match in copy.match(film(2)).matches] == [later.id]
            assert index.exists()
    # Without news from the primary, what the standby has may be old, however little it lacks.
    primary.kill()
    done = eventually(lambda: run("show", known.id, "--db", there), lambda done: done.code != 0)
    assert "long without news from it" in done.err
