"""`init`, `info`, `doctor`, and databases that cannot be used: each has a message of its own and exit code 4."""

import contextlib
import json
import os
import shutil
import sqlite3

import pytest

import vhashdb
from tests.footage import fingerprint_of, random_hashes
from vhashdb.fingerprints import is_square
from vhashdb.index.compaction import MEMTABLE_ROWS

from .driver import run

VERBS = {
    "info": [],
    "doctor": [],
    "list": [],
    "show": ["abc"],
    "match": ["x.mp4"],
    "add": ["x.mp4"],
    "label": ["abc", "--add", "x"],
    "retract": ["abc", "--reason", "x"],
    "unmatch": ["x.mp4", "abc"],
    "explain": ["x.mp4", "abc"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_database(verb):
    done = run(verb, *VERBS[verb])
    assert done.code == 4
    assert done.out == ""
    assert done.err.startswith("error: there is no database at vhash.vhdb (the default, as neither --db nor VHASHDB_DB names another)\n")
    assert "hint: make one with `vhashdb init`" in done.err


def test_no_database_says_who_named_it(clean, tmp_path, monkeypatch):
    config = tmp_path / "config" / "vhashdb" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('db = "there.vhdb"\n')
    assert f"there.vhdb (named in {config})" in run("info").err
    monkeypatch.setenv("VHASHDB_DB", "elsewhere.vhdb")
    assert "elsewhere.vhdb (named by VHASHDB_DB)" in run("info").err
    assert run("info", "--db", "here.vhdb").err.startswith("error: there is no database at here.vhdb\n")


def test_an_empty_database_is_an_error_before_any_decoding(samples):
    run("init")
    done = run("match", samples / "known" / "valley.mp4")
    assert done.code == 4
    assert done.out == ""
    assert "error: the database vhash.vhdb holds no record" in done.err
    assert "vhashdb add" in done.err


@pytest.mark.parametrize("squares", [False, True], ids=["without", "with"])
def test_whether_squares_are_stored_is_chosen_at_init_and_remembered(samples, squares):
    made = run("init", *(["--squares"] if squares else []))
    assert ("with squares" in made.out) is squares
    assert run("add", samples / "known" / "valley.mp4").code == 0
    with vhashdb.open("vhash.vhdb") as db:
        (record,) = db.records()
        stored = db.fingerprint(record.id)
        assert db.squares is squares
        assert is_square(stored).any() == squares
    (info,) = run("info", "--json").json
    assert (info["squares"], info["hashes"]) == (squares, int(stored.usable.sum()))
    assert f"squares           {'' if squares else 'not '}stored\n" in run("info").out
    assert run("doctor").code == 0
    assert run("backup", "copy.vhdb").code == 0
    assert run("info", "--db", "copy.vhdb", "--json").json[0]["squares"] is squares
    (found,) = run("match", samples / "edited" / "valley__clip.mp4", "--exit-zero", "--json").json[:1]
    assert found["verdict"] == "match"


def test_a_database_of_retracted_records_is_empty(own, ids, samples):
    for identifier in ids.values():
        assert run("retract", "--db", own, identifier, "--reason", "test").code == 0
    assert run("match", "--db", own, samples / "known" / "valley.mp4").code == 4


@pytest.mark.parametrize("kind", ["folder", "file", "other sqlite", "no sqlite"])
def test_something_else(kind, clean):
    place = clean / "other.vhdb"
    if kind == "file":
        place.write_text("x")
    else:
        place.mkdir()
    if kind == "other sqlite":
        with contextlib.closing(sqlite3.connect(place / "records.sqlite")) as connection:
            connection.execute("CREATE TABLE t (a)")
    if kind == "no sqlite":
        (place / "records.sqlite").write_bytes(b"x" * 5000)
    done = run("match", "--db", place, "x.mp4")
    assert done.code == 4
    assert "not a" in done.err or "another program" in done.err
    assert "hint: a database is a folder made by `vhashdb init`" in done.err


def test_a_newer_schema(own):
    with contextlib.closing(sqlite3.connect(own / "records.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 999")
    done = run("info", "--db", own)
    assert done.code == 4
    assert "schema version 999" in done.err
    assert "hint: upgrade vhashdb" in done.err


def test_a_locked_database(own, ids, monkeypatch):
    monkeypatch.setenv("VHASHDB_LOCK_TIMEOUT", "0.1")
    with contextlib.closing(sqlite3.connect(own / "records.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for arguments in (["label", ids["valley"], "--add", "x"], ["retract", ids["valley"], "--reason", "x"]):
            done = run(*arguments, "--db", own)
            assert done.code == 4
            assert "another process is writing" in done.err
            assert "hint: wait" in done.err
        assert run("list", "--db", own).code == 0  # readers do not wait
        connection.execute("ROLLBACK")
    assert run("label", ids["valley"], "--add", "x", "--db", own).code == 0


def test_adding_to_a_locked_database(own, samples, monkeypatch):
    monkeypatch.setenv("VHASHDB_LOCK_TIMEOUT", "0.1")
    with contextlib.closing(sqlite3.connect(own / "records.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = run("add", "--db", own, samples / "unknown" / "train.mp4")
    assert done.code == 4
    assert "ADDED" not in done.out
    assert "another process is writing" in done.err


def test_a_senseless_lock_timeout(known, monkeypatch):
    monkeypatch.setenv("VHASHDB_LOCK_TIMEOUT", "soon")
    done = run("info", "--db", known)
    assert done.code == 2
    assert "VHASHDB_LOCK_TIMEOUT must be a number of seconds, not 'soon'" in done.err


def test_init(clean):
    done = run("init", "new.vhdb")
    assert done.code == 0
    assert done.out == "made an empty database at new.vhdb (pdq, 256 bits)\n"
    again = run("init", "new.vhdb")
    assert again.code == 4
    assert "new.vhdb exists already" in again.err
    assert run("init", "--db", "other.vhdb").code == 0
    assert (clean / "other.vhdb").is_dir()


@pytest.mark.parametrize(("options", "message"), [(["--algorithm", "md5"], "is not one of pdq"), (["--bits", "64"], "pdq has 256 bits")])
def test_init_with_senseless_options(options, message, clean):
    done = run("init", *options)
    assert done.code == 2
    assert message in done.err
    assert not (clean / "vhash.vhdb").exists()


def test_init_where_nothing_can_be_made(clean):
    (clean / "file").write_text("")
    done = run("init", "file/new.vhdb")
    assert done.code == 4
    assert "file/new.vhdb cannot be used" in done.err


def test_info(known):
    facts = json.loads(run("info", "--db", known, "--json").out)
    assert facts["type"] == "info"
    assert facts["records"] == 4
    assert facts["states"] == {"active": 4, "held": 0, "disputed": 0, "retracted": 0}
    assert facts["video_s"] == pytest.approx(41, abs=0.5)
    assert facts["hashes"] > 100
    assert facts["hashes_per_s"] == pytest.approx(facts["hashes"] / facts["video_s"], abs=0.01)
    assert facts["algorithm"] == "pdq-256/1"
    assert facts["bytes"] > 10_000
    assert facts["updated_at"].endswith("Z")
    assert facts["index"] == "ok"
    text = run("info", "--db", known).out
    assert "records           4 (4 active, " in text
    assert "known video       00:00:41" in text
    assert "hashes read from the records\n" in text  # too few for an index on disk, and so not behind with it


def test_doctor_on_a_sound_database(own):
    done = run("doctor", "--db", own)
    assert done.code == 0
    assert done.out == "4 records · sound\n"


@pytest.fixture
def indexed(own):
    """A copy with so many hashes that its index is on disk."""
    with vhashdb.open(own) as db:
        db.add(fingerprint_of(random_hashes(1, MEMTABLE_ROWS)))
    return own


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_an_index_that_is_damaged_is_named_and_made_again(indexed, damage, samples):
    path = indexed / "index" / "00000001" / "tables.npy"
    if damage == "missing":
        os.unlink(path)
    else:
        path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    done = run("doctor", "--db", indexed)
    assert done.code == 0
    assert "tables.npy" in done.out
    assert "repaired: the index was rebuilt from the records" in done.out
    assert json.loads(run("info", "--db", indexed, "--json").out)["index"] == "ok"
    assert run("doctor", "--db", indexed).out == "5 records · sound\n"


def test_a_search_makes_up_for_a_damaged_index(indexed, samples):
    path = indexed / "index" / "00000001" / "tables.npy"
    path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    assert run("match", "--db", indexed, samples / "edited" / "valley__clip.mp4").code == 10
    assert run("doctor", "--db", indexed).out == "5 records · sound\n"  # and the index was made again then


def test_doctor_cannot_repair_a_record(own):
    with contextlib.closing(sqlite3.connect(own / "records.sqlite")) as connection:
        connection.execute("UPDATE fingerprint SET blob = substr(blob, 1, 100) WHERE record = 1")
        connection.commit()
    done = run("doctor", "--db", own, "--json")
    assert done.code == 4
    health = json.loads(done.out)
    assert health["exit_code"] == 4
    assert any("record number 1" in line for line in health["left"])
    text = run("doctor", "--db", own)
    assert "not repaired: fingerprint of record number 1" in text.out
    assert "hint: restore" in text.err


def test_a_database_may_be_moved(own, clean, samples):
    shutil.move(own, clean / "moved")
    assert run("match", "--db", "moved", samples / "edited" / "valley__clip.mp4").code == 10
