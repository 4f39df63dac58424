"""What is in force does not depend on a clock that was set back, nor for long on one that was ahead."""

import datetime

import pytest

import vhashdb
from vhashdb.store import clock, placing, records_file, regrouping
from vhashdb.store.feeds import SYNCED
from vhashdb.store.trust_state import status_of

NOW = datetime.datetime(2026, 11, 28, 12)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def at(monkeypatch):
    """Set the machine's clock."""

    def set_to(moment):
        for module in (clock, placing, records_file, regrouping):
            monkeypatch.setattr(module, "now_utc", lambda: moment)

    set_to(NOW)
    return set_to


@pytest.fixture
def db(at, tmp_path, reference_prints):
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        details = vhashdb.Details(expires=(NOW + 2 * DAY).date())
        db.add(reference_prints["harbour"], details=details)
        yield db


def matches(db, query_prints):
    return len(db.match(query_prints["edited/harbour__insert.mp4"]).matches)


def test_a_clock_set_back_brings_nothing_back_to_life(db, at, query_prints):
    assert matches(db, query_prints) == 1
    at(NOW + 3 * DAY)
    assert matches(db, query_prints) == 0
    db.label(next(db.records()).id, add=["x"])  # somebody changed something on that day
    at(NOW - 3000 * DAY)
    assert matches(db, query_prints) == 0
    assert db.store.now() == NOW + 3 * DAY


def test_a_feed_is_not_fresh_again_when_the_clock_is_set_back(db, at):
    at(NOW - 3000 * DAY)
    assert status_of(SYNCED, "", NOW - DAY, db.store.now())[0] == "stale"
    assert status_of(SYNCED, "", NOW + DAY, db.store.now())[0] == "fresh"


def test_asking_with_a_clock_that_is_ahead_leaves_no_trace(db, at, query_prints):
    at(NOW + 3000 * DAY)
    assert matches(db, query_prints) == 0
    db.query_log.try_to_write()
    at(NOW)
    assert matches(db, query_prints) == 1


def test_changes_made_while_the_clock_was_ahead_for_a_day_or_two_do_not_expire_everything(db, at, query_prints):
    for days in (3000, 3001):
        at(NOW + days * DAY)
        for record in db.records():
            db.label(record.id, add=["x"], remove=["y"])
    at(NOW + DAY)
    assert matches(db, query_prints) == 1
    at(NOW)
    db.label(next(db.records()).id, add=["z"])
    assert matches(db, query_prints) == 1


def test_a_leap_that_lasts_is_believed(db, at):
    for days in (300, 301, 302):
        at(NOW + days * DAY)
        db.label(next(db.records()).id, add=["x"])
    at(NOW)
    assert db.store.now() == NOW + 302 * DAY


def test_time_goes_on_as_it_does(db, at):
    for days in range(0, 200, 20):
        at(NOW + days * DAY)
        db.label(next(db.records()).id, add=["x"])
    at(NOW)
    assert db.store.now() == NOW + 180 * DAY
