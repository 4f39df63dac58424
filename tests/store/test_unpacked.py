"""Fingerprints that are remembered while they are on their way in: the same as if they were unpacked, within a bound, and forgotten."""

import vhashdb
from tests.footage import fingerprint_of, random_hashes
from vhashdb.fingerprints import to_stored
from vhashdb.store import unpacked
from vhashdb.store.unpacked import Unpacked


def packed(seed):
    fingerprint = fingerprint_of(random_hashes(seed, 4))
    return to_stored(fingerprint), fingerprint


def test_what_is_remembered_need_not_be_unpacked_until_it_is_forgotten():
    (known, fingerprint), (unknown, other) = packed(1), packed(2)
    remembered = Unpacked()
    remembered.remember([(known, fingerprint)])
    assert remembered.unpack(known) is fingerprint
    assert remembered.unpack(unknown) == other
    remembered.forget()
    assert remembered.unpack(known) == fingerprint
    assert remembered.unpack(known) is not fingerprint


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch):
    first, second = packed(1), packed(2)
    monkeypatch.setattr(unpacked, "MAX_BYTES", unpacked._size(first[1]))
    remembered = Unpacked()
    remembered.remember([first, second])
    assert remembered.unpack(first[0]) is first[1]
    assert remembered.unpack(second[0]) is not second[1]


def test_nothing_is_left_in_memory_after_many_were_recorded(tmp_path):
    with vhashdb.create(tmp_path / "db") as db:
        made = list(db.add_many((fingerprint_of(random_hashes(seed, 30)), vhashdb.Details()) for seed in range(3)))
        assert [db.store.unpacked._bytes, db.store.unpacked._known] == [0, {}]
        assert all(db.match(db.fingerprint(each.id)).matches for each in made)
