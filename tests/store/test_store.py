"""The records file: what is written stays, what is logged cannot be changed, and what is not ours is left alone."""

import datetime
import gc
import os
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
import sqlalchemy as sa

import vhashdb
from tests.conftest import ROOT
from tests.footage import fingerprint_of, random_hashes
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.store import Details, NewRecord, State, Store, migrations, schema

PDQ = AlgorithmId("pdq", 256, 1)


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "records.sqlite", PDQ, actor="tester") as store:
        yield store


def add(store, seed=1, near=(), **details):
    sha256 = f"{seed:064x}"
    return store.add(NewRecord(2.0, sha256, f"{seed:032x}", Details(**details)), fingerprint_of(random_hashes(seed, 8)), near)


# -- records ---------------------------------------------------------------------------------------


def test_a_record_comes_back_as_it_was_written(store):
    details = Details(
        labels=("b", "a"),
        severity="extreme",
        reason="why",
        reason_code="r-1",
        origin="trusted_flagger",
        policy="p",
        law="l",
        review_method="human",
        reviewers=3,
        max_action="block",
        source="feed-1",
        tlp="red",
        reshare=False,
        first_seen=datetime.date(2024, 1, 2),
        review_by=datetime.date(2027, 1, 2),
        expires=datetime.date(2030, 1, 2),
    )
    written = store.add(NewRecord(12.5, "a" * 64, "b" * 32, details), fingerprint_of(random_hashes(1, 8)))
    record = store.get(written.id)
    assert record == written
    assert record.details == details
    assert (record.state, record.revision, record.duration_s, record.sha256, record.md5) == (State.ACTIVE, 1, 12.5, "a" * 64, "b" * 32)
    assert len(record.id) == 32
    assert abs(record.added_at - datetime.datetime.now(datetime.UTC).replace(tzinfo=None)) < datetime.timedelta(seconds=60)
    assert store.fingerprint(record.id) == fingerprint_of(random_hashes(1, 8))


def test_ids_are_random(store):
    ids = [add(store, seed).id for seed in range(30)]
    assert len({i[:4] for i in ids}) > 25
    assert all(set(i) <= set("0123456789abcdef") for i in ids)


def test_a_record_is_found_by_the_beginning_of_its_id(store):
    record = add(store)
    for wanted in (record.id, record.id[:8], record.id[:8].upper(), record.short_id):
        assert store.get(wanted).id == record.id


@pytest.mark.parametrize("wanted", ["", "zz", "%", "_", "f" * 33, "' OR 1=1 --"])
def test_an_unknown_id_is_not_found(store, wanted):
    add(store)
    with pytest.raises(vhashdb.RecordNotFound):
        store.get(wanted)


def test_a_beginning_that_fits_several_is_refused(store):
    ids = [add(store, seed).id for seed in range(40)]
    first = next(i for i in ids if sum(other[0] == i[0] for other in ids) > 1)
    with pytest.raises(vhashdb.RecordNotFound, match="more than one"):
        store.get(first[0])


def test_records_can_be_filtered_by_label_state_source_and_number(store):
    first = add(store, 1, labels=("a", "b"))
    second = add(store, 2, labels=("b", "c"), source="feed")
    third = add(store, 3)
    store.set_state(second.id, State.DISPUTED, reason="?", action="dispute")

    def ids(**filters):
        return [r.id for r in store.records(**filters)]

    assert ids() == [first.id, second.id, third.id]
    assert ids(labels=["b"]) == [first.id, second.id]
    assert ids(labels=["a", "b"]) == [first.id]
    assert ids(labels=["a", "c"]) == []
    assert ids(states=[State.DISPUTED]) == [second.id]
    assert ids(states=[State.ACTIVE, State.DISPUTED]) == [first.id, second.id, third.id]
    assert ids(source="feed") == [second.id]
    assert ids(limit=2) == [first.id, second.id]
    assert ids(labels=["b"], source="local", limit=5) == [first.id]
    assert store.counts() == {State.ACTIVE: 2, State.HELD: 0, State.DISPUTED: 1, State.RETRACTED: 0}


def test_labels_are_added_and_taken_away(store):
    record = add(store, labels=("a", "b"))
    changed = store.relabel(record.id, add=["c", "a"], remove=["b", "never-there"])
    assert changed.labels == ("a", "c")
    assert changed.revision == 2
    assert store.get(record.id) == changed
    with pytest.raises(vhashdb.UsageError):
        store.relabel(record.id, add=["Not A Label"])
    assert store.get(record.id) == changed


@pytest.mark.parametrize("label", ["violence", "a1", "graphic-violence", "a_b.c:d/e", "x" * 64])
def test_labels_of_the_known_syntax_are_taken(store, label):
    assert add(store, labels=(label,)).labels == (label,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": ("A",)},
        {"severity": "bad"},
        {"origin": "gossip"},
        {"review_method": "guess"},
        {"max_action": "arrest"},
        {"tlp": "pink"},
        {"reason": "x" * 281},
        {"reason_code": "Not Code"},
        {"reviewers": -1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_details_are_checked_when_they_are_made(wrong):
    with pytest.raises(vhashdb.UsageError):
        Details(**wrong)


def test_a_retracted_record_stays_on_file_but_its_file_is_free(store):
    record = add(store)
    retracted = store.set_state(record.id, State.RETRACTED, reason="appeal", action="retract")
    assert (retracted.state, retracted.revision) == (State.RETRACTED, 2)
    assert store.get(record.id) == retracted
    assert store.by_sha256(record.sha256) is None
    assert store.fingerprint(record.id) is not None


def test_a_file_is_found_by_its_hash(store):
    record = add(store, 5)
    assert store.by_sha256(f"{5:064x}") == record
    assert store.by_sha256("0" * 64) is None


def test_near_duplicates_are_linked(store):
    first, second = add(store, 1), add(store, 2)
    third = add(store, 3, near=[(first.id, 0.9), (second.id, 0.6)])
    assert set(store.get(third.id).near) == {first.id, second.id}
    assert store.get(first.id).near == ()


def test_an_unknown_near_duplicate_leaves_nothing_half_written(store):
    with pytest.raises(vhashdb.RecordNotFound):
        add(store, 1, near=[("f" * 32, 0.9)])
    assert list(store.records()) == []
    assert store.audit.entries() == []
    assert store.changes.last() == 0


def test_a_mark_that_a_file_is_not_a_record_is_kept_once(store):
    record = add(store)
    for _ in range(2):
        store.mark_not_this(record.id[:10], "e" * 64, "other film")
    assert store.not_this("e" * 64) == frozenset({record.id})
    assert store.not_this("d" * 64) == frozenset()


def test_a_fingerprint_of_another_algorithm_is_refused(store):
    other = fingerprint_of(random_hashes(1, 4, 8), algorithm=AlgorithmId("phash", 64, 1))
    with pytest.raises(vhashdb.AlgorithmMismatch):
        store.add(NewRecord(1.0), other)
    assert list(store.records()) == []


def test_changes_are_numbered_so_that_an_index_can_follow(store):
    first, second = add(store, 1), add(store, 2)
    assert store.changes.last() == 2
    changes = list(store.changes.since(0))
    assert [(c.record, c.change, c.fingerprint) for c in changes] == [(1, 1, 1), (2, 2, 2)]
    assert [vhashdb.from_bytes(c.packed) for c in changes] == [store.fingerprint(r.id) for r in (first, second)]
    store.set_state(first.id, State.RETRACTED, reason="", action="retract")
    store.set_state(second.id, State.HELD, reason="", action="hold")
    assert [(c.record, c.change, c.fingerprint, c.packed is None) for c in store.changes.since(2)] == [
        (1, 3, None, True),
        (2, 4, 2, False),
    ]
    assert list(store.changes.since(4)) == []
    assert store.by_number([1, 2])[2].id == second.id


def test_a_fingerprint_keeps_its_number_when_its_record_comes_back(store):
    record = add(store)
    (before,) = store.changes.since(0)
    store.set_state(record.id, State.RETRACTED, reason="", action="retract")
    store.set_state(record.id, State.ACTIVE, reason="", action="restore")
    (after,) = store.changes.since(0)
    assert (after.change, after.fingerprint, after.packed) == (3, before.fingerprint, before.packed)


@pytest.mark.parametrize("count", [0, 1, 450])
def test_the_index_can_ask_for_any_records_by_number(store, monkeypatch, count):
    monkeypatch.setattr("vhashdb.store.changes._AT_ONCE", 20)
    ids = [add(store, seed).id for seed in range(45)]
    for identifier in ids[::3]:
        store.set_state(identifier, State.RETRACTED, reason="", action="retract")
    active = [number for number in range(1, 46) if (number - 1) % 3]
    assert store.changes.matchable() == active
    asked = list(range(count, 0, -1))
    found = {change.record: change.fingerprint is not None for change in store.changes.of(asked)}
    assert found == {number: number in active for number in asked if number <= 45}


def test_changes_are_read_as_of_one_moment_while_others_write(store, monkeypatch):
    monkeypatch.setattr("vhashdb.store.changes._AT_ONCE", 2)
    records = [add(store, seed) for seed in range(6)]
    reading = store.changes.since(0)
    assert next(reading).record == 1
    with Store.open(store.path) as other:
        other.set_state(records[5].id, State.RETRACTED, reason="", action="retract")
        add(other, 9)
    assert [(c.record, c.fingerprint is not None) for c in reading] == [(number, True) for number in range(2, 7)]
    assert [(c.record, c.fingerprint is not None) for c in store.changes.since(6)] == [(6, False), (7, True)]


# -- the audit log ---------------------------------------------------------------------------------


def test_every_write_is_logged_with_who_and_what(store):
    record = add(store, labels=("a",))
    store.relabel(record.id, add=["b"])
    store.set_state(record.id, State.RETRACTED, reason="appeal", action="retract")
    store.mark_not_this(record.id, "e" * 64, "no")
    store.audit.log("export", records=1)
    log = store.audit.entries()
    assert [entry.action for entry in log] == ["add", "label", "retract", "unmatch", "export"]
    assert {entry.actor for entry in log} == {"tester"}
    assert [entry.number for entry in log] == sorted(entry.number for entry in log)
    assert log[2].details["reason"] == "appeal"
    assert [entry.action for entry in store.audit.entries(record=record.id)] == ["add", "label", "retract", "unmatch"]
    assert [entry.action for entry in store.audit.entries(limit=2)] == ["unmatch", "export"]


@pytest.mark.sqlite
@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE number = 1"])
def test_sqlite_itself_refuses_to_change_the_log(store, statement):
    add(store)
    before = store.audit.entries()
    connection = sqlite3.connect(store.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert store.audit.entries() == before


@pytest.mark.sqlite
def test_a_line_of_the_log_cannot_be_replaced(store):
    add(store)
    before = store.audit.entries()
    connection = sqlite3.connect(store.path)
    with connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT OR REPLACE INTO audit SELECT number, at, 'nobody', action, record, details FROM audit")
    connection.close()
    assert store.audit.entries() == before


# -- versions and other files ----------------------------------------------------------------------


def old_file(path, steps):
    """A file as an older version of the library left it."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for step in migrations.MIGRATIONS[:steps]:
            step(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {steps}")
        connection.exec_driver_sql(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        values = {"algorithm": "pdq", "bits": "256", "spec": "1", "created_at": "2024-01-01T00:00:00"}
        connection.execute(schema.meta.insert(), [{"name": n, "value": v} for n, v in values.items()])
    engine.dispose()


@pytest.mark.parametrize("steps", range(1, migrations.VERSION))
def test_an_older_file_is_brought_up_to_date(tmp_path, steps):
    old_file(tmp_path / "records.sqlite", steps)
    with Store.open(tmp_path / "records.sqlite") as store:
        assert store.schema_version == migrations.VERSION
        record = add(store)
        store.mark_not_this(record.id, "e" * 64, "")
        assert store.not_this("e" * 64) == {record.id}
    with Store.open(tmp_path / "records.sqlite") as store:
        assert store.get(record.id) == record


@pytest.mark.sqlite
def test_an_updated_file_has_the_tables_of_a_new_one(tmp_path, store):
    old_file(tmp_path / "old.sqlite", 1)
    Store.open(tmp_path / "old.sqlite").close()
    tables = []
    for path in (tmp_path / "old.sqlite", store.path):
        connection = sqlite3.connect(path)
        tables.append(sorted(connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall(), key=str))
        connection.close()
    assert tables[0] == tables[1]


@pytest.mark.sqlite
def test_a_newer_schema_is_refused_and_left_alone(store):
    path = store.path
    store.close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {migrations.VERSION + 1}")
    connection.close()
    with pytest.raises(vhashdb.SchemaTooNew) as caught:
        Store.open(path)
    assert "upgrade" in caught.value.hint
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (migrations.VERSION + 1,)
    connection.close()


@pytest.fixture
def foreign(tmp_path):
    connection = sqlite3.connect(tmp_path / "records.sqlite")
    connection.execute("CREATE TABLE music (title)")
    connection.commit()
    connection.close()
    return tmp_path


def test_a_database_of_another_program_is_refused(foreign):
    with pytest.raises(vhashdb.NotADatabase):
        vhashdb.open(foreign)


def test_a_database_of_another_program_is_left_as_it_was(foreign):
    before = (foreign / "records.sqlite").read_bytes()
    with pytest.raises(vhashdb.NotADatabase):
        vhashdb.open(foreign)
    assert (foreign / "records.sqlite").read_bytes() == before


@pytest.mark.parametrize("content", [b"Dear diary,\n", b"Dear diary,\n" * 500, b"SQLite format 3\0" + bytes(4000)])
def test_a_file_that_is_no_sqlite_is_refused_and_left_as_it_was(tmp_path, content):
    (tmp_path / "records.sqlite").write_bytes(content)
    with pytest.raises((vhashdb.NotADatabase, vhashdb.DatabaseDamaged)):
        vhashdb.open(tmp_path, lock_timeout_s=0.2)
    assert (tmp_path / "records.sqlite").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"x"])
def test_a_very_short_file_is_refused_and_left_as_it_was(tmp_path, content):
    (tmp_path / "records.sqlite").write_bytes(content)
    with pytest.raises(vhashdb.NotADatabase):
        vhashdb.open(tmp_path, lock_timeout_s=0.2)
    assert (tmp_path / "records.sqlite").read_bytes() == content


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_refused_file_is_let_go(foreign):
    gc.disable()
    try:
        for _ in range(3):
            with pytest.raises(vhashdb.NotADatabase):
                Store.open(foreign / "records.sqlite")
        links = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
    finally:
        gc.enable()
    assert [link for link in links if link.startswith(str(foreign))] == []


@pytest.mark.sqlite
def test_damage_within_the_file_is_named(store):
    for seed in range(40):
        add(store, seed)
    path = store.path
    store.close()
    data = bytearray(path.read_bytes())
    data[4096:] = np.random.default_rng(1).bytes(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(vhashdb.DatabaseError), Store.open(path) as damaged:
        assert damaged.problems()
        list(damaged.records())


def test_an_intact_file_has_no_problems(store):
    add(store)
    assert store.problems() == []


def test_a_new_file_is_never_made_over_another(store):
    with pytest.raises(vhashdb.DatabaseExists):
        Store.create(store.path, PDQ)


# -- several processes -----------------------------------------------------------------------------


@pytest.mark.sqlite
def test_a_locked_file_is_named_within_the_timeout(store):
    record = add(store)
    path = store.path
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        started = time.monotonic()
        with Store.open(path, lock_timeout_s=0.3) as other:
            assert other.get(record.id) == record  # reading goes on
            with pytest.raises(vhashdb.DatabaseLocked):
                add(other, 2)
        assert 0.2 < time.monotonic() - started < 3
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    with Store.open(path, lock_timeout_s=0.3) as other:
        assert add(other, 2).id


READER = """
import sys
from pathlib import Path
from vhashdb.store import Store
with Store.open(Path(sys.argv[1])) as store:
    for line in sys.stdin:
        print(len(list(store.records())), store.changes.last(), len(store.problems()), flush=True)
"""


@pytest.mark.sqlite
def test_another_process_reads_while_this_one_writes(store):
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(store.path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        for count in range(5):
            reader.stdin.write("\n")
            reader.stdin.flush()
            assert reader.stdout.readline().split() == [str(count), str(count), "0"]
            add(store, count)
    finally:
        reader.stdin.close()
        reader.stdout.close()
        assert reader.wait(20) == 0


def test_a_reader_sees_one_moment_while_records_are_added(store):
    for seed in range(3):
        add(store, seed)
    reading = store.records()
    assert next(reading).sha256 == f"{0:064x}"
    with Store.open(store.path) as other:
        add(other, 99)
    assert len(list(reading)) == 2
