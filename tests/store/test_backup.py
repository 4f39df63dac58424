"""A backup is whole and checked, or it is not there."""

import shutil

import pytest

import vhashdb
from tests.store.test_checksums import tampered

pytestmark = pytest.mark.sqlite


@pytest.fixture
def db(tmp_path, reference_prints):
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        db.add(reference_prints["harbour"], labels=["kept"])
        (tmp_path / "own.vhdb" / "feeds" / "a" / "files").mkdir(parents=True)
        (tmp_path / "own.vhdb" / "feeds" / "a" / "head.json").write_text("{}")
        (tmp_path / "own.vhdb" / "feeds" / "a" / "files" / "x.part").write_text("x")
        yield db


def test_a_backup_is_a_database_that_answers_as_the_other(db, tmp_path, query_prints):
    db.backup(tmp_path / "copy.vhdb")
    assert sorted(file.name for file in (tmp_path / "copy.vhdb").rglob("*")) == ["a", "feeds", "head.json", "records.sqlite"]
    with vhashdb.open(tmp_path / "copy.vhdb") as copy:
        assert list(copy.records()) == list(db.records())
        assert copy.check().problems == ()
        query = query_prints["edited/harbour__insert.mp4"]
        assert [m.record for m in copy.match(query).matches] == [m.record for m in db.match(query).matches] != []
    assert not list(tmp_path.glob(".copy*"))


def test_a_backup_is_of_one_moment_while_somebody_writes(db, tmp_path, reference_prints):
    with db.store.transactions.writing() as connection:  # held open
        connection.exec_driver_sql("UPDATE record SET reason = 'half'")
        with vhashdb.open(db.path) as other:
            other.backup(tmp_path / "copy.vhdb")
    with vhashdb.open(tmp_path / "copy.vhdb") as copy:
        assert [record.reason for record in copy.records()] == [""]
    db.add(reference_prints["valley"])
    with vhashdb.open(tmp_path / "copy.vhdb") as copy:
        assert len(copy) == 1


@pytest.mark.parametrize("there", ["a folder", "an empty folder", "a file", "a link to nowhere"])
def test_nothing_is_overwritten(db, tmp_path, there):
    target = tmp_path / "there"
    if there == "a file":
        target.write_text("x")
    elif there == "a link to nowhere":
        target.symlink_to(tmp_path / "nowhere")
    else:
        target.mkdir()
        (target / "letter").write_text("dear") if there == "a folder" else None
    with pytest.raises(vhashdb.DatabaseExists):
        db.backup(target)
    assert there != "a folder" or (target / "letter").read_text() == "dear"


def test_a_damaged_database_gives_no_backup(db, tmp_path):
    tampered(db.store, "UPDATE label SET label = 'changed'")
    with pytest.raises(vhashdb.DatabaseDamaged, match="not sound"):
        db.backup(tmp_path / "copy.vhdb")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["own.vhdb"]


def test_where_nothing_can_be_written_is_said(db, tmp_path):
    with pytest.raises(vhashdb.DatabaseError, match="cannot be written"):
        db.backup(tmp_path / "none" / "copy.vhdb")


def test_going_back_to_a_backup(db, tmp_path, reference_prints, query_prints):
    db.backup(tmp_path / "copy.vhdb")
    db.add(reference_prints["valley"])
    db.close()
    shutil.rmtree(db.path)
    (tmp_path / "copy.vhdb").rename(db.path)
    with vhashdb.open(db.path) as restored:
        assert len(restored) == 1
        assert restored.match(query_prints["edited/harbour__insert.mp4"]).matches
