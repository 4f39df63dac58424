"""The answer is always given, whatever happens to the log of questions; and what can be logged is."""

import contextlib
import dataclasses
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

import vhashdb
from vhashdb.store import Store, query_log


@pytest.fixture
def db(tmp_path, reference_prints):
    with vhashdb.create(tmp_path / "log.vhdb") as db:
        db.add(reference_prints["harbour"])
    with vhashdb.open(tmp_path / "log.vhdb", lock_timeout_s=0.05) as db:
        yield db


@contextlib.contextmanager
def held(db):
    """Somebody else is writing."""
    with Store.open(db.store.path) as other, other.transactions.writing():
        yield


def hits(path):
    with vhashdb.open(path) as db:
        lines = [(line.action, line.record) for line in db.audit() if line.action in ("match", "queries")]
        return sum(action == "match" for action, _ in lines), sum(sum(e.details.values()) for e in db.audit() if e.action == "queries")


def others(query, number):
    """Queries that match as well, each another file to whoever counts."""
    return [dataclasses.replace(query, duration_s=query.duration_s + 0.01 * place) for place in range(number)]


@pytest.fixture
def query(query_prints):
    return query_prints["edited/harbour__insert.mp4"]


def test_a_hit_is_in_the_log_when_the_answer_is_there(db, query):
    (match,) = db.match(query).matches
    assert [line.record for line in db.audit() if line.action == "match"] == [match.record.id]


def test_while_another_process_writes_the_answer_is_given_and_logged_later(db, query, caplog):
    with held(db), caplog.at_level(logging.WARNING, "vhashdb"):
        for one in others(query, 3):
            assert db.match(one).matches
        assert "the audit log waits" in caplog.text
    db.close()
    assert (hits(db.path), db.unlogged) == ((3, 3), 0)


def test_what_waited_is_written_after_a_later_answer(db, query, monkeypatch):
    monkeypatch.setattr(query_log, "AGAIN_AFTER_S", 0.0)
    first, second = others(query, 2)
    with held(db):
        db.match(first)
    db.match(second)
    db.match(first)
    assert sum(line.action == "match" for line in db.audit()) == 2


def test_closing_gives_up_after_the_timeout_and_says_how_much_is_lost(db, query, caplog):
    with held(db):
        for one in others(query, 3):
            db.match(one)
        with caplog.at_level(logging.WARNING, "vhashdb"):
            db.close()
    assert db.unlogged == 4  # three hits, and the number of questions
    assert "4 lines of the audit log" in caplog.text


def test_no_more_waits_than_is_bounded(db, query, monkeypatch):
    monkeypatch.setattr(query_log, "MAX_WAITING", 2)
    with held(db):
        for one in others(query, 5):
            assert db.match(one).matches
    db.close()
    assert (hits(db.path), db.unlogged) == ((1, 5), 4)


@pytest.mark.parametrize("error", [vhashdb.DatabaseError("the disk is full"), OSError(28, "no space"), RuntimeError("anything")])
def test_no_error_while_logging_takes_the_place_of_an_answer(db, query, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(db.store.audit, "write", fail)
    assert db.match(query).matches
    db.close()
    assert db.unlogged == 2
    assert db.query_log.problem == str(error)


def test_questions_of_several_threads_are_all_logged(db, query):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda one: len(db.match(one).matches), others(query, 20) * 2))
    db.close()
    assert answers == [1] * 40
    assert (hits(db.path), db.unlogged) == ((20, 40), 0)  # twenty files, each asked about twice
