"""What is particular to records on PostgreSQL: one order of changes under many writers, a log that only grows, locks and errors.

The other suites of the store run there too where VHASHDB_TEST_POSTGRES is set: see `tests.postgres`.
"""

import datetime
import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
import sqlalchemy as sa

import vhashdb
from tests.conftest import ROOT
from tests.exchange.companies import film, pictures
from tests.footage import fingerprint_of
from vhashdb.codes import AGREE, SAW_CONTENT
from vhashdb.hashing.algorithms import get_algorithm
from vhashdb.moving import copy_database
from vhashdb.store import Details, NewRecord, Store
from vhashdb.store.additions import Item, insert
from vhashdb.store.periods import Period
from vhashdb.store.postgresql import LEFT_OUT
from vhashdb.store.statistics import made_on, read_statistics

PDQ = get_algorithm("pdq", 256).id
WRITERS, EACH = 4, 30
WRITER = """
import sys
from tests.exchange.companies import film, pictures
from tests.footage import fingerprint_of
from vhashdb.store import NewRecord, State, Store
with Store.open(sys.argv[1], lock_timeout_s=120.0, actor=sys.argv[2]) as store:
    fingerprint = film(int(sys.argv[2]))
    for n in range(int(sys.argv[3])):
        record = store.add(NewRecord(1.0), fingerprint)
        if n % 3 == 0:
            store.set_state(record.id, State.RETRACTED, reason="", action="retract")
"""


@pytest.fixture
def url(postgres):
    return postgres.url()


@pytest.fixture
def store(url):
    with Store.create(url, PDQ, actor="tester") as store:
        yield store


def statement(store, text):
    with store.transactions.writing() as connection:
        return connection.exec_driver_sql(text)


def test_a_database_at_a_url_is_used_like_any_other(url, tmp_path):
    with vhashdb.create(url, local=tmp_path) as db:
        one = db.add(film(1), labels=["nudity"], reason="seen").record
        db.add(film(2))
        assert [match.record.id for match in db.match(film(1)).matches] == [one.id]
        db.label(one.id, add=["gore"])
    with vhashdb.open(url, local=tmp_path) as db:
        assert db.get(one.id).labels == ("gore", "nudity")
        assert db.index_problem is None  # as it was written before
        db.retract(one.id, reason="appeal", erase=True)
        assert not db.match(film(1)).matches
        assert db.check().problems == ()
        with pytest.raises(vhashdb.DatabaseError, match="not copied"):
            db.backup(tmp_path / "copy")
    with vhashdb.open(url, local=tmp_path / "another machine", read_only=True) as db:
        assert len(db.match(film(2)).matches) == 1
        with pytest.raises(vhashdb.DatabaseError):
            db.add(film(3))
    with pytest.raises(vhashdb.DatabaseExists):
        vhashdb.create(url, local=tmp_path)


def test_a_follower_misses_nothing_of_four_writers(store, url):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, str(number), str(EACH)], cwd=ROOT) for number in range(WRITERS)]
    try:
        seen, last, states = [], 0, {}
        while True:
            over = all(writer.poll() is not None for writer in writers)
            for change in store.changes.since(last):
                seen.append(change.change)
                states[change.record] = change.fingerprint is not None
                last = change.change
            if over:
                break
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    assert seen == sorted(set(seen))
    with store.transactions.reading() as connection:
        rows = connection.exec_driver_sql("SELECT number, change, state FROM record").all()
        lines = connection.exec_driver_sql("SELECT count(*) FROM audit").scalar_one()
    assert len(rows) == WRITERS * EACH
    assert {row.change for row in rows} <= set(seen)  # of each the latest change, which is what a follower needs
    assert states == {row.number: row.state != "retracted" for row in rows}
    assert sum(state == "retracted" for *_, state in rows) == WRITERS * EACH // 3
    assert lines == WRITERS * EACH * 4 // 3
    assert store.problems() == []


def test_a_change_is_never_seen_before_an_earlier_one(store, url):
    """With a sequence and no lock, the second writer would commit change 2 while the first one still has change 1 in its hands."""
    with Store.open(url, actor="second") as other:
        done = threading.Event()
        second = threading.Thread(target=lambda: (other.add(NewRecord(1.0), film(2)), done.set()))
        with store.transactions.writing() as connection:
            connection.exec_driver_sql("SELECT max(change) FROM record")
            second.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while not connection.exec_driver_sql(waiting).scalar_one():
                assert not done.is_set()
            insert(connection, [Item(NewRecord(1.0), film(1))], actor="first", held="")
            assert other.changes.last() == 0
        second.join()
    assert [change.change for change in store.changes.since(0)] == [1, 2]
    assert [entry.actor for entry in store.audit.entries() if entry.action == "add"] == ["first", "second"]


def test_numbers_of_changes_that_may_have_been_lost_with_a_server_are_left_out(url, tmp_path):
    """A standby without the last changes is promoted, or a backup restored: an index had followed them, and goes on from the right one."""
    with vhashdb.create(url, local=tmp_path) as follower:
        kept = follower.store.add(NewRecord(1.0), film(1))
        follower.store.add(NewRecord(1.0), film(2))
        assert follower.match(film(2)).matches
        with follower.store.transactions.writing() as connection:  # as it is there, on another timeline
            for table in ("fingerprint WHERE record = 2", "record WHERE number = 2"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
            connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('fingerprint', 'number'), 1)")
            connection.exec_driver_sql("UPDATE meta SET value = 'of before' WHERE name = 'cluster'")
        with Store.open(url) as writer:
            new = writer.add(NewRecord(1.0), film(3))
            again = writer.add(NewRecord(1.0), film(4))
        for seed, record in ((1, kept), (3, new), (4, again)):
            assert [match.record.id for match in follower.match(film(seed)).matches] == [record.id]
        assert not follower.match(film(2)).matches
        changes = [change.change for change in follower.store.changes.since(0)]
        assert changes == [LEFT_OUT + 1, LEFT_OUT + 2, LEFT_OUT + 3]
        assert follower.store.problems() == []


def test_statements_are_bounded_and_do_not_grow_with_candidates(url, tmp_path):
    """Each is a round trip to the server, however far away that is. What begins a transaction for reading alone is none."""
    with vhashdb.create(url, local=tmp_path) as db:
        sent = []
        sa.event.listen(sa.Engine, "before_cursor_execute", note := lambda *told: sent.append(told[2]))

        def counted(work):
            sent.clear()
            work()
            return len(sent)

        try:
            for seed in (1, 2, 3):
                db.add(film(seed), labels=["nudity"])
            assert counted(lambda: db.add(film(4), labels=["nudity"], reason="seen")) <= 66
            assert counted(lambda: db.add(film(1), labels=["nudity"])) <= 74  # what is alike in the frames is asked for, too
            assert counted(lambda: db.match(film(9))) <= 4
            db.match(film(2))
            one = counted(lambda: db.match(film(2)))
            for seed in range(40):
                db.store.add(NewRecord(1.0), film(100 + seed))
            many = np.concatenate([pictures(100 + seed) for seed in range(40)])
            assert one <= 46
            asked = fingerprint_of(many)
            assert len(db.match(asked).matches) > 20
            assert counted(lambda: db.match(asked)) <= one + 12
            assert counted(lambda: list(db.records())) <= 10
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_whoever_waits_too_long_for_a_writer_is_told(store, url):
    with Store.open(url, lock_timeout_s=0.05) as other, store.transactions.writing():
        with pytest.raises(vhashdb.DatabaseLocked):
            other.add(NewRecord(1.0), film(1))
        with pytest.raises(vhashdb.DatabaseLocked):
            other.audit.write([other.audit.line("something")], wait=False)
        assert list(other.records()) == []  # whoever reads waits for nobody


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_log_only_grows(store, change):
    store.audit.log("something")
    with pytest.raises(vhashdb.DatabaseError, match="append-only"):
        statement(store, change)
    assert [entry.action for entry in store.audit.entries()] == ["something"]


def test_what_was_changed_behind_its_back_is_named(store):
    record = store.add(NewRecord(1.0), film(1))
    assert store.problems() == []
    with store.transactions.writing() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no trigger sees it, as with a flipped bit
        connection.exec_driver_sql("UPDATE record SET severity = 'x'")
    assert store.problems() == ["record number 1: it is not as it was written, or its checksum is not"]
    with pytest.raises(vhashdb.DatabaseDamaged):
        store.check([record.id])
    with store.transactions.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER audit_no_change")
    assert "the trigger audit_no_change is turned off" in store.problems()


def test_what_failed_halfway_was_never_there(store):
    with pytest.raises(RuntimeError), store.transactions.writing() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('half', 'way')")
        raise RuntimeError
    assert statement(store, "SELECT count(*) FROM meta WHERE name = 'half'").scalar_one() == 0


def test_errors_name_the_place_and_never_the_password(url, postgres):
    with pytest.raises(vhashdb.DatabaseNotFound, match="no database of vhashdb"):
        vhashdb.open(url)
    secret = "postgresql+psycopg://somebody:hunter2@/nowhere?host=/nonexistent"
    with pytest.raises(vhashdb.DatabaseError) as caught:
        vhashdb.open(secret)
    assert "hunter2" not in str(caught.value)
    for wrong in ("postgresql+asyncpg://host/name", "postgresql+psycopg://host:port/name"):
        with pytest.raises(vhashdb.UsageError):
            vhashdb.open(wrong)


def everything(db):
    """All that is said of records, and the log."""
    videos = {record.id: record.videos for record in db.records()}
    return list(db.records()), videos, db.audit(), [db.fingerprint(record) for record in videos], db.store.audit.entries()


@pytest.mark.folders
def test_a_database_moves_to_postgresql_and_back(url, tmp_path, monkeypatch):
    with vhashdb.create(tmp_path / "one.vhdb") as db:
        one = db.add(film(1), labels=["nudity"], details=Details(first_seen=datetime.date(2026, 1, 5), reason="ä \x1f")).record
        db.add(film(1))
        db.retract(db.add(film(2)).record.id, reason="appeal")
        db.moderation.opinions.give(one, AGREE, basis=SAW_CONTENT, reason="so it is")
        db.moderation.opinions.allow(film(3), None, reason="ours")
        db.match(film(1))
    (tmp_path / "one.vhdb" / "feeds" / "acme").mkdir(parents=True)
    with vhashdb.open(tmp_path / "one.vhdb") as db:
        before = everything(db)
        with monkeypatch.context() as broken, pytest.raises(RuntimeError):
            broken.setattr("vhashdb.store.moving._continue_numbers", lambda _: (_ for _ in ()).throw(RuntimeError))
            copy_database(db, url, local=tmp_path)
        with copy_database(db, url, local=tmp_path) as moved:  # begun again
            assert everything(moved) == before
            assert (moved.path / "feeds" / "acme").is_dir()
            assert moved.check().problems == ()
            assert len(moved.match(film(1)).matches) == len(db.match(film(1)).matches) > 0
            moved.add(film(4))  # with numbers of its own
            after = everything(moved)
            with copy_database(moved, tmp_path / "two.vhdb") as back:
                assert everything(back) == after
                assert back.check().problems == ()
        with pytest.raises(vhashdb.DatabaseExists):
            copy_database(db, url, local=tmp_path)
        with pytest.raises(vhashdb.DatabaseExists):
            copy_database(db, tmp_path / "two.vhdb")


def test_commands_take_a_url(url, tmp_path, samples):
    def run(*command, **variables):
        environment = os.environ | {"VHASHDB_INDEX": str(tmp_path), "VHASHDB_CACHE": "off", **variables}
        return subprocess.run([sys.executable, "-m", "vhashdb", *command], env=environment, capture_output=True, text=True, check=False)

    assert f"made an empty database at {url}" in run("init", "--db", url).stdout.replace("\n", "")
    film, edited = samples / "known" / "harbour.mp4", samples / "edited" / "harbour__insert.mp4"
    assert run("add", film, "--label", "sample", VHASHDB_DB=url).returncode == 0
    found = run("match", edited, "--json", VHASHDB_DB=url)
    assert '"verdict": "match"' in found.stdout or '"verdict":"match"' in found.stdout
    assert run("doctor", "--db", url).returncode == 0
    refused = run("list", "--db", "postgresql+psycopg://me:hunter2@host/name")
    assert "password" in refused.stderr
    assert "hunter2" not in refused.stderr


def test_the_roles_of_the_guide_may_do_their_work_and_no_more(url, store, tmp_path):
    (grants,) = re.findall(r"```text\n(.*?)```", (ROOT / "docs" / "operating-postgresql.md").read_text(), re.DOTALL)
    schema = url.rpartition("%3D")[2]
    with store.transactions.writing() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS writer, reader")
        connection.exec_driver_sql("CREATE ROLE writer LOGIN")
        connection.exec_driver_sql("CREATE ROLE reader LOGIN")
        for grant in re.sub("--.*", "", grants).replace("SCHEMA public", f"SCHEMA {schema}").replace("hashes", "postgres").split(";")[:-1]:
            connection.exec_driver_sql(grant)
    try:
        with vhashdb.open(url.replace("postgres@", "writer@"), local=tmp_path) as db:
            record = db.add(film(1)).record
            assert db.match(film(1)).matches
            db.retract(record.id, reason="appeal", erase=True)
            db.add(film(2))
            read_statistics(db.store, Period.of(made_on(db.store), made_on(db.store)))
            assert db.unlogged == 0
            for change in ("DELETE FROM audit", "ALTER TABLE audit DISABLE TRIGGER audit_no_change", "DROP TABLE record"):
                with pytest.raises(vhashdb.DatabaseError, match="may only be read"):
                    statement(db.store, change)
        with vhashdb.open(url.replace("postgres@", "reader@"), local=tmp_path, read_only=True) as db:
            assert db.match(film(2)).matches
        with vhashdb.open(url.replace("postgres@", "reader@"), local=tmp_path) as db, pytest.raises(vhashdb.DatabaseError):
            db.add(film(3))
    finally:
        for role in ("writer", "reader"):
            statement(store, f"DROP OWNED BY {role}")
            statement(store, f"DROP ROLE {role}")


@pytest.mark.parametrize("text", ["plain", "ä 😀", "\udcff", "\ud83d", "a\0b", "\\", "\\u00e9", "😀\udcff\ud800"])
def test_functions_of_sqlite_read_whatever_the_log_has(store, text):
    store.audit.log("something", reason=text, lines=[1, 2], **{"key": {"a": 1}})
    query = sa.text(
        "SELECT json_extract(details, '$.reason') AS reason, json_extract(details, '$.key.a') AS a, json_extract(details, '$.no') AS no, "
        "(SELECT json_group_array(value) FROM json_each(details, '$.lines') j) AS lines, "
        "(SELECT group_concat(key, ', ') FROM (SELECT key FROM json_each(details) ORDER BY key) k) AS keys FROM audit"
    )
    with store.transactions.reading() as connection:
        row = connection.execute(query).one()
    readable = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    assert row == (readable, "1", None, '["1","2"]', "key, lines, reason")
