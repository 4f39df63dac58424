"""What leaves: everything of one's own that the feed does not say yet, once, and nothing else."""

import datetime

import pytest

from tests.exchange.companies import Company, film
from vhashdb.exchange import events as e
from vhashdb.exchange.pending_events import PendingEvents
from vhashdb.exchange.signals import fingerprint_of
from vhashdb.store import State
from vhashdb.store.settings import Rules


@pytest.fixture
def acme(tmp_path):
    company = Company(tmp_path, "acme")
    company.begins_to_publish()
    yield company
    company.close()


def waiting(company):
    return list(company.exchange.pending_events(company.feed.publisher.entries()))


def test_a_record_leaves_as_it_is(acme):
    details = {
        "severity": "high", "reason": "why", "reason_code": "r-1", "origin": "court_order", "policy": "p", "law": "l", "reviewers": 2,
        "tlp": "green", "first_seen": datetime.date(2026, 11, 25), "review_by": datetime.date(2027, 1, 1),
        "expires": datetime.date(2028, 1, 1),
    }  # fmt: skip
    identifier = acme.adds(1, **details)
    (put,) = waiting(acme)
    assert (put.rid, put.rev, put.duration_ms, put.labels) == (identifier, 1, 6000, ("tvec",))
    assert fingerprint_of(put.signals[0], 6000).hash.tobytes() == film(1).hash.tobytes()
    assert (put.severity, put.reason, put.basis) == ("high", e.Reason("r-1", "why"), e.Basis("court_order", "p", "l"))
    assert put.review == e.Review("human", 2, saw_content=True)
    assert (put.handling.max_action, put.share.tlp, put.first_seen) == ("block", "green", "2026-11")
    assert (put.review_by, put.expires) == (datetime.date(2027, 1, 1), datetime.date(2028, 1, 1))


def test_a_file_leaves_with_its_hashes(acme, samples):
    record = acme.db.add(samples / "known" / "valley.mp4").record
    (put,) = waiting(acme)
    assert {signal.alg: signal.data for signal in put.signals[1:]} == {"sha256": record.sha256, "md5": record.md5}


def test_everything_leaves_once_and_again_when_it_changes(acme):
    first = acme.adds(1)
    acme.adds(2)
    assert acme.publishes() == 2
    assert waiting(acme) == []
    acme.db.label(first, add=["later"])
    (again,) = waiting(acme)
    assert (again.rid, again.rev, again.labels) == (first, 2, ("later", "tvec"))
    assert acme.publishes() == 1
    assert acme.publishes() == 0


def test_an_interrupted_publication_is_simply_made_again(acme):
    acme.adds(1)
    waiting(acme)  # the publisher dies before it signs
    assert acme.publishes() == 1


def test_a_retraction_leaves_with_its_code(acme):
    record = acme.adds(1)
    acme.publishes()
    acme.db.retract(record, reason="in words, for people here", code="appeal", erase=True)
    (retract,) = waiting(acme)
    assert (retract.rid, retract.reason, retract.erase) == (record, "appeal", True)
    assert retract.rev == 2
    acme.publishes()
    assert waiting(acme) == []


def test_an_erasure_decided_later_leaves_as_well(acme):
    record = acme.adds(1)
    acme.publishes()
    acme.db.retract(record, reason="x", code="error")
    acme.publishes()
    acme.db.retract(record, reason="x", code="legal", erase=True)
    (retract,) = waiting(acme)
    assert (retract.reason, retract.erase) == ("legal", True)
    acme.publishes()
    assert waiting(acme) == []


def test_what_was_never_published_needs_no_retraction(acme):
    acme.db.retract(acme.adds(1), reason="x")
    assert waiting(acme) == []


@pytest.mark.parametrize(
    "details", [{"reshare": False}, {"source": "other-program"}, {"tlp": "red"}], ids=["not to be passed on", "imported", "red"]
)
def test_what_is_not_ours_to_pass_on_stays(acme, details):
    acme.adds(1, **details)
    assert waiting(acme) == []


def test_what_waits_for_a_second_person_stays(acme):
    acme.moderation.reviews.set_rules(Rules(two_person=True))
    assert acme.db.get(acme.adds(1)).state is State.HELD
    assert waiting(acme) == []


def test_opinions_and_the_allow_list_leave_and_are_taken_back(acme, tmp_path):
    bold = Company(tmp_path, "bold")
    bold.begins_to_publish()
    record = bold.adds(1)
    bold.publishes()
    acme.trusts(bold)
    acme.syncs()
    acme.exchange.opinion(f"bold-feed:{record[:8]}", "false_positive", reason="a trailer")
    entry = acme.moderation.opinions.allow(film(7), "a" * 64, reason="intro of the news")
    opinion, allow = waiting(acme)
    assert (opinion.on, opinion.verdict, opinion.reason) == (e.Subject("bold-feed", record, 1), "false_positive", "a trailer")
    assert (allow.rid, [signal.alg for signal in allow.signals], allow.reason.text) == (entry.rid, ["pdq", "sha256"], "intro of the news")
    acme.publishes()
    assert waiting(acme) == []
    acme.exchange.opinion(f"bold-feed:{record}", "withdrawn")
    acme.moderation.opinions.revoke(entry.rid[:6])
    assert [type(event) for event in waiting(acme)] == [e.Opinion, e.RevokeAllow]
    bold.trusts(acme)
    bold.syncs()
    assert bold.db.get(record).state is State.DISPUTED
    assert [allowed.reason for allowed in bold.moderation.opinions.allowed()] == ["intro of the news"]
    acme.publishes()
    bold.syncs()
    assert bold.db.get(record).state is State.ACTIVE
    assert bold.moderation.opinions.allowed() == []
    bold.close()


def test_an_opinion_on_a_record_of_ones_own_stays_here(acme):
    record = acme.adds(1)
    acme.publishes()
    acme.exchange.opinion(record, "outdated")
    assert acme.db.get(record).state is State.DISPUTED
    assert waiting(acme) == []


def test_words_that_may_not_leave_keep_one_thing_back_and_nothing_else(acme):
    refused, told = acme.adds(1, reason="posted by @somebody on example.com"), acme.adds(2)
    entry = acme.moderation.opinions.allow(film(7), None, reason="see https://example.com")
    pending = acme.exchange.pending_events([])
    assert [event.rid for event in pending] == [told]
    assert [about for about, _ in pending.refused] == [refused, entry.rid]
    assert "a feed may have none of these" in pending.refused[0][1]


def test_what_is_no_longer_to_be_shared_is_withdrawn(acme):
    record = acme.adds(1)
    acme.publishes()
    with acme.db.store.transactions.writing() as connection:
        connection.exec_driver_sql("UPDATE record SET reshare = 0, revision = 2")
    (retract,) = waiting(acme)
    assert (retract.rid, retract.rev, retract.reason, retract.erase) == (record, 2, "withdrawn", False)


def test_a_feed_that_said_nothing_gets_everything(acme):
    acme.adds(1)
    acme.publishes()
    assert len(list(PendingEvents(acme.db.store, []))) == 1
