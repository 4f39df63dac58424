"""Many records at a time: what one by one would have recorded, in few transactions."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

import vhashdb
from tests.footage import fingerprint_of, random_hashes
from vhashdb import AddStatus, Details, State, Verdict, adding
from vhashdb.database import SECOND_PERSON
from vhashdb.inputs import FileHashes
from vhashdb.layout import RECORDS_FILE
from vhashdb.store.settings import Rules

DETAILS = Details(labels=("tvec",), reason="seen before", severity="high")


def films(count, seed=7, hashes=40):
    rng = np.random.default_rng(seed)
    return [fingerprint_of(random_hashes(rng, hashes)) for _ in range(count)]


def test_many_are_recorded_as_one_by_one(new_db):
    given = films(5)
    added = list(new_db.add_many((film, DETAILS) for film in given))
    assert [each.status for each in added] == [AddStatus.ADDED] * 5
    assert [new_db.get(each.id) for each in added] == [each.record for each in added]
    assert [new_db.fingerprint(each.id) for each in added] == given
    assert {each.record.labels for each in added} == {("tvec",)}
    lines = [(line.action, line.record, dict(line.details)) for line in new_db.audit()]
    assert lines == [("add", each.id, {"labels": ["tvec"], "source": "local"}) for each in added]
    assert new_db.check().problems == ()


def test_each_is_found_at_once(new_db):
    given = films(3)
    added = list(new_db.add_many((film, DETAILS) for film in given))
    for film, one in zip(given, added, strict=True):
        (match,) = new_db.match(film).matches
        assert (match.record.id, match.verdict) == (one.id, Verdict.MATCH)


def test_what_was_yielded_is_in_the_file_and_nothing_happens_before(new_db, monkeypatch):
    monkeypatch.setattr(adding, "BATCH_RECORDS", 2)
    records = sqlite3.connect(new_db.path / RECORDS_FILE)
    asked = []
    many = new_db.add_many((asked.append(film) or film, DETAILS) for film in films(5))
    seen = [(0, len(asked), records.execute("SELECT count(*) FROM record").fetchone()[0])]
    for count, _ in enumerate(many, start=1):
        seen.append((count, len(asked), records.execute("SELECT count(*) FROM record").fetchone()[0]))
    assert seen == [(0, 0, 0), (1, 2, 2), (2, 2, 2), (3, 4, 4), (4, 4, 4), (5, 5, 5)]


def test_a_batch_ends_at_many_hashes_too(monkeypatch):
    monkeypatch.setattr(adding, "BATCH_HASHES", 100)
    made = [(adding.Prepared(film, film, None), DETAILS) for film in films(5)]
    assert [len(batch) for batch in adding.batches(made)] == [3, 2]


def test_a_batch_that_cannot_be_written_leaves_nothing_of_itself(new_db):
    other = vhashdb.Fingerprint.empty(vhashdb.hashing.algorithms.AlgorithmId("phash", 64, 1))
    with pytest.raises(vhashdb.AlgorithmMismatch):
        list(new_db.add_many([(films(1)[0], DETAILS), (other, DETAILS)]))
    assert len(new_db) == 0


def test_the_very_same_file_is_recorded_once(new_db):
    def prepared(film, sha256):
        return replace(new_db.prepare(film), hashes=FileHashes(sha256 * 64, "0" * 32))

    first, second, third = films(3)
    assert [each.status for each in new_db.add_many([(prepared(first, "a"), DETAILS)])] == ["added"]
    added = list(new_db.add_many([(prepared(first, "a"), DETAILS), (prepared(second, "b"), DETAILS), (prepared(third, "b"), DETAILS)]))
    assert [each.status for each in added] == ["duplicate", "added", "duplicate"]
    assert added[1].id == added[2].id
    assert added[0].record.sha256 == "a" * 64
    assert len(new_db) == 2


def test_without_sound_and_squares_in_the_database_none_is_kept(tmp_path, reference_prints):
    with vhashdb.create(tmp_path / "silent.vhdb", sound=False) as db:
        (one,) = db.add_many([(reference_prints["harbour"], DETAILS)])
        assert db.fingerprint(one.id).sound is None


def test_they_wait_for_a_second_person_where_two_are_required(new_db):
    new_db.moderation.reviews.set_rules(Rules(two_person=True))
    (one,) = new_db.add_many([(films(1)[0], DETAILS)])
    assert one.record.state is new_db.get(one.id).state is State.HELD
    assert SECOND_PERSON in str(new_db.moderation.action_caps([one.record]))
