"""What leaves: own records, once, and nothing that was not meant to."""

import dataclasses
import datetime

import pytest

from tests.footage import fingerprint_of, random_hashes
from vhashdb.exchange import events as e
from vhashdb.exchange.outbox import Outbox
from vhashdb.exchange.signals import fingerprint_of as received
from vhashdb.exchange.state import FeedState, replay
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.store import Details, NewRecord, State, Store

PDQ = AlgorithmId("pdq", 256, 1)


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "records.sqlite", PDQ) as store:
        yield store


def add(store, seed=1, **details):
    return store.add(NewRecord(2.0, f"{seed:064x}", f"{seed:032x}", Details(**details)), fingerprint_of(random_hashes(seed, 8)))


def told(store, state=None, **options):
    outbox = Outbox(store.records(), store.fingerprint, state or FeedState(), **options)
    return list(outbox), outbox.refused


def after(*rounds):
    events = [event for events, _ in rounds for event in events]
    stamped = [dataclasses.replace(event, at=datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)) for event in events]
    return replay((seq, e.encode(seq, event), event) for seq, event in enumerate(stamped, 1))


def test_a_record_is_told_with_all_that_may_be_told(store):
    record = add(
        store, labels=("tvec",), severity="high", reason="why", reason_code="r-1", origin="court_order",
        policy="p 1", law="Art. 5", review_method="human",
        reviewers=2, max_action="log", tlp="green", first_seen=datetime.date(2026, 3, 9), expires=datetime.date(2030, 1, 1),
    )  # fmt: skip
    ((event,), refused) = told(store)
    assert not refused
    assert (event.rid, event.rev, event.duration_ms, event.labels) == (record.id, 1, 2000, ("tvec",))
    assert event.reason == e.Reason("r-1", "why")
    assert event.basis == e.Basis("court_order", "p 1", "Art. 5")
    assert (event.handling.max_action, event.share, event.first_seen) == ("log", e.Share("green", False), "2026-03")
    frames, *files = event.signals
    assert [signal.alg for signal in files] == ["sha256", "md5"]
    sent = store.fingerprint(record.id)
    assert received(frames, event.duration_ms) == dataclasses.replace(sent, width=0, height=0, damage=(), duration_s=2.0)


def test_nothing_is_told_twice_and_every_change_once(store):
    record = add(store)
    first = told(store)
    assert told(store, after(first)) == ([], [])
    store.relabel(record.id, add=["tvec"])
    second = told(store, after(first))
    assert [event.rev for event in second[0]] == [2]
    store.set_state(record.id, State.RETRACTED, reason="error", action="retract")
    third = told(store, after(first, second), reason="appeal")
    assert [(type(event), event.rev, event.reason) for event in third[0]] == [(e.Retract, 3, "appeal")]
    assert told(store, after(first, second, third)) == ([], [])


def test_what_stays_at_home(store):
    for seed, details in enumerate([{"source": "other.example"}, {"reshare": False}, {"tlp": "red"}], 1):
        add(store, seed, **details)
    held, gone = add(store, 5), add(store, 6)
    store.set_state(held.id, State.HELD, reason="x", action="hold")
    store.set_state(gone.id, State.RETRACTED, reason="x", action="retract")
    assert told(store) == ([], [])


def test_words_that_may_not_leave_keep_one_record_back(store):
    bad, good = add(store, 1, reason="from www.site"), add(store, 2)
    events, refused = told(store)
    assert [event.rid for event in events] == [good.id]
    assert [(rid, "URL" in why) for rid, why in refused] == [(bad.id, True)]


def test_what_is_erased_does_not_come_back(store):
    record = add(store)
    first = told(store)
    second = told(store, after(first), erase=frozenset({record.id}), reason="legal")
    assert [(type(event), event.erase, event.reason) for event in second[0]] == [(e.Retract, True, "legal")]
    state = after(first, second)
    store.relabel(record.id, add=["tvec"])
    assert told(store, state) == ([], [])
    assert told(store, state, erase=frozenset({record.id})) == ([], [])
    assert told(store, erase=frozenset({record.id})) == ([], [])  # what was never told needs no retraction
