"""What waits for a person, who may decide, and what a decision does."""

import datetime

import pytest

import vhashdb
from vhashdb.exchange.incoming import record_id
from vhashdb.store import Details, State
from vhashdb.store.reviews import Cause, Decision
from vhashdb.store.settings import Rules

from .companies import Company, film
from .feeds import put, rid

DAY = datetime.timedelta(days=1)


def causes(company):
    return [(case.cause, case.why) for case in company.moderation.reviews.queue()]


def as_somebody_else(company, who="second"):
    company.db.store.audit._actor = who


def test_nothing_waits_in_a_quiet_database(company):
    company.adds(1)
    assert company.moderation.reviews.queue() == []


def test_overdue_and_expired_records_wait(company):
    today = datetime.datetime.now(datetime.UTC).date()
    due, expired = company.adds(1, review_by=today - DAY), company.adds(2, expires=today - DAY)
    company.adds(3, review_by=today, expires=today)
    assert set(causes(company)) == {
        (Cause.DUE, f"was to be reviewed by {today - DAY}"), (Cause.EXPIRED, f"expired on {today - DAY}")
    }  # fmt: skip
    assert company.allowed(1) == {"local": "review"}
    assert company.asks(2) == {}
    assert company.allowed(3) == {"local": "review"}
    done = company.moderation.reviews.decide(company.db.get(due), Decision.ACCEPTED, reason="still so")
    assert done.record.details.review_by is None
    company.moderation.reviews.decide(company.db.get(expired), Decision.REJECTED, reason="done with")
    assert causes(company) == []


def test_a_dispute_waits_until_somebody_decides_and_again_when_another_speaks(company):
    record = company.adds(1)
    company.exchange.opinion(record, "disagree_label", reason="a parody")
    assert causes(company) == [(Cause.DISPUTED, "local: disagree_label (a parody)")]
    done = company.moderation.reviews.decide(company.db.get(record), Decision.ACCEPTED, reason="it is not")
    assert done.record.state is State.DISPUTED  # the other opinion still stands
    assert causes(company) == []
    company.exchange.opinion(record, "withdrawn")
    assert company.db.get(record).state is State.ACTIVE


def test_rejecting_retracts_here_whatever_its_publisher_says(company, tmp_path):
    other = Company(tmp_path, "bold")
    other.begins_to_publish()
    other.feed.publish(put(1))
    company.trusts(other)
    company.syncs()
    record = company.db.get(record_id("bold-feed", rid(1)))
    done = company.moderation.reviews.decide(record, Decision.REJECTED, reason="not for us")
    assert (done.final, done.record.state) == (True, State.RETRACTED)
    other.feed.publish(put(1, rev=2))
    company.syncs()
    assert company.db.get(record.id).state is State.RETRACTED
    other.close()


def test_there_is_nothing_to_accept_where_nothing_waits(company):
    record = company.db.get(company.adds(1))
    with pytest.raises(vhashdb.UsageError, match="does not wait"):
        company.moderation.reviews.decide(record, Decision.ACCEPTED, reason="x")
    company.db.retract(record.id, reason="x")
    with pytest.raises(vhashdb.UsageError, match="retracted already"):
        company.moderation.reviews.decide(company.db.get(record.id), Decision.REJECTED, reason="x")


def test_two_people_add_a_record(company):
    company.moderation.reviews.set_rules(Rules(two_person=True))
    record = company.adds(1)
    assert causes(company) == [(Cause.HELD, "a second person has to confirm it")]
    assert company.allowed(1) == {"local": "review"}
    with pytest.raises(vhashdb.UsageError, match="somebody else has to confirm"):
        company.moderation.reviews.decide(company.db.get(record), Decision.ACCEPTED, reason="mine")
    assert company.db.get(record).state is State.HELD
    as_somebody_else(company)
    done = company.moderation.reviews.decide(company.db.get(record), Decision.ACCEPTED, reason="looked at it")
    assert (done.final, done.record.state) == (True, State.ACTIVE)


def test_two_people_who_disagree_decide_nothing(company):
    company.moderation.reviews.set_rules(Rules(two_person=True))
    record = company.adds(1)
    as_somebody_else(company)
    done = company.moderation.reviews.decide(company.db.get(record), Decision.REJECTED, reason="no")
    assert (done.final, done.record.state) == (False, State.HELD)
    (case,) = company.moderation.reviews.queue()
    assert (case.proposed, case.proposed_by) == ("rejected", "second")
    as_somebody_else(company, "third")
    assert company.moderation.reviews.decide(company.db.get(record), Decision.REJECTED, reason="no").record.state is State.RETRACTED


def test_decisions_are_in_the_audit_log(company):
    company.moderation.reviews.set_rules(Rules(two_person=True))
    record = company.adds(1)
    as_somebody_else(company)
    company.moderation.reviews.decide(company.db.get(record), Decision.ACCEPTED, reason="looked at it")
    entry = company.db.audit(record=record)[-1]
    assert (entry.actor, entry.action, entry.details["reason"]) == ("second", "review-accepted", "looked at it")


@pytest.mark.parametrize("quorum", [0, 101])
def test_a_senseless_quorum_is_refused(quorum):
    with pytest.raises(vhashdb.UsageError):
        Rules(quorum=quorum)


def test_rules_are_kept_in_the_database(company):
    assert company.moderation.reviews.rules == Rules(2, two_person=False)
    company.moderation.reviews.set_rules(Rules(3, two_person=True))
    company.reopen()
    assert company.moderation.reviews.rules == Rules(3, two_person=True)


def test_local_marks_survive_a_sync(company, tmp_path, samples):
    other = Company(tmp_path, "bold")
    other.begins_to_publish()
    record = other.db.add(samples / "known" / "valley.mp4", details=Details()).id
    other.publishes()
    company.trusts(other)
    company.syncs()
    clip = samples / "edited" / "valley__clip.mp4"
    assert len(company.db.match(clip).matches) == 1
    company.db.unmatch(clip, record_id("bold-feed", record))
    other.db.label(record, add=["changed"])
    other.publishes()
    company.syncs()
    assert company.db.match(clip).matches == ()
    assert len(company.db.match(samples / "edited" / "valley__mirror.mp4").matches) == 1
    other.close()


def test_the_allow_list_is_about_what_matched(company):
    company.adds(1)
    company.moderation.reviews.set_rules(Rules(quorum=1))
    assert company.allowed(1) == {"local": "block"}
    company.moderation.opinions.allow(film(2), None, reason="another film")
    assert company.allowed(1) == {"local": "block"}
    company.moderation.opinions.allow(film(1), None, reason="a news intro")
    assert company.allowed(1) == {"local": "review"}
