"""The index of landmarks in a database: kept, checked and made again beside the other one, and free where there is no sound."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import vhashdb
from tests.footage import fingerprint_of, random_hashes
from tests.index.plain import landmarks, looked_up, triples
from tests.live import Sound
from vhashdb.index import compaction
from vhashdb.index import landmarks as module
from vhashdb.index.kinds import KEY_SHIFT
from vhashdb.layout import SOUND_INDEX_FOLDER
from vhashdb.live_index import building
from vhashdb.sound import SoundFingerprint
from vhashdb.store import Details, NewRecord, Selection, State
from vhashdb.store.imports import Content, Imports, Place


def heard(seed, count=50):
    """A fingerprint with pictures and sound."""
    return replace(fingerprint_of(random_hashes(seed, 15)), sound=SoundFingerprint(landmarks(seed, count), 3600.0))


def unheard(seed):
    return fingerprint_of(random_hashes(seed, 15))


def all_keys(*seeds):
    return np.unique(np.concatenate([landmarks(seed, 50) for seed in seeds]) >> KEY_SHIFT).astype(np.uint32)


def found(db, keys, **options):
    return sorted(hit for hits in db.sound_reader.landmarks(keys, **options).hits for hit in triples(hits))


@pytest.fixture
def small(monkeypatch):
    """Segments are made with few rows."""
    monkeypatch.setattr(compaction, "MEMTABLE_ROWS", 40)


@pytest.fixture
def db(tmp_path, small):
    """Three records with sound and one without, in segments of both indexes."""
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        for seed in (1, 2, 3):
            db.add(heard(seed), labels=[f"label-{seed}"])
        db.add(unheard(4))
        db.index_writer.wait()
        yield db


MODEL = {seed: landmarks(seed, 50) for seed in (1, 2, 3)}


def test_a_database_finds_the_sound_of_its_records_now_and_when_it_is_opened_again(db):
    keys = all_keys(1, 2, 3)
    assert found(db, keys) == looked_up(MODEL, keys)
    assert db.sound_reader.state().rows == 150
    assert (db.path / SOUND_INDEX_FOLDER / "current.json").is_file()
    db.close()
    with vhashdb.open(db.path) as again:
        assert found(again, keys) == looked_up(MODEL, keys)
        assert again.sound_index_problem is None
        assert again.sound_reader.state().memtable == 0
        assert not again.check().problems


def test_a_selection_says_whose_sound_is_found_and_frequencies_are_of_all(db):
    keys = all_keys(1, 2, 3)
    everything, some = db.sound_reader.landmarks(keys), db.sound_reader.landmarks(keys, where=Selection(labels=("label-2",)))
    assert some.frequency.tolist() == everything.frequency.tolist()
    hits = [hit for block in some.hits for hit in triples(block)]
    assert sorted(hits) == looked_up({2: MODEL[2]}, keys)
    assert everything.answered.all()


def test_a_retracted_record_is_heard_no_more_and_a_restored_one_is(db):
    keys, record = all_keys(1, 2, 3), next(db.records(labels=["label-2"]))
    db.retract(record.id, reason="")
    left = {seed: values for seed, values in MODEL.items() if seed != 2}
    assert found(db, keys) == looked_up(left, keys)
    assert db.sound_reader.landmarks(keys).frequency.sum() == 100
    db.store.set_state(record.id, State.ACTIVE, reason="", action="restore")
    assert found(db, keys) == looked_up(MODEL, keys)


def content(fingerprint, digest):
    return Content(NewRecord(1.0, details=Details(source="list")), fingerprint, (), State.ACTIVE, "", {}, digest)


def test_a_record_that_loses_its_sound_or_gets_some_is_found_accordingly(db):
    place, keys = Place("list", "one"), all_keys(1, 2, 3, 9)
    with Imports(db.store).batch() as batch:
        batch.add(place, content(heard(9), "a"))
    assert found(db, keys) == looked_up(MODEL | {5: landmarks(9, 50)}, keys)
    for fingerprint, expected in ((unheard(9), {}), (heard(9, 20), {5: landmarks(9, 20)})):
        with Imports(db.store).batch() as batch:
            batch.update(place, batch.find(place), content(fingerprint, str(len(expected))))
        assert found(db, keys) == looked_up(MODEL | expected, keys)
        assert not db.check().problems
    with Imports(db.store).batch() as batch:
        batch.retract(place, batch.find(place), reason="", erase=True)
    assert found(db, keys) == looked_up(MODEL, keys)
    with db.store.transactions.reading() as connection:
        assert connection.exec_driver_sql("SELECT record FROM sounding ORDER BY record").scalars().all() == [1, 2, 3]


def test_a_backup_has_the_sound_too(db, tmp_path):
    db.backup(tmp_path / "copy.vhdb")
    with vhashdb.open(tmp_path / "copy.vhdb") as copy:
        assert found(copy, all_keys(1, 2, 3)) == looked_up(MODEL, all_keys(1, 2, 3))


# -- without sound ---------------------------------------------------------------------------------


def test_a_database_without_sound_pays_nothing_for_its_index(tmp_path, small, monkeypatch):
    monkeypatch.setattr(compaction, "MAX_LAG", 4)
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        for seed in range(12):
            db.add(unheard(seed))
        assert found(db, all_keys(1)) == []
        decoded = []
        monkeypatch.setattr(building, "from_bytes", lambda blob: decoded.append(blob))
        db.label(next(db.records()).id, add=["seen"])
        assert found(db, all_keys(1)) == []
        assert decoded == []
    with vhashdb.open(tmp_path / "own.vhdb") as db:
        assert found(db, all_keys(1)) == []
        assert decoded == []
    assert not (tmp_path / "own.vhdb" / SOUND_INDEX_FOLDER).exists()


def test_a_database_without_sound_takes_none_of_a_fingerprint_that_has_it(tmp_path):
    with vhashdb.create(tmp_path / "quiet.vhdb", sound=False) as db:
        assert db.fingerprint(db.add(heard(1)).id) == unheard(1)


def test_only_fingerprints_with_sound_are_read_for_it(db):
    with_sound = list(db.store.changes.of_sound_since(0, alone=True))
    assert [change.record for change in with_sound] == [1, 2, 3]
    everything = list(db.store.changes.of_sound_since(0, alone=False))
    assert [(change.record, change.packed is not None) for change in everything] == [(1, True), (2, True), (3, True), (4, False)]
    assert db.store.changes.matchable(sound=True) == [1, 2, 3]
    assert [change.packed is not None for change in db.store.changes.of([1, 4], sound=True)] == [True, False]


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["landmarks.npy", "records.npy", "tables.npy", "begins.npy"])
def test_doctor_makes_a_damaged_sound_index_again_and_leaves_the_other_alone(db, name):
    _ = db.index
    (path, *_) = sorted((db.path / SOUND_INDEX_FOLDER).glob(f"*/{name}"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    before = (db.path / "index" / "current.json").stat().st_mtime_ns
    health = db.check()
    assert len(health.problems) == 1
    assert name in health.problems[0]
    assert health.repaired == ("the sound index was rebuilt from the records",)
    assert not db.check().problems
    assert (db.path / "index" / "current.json").stat().st_mtime_ns == before
    assert found(db, all_keys(1, 2, 3)) == looked_up(MODEL, all_keys(1, 2, 3))


def test_a_lost_sound_index_is_made_again_and_so_is_a_spoiled_one(db):
    db.close()
    shutil.rmtree(db.path / SOUND_INDEX_FOLDER)
    with vhashdb.open(db.path) as again:
        assert found(again, all_keys(1)) == looked_up(MODEL, all_keys(1))
        again.index_writer.maintain()
    (db.path / SOUND_INDEX_FOLDER / "current.json").write_text("no index")
    with vhashdb.open(db.path) as again:
        assert found(again, all_keys(1)) == looked_up(MODEL, all_keys(1))
        assert SOUND_INDEX_FOLDER in again.sound_index_problem
        assert again.index_problem is None


def test_damage_that_shows_between_two_blocks_loses_no_hit_and_repeats_none(db, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 10)
    keys = all_keys(1, 2, 3)
    answer = db.sound_reader.landmarks(keys)
    hits = triples(next(answer.hits))
    for path in (db.path / SOUND_INDEX_FOLDER).glob("*/tables.npy"):
        with path.open("r+b") as file:  # the same file that is mapped
            file.seek(-4 * 40, 2)
            file.write(b"\xff" * 4 * 40)
    hits += [hit for block in answer.hits for hit in triples(block)]
    assert sorted(hits) == looked_up(MODEL, keys)
    assert "tables are damaged" in db.sound_index_problem


def test_a_damaged_fingerprint_is_counted_among_what_cannot_be_heard(db):
    with db.store.transactions.writing() as connection:
        connection.exec_driver_sql("UPDATE fingerprint SET blob = substr(blob, 1, 40) WHERE record = 2")
        connection.exec_driver_sql("UPDATE record SET change = 99 WHERE number = 2")
    db.index_writer.rebuild()
    assert db.sound_reader.damaged() == 1
    assert found(db, all_keys(1, 2, 3)) == looked_up({1: MODEL[1], 3: MODEL[3]}, all_keys(1, 2, 3))


def test_what_is_written_of_sound_by_the_helper_of_other_tests_is_read_back():
    values = landmarks(5, 30)
    assert np.array_equal(vhashdb.from_bytes(vhashdb.to_bytes(Sound.fingerprint(values))).sound.landmarks, values)
