"""What may happen without a person: the lowest of three permissions, and review as long as anything speaks against it."""

import dataclasses
import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb import codes
from vhashdb.moderation.policy import (
    Action,
    Endorsements,
    FeedStatus,
    FeedTrust,
    TrustState,
    WeighedOpinion,
    action_cap,
    counts,
    endorsements_of,
)

TODAY = datetime.date(2026, 11, 25)
FRESH = FeedTrust("acme", Action.BLOCK, Action.BLOCK, FeedStatus.FRESH)
SEEN = Endorsements(frozenset({"acme", "bold"}), frozenset(), frozenset({"acme", "bold"}), seen_here=True)
FREE = TrustState(Action.BLOCK, FRESH, SEEN)
"""Nothing speaks against blocking."""

actions = st.sampled_from(list(Action))


def decided(state, **more):
    return action_cap(state, **({"today": TODAY, "quorum": 2} | more))


def test_a_block_needs_everybodys_consent():
    found = decided(FREE)
    assert (found.action, found.reasons, found.agree, found.dispute) == (Action.BLOCK, (), 2, 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"held": "quality"}, "held: quality"),
        ({"endorsements": dataclasses.replace(SEEN, dispute=frozenset({"bold"}))}, r"disputed: 2 for it, 1 against \(bold\)"),
        ({"review_by": TODAY - datetime.timedelta(days=1)}, "was to be reviewed by 2026-11-24"),
        ({"feed": dataclasses.replace(FRESH, status=FeedStatus.STALE, why="expired")}, "feed acme is stale: expired"),
        ({"feed": dataclasses.replace(FRESH, status=FeedStatus.QUARANTINED, why="fork")}, "feed acme is quarantined: fork"),
        ({"feed": dataclasses.replace(FRESH, status=FeedStatus.NEW)}, "feed acme is new"),
        ({"allowed": "news intro"}, "on an allow-list: news intro"),
        ({"endorsements": dataclasses.replace(SEEN, saw_content=frozenset({"acme"}))}, "1 of 2 organisations required saw the content"),
        ({"endorsements": dataclasses.replace(SEEN, seen_here=False)}, "nobody here saw the content"),
        ({"possible": True}, "the match is possible, not certain"),
    ],
    ids=["held", "disputed", "overdue", "stale", "quarantined", "new", "allow-list", "quorum", "seen-elsewhere", "possible"],
)
def test_each_doubt_alone_caps_at_review(change, why):
    found = decided(dataclasses.replace(FREE, **change))
    assert found.action is Action.REVIEW
    assert len(found.reasons) == 1
    assert re.fullmatch(why, found.reasons[0])


@pytest.mark.parametrize("action", [Action.NONE, Action.LOG, Action.REVIEW])
def test_each_of_the_three_permissions_limits(action):
    record = dataclasses.replace(FREE, max_action=action)
    feed = dataclasses.replace(FREE, feed=dataclasses.replace(FRESH, max_action=action))
    trust = dataclasses.replace(FREE, feed=dataclasses.replace(FRESH, trust=action))
    assert [decided(s).action for s in (record, feed, trust)] == [action] * 3
    for state, word in ((record, "record"), (feed, "policy"), (trust, "trusted")):
        assert word in decided(state).reasons[0]


def test_a_doubt_does_not_raise_what_is_lower():
    state = dataclasses.replace(FREE, feed=dataclasses.replace(FRESH, trust=Action.LOG), held="quality")
    found = decided(state)
    assert found.action is Action.LOG
    assert found.reasons == ("feed acme is trusted up to log",)


def test_the_day_of_review_itself_is_in_time():
    assert decided(dataclasses.replace(FREE, review_by=TODAY)).action is Action.BLOCK


def test_records_of_ones_own_have_no_feed_above_them():
    assert decided(TrustState(Action.BLOCK, endorsements=SEEN)).action is Action.BLOCK
    assert decided(TrustState(Action.BLOCK, endorsements=Endorsements(frozenset({"local"})))).action is Action.REVIEW


@given(actions, actions, actions, st.sampled_from(list(FeedStatus)), st.booleans(), st.text(max_size=3), st.integers(1, 4), st.booleans())
def test_more_doubt_never_allows_more(record, feed, trust, status, disputed, held, quorum, possible):
    state = TrustState(record, FeedTrust("f", feed, trust, status), SEEN, held, possible=possible)
    if disputed:
        state = dataclasses.replace(state, endorsements=dataclasses.replace(SEEN, dispute=frozenset({"x"})))
    found = decided(state, quorum=quorum)
    assert found.action.rank <= min(record.rank, feed.rank, trust.rank)
    if disputed or held or possible or quorum > 2 or status not in (FeedStatus.FRESH, FeedStatus.LOCAL):
        assert found.action.rank <= Action.REVIEW.rank
    assert (found.action is Action.BLOCK) == (not found.reasons)
    assert decided(state, quorum=quorum + 1).action.rank <= found.action.rank


def test_somebody_here_need_not_look_where_people_agreed_on_that():
    elsewhere = dataclasses.replace(FREE, endorsements=dataclasses.replace(SEEN, seen_here=False))
    assert decided(elsewhere, seen_here=False).action is Action.BLOCK


def test_who_speaks_for_a_record_and_who_against():
    said = [
        WeighedOpinion("bold", "agree", "saw_content"),
        WeighedOpinion("calm", "agree", "metadata"),
        WeighedOpinion("dark", "seen", "saw_content"),
        WeighedOpinion("early", "withdrawn", "metadata"),
    ]
    endorsements = endorsements_of("acme", saw_content=True, opinions=said)
    assert endorsements == Endorsements(frozenset({"acme", "bold", "calm"}), frozenset(), frozenset({"acme", "bold"}))
    assert not endorsements.disputed


@pytest.mark.parametrize("verdict", sorted(codes.NEGATIVE))
def test_one_negative_opinion_disputes(verdict):
    endorsements = endorsements_of("acme", saw_content=False, opinions=[WeighedOpinion("bold", verdict, "saw_content")])
    assert endorsements.disputed
    assert "bold" not in endorsements.saw_content


@pytest.mark.parametrize(
    ("trust", "objects", "votes"),
    [(Action.NONE, False, False), (Action.LOG, False, False), (Action.REVIEW, True, False), (Action.BLOCK, True, True)],
)
def test_a_word_counts_up_to_the_trust_in_who_says_it(trust, objects, votes):
    objection, vote = WeighedOpinion("bold", "false_positive", "saw_content", trust), WeighedOpinion("bold", "agree", "saw_content", trust)
    assert endorsements_of("acme", saw_content=True, opinions=[objection]).disputed is objects
    assert ("bold" in endorsements_of("acme", saw_content=True, opinions=[vote]).saw_content) is votes
    assert counts(Action.REVIEW, trust) is objects
    assert counts(Action.BLOCK, trust) is votes


def test_what_was_seen_before_a_record_changed_is_no_vote_for_what_it_is_now():
    said = [
        WeighedOpinion("bold", "agree", "saw_content", current=False),
        WeighedOpinion("here", "agree", "saw_content", here=True, current=False),
    ]
    endorsements = endorsements_of("acme", saw_content=True, opinions=said)
    assert endorsements == Endorsements(frozenset({"acme", "bold", "here"}), frozenset(), frozenset({"acme"}), seen_here=False)


def test_several_feeds_of_one_organisation_are_one_voice():
    said = [WeighedOpinion("acme", "agree", "saw_content"), WeighedOpinion("bold", "agree", "saw_content")] * 3
    assert len(endorsements_of("acme", saw_content=True, opinions=said).saw_content) == 2


def test_every_verdict_is_weighed_everywhere_alike():
    assert codes.POSITIVE | codes.NEGATIVE | {codes.SEEN, codes.WITHDRAWN} == set(codes.VERDICTS)
