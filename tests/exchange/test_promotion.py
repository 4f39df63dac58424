"""Staging and promotion lead to the state that a plain replay of the events leads to, however they are cut and interrupted."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from vhashdb.exchange import events as e
from vhashdb.exchange.incoming import Incoming, record_id
from vhashdb.exchange.state import FeedState
from vhashdb.store import State
from vhashdb.store.staging import Reached, Staging

from .feeds import NOW, put, retract, rid

FEW = st.integers(1, 4)
revisions = st.integers(1, 5)
event = st.one_of(
    st.builds(lambda n, rev, label: put(n, rev, labels=(label,)), FEW, revisions, st.sampled_from("abc")),
    st.builds(retract, FEW, revisions, st.booleans()),
    st.builds(lambda n, verdict: e.Opinion(e.Subject("bold", rid(n), 1), verdict, "metadata", "", NOW), FEW, st.sampled_from(e.VERDICTS)),
    st.builds(lambda n: e.Allow(rid(n), (e.Signal("sha256", f"{n:064x}", 256),), at=NOW), FEW),
    st.builds(lambda n: e.RevokeAllow(rid(n), NOW), FEW),
)
batches = st.lists(st.lists(event, max_size=8), min_size=1, max_size=5)


class Applied:
    """A database to which batches of one feed are applied."""

    def __init__(self, db):
        self.db, self.feeds, self.staging = db, db.exchange.feeds, Staging(db.store)
        self.feed = self.staging.begin(self.feeds.add("acme", url="nowhere", root=b"", trust="block"))
        self.seq = 0

    def stage(self, events, split=3):
        for start in range(0, len(events), split):
            batch = Incoming(self.feed.number, "acme", self.db.algorithm, lambda fingerprints: [()] * len(fingerprints))
            for place, one in enumerate(events[start : start + split], self.seq + start + 1):
                batch.take(place, one)
            batch.finish()
            self.staging.stage(self.feed, batch.records, batch.stubs, batch.opinions, batch.allows)

    def apply(self, events, **more):
        self.feed = self.staging.begin(self.feed)
        self.stage(events)
        self.seq += len(events)
        return self.staging.promote(self.feed, Reached(1, self.seq, "00", 1, **more))

    def said(self):
        """Records as (rid, revision, labels or None); opinions; allow-list."""
        with self.db.store.transactions.reading() as connection:
            rows = connection.exec_driver_sql("SELECT o.rid, o.rev, o.withdrawn, o.erased, o.record FROM origin o ORDER BY rid").all()
            spoken = connection.exec_driver_sql("SELECT on_rid, verdict FROM opinion ORDER BY on_rid").all()
            allowed = connection.exec_driver_sql("SELECT rid FROM allow WHERE NOT revoked ORDER BY rid").all()
        records = {}
        for name, rev, withdrawn, erased, number in rows:
            record = self.db.store.by_number([number])[number] if number else None
            assert bool(withdrawn) == (record is None or record.state is State.RETRACTED)
            records[name] = (rev, bool(withdrawn), bool(erased), None if withdrawn else record.labels)
        return records, dict(map(tuple, spoken)), [row[0] for row in allowed]


def plainly(events):
    state = FeedState()
    for seq, one in enumerate(events, 1):
        state.apply(seq, one)
    records = {}
    for name, last in sorted(state.records.items()):
        records[name] = (last.rev, last.retracted, last.erased, None if last.retracted else events[last.seq - 1].labels)
    spoken = {on[1]: events[seq - 1].verdict for on, seq in sorted(state.opinions.items())}
    return records, spoken, sorted(state.allowed)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches, st.data())
def test_any_events_in_any_batches_with_any_interruption_are_a_plain_replay(tmp_path_factory, batches, data):
    with vhashdb.create(tmp_path_factory.mktemp("replay") / "a.vhdb") as db:
        applied = Applied(db)
        for events in batches:
            if data.draw(st.booleans()):  # killed while staging: what was staged is begun again
                applied.feed = applied.staging.begin(applied.feed)
                applied.stage(events[: len(events) // 2])
            applied.apply(events)
        assert applied.said() == plainly([one for events in batches for one in events])


@pytest.fixture
def applied(new_db):
    return Applied(new_db)


def test_what_a_whole_state_does_not_say_is_retracted(applied):
    applied.apply([put(1), put(2), e.Allow(rid(9), (e.Signal("sha256", "0" * 64, 256),), at=NOW)])
    done = applied.apply([put(2)], whole=True)
    assert (done.added, done.changed, done.retracted) == (0, 0, 1)
    records, _, allowed = applied.said()
    assert [withdrawn for _, withdrawn, _, _ in records.values()] == [True, False]
    assert allowed == []
    assert applied.apply([put(1, rev=2)]).changed == 1  # its publisher may bring it back
    assert not applied.said()[0][rid(1)][1]


def test_a_new_history_begins_its_revisions_again_but_what_was_erased_stays_so(applied):
    applied.apply([put(1, rev=5), put(2, rev=5), retract(2, rev=6, erase=True)])
    applied.apply([put(1, labels=("new",)), put(2)], whole=True, anew=True)
    assert applied.said()[0] == {rid(1): (1, False, False, ("new",)), rid(2): (0, True, True, None)}


def test_a_record_of_another_feed_with_the_same_rid_is_another_record(applied):
    applied.apply([put(1)])
    other = applied.staging.begin(applied.feeds.add("bold", url="nowhere", root=b"", trust="block"))
    batch = Incoming(other.number, "bold", applied.db.algorithm, lambda fingerprints: [()] * len(fingerprints))
    batch.take(1, retract(1, rev=99, erase=True))
    batch.take(2, put(2))
    applied.staging.stage(other, batch.records, batch.stubs, batch.opinions, batch.allows)
    applied.staging.promote(other, Reached(1, 2, "00", 1))
    assert applied.db.get(record_id("acme", rid(1))).state is State.ACTIVE
    assert record_id("acme", rid(2)) != record_id("bold", rid(2))


def test_of_two_syncs_at_once_only_the_later_one_promotes(applied):
    first = applied.staging.begin(applied.feed)
    second = applied.staging.begin(applied.feed)
    batch = Incoming(applied.feed.number, "acme", applied.db.algorithm, lambda fingerprints: [()] * len(fingerprints))
    batch.take(1, put(1))
    with pytest.raises(vhashdb.errors.FeedBusy):
        applied.staging.stage(first, batch.records, [], [], [])
    applied.staging.stage(second, batch.records, [], [], [])
    with pytest.raises(vhashdb.errors.FeedBusy):
        applied.staging.promote(first, Reached(1, 1, "00", 1))
    assert applied.staging.promote(second, Reached(1, 1, "00", 1)).added == 1


def test_a_test_record_never_matches(applied):
    applied.apply([dataclasses.replace(put(1), test=True, signals=(e.Signal("sha256", "a" * 64, 256),))])
    assert applied.db.store.by_sha256("a" * 64) is None


def test_every_write_has_a_change_of_its_own_for_the_index(applied):
    applied.apply([put(n) for n in range(20)])
    before = applied.db.store.changes.last()
    applied.apply([retract(n) for n in range(5)] + [put(7, rev=2), put(30)])
    changes = [change.change for change in applied.db.store.changes.since(before)]
    assert changes == list(range(before + 1, before + 8))


def test_what_was_erased_here_does_not_come_back_with_a_later_version(applied):
    applied.apply([put(1, labels=("tvec",))])
    record = record_id("acme", rid(1))
    applied.db.retract(record, reason="not for us", erase=True)
    applied.apply([put(1, rev=2, labels=("tvec",), reason=e.Reason(text="again"))])
    blank = applied.db.get(record)
    assert (blank.state, blank.labels, blank.reason, blank.md5) == (State.RETRACTED, (), "", None)


def test_a_local_retraction_survives_what_the_publisher_says_later(applied):
    applied.apply([put(1)])
    record = record_id("acme", rid(1))
    applied.db.retract(record, reason="not for us")
    applied.apply([put(1, rev=2)])
    applied.apply([retract(1, rev=3)])
    applied.apply([put(1, rev=4)])
    assert applied.db.get(record).state is State.RETRACTED
