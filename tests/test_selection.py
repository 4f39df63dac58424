"""Matching among some records only: what is left out is not found, and does not crowd out what counts."""

import pytest

import vhashdb
from tests.footage import fingerprint_of, flipped, random_hashes
from vhashdb import Details, Selection, State

SELECTIONS = {
    "every label": (Selection(labels=("terror",)), {1, 2}),
    "both labels": (Selection(labels=("terror", "violence")), {2}),
    "severity": (Selection(severities=("high", "extreme")), {1, 3}),
    "source": (Selection(sources=("acme",)), {0, 3}),
    "state": (Selection(states=(State.HELD,)), {3}),
    "all at once": (Selection(labels=("terror",), severities=("high",), sources=("local",), states=(State.ACTIVE,)), {1}),
    "none": (Selection(labels=("nothing-has-it",)), set()),
    "everything": (Selection(), {0, 1, 2, 3}),
}
DETAILS = (
    Details(source="acme"),
    Details(labels=("terror",), severity="high"),
    Details(labels=("terror", "violence"), severity="low"),
    Details(severity="extreme", source="acme"),
)


@pytest.fixture
def variants(new_db):
    """Four records that are all near the same query."""
    hashes = random_hashes(3, 40)
    ids = [new_db.add(fingerprint_of(flipped(hashes, 4, seed=n)), details=details).id for n, details in enumerate(DETAILS)]
    new_db.store.set_state(ids[3], State.HELD, reason="", action="hold")
    return new_db, ids, fingerprint_of(hashes)


@pytest.mark.parametrize("name", SELECTIONS)
def test_only_the_records_that_count_are_found(variants, name):
    db, ids, query = variants
    where, expected = SELECTIONS[name]
    assert {ids.index(m.record.id) for m in db.match(query, where=where).matches} == expected
    assert {ids.index(r.id) for r in db.records() if where.allows(r)} == expected


def test_a_record_counts_from_the_moment_it_is_said(variants):
    db, ids, query = variants
    where = Selection(labels=("new",))
    assert db.match(query, where=where).matches == ()
    db.label(ids[0], add=["new"])
    assert [m.record.id for m in db.match(query, where=where).matches] == [ids[0]]
    db.label(ids[0], remove=["new"])
    assert db.match(query, where=where).matches == ()


def test_records_that_do_not_count_crowd_nobody_out(new_db):
    """More of them than are ever compared, all nearer than the one that counts."""
    hashes = random_hashes(5, 40)
    for seed in range(45):
        new_db.store.add(vhashdb.store.NewRecord(10.0), fingerprint_of(flipped(hashes, 1, seed=seed)))
    wanted = new_db.store.add(vhashdb.store.NewRecord(10.0, details=Details(labels=("rare",))), fingerprint_of(flipped(hashes, 20)))
    found = new_db.match(fingerprint_of(hashes), where=Selection(labels=("rare",))).matches
    assert [m.record.id for m in found] == [wanted.id]


def test_the_very_same_file_does_not_count_either_if_its_record_does_not(new_db, samples):
    film = samples / "known" / "valley.mp4"
    new_db.add(film, labels=["a"])
    assert new_db.match(film, where=Selection(labels=("a",))).matches[0].identical
    assert new_db.match(film, where=Selection(labels=("b",))).matches == ()


def test_a_severity_that_does_not_exist_is_refused():
    with pytest.raises(vhashdb.UsageError, match="severity"):
        Selection(severities=("terrible",))
