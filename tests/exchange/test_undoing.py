"""Records that matched wait until somebody assesses them; what was decided can be taken back as long as nobody knows of it."""

import datetime

import pytest

import vhashdb
from vhashdb.exchange.incoming import record_id
from vhashdb.store import CaseState, FileCase, State
from vhashdb.store.clock import now_utc
from vhashdb.store.history import decided
from vhashdb.store.queue import Cause, Filter
from vhashdb.store.reviews import Decision
from vhashdb.store.schema import hit
from vhashdb.store.settings import Rules

from .companies import Company, film
from .feeds import put, retract, rid
from .test_reviews import as_somebody_else

DAY = datetime.timedelta(days=1)
FILE = "cd" * 32


@pytest.fixture
def record(company):
    """One of its own, which nothing waits for."""
    return company.db.get(company.adds(1))


def waiting(company, since=DAY):
    return [(case.record, case.cause) for case in company.moderation.reviews.queue(matched_since=now_utc() - since)]


def image(company, record):
    """Everything about a record that a decision can change, apart from its revision and the audit log."""
    db = company.db
    stored, cases = db.get(record.id), company.moderation.reviews.queue(record=record.id, matched_since=now_utc() - DAY)
    said, why = company.moderation.opinions.about(stored), [(case.cause, case.proposed, case.proposed_by) for case in cases]
    return stored.state, stored.details, said, why, found(company, FILE, "ef" * 32), company.allowed(1)


def found(company, *files):
    """What was decided about files with these SHA-256."""
    keys = {company.db.store.hits.file(sha256): sha256 for sha256 in files}
    decisions = company.db.store.hits.decisions(keys)
    return {(keys[file], one.record, one.state) for file, some in decisions.items() for one in some}


def case_of(company, record, query):
    """The case of a file that is known as this fingerprint."""
    return FileCase(company.db.store.hits.file(vhashdb.to_bytes(query)), record, "match")


# -- what matched ----------------------------------------------------------------------------------


def test_a_record_that_matched_waits_and_says_how_many_files(company, record):
    assert waiting(company) == []
    for query in (film(1), film(1, 20), film(1)):
        company.db.match(query)
    (case,) = company.moderation.reviews.queue(matched_since=now_utc() - DAY)
    assert (case.record, case.cause, case.why) == (record.id, Cause.MATCHED, "matched 2 files, best score 1.00")
    assert company.moderation.reviews.queue() == []  # it asks for no decision
    assert company.moderation.reviews.hits(record, now_utc() - DAY).count == 2
    assert company.moderation.reviews.hits(record, now_utc() + DAY) is None
    assert waiting(company, since=-DAY) == []


@pytest.mark.parametrize(
    "look",
    [
        lambda company, record: company.moderation.assessments.looked_at(record),
        lambda company, record: company.exchange.opinion(record.id, "agree"),
        lambda company, record: company.moderation.assessments.decide([case_of(company, record, film(1))], CaseState.CONFIRMED),
        lambda company, record: company.moderation.assessments.decide([case_of(company, record, film(1))], CaseState.NOT_THIS),
        lambda company, record: company.moderation.reviews.decide(record, Decision.REJECTED, reason="no"),
        lambda company, record: company.db.retract(record.id, reason="no"),
    ],
    ids=["looked-at", "opinion", "confirm", "deny", "reject", "retract"],
)
def test_it_waits_until_somebody_looks_and_again_when_it_matches_another_file(company, record, look):
    company.adds(2)
    company.db.match(film(1))
    look(company, record)
    assert waiting(company) == []
    company.db.match(film(1))
    assert waiting(company) == []
    if company.db.get(record.id).state is not State.RETRACTED:
        company.db.match(film(1, 20))
        assert waiting(company) == [(record.id, Cause.MATCHED)]


def test_what_waits_for_a_decision_does_not_wait_twice(company):
    company.moderation.reviews.set_rules(Rules(two_person=True))
    record = company.adds(1)
    company.db.match(film(1))
    assert waiting(company) == [(record, Cause.HELD)]


def test_the_last_match_comes_first(company):
    first, second = company.adds(1), company.adds(2)
    company.db.match(film(1))
    company.db.match(film(2))
    later = datetime.timedelta(hours=1)
    with company.db.store.transactions.writing() as connection:  # a minute passes between two matches, and not in a test
        connection.execute(hit.update().where(hit.c.record == second).values(at=now_utc() + later))
    assert [record for record, _ in waiting(company)] == [second, first]


def test_only_some_cases_count(company, record):
    company.db.match(film(1))
    (case,) = company.moderation.reviews.queue(matched_since=now_utc() - DAY)
    assert Filter().allows(case)
    assert Filter(labels=("tvec",), sources=("local", "x"), causes=(Cause.MATCHED,)).allows(case)
    assert not any(one.allows(case) for one in (Filter(labels=("tvec", "y")), Filter(sources=("x",)), Filter(causes=(Cause.DUE,))))


def test_a_proposal_to_reject_waits_for_a_second_person(company, record):
    company.moderation.reviews.set_rules(Rules(two_person=True))
    company.moderation.reviews.decide(record, Decision.REJECTED, reason="no")
    assert waiting(company) == [(record.id, Cause.PROPOSED)]
    as_somebody_else(company)
    assert company.moderation.reviews.decide(record, Decision.REJECTED, reason="no").record.state is State.RETRACTED
    assert waiting(company) == []


def test_a_day_that_another_publisher_set_is_settled_until_it_sets_another(company, tmp_path):
    other = Company(tmp_path, "bold")
    other.begins_to_publish()
    today = now_utc().date()
    other.feed.publish(put(1, review_by=today - 2 * DAY), put(2, expires=today - 2 * DAY))
    company.trusts(other)
    company.syncs()
    assert {cause for _, cause in waiting(company)} == {Cause.DUE, Cause.EXPIRED}
    for number in (1, 2):
        company.moderation.reviews.decide(company.db.get(record_id("bold-feed", rid(number))), Decision.ACCEPTED, reason="still so")
    assert waiting(company) == []
    other.feed.publish(put(1, rev=2, review_by=today + DAY))
    company.syncs()
    (case,) = company.moderation.reviews.queue(today=today + 2 * DAY)
    assert case.cause is Cause.DUE
    other.close()


def test_accepting_a_record_of_ones_own_past_its_last_day_takes_the_day_away(company):
    record = company.db.get(company.adds(1, expires=now_utc().date() - DAY))
    assert company.asks(1) == {}
    company.moderation.reviews.decide(record, Decision.ACCEPTED, reason="still harmful")
    assert company.allowed(1) == {"local": "review"}


# -- taking back -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda company, record: company.moderation.assessments.looked_at(record),
        lambda company, record: company.moderation.assessments.opine(record, "false_positive", basis="metadata", reason="a trailer"),
        lambda company, record: company.moderation.assessments.confirm(record, FILE, basis="saw_content"),
        lambda company, record: company.moderation.assessments.deny(record, FILE, verdict="false_positive", reason="a cover"),
        lambda company, record: company.moderation.reviews.decide(record, Decision.REJECTED, reason="no").memory,
    ],
    ids=["looked-at", "opinion", "confirm", "deny", "reject"],
)
@pytest.mark.parametrize("earlier", ["nothing", "opinion", "mark"])
def test_what_is_taken_back_leaves_everything_as_it_was_and_both_in_the_log(company, record, change, earlier):
    if earlier == "opinion":
        company.exchange.opinion(record.id, "seen", reason="earlier")
    elif earlier == "mark":
        company.moderation.assessments.deny(record, FILE)
    company.db.match(film(1))
    before = image(company, record)
    memory = change(company, record)
    lines = [entry.action for entry in company.db.audit() if memory.after < entry.number <= memory.until]
    company.moderation.reviews.undo(memory)
    assert image(company, record) == before
    entries = [entry for entry in company.db.audit(record=record.id) if entry.action not in ("match", "queries")]
    assert [entry.action for entry in entries][-len(lines) - 1 :] == [*lines, "undo"]
    assert all(one.taken_back for one in decided(company.db.store, now_utc() - DAY)[-len(lines) :])


def test_a_held_record_that_was_accepted_is_held_again(company):
    company.moderation.reviews.set_rules(Rules(two_person=True))
    record = company.db.get(company.adds(1, review_by=now_utc().date() - DAY))
    before = image(company, record)
    as_somebody_else(company)
    memory = company.moderation.reviews.decide(record, Decision.ACCEPTED, reason="looked").memory
    assert company.db.get(record.id).details.review_by is None
    company.moderation.reviews.undo(memory)
    assert company.db.get(record.id).state is State.HELD
    assert image(company, record) == before


def test_a_rejected_record_that_is_taken_back_matches_again(company, record):
    company.adds(2)
    memory = company.moderation.reviews.decide(record, Decision.REJECTED, reason="no").memory
    assert company.asks(1) == {}
    company.moderation.reviews.undo(memory)
    assert company.allowed(1) == {"local": "review"}
    assert not company.db.check().problems


def test_what_members_may_have_read_is_not_taken_back(company, record):
    memory = company.moderation.assessments.opine(record, "false_positive", basis="metadata", reason="x")
    company.db.store.audit.log("publish", feed="acme-feed")
    with pytest.raises(vhashdb.UsageError, match="the feed was published since, so others may know of it") as caught:
        company.moderation.reviews.undo(memory)
    assert "decide anew" in caught.value.hint
    assert company.db.get(record.id).state is State.DISPUTED


def test_what_somebody_else_built_upon_is_not_taken_back(company, record):
    memory = company.moderation.assessments.opine(record, "false_positive", basis="metadata", reason="x")
    as_somebody_else(company)
    company.db.label(record.id, add=["y"])
    with pytest.raises(vhashdb.UsageError, match=r"second did something with the record since \(label\)"):
        company.moderation.reviews.undo(memory)


def test_two_decisions_about_one_record_are_taken_back_one_after_the_other(company, record):
    before = image(company, record)
    first = company.moderation.assessments.opine(record, "false_positive", basis="metadata", reason="x")
    second = company.moderation.reviews.decide(company.db.get(record.id), Decision.ACCEPTED, reason="it is not").memory
    with pytest.raises(vhashdb.UsageError, match=r"did something with the record since \(review-accepted\)"):
        company.moderation.reviews.undo(first)
    company.moderation.reviews.undo(second)
    company.moderation.reviews.undo(first)
    assert image(company, record)[:3] == before[:3]


def test_nothing_is_taken_back_twice(company, record):
    memory = company.moderation.assessments.looked_at(record)
    company.moderation.reviews.undo(memory)
    with pytest.raises(vhashdb.UsageError, match="taken back already"):
        company.moderation.reviews.undo(memory)


# -- matches that somebody looked at ---------------------------------------------------------------


def test_judged_matches_are_remembered_by_hash_alone(company, record):
    assessments = company.moderation.assessments
    assessments.confirm(record, FILE, basis="saw_content")
    memory = assessments.deny(record, "ef" * 32, reason="a cover")
    right, wrong = (FILE, record.id, CaseState.CONFIRMED), ("ef" * 32, record.id, CaseState.NOT_THIS)
    assert found(company, FILE, "ef" * 32) == {right, wrong}
    company.moderation.reviews.undo(memory)
    assert found(company, FILE, "ef" * 32) == {right}
    company.close()
    assert not any(FILE.encode() in file.read_bytes() for file in company.path.rglob("*") if file.is_file())


def test_confirming_again_does_not_weaken_what_was_said(company, record):
    assessments = company.moderation.assessments
    assessments.confirm(record, FILE, basis="saw_content", reason="first")
    assessments.confirm(record, "ef" * 32, basis="saw_match", reason="second")
    assert (assessments.own(record).basis, assessments.own(record).reason) == ("saw_content", "first")


def test_the_history_of_a_period_leaves_out_what_feeds_brought(company, tmp_path):
    other = Company(tmp_path, "bold")
    other.begins_to_publish()
    other.feed.publish(put(1))
    company.trusts(other)
    company.syncs()
    record = company.db.get(record_id("bold-feed", rid(1)))
    company.moderation.assessments.opine(record, "agree", basis="metadata", reason="yes")
    other.feed.publish(retract(1))
    company.syncs()
    lines = decided(company.db.store, now_utc() - DAY)
    assert [(line.action, line.verdict, line.source) for line in lines] == [("opinion", "agree", "bold-feed")]
    assert decided(company.db.store, now_utc() + DAY) == []
    other.close()
