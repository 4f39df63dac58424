"""What a member may try whose feed is validly signed and trusted, as far as it is: its word weighs what the trust in it does."""

import dataclasses

import numpy as np
import pytest

from tests.footage import fingerprint_of
from vhashdb.exchange import events as e
from vhashdb.exchange.listing import Policy
from vhashdb.exchange.signals import frames_signal
from vhashdb.store.opinions import CANARY
from vhashdb.store.reviews import Decision
from vhashdb.store.settings import Rules

from .companies import Company, film
from .feeds import NOW, rid


@pytest.fixture
def place(tmp_path):
    made = []

    def company(name, *, publishes=True):
        made.append(Company(tmp_path, name))
        if publishes:
            made[-1].begins_to_publish().publisher.publish([], policy=Policy(max_action="block"))
        return made[-1]

    yield company
    for each in made:
        each.close()


@pytest.fixture
def trusting(place):
    """A company that follows acme, trusted up to a block, whose record it looked at: it may be blocked."""
    acme, company = place("acme"), place("company", publishes=False)
    record = acme.adds(1)
    acme.publishes()
    company.trusts(acme)
    company.syncs()
    company.exchange.opinion(f"acme-feed:{record}", "agree", basis="saw_content")
    assert company.allowed(1) == {"acme-feed": "block"}
    return company, acme, record


def says(member, *events):
    """What a member publishes that nobody's program would."""
    member.feed.publisher.publish(events)


@pytest.mark.parametrize(("level", "action", "state"), [("log", "block", "active"), ("review", "review", "disputed")])
def test_a_member_that_disputes_everything_is_heard_as_far_as_it_is_trusted(trusting, place, level, action, state):
    company, _, record = trusting
    mallory = place("mallory")
    says(mallory, e.Opinion(e.Subject("acme-feed", record, 1), "false_positive", "saw_content", "", NOW))
    company.trusts(mallory, level=level)
    company.syncs()
    assert company.allowed(1) == {"acme-feed": action}
    assert company.asks(1)["acme-feed"].record.state == state


def test_a_level_that_is_set_later_counts_at_once(trusting, place):
    company, _, record = trusting
    mallory = place("mallory")
    says(mallory, e.Opinion(e.Subject("acme-feed", record, 1), "false_positive", "saw_content", "", NOW))
    company.trusts(mallory, level="review")
    company.syncs()
    company.exchange.feeds.set_level("mallory-feed", "log")
    assert company.allowed(1) == {"acme-feed": "block"}
    assert company.asks(1)["acme-feed"].record.state == "active"
    company.exchange.feeds.set_level("mallory-feed", "block")
    assert company.asks(1)["acme-feed"].record.state == "disputed"


@pytest.mark.parametrize(("level", "action", "held"), [("log", "block", 0), ("review", "review", 1)])
def test_an_allow_list_of_everything_counts_as_far_as_its_author_is_trusted(trusting, place, level, action, held):
    company, acme, _ = trusting
    mallory = place("mallory")
    says(mallory, *(e.Allow(rid(seed), (frames_signal(film(seed)),), 6000, at=NOW) for seed in (1, 2)))
    company.trusts(mallory, level=level)
    company.syncs()
    assert company.allowed(1) == {"acme-feed": action}
    acme.adds(2)
    acme.publishes()
    assert company.syncs()["acme-feed"].changes.held == held


def test_nobody_is_voted_into_a_block_by_others_alone(place):
    acme, bold, company = place("acme"), place("bold"), place("company", publishes=False)
    record = acme.adds(1)
    acme.publishes()
    says(bold, e.Opinion(e.Subject("acme-feed", record, 1), "agree", "saw_content", "", NOW))
    for member in (acme, bold):
        company.trusts(member)
    company.syncs()
    (match,) = company.asks(1).values()
    assert (match.action_cap.action, match.action_cap.reasons) == ("review", ("nobody here saw the content",))
    company.moderation.reviews.set_rules(Rules(seen_here=False))
    assert company.allowed(1) == {"acme-feed": "block"}


def test_a_vote_for_a_block_takes_trust_up_to_a_block(place):
    acme, bold, company = place("acme"), place("bold"), place("company", publishes=False)
    record = acme.adds(1)
    acme.publishes()
    says(bold, e.Opinion(e.Subject("acme-feed", record, 1), "agree", "saw_content", "", NOW))
    company.trusts(acme)
    company.trusts(bold, level="review")
    company.moderation.reviews.set_rules(Rules(seen_here=False))
    company.syncs()
    assert company.asks(1)["acme-feed"].action_cap.reasons == ("1 of 2 organisations required saw the content",)


def test_two_names_that_look_alike_are_one_vote(place):
    acme, twin, company = place("acme"), place("twin"), place("company", publishes=False)
    record = acme.adds(1)
    acme.publishes()
    says(twin, e.Opinion(e.Subject("acme-feed", record, 1), "agree", "saw_content", "", NOW))
    company.trusts(acme)
    company.exchange.trust(str(twin.feed.folder), twin.feed.first_root, member="Acrne", level="block")
    company.moderation.reviews.set_rules(Rules(seen_here=False))
    company.syncs()
    assert company.asks(1)["acme-feed"].action_cap.reasons == ("1 of 2 organisations required saw the content",)


def test_what_was_voted_for_is_not_exchanged_for_something_else(trusting):
    company, acme, record = trusting
    acme.feed.publisher.publish([dataclasses.replace(acme.put(record), rev=2, signals=(frames_signal(film(9)),))])
    company.syncs()
    assert company.allowed(9) == {"acme-feed": "review"}
    company.exchange.opinion(f"acme-feed:{record}", "agree", basis="saw_content")
    assert company.allowed(9) == {"acme-feed": "block"}


def test_what_was_accepted_is_not_exchanged_for_something_else(trusting, place):
    company, acme, _ = trusting
    company.moderation.reviews.set_rules(Rules(quorum=1))
    company.moderation.opinions.allow(film(5), None, reason="news")
    record = acme.adds(5)
    acme.publishes()
    assert company.syncs()["acme-feed"].changes.held == 1
    here = company.asks(5)["acme-feed"].record
    company.moderation.reviews.decide(here, Decision.ACCEPTED, reason="looked at it")
    (entry,) = company.moderation.opinions.allowed()
    company.moderation.opinions.revoke(entry.rid)
    assert company.allowed(5) == {"acme-feed": "block"}
    acme.feed.publisher.publish([dataclasses.replace(acme.put(record), rev=2, signals=(frames_signal(film(9)),))])
    company.syncs()
    assert company.allowed(9) == {"acme-feed": "review"}


def test_what_is_only_possible_leads_to_no_more_than_a_review(trusting):
    company, _, _ = trusting
    (match,) = company.asks(1).values()
    (certain,) = company.moderation.action_caps([match.record])
    (possible,) = company.moderation.action_caps([match.record], possible=[True])
    assert (certain.action, possible.action) == ("block", "review")
    assert possible.reasons == ("the match is possible, not certain",)


def test_a_member_whose_records_hit_harmless_uploads_is_suspected_and_nobody_else(trusting, place):
    company = trusting[0]
    mallory = place("mallory")
    mallory.adds(7)
    mallory.publishes()
    company.trusts(mallory)
    company.syncs()
    company.moderation.reviews.set_rules(Rules(quorum=1, seen_here=False))
    assert company.allowed(7) == {"mallory-feed": "block"}
    hit = company.asks(7)["mallory-feed"].record.id
    for upload in range(5):
        assert company.allowed(7) == {"mallory-feed": "block"}
        company.db.store.mark_not_this(hit, f"{upload:064x}", "a holiday")
    (match,) = company.asks(7).values()
    assert match.action_cap.reasons == ("feed mallory-feed is suspected: 5 uploads that its records matched were called harmless here",)
    assert company.moderation.feed_trust(company.exchange.feeds.get("mallory-feed")).status == "suspected"
    assert company.allowed(1) == {"acme-feed": "block"}
    company.exchange.feeds.set_level("mallory-feed", "block")
    assert company.allowed(7) == {"mallory-feed": "block"}


def test_a_record_that_shows_an_innocent_video_of_ours_is_held_and_the_others_are_not(trusting):
    company, acme, _ = trusting
    company.moderation.opinions.allow(film(4), None, reason="", author=CANARY)
    acme.adds(4)
    acme.adds(5)
    acme.publishes()
    assert company.syncs()["acme-feed"].changes.held == 1
    assert company.asks(4)["acme-feed"].action_cap.reasons[0] == "held: it matches 1 of your innocent videos"
    assert company.asks(5)["acme-feed"].record.state == "active"
    assert company.moderation.opinions.allowed() == []


def test_decoys_of_a_member_hide_no_record_of_ours(trusting, place):
    company, mallory = trusting[0], place("mallory")
    company.db.add(film(3))
    hashes = film(3).hash
    decoys = [fingerprint_of(np.random.default_rng(seed).permutation(hashes)) for seed in range(45)]
    says(mallory, *(e.Put(rid(n), 1, (frames_signal(each),), 6000, at=NOW) for n, each in enumerate(decoys)))
    company.trusts(mallory, level="log")
    company.syncs()
    clip = fingerprint_of(np.concatenate([film(20, 6).hash, hashes[8:16], film(21, 10).hash]))
    found = company.db.match(clip)
    assert found.verdict == "match"
    assert "local" in {match.record.details.source for match in found.matches}
