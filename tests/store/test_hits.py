"""Hits: a file counts once, what was decided about it stands until its grounds change, and nothing says which file it was."""

import datetime
import sqlite3

import pytest

import vhashdb
from tests.exchange.companies import Company, film
from vhashdb.store import CaseState, Cause, FileCase, State, Store, acting_as, now_utc, queue
from vhashdb.store.hits import NewHit
from vhashdb.store.periods import Period
from vhashdb.store.queue import recently
from vhashdb.store.statistics import read_statistics

from .test_store import old_file

FILE = "cd" * 32


@pytest.fixture
def record(company):
    return company.db.get(company.adds(1))


def hit(company, record, verdict="match", score=0.9, file=FILE):
    """A file matches a record."""
    store = company.db.store
    store.audit.write([NewHit(store.hits.file(file), record.id, verdict, score, now_utc())])


def decided(company, record, state=CaseState.CONFIRMED, **more):
    case = FileCase(company.db.store.hits.file(FILE), record, "match")
    return company.moderation.assessments.decide([case], state, **more)


def decision(company):
    """The only one about the file."""
    ((found,),) = company.db.store.hits.decisions([company.db.store.hits.file(FILE)]).values()
    return found


def waiting(company):
    return [(case.cause, case.why) for case in company.moderation.reviews.queue(matched_since=recently(now_utc().date()))]


def test_a_file_counts_once_and_everywhere_the_same(company, record):
    for _ in range(3):
        company.db.match(film(1))
    company.db.match(film(1, 20))
    reviews, today = company.moderation.reviews, now_utc().date()
    figures = read_statistics(company.db.store, Period.of(today, today))
    assert waiting(company) == [(Cause.MATCHED, "matched 2 files, best score 1.00")]
    assert figures.waiting[Cause.MATCHED] == len(waiting(company))
    assert reviews.hits(record, recently(today)).count == figures.figures.matches == figures.top[record.id].match == 2
    assert [line.action for line in company.db.audit(record=record.id)].count("match") == 2


def test_a_decision_says_who_made_it_and_when(company, record):
    hit(company, record)
    with acting_as("ann"):
        decided(company, record, reason="a re-upload")
    found = decision(company)
    assert (found.record, found.state, found.by, found.reason, found.closed) == (record.id, "confirmed", "ann", "a re-upload", True)
    assert now_utc() - found.at < datetime.timedelta(minutes=5)
    assert waiting(company) == []


def test_it_is_asked_again_when_it_matches_more_surely(company, record):
    hit(company, record, "possible", 0.3)
    decided(company, record)
    hit(company, record, "possible", 0.4)
    assert decision(company).closed
    hit(company, record, "match", 0.8)
    assert decision(company).changed == ("it matches more surely than before",)
    assert waiting(company) == [(Cause.MATCHED, "matched 1 file, best score 0.80")]
    hit(company, record, "possible", 0.3)
    assert len(company.db.store.hits.decisions([company.db.store.hits.file(FILE)])) == 1
    decided(company, record)
    assert decision(company).closed


def test_it_is_asked_again_when_the_record_is_in_another_state_and_not_when_it_is_as_it_was(company, record):
    hit(company, record)
    decided(company, record)
    company.db.store.set_state(record.id, State.DISPUTED, reason="", action="dispute")
    assert decision(company).changed == ("the record is disputed now, and was active",)
    company.db.store.set_state(record.id, State.ACTIVE, reason="", action="dispute")
    assert decision(company).closed


def test_it_is_asked_again_when_the_policy_of_the_record_is_another(company, record):
    hit(company, record)
    decided(company, record)
    with company.db.store.transactions.writing() as connection:
        connection.exec_driver_sql("UPDATE record SET max_action = 'block', policy = 'a | b'")
    assert decision(company).changed == ("the record's policy was changed",)


def test_that_a_file_is_not_a_record_stays_whatever_becomes_of_the_record(company, record):
    decided(company, record, CaseState.NOT_THIS)
    company.db.store.set_state(record.id, State.HELD, reason="", action="hold")
    assert decision(company).closed
    assert company.db.store.not_this(FILE) == {record.id}


def test_what_was_passed_on_waits_for_somebody_else(company, record):
    hit(company, record)
    with acting_as("ann"):
        (memory,) = decided(company, record, CaseState.ESCALATED)
    assert waiting(company) == [(Cause.ESCALATED, "ann passed on 1 file, best score 0.90")]
    assert not decision(company).closed
    company.moderation.reviews.undo(memory)
    assert waiting(company)[0][0] is Cause.MATCHED


def test_many_files_of_several_records_are_decided_and_taken_back_at_once(company, record):
    other, keys = company.db.get(company.adds(2)), []
    for number in range(3):
        hit(company, record, file=f"{number:064x}")
        hit(company, other, file=f"{number:064x}")
        keys.append(company.db.store.hits.file(f"{number:064x}"))
    memories = company.moderation.assessments.decide(
        [FileCase(file, of, "match") for file in keys for of in (record, other)], CaseState.CONFIRMED, reason="copies"
    )
    assert waiting(company) == []
    assert {each.verdict for of in (record, other) for each in company.moderation.opinions.about(of)} == {"agree"}
    company.moderation.reviews.undo(*memories)
    assert len(waiting(company)) == 2
    assert company.db.store.hits.decisions(keys) == {}
    assert company.moderation.opinions.about(record) == company.moderation.opinions.about(other) == []
    with pytest.raises(vhashdb.UsageError, match="taken back already"):
        company.moderation.reviews.undo(*memories)
    assert not company.db.check().problems


def test_a_file_by_itself_can_be_decided_about(company):
    file = company.db.store.hits.file(FILE)
    memories = company.moderation.assessments.decide([FileCase(file, None, "unreadable")], CaseState.LOOKED_AT, reason="damaged")
    assert (decision(company).record, decision(company).closed) == ("", True)
    company.moderation.reviews.undo(*memories)
    assert company.db.store.hits.decisions([file]) == {}


def test_an_answer_has_what_was_decided(company, record):
    result = company.db.match(film(1))
    assert result.matches[0].decision is None
    assert not result.settled
    file = company.db.store.hits.file(vhashdb.to_bytes(film(1)))
    company.moderation.assessments.decide([FileCase(file, record, "match")], CaseState.CONFIRMED)
    result = company.db.match(film(1))
    assert result.matches[0].decision.state is CaseState.CONFIRMED
    assert result.settled
    company.moderation.assessments.decide([FileCase(file, record)], CaseState.NOT_THIS)
    result = company.db.match(film(1))
    assert (result.verdict, [each.state for each in result.decisions]) == ("no-match", ["not this"])


def test_a_file_is_known_by_another_key_in_every_database(tmp_path, company):
    other = Company(tmp_path, "bold")
    assert company.db.store.hits.file(FILE) != other.db.store.hits.file(FILE)
    path = company.path
    company.close()
    company.db = vhashdb.open(path)
    same = company.db.store.hits.file(FILE)
    company.close()
    company.db = vhashdb.open(path)
    assert company.db.store.hits.file(FILE) == same
    other.close()


def test_what_an_older_version_kept_counts_as_it_did(tmp_path):
    """A database from before hits: each question was a line, and marks had the hash of the file."""
    path, at = tmp_path / "records.sqlite", now_utc().isoformat(" ", "microseconds")
    first, second = "11" * 16, "22" * 16
    lines = [
        *(("match", record, '{"score": 0.9, "verdict": "match"}') for record in (first, first, second)),
        ("looked-at", second, '{"reason": "seen"}'),
        ("match", second, '{"score": 0.4, "verdict": "possible"}'),
        ("unmatch", first, f'{{"sha256": "{FILE}", "reason": "a cover"}}'),
        ("match", first, '{"score": 0.5, "verdict": "match"}'),
        ("confirm-match", second, f'{{"sha256": "{"ef" * 32}", "reason": "it is"}}'),
    ]
    old_file(path, 6)
    with sqlite3.connect(path) as connection:
        for number, record in enumerate((first, second), 1):
            connection.execute(
                "INSERT INTO record VALUES (?, ?, 'active', 1, ?, ?, 9.0, NULL, NULL, 'high', '', '', 'own_review', '', '', 'human', 1, "
                "'review', 'local', 'amber', 1, NULL, NULL, NULL)",
                (number, record, number, at),
            )
        rows = [(at, action, record, details) for action, record, details in lines]
        connection.executemany("INSERT INTO audit (at, actor, action, record, details) VALUES (?, 'ann', ?, ?, ?)", rows)
        connection.execute("INSERT INTO not_this (record, sha256, reason, at) VALUES (?, ?, '', ?)", (first, FILE, at))
    connection.close()
    with Store.open(path) as store:
        today = now_utc().date()
        assert read_statistics(store, Period.of(today, today)).figures.matches == 5
        with store.transactions.reading() as connection:
            cases = queue.waiting(connection, today, matched_since=recently(today))
        assert [(case.record, case.why) for case in cases] == [(first, "matched 1 file, best score 0.50")]  # as it was counted before
        files = {store.hits.file(FILE): FILE, store.hits.file("ef" * 32): "ef" * 32}
        decisions = {files[file]: one for file, (one,) in store.hits.decisions(files).items()}
        assert {file: (one.record, one.state, one.by, one.reason, one.closed) for file, one in decisions.items()} == {
            FILE: (first, "not this", "ann", "a cover", True),
            "ef" * 32: (second, "confirmed", "ann", "it is", True),
        }
        assert store.not_this(FILE) == {first}
        assert store.problems() == []


def test_nothing_of_an_erased_record_stays_in_what_decisions_rest_on(company):
    record = company.db.get(company.adds(1, policy="a sentence that must go"))
    hit(company, record)
    decided(company, record)
    company.db.retract(record.id, reason="a court order", code="legal", erase=True)
    company.close()
    assert not any(b"must go" in path.read_bytes() for path in company.path.rglob("*") if path.is_file())
