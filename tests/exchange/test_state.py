"""The rules of a feed's state, one by one, and that a snapshot of it is as good as its history."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.exchange import events as e
from vhashdb.exchange.state import replay

from . import strategies as some

A, B = "a" * 32, "b" * 32
NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
SIGNAL = e.Signal("md5", "0" * 32, bits=128)

few = st.sampled_from([A, B])
low = st.integers(1, 4)
histories = st.lists(
    st.one_of(
        some.puts(few, low),
        some.retractions(few, low),
        some.opinions(few),
        some.allows(few),
        some.same_videos(few),
        st.builds(e.RevokeAllow, few, some.instants),
        st.builds(e.Note, st.just("x"), some.instants),
    ),
    max_size=15,
)


def entries(history):
    return [(seq, e.encode(seq, event), event) for seq, event in enumerate(history, 1)]


def put(rev, rid=A):
    return e.Put(rid, rev, (SIGNAL,), at=NOW)


def retract(rev, erase=False):
    return e.Retract(A, rev, "error", erase, NOW)


@pytest.mark.parametrize(
    ("history", "last"),
    [
        ([put(1), put(2)], 2),
        ([put(2), put(1)], 1),
        ([put(1), put(1)], 1),
        ([put(1), retract(2)], 2),
        ([put(1), retract(1)], 2),
        ([put(3), retract(2)], 1),
        ([put(3), retract(2, erase=True)], 2),
        ([put(1), retract(2), put(3)], 3),
        ([put(1), retract(2), put(2)], 2),
        ([put(1), retract(2, erase=True), put(3)], 2),
        ([retract(1)], 1),
        ([retract(5), put(1)], 1),
        ([retract(1, erase=True), retract(9)], 1),
    ],
)
def test_what_was_last_said_of_a_record(history, last):
    assert replay(entries(history)).records[A].seq == last


def test_opinions_and_allowances():
    on = e.Subject("b.example", B, 1)
    history = [e.Opinion(on, "agree", at=NOW), e.Allow(A, (SIGNAL,), at=NOW), e.Opinion(on, "outdated", at=NOW), e.RevokeAllow(A, at=NOW)]
    state = replay(entries(history))
    assert state.opinions == {("b.example", B): 3}
    assert not state.allowed
    assert list(replay(entries(history[:2])).allowed) == [A]


def test_what_is_not_understood_changes_nothing():
    assert replay([(1, b"", e.Unknown("bless")), (2, b"", e.Malformed("put", "?")), (3, b"", e.Redacted(A, "0" * 64))]) == replay([])


@given(histories, st.data())
def test_a_snapshot_is_as_good_as_the_history_before_it(history, data):
    cut = data.draw(st.integers(0, len(history)))
    whole = entries(history)
    counting = replay(whole[:cut]).counting()
    snapshot = replay(entry for entry in whole[:cut] if entry[0] in counting)
    assert snapshot == replay(whole[:cut])
    assert replay(whole[cut:], snapshot) == replay(whole)
