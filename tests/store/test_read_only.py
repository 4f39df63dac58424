"""A database that may only be read answers everything, writes nothing, and says what to do about what it cannot do."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import vhashdb
from tests.conftest import ROOT
from tests.footage import fingerprint_of, random_hashes
from vhashdb.store import State, migrations
from vhashdb.store.sqlite import may_write

pytestmark = pytest.mark.sqlite

NOBODY = 65534


@pytest.fixture
def copy(tmp_path, reference_prints):
    """A database that may only be read, and the id of its record."""
    path = tmp_path / "standby.vhdb"
    with vhashdb.create(path) as db:
        record = db.add(reference_prints["harbour"], labels=["kept"]).id
    locked(path)
    yield path, record
    unlocked(path)


def locked(path):
    for file in path.rglob("*"):
        file.chmod(0o555 if file.is_dir() else 0o444)
    path.chmod(0o555)


def unlocked(path):
    path.chmod(0o755)
    for file in path.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)


def as_nobody(action, *, uid=NOBODY):
    """What an action returns that runs in a process of another user, who owns nothing and is not root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            os.write(writer, repr(action()).encode())
            os._exit(0)
        except BaseException as error:
            os.write(writer, repr(error).encode())
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read().decode()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said
    return said


@pytest.fixture
def tmp_path():
    """A folder that another user can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def asked(path, query):
    """Everything that only reads, and what each gives."""
    with vhashdb.open(path) as db:
        (record,) = db.records()
        found = [match.record.id for match in db.match(query).matches]
        explained = db.explain(query, record.id).judgement.found
        health = db.check()
        assert db.read_only
        assert db.get(record.id).labels == ("kept",)
        assert db.audit()[0].action == "add"
    return [record.id], found, explained, health.problems, db.unlogged


def test_everything_that_reads_works_and_nothing_is_written(copy, query_prints):
    path, record = copy
    before = sorted((file.name, file.stat().st_size) for file in path.iterdir())
    said = as_nobody(lambda: asked(path, query_prints["edited/harbour__insert.mp4"]))
    assert said == repr(([record], [record], True, (), 2))  # a hit and a count that are in no log
    assert sorted((file.name, file.stat().st_size) for file in path.iterdir()) == before


def test_whatever_would_write_says_that_it_may_only_be_read(copy, reference_prints):
    path, record = copy

    def refused():
        found = []
        with vhashdb.open(path) as db:
            for write in (
                lambda: db.add(reference_prints["valley"]),
                lambda: db.label(record, add=["x"]),
                lambda: db.retract(record, reason="x"),
                lambda: db.unmatch(ROOT / "pyproject.toml", record),
            ):
                try:
                    write()
                except vhashdb.DatabaseError as error:
                    found.append("may only be read" in str(error) and bool(error.hint))
        return found

    assert as_nobody(refused) == repr([True] * 4)


def test_it_can_be_asked_for_where_writing_is_allowed(tmp_path, reference_prints, query_prints):
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        record = db.add(reference_prints["harbour"]).id
    before = (tmp_path / "own.vhdb" / "records.sqlite").read_bytes()
    with vhashdb.open(tmp_path / "own.vhdb", read_only=True) as db:
        assert [match.record.id for match in db.match(query_prints["edited/harbour__insert.mp4"]).matches] == [record]
        with pytest.raises(vhashdb.DatabaseError, match="may only be read"):
            db.label(record, add=["x"])
    assert [file.name for file in (tmp_path / "own.vhdb").iterdir()] == ["records.sqlite"]
    assert (tmp_path / "own.vhdb" / "records.sqlite").read_bytes() == before


@pytest.mark.parametrize("how", ["a writer has it open", "a writer was killed"])
def test_a_log_of_changes_beside_it_is_read_too(tmp_path, reference_prints, how):
    path = tmp_path / "log.vhdb"
    vhashdb.create(path).close()
    script = (
        "import sys, vhashdb; db = vhashdb.open(sys.argv[1]); db.add(vhashdb.from_bytes(sys.stdin.buffer.read()));"
        "print('added', flush=True); import signal; signal.pause()"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        writer.stdin.write(vhashdb.to_bytes(reference_prints["harbour"]))
        writer.stdin.close()
        assert writer.stdout.readline() == b"added\n"
        if how == "a writer was killed":
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        assert (path / "records.sqlite-wal").stat().st_size
        locked(path)
        assert as_nobody(lambda: len(vhashdb.open(path))) == "1"
    finally:
        unlocked(path)
        writer.kill()
        writer.wait()
        writer.stdout.close()


def test_a_log_of_changes_that_cannot_be_read_there_is_named(tmp_path, reference_prints):
    path = tmp_path / "log.vhdb"
    with vhashdb.create(path) as db:
        db.add(reference_prints["harbour"])
        shutil.copytree(path, tmp_path / "part.vhdb")
        (tmp_path / "part.vhdb" / "records.sqlite-shm").unlink()
    locked(tmp_path / "part.vhdb")

    def refused():
        try:
            return len(vhashdb.open(tmp_path / "part.vhdb"))
        except vhashdb.DatabaseError as error:
            return "-wal" in str(error) and "copy the whole folder" in error.hint

    try:
        assert as_nobody(refused) == "True"
    finally:
        unlocked(tmp_path / "part.vhdb")
    with vhashdb.open(tmp_path / "part.vhdb") as db:  # which is what the hint says
        assert len(db) == 1


def test_what_somebody_writes_meanwhile_is_seen_or_said(tmp_path, reference_prints):
    """Without locks there is no protection by SQLite: what was read of a file that changed is not given."""
    path = tmp_path / "changing.vhdb"
    with vhashdb.create(path) as db:
        db.add(reference_prints["harbour"])
    with vhashdb.open(path, read_only=True) as reader:
        assert len(reader) == 1
        reading = reader.records()
        next(reading)
        with vhashdb.open(path) as writer:
            writer.add(reference_prints["valley"])
            assert len(reader) == 2
        with pytest.raises(vhashdb.DatabaseLocked, match="while it was read"):
            list(reading)
        assert len(reader) == len(list(reader.records())) == 2


def test_an_older_version_of_the_tables_says_what_to_do(copy):
    path, _ = copy
    unlocked(path)
    connection = sqlite3.connect(path / "records.sqlite")
    connection.execute(f"PRAGMA user_version = {migrations.VERSION - 1}")
    connection.close()
    locked(path)

    def refused():
        try:
            vhashdb.open(path)
        except vhashdb.DatabaseError as error:
            return "older vhashdb" in str(error) and "open it once where it can be written" in error.hint

    assert as_nobody(refused) == "True"


@pytest.mark.parametrize("index", ["missing", "damaged", "unreadable"])
def test_an_index_that_cannot_be_used_is_made_in_memory(tmp_path, index):
    path = tmp_path / "large.vhdb"
    with vhashdb.create(path) as db:
        for seed in (1, 2):
            db.add(fingerprint_of(random_hashes(seed, 9000)))
    if index == "missing":
        shutil.rmtree(path / "index")
    if index == "damaged":
        (path / "index" / "current.json").write_text("{}")
    locked(path)
    if index == "unreadable":
        (path / "index").chmod(0)

    def found():
        with vhashdb.open(path) as db:
            hits = sorted(set(db.index.search(random_hashes(1, 9000)[:50], 0).record.tolist()))
            return hits, db.index_problem is not None, db.check().left != ()

    try:
        assert as_nobody(found) == repr(([1], index != "missing", index != "missing"))
    finally:
        (path / "index").chmod(0o755) if index != "missing" else None
        unlocked(path)


def test_records_can_be_selected(copy):
    path, _ = copy
    assert as_nobody(lambda: [r.state.value for r in vhashdb.open(path).records(states=[State.ACTIVE])]) == "['active']"


@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
def test_a_file_system_that_is_mounted_read_only(copy, tmp_path, query_prints):
    path, record = copy
    unlocked(path)
    mount = f'mount --bind "{path}" "{path}" && mount -o remount,ro,bind "{path}"'
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    (tmp_path / "q.vhfp").write_bytes(vhashdb.to_bytes(query_prints["edited/harbour__insert.mp4"]))
    script = (
        "import sys, vhashdb\nwith vhashdb.open(sys.argv[1]) as db:\n"
        " print(db.read_only, [m.record.id for m in db.match(vhashdb.from_bytes(open(sys.argv[2], 'rb').read())).matches])"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{mount} && exec "$0" "$@"', sys.executable, "-c", script, str(path), str(tmp_path / "q.vhfp")],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.stdout == f"True {[record]}\n", done.stderr
    assert may_write(path / "records.sqlite")


# -- paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a?mode=memory", "a#b", "100%", "%41", "a b", "'\"", "ü→", "file:x", ":memory:", "a&b=c;d", b"\xff\xfe", "x\ny"]
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_is_where_its_path_says_whatever_the_path(tmp_path, reference_prints, monkeypatch, name, read_only):
    path = tmp_path / os.fsdecode(name)
    vhashdb.create(path).close()
    monkeypatch.chdir(tmp_path)
    with vhashdb.open(os.fsdecode(name)) as db:
        record = db.add(reference_prints["harbour"]).id
    assert [entry.name for entry in path.iterdir()] == ["records.sqlite"]
    assert [entry.name for entry in tmp_path.iterdir()] == [os.fsdecode(name)]
    with vhashdb.open(path, read_only=read_only) as db:
        assert [r.id for r in db.records()] == [record]
    with vhashdb.FingerprintCache(path / "cache?x#y%z") as cache:
        assert cache.problem is None
    assert [entry.name for entry in (path / "cache?x#y%z").iterdir()] == ["looks.sqlite"]
