"""A feed says that records show the same video: believed as far as it is trusted, undone with it, and never against people here."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from vhashdb import Details
from vhashdb.exchange import events as e
from vhashdb.exchange.incoming import Incoming, record_id
from vhashdb.exchange.signals import frames_signal
from vhashdb.exchange.state import FeedState
from vhashdb.hashing.algorithms import Pdq
from vhashdb.store.staging import Reached, Staging

from .feeds import NOW, Feed, retract, rid

ACME, BOLD = "acme", "bold"


def film(seed):
    """A fingerprint like no other."""
    rng = np.random.default_rng(seed)
    start = np.arange(8) * 1.0
    hashes = rng.integers(0, 256, (8, 32), dtype=np.uint8)
    return vhashdb.Fingerprint(Pdq.id, start, start + 1, hashes, np.full(8, 100, np.uint8), np.zeros(8, np.uint16), 8.0)


def put(number, rev=1):
    return e.Put(rid(number), rev, (frames_signal(film(number)),), 8000, at=NOW)


def same(one, other, feed=ACME, *, still=True):
    return e.SameVideo(rid(one), e.SharedId(feed, rid(other)), still, NOW)


class Followed:
    """A feed that is followed, without its files."""

    def __init__(self, db, name, level="review"):
        self.db, self.name, self.seq, self.staging = db, name, 0, Staging(db.store)
        db.exchange.feeds.add(name, url="nowhere", root=b"", trust=level)

    def say(self, *events, whole=False):
        feed = self.staging.begin(self.db.exchange.feeds.get(self.name))
        batch = Incoming(feed.number, self.name, self.db.algorithm, lambda some: [()] * len(some))
        for place, event in enumerate(events, self.seq + 1):
            batch.take(place, event)
        batch.finish()
        self.seq += len(events)
        self.staging.stage(feed, batch.records, batch.stubs, batch.opinions, batch.allows, batch.ties)
        self.staging.promote(feed, Reached(1, self.seq, "00", 1, whole=whole))
        self.db.grouper.catch_up()

    def id(self, number):
        return record_id(self.name, rid(number))


def videos(db):
    """The ids of records that are together, of those that are not retracted."""
    found = set()
    for video in db.videos.all():
        records = frozenset(each.record.id for each in video.records if each.record.state is not vhashdb.State.RETRACTED)
        if records:
            found.add(records)
    return found


@pytest.fixture
def acme(new_db):
    return Followed(new_db, ACME)


@pytest.fixture
def bold(new_db):
    return Followed(new_db, BOLD)


def test_what_a_feed_says_is_believed_from_review_on_and_shown_as_its_word(new_db, acme, bold):
    bold.say(put(5))
    acme.say(put(1), put(2), put(3), same(1, 2), same(3, 5, BOLD))
    assert videos(new_db) == {frozenset({acme.id(1), acme.id(2)}), frozenset({acme.id(3), bold.id(5)})}
    (tie,) = new_db.videos.of(bold.id(5))[0].ties
    assert tie.to_json() == {"by": ACME, "records": [acme.id(3), bold.id(5)]}
    assert new_db.check().left == () and not new_db.store.problems()


@pytest.mark.parametrize("level", ["none", "log"])
def test_a_feed_that_is_only_logged_is_not_believed_unless_people_say_so(new_db, level):
    acme = Followed(new_db, ACME, level)
    acme.say(put(1), put(2), same(1, 2))
    together, alone = {frozenset({acme.id(1), acme.id(2)})}, {frozenset({acme.id(1)}), frozenset({acme.id(2)})}
    assert videos(new_db) == alone
    feeds = new_db.exchange.feeds
    for wanted, said, believed in (("review", None, True), ("block", False, False), (level, None, False), (level, True, True)):
        assert feeds.set_level(ACME, wanted, same_video=said).same_video is believed
        assert videos(new_db) == (together if believed else alone)
    feeds.remove(ACME)
    assert not new_db.store.problems()


def test_what_is_taken_back_or_withdrawn_comes_apart(new_db, acme):
    every = [put(1), put(2), put(3), same(1, 2), same(2, 3)]
    acme.say(*every)
    assert len(videos(new_db)) == 1
    acme.say(same(1, 2, still=False))
    assert videos(new_db) == {frozenset({acme.id(1)}), frozenset({acme.id(2), acme.id(3)})}
    acme.say(same(1, 2), retract(2))
    assert videos(new_db) == {frozenset({acme.id(1)}), frozenset({acme.id(3)})}
    acme.say(put(2, rev=3))
    assert len(videos(new_db)) == 1
    acme.say(retract(2, rev=4, erase=True))
    assert videos(new_db) == {frozenset({acme.id(1)}), frozenset({acme.id(3)})}
    acme.say(put(1), put(3), same(1, 3), whole=True)
    assert len(videos(new_db)) == 1
    acme.say(put(1), put(3), whole=True)
    assert len(videos(new_db)) == 2


def test_people_here_go_before_feeds(new_db, acme, bold):
    acme.say(put(1), put(2), put(3), same(1, 2))
    (video,) = new_db.videos.all(least_records=2)
    new_db.videos.split(video.id, [acme.id(2)])
    bold.say(same(9, 9, BOLD))  # of a record that nobody has
    assert len(videos(new_db)) == 3
    acme.say(same(1, 3), same(2, 3))  # by a detour
    assert not any({acme.id(1), acme.id(2)} <= one for one in videos(new_db))
    assert len(videos(new_db)) == 2
    one, other = (new_db.videos.of(acme.id(number))[0].id for number in (1, 2))
    new_db.videos.merge(one, [other])
    assert len(videos(new_db)) == 1


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.sampled_from([ACME, BOLD])), max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_the_order_in_which_records_and_statements_come_changes_nothing(tmp_path_factory, said, order):
    found = []
    statements = [(ACME, same(one, other, feed)) for one, other, feed in said]
    records = [(name, put(number if name == ACME else number + 10)) for name in (ACME, BOLD) for number in range(1, 5)]
    records = [(name, e.Put(rid((int(one.rid, 16) - 1) % 10 + 1), 1, one.signals, 8000, at=NOW)) for name, one in records]
    for shuffled in (False, True):
        with vhashdb.create(tmp_path_factory.mktemp("order") / "a.vhdb") as db:
            feeds = {name: Followed(db, name) for name in (ACME, BOLD)}
            events = records + statements
            if shuffled:
                order.shuffle(events)
            for name, some in itertools.groupby(events, key=lambda each: each[0]):
                feeds[name].say(*(event for _, event in some))
            found.append(videos(db))
            assert not db.store.problems()
    assert found[0] == found[1]
    of = {one: next(each for each in found[0] if one in each) for each in found[0] for one in each}
    for one, other, feed in said:
        assert of[record_id(ACME, rid(one))] == of[record_id(feed, rid(other))]


@given(st.lists(st.builds(same, st.integers(1, 2), st.integers(1, 2), st.just(ACME), still=st.booleans()), max_size=8))
def test_the_latest_statement_counts_and_a_snapshot_has_those_that_hold(events):
    state = FeedState()
    for seq, event in enumerate(events, 1):
        assert e.decode(e.encode(seq, event)) == (seq, event)
        state.apply(seq, event)
    latest = {(event.rid, event.other): (seq, event.same) for seq, event in enumerate(events, 1)}
    assert state.counting() == {seq for seq, holds in latest.values() if holds}


def test_a_feed_says_what_people_merged_of_records_that_it_gives_already(new_db, acme, tmp_path):
    ids = [new_db.add_many([(film(number), Details(reshare=True))]).__next__().id for number in (11, 12, 13)]
    acme.say(put(1))
    own = Feed(tmp_path, "ours")
    new_db.exchange.publishes("ours")

    def publish():
        pending = list(new_db.exchange.pending_events(own.publisher.entries(), now=NOW))
        own.publish(*pending)
        return pending

    video = [new_db.videos.of(one)[0].id for one in (*ids, acme.id(1))]
    new_db.videos.merge(video[0], [video[1], video[3]])
    assert {type(event) for event in publish()} == {e.Put}
    low = min(ids[:2])
    assert set(publish()) == {
        e.SameVideo(low, e.SharedId("ours", max(ids[:2])), at=NOW), e.SameVideo(ids[0], e.SharedId(ACME, rid(1)), at=NOW),
    }  # fmt: skip
    assert publish() == []
    new_db.videos.split(video[0], [ids[1]])
    assert publish() == [e.SameVideo(low, e.SharedId("ours", max(ids[:2])), same=False, at=NOW)]
