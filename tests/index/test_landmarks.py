"""Landmarks are looked up exactly: what a dictionary has under a key, no more and no less, and how much of it there is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.examples import examples
from tests.index.plain import landmarks, looked_up, parts, triples
from vhashdb.index import landmarks as module
from vhashdb.index import segment as segments
from vhashdb.index.kinds import KEY_SHIFT, Landmarks, RecordRows
from vhashdb.index.landmarks import LandmarkIndex, LandmarkSnapshot, blocks_of
from vhashdb.index.layers import Layer
from vhashdb.index.segment import build, merge

KIND = Landmarks()


def held(records):
    """A layer in memory."""
    return Layer.whole(build(records, KIND))


def keys_of(values):
    return (values >> KEY_SHIFT).astype(np.uint32)


def some_keys(seed=1):
    """Every key that `landmarks` uses, and some that nothing has."""
    return np.concatenate([np.unique(keys_of(landmarks(seed, 5000))), np.array([0, 1, 0x5A0001, 0xFFFFFF], np.uint32)])


class AnyOrder(RuleBasedStateMachine):
    """Adding, removing, flushing and merging in any order."""

    hits = 0

    @initialize()
    def begin(self):
        self.model, self.next, self.index = {}, 1, LandmarkIndex()

    @rule(count=st.integers(0, 60))
    def add(self, count):
        self.put(self.next, count)

    @precondition(lambda self: getattr(self, "model", None))
    @rule(data=st.data(), count=st.integers(0, 20))
    def add_in_the_place_of_another(self, data, count):
        self.put(data.draw(st.sampled_from(sorted(self.model))), count)

    def put(self, record, count):
        values = landmarks(self.next, count)
        self.index.add(RecordRows(record, self.next + 500, values))
        self.model[record] = values
        self.next += 1

    @precondition(lambda self: getattr(self, "model", None))
    @rule(data=st.data())
    def remove(self, data):
        record = data.draw(st.sampled_from(sorted(self.model)))
        self.index.remove(record)
        del self.model[record]

    @precondition(lambda self: hasattr(self, "index") and self.index.memtable)
    @rule()
    def flush(self):
        self.index.flush([*self.index.layers, held(self.index.memtable)])

    @precondition(lambda self: hasattr(self, "index") and self.index.layers)
    @rule(data=st.data())
    def merge(self, data):
        old = data.draw(st.lists(st.sampled_from(self.index.layers), min_size=1, unique_by=id))
        alive = [~layer.tombstones for layer in old]
        made = [Layer.whole(merge([layer.segment for layer in old], alive))] if any(a.any() for a in alive) else []
        self.index.replace(old, made)

    @invariant()
    def answers_like_a_dictionary(self):
        if hasattr(self, "model"):
            asked, snapshot = some_keys(), self.index.snapshot()
            expected = looked_up(self.model, asked)
            assert triples(snapshot.look_up(asked)) == expected
            assert snapshot.frequency(asked).tolist() == np.bincount([q for q, *_ in expected], minlength=len(asked)).tolist()
            assert len(self.index) == sum(len(values) for values in self.model.values())
            where = np.arange(self.next // 2) % 3 > 0
            allowed = [hit for hit in expected if hit[1] < len(where) and where[hit[1]]]
            assert triples(snapshot.look_up(asked, where=where)) == allowed
            AnyOrder.hits += len(expected)


def test_any_order_of_changes_answers_like_a_dictionary():
    AnyOrder.hits = 0
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=examples(40), stateful_step_count=20, deadline=None))
    assert AnyOrder.hits > examples(40) * 100


@given(st.integers(0, 100), st.lists(st.integers(1, 3000), min_size=1, max_size=6), st.integers(8, 24), st.integers(1, 1 << 20))
@settings(max_examples=examples(40), deadline=None)
def test_whatever_the_width_of_buckets_rows_of_a_key_stand_together_in_order(seed, counts, width, keys):
    records = [RecordRows(i, i, landmarks(seed + i, count, keys, 0)) for i, count in enumerate(counts)]
    segment = build(records, KIND, width=width)
    assert segment.is_consistent()
    assert segment.width == width
    key = keys_of(segment.words[:, 0])
    assert np.array_equal(segment.tables[0], np.argsort(key, kind="stable"))
    asked = np.unique(np.concatenate([key[:50], np.random.default_rng(seed).integers(0, 1 << 24, 50, dtype=np.uint32)]))
    snapshot, expected = LandmarkSnapshot((Layer.whole(segment),), 0), looked_up({each.record: each.values for each in records}, asked)
    for small in (0, segment.rows):  # whether its keys are held in memory, or read where they lie
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, "_SMALL", small)
            assert triples(snapshot.look_up(asked)) == expected


def test_what_is_merged_is_what_is_built_of_the_same_records():
    groups = [parts(seed, [300, 40, 7], first=10 * seed, kind=KIND) for seed in (1, 2, 3)]
    merged = merge([build(group, KIND) for group in groups], [np.ones(3, np.bool_)] * 3)
    whole = build([part for group in groups for part in group], KIND)
    assert all(np.array_equal(getattr(merged, name), getattr(whole, name)) for name in ("words", "records", "tables", "begins"))


def test_records_of_all_sizes_are_copied_in_blocks_without_a_seam(monkeypatch):
    records = parts(4, [10, 1, 700, 33, 90], kind=KIND)
    whole = build(records, KIND)
    monkeypatch.setattr(segments, "_AT_ONCE", 50)
    again = build(records, KIND)
    assert all(np.array_equal(getattr(again, name), getattr(whole, name)) for name in ("words", "records", "tables", "begins"))


def test_a_key_that_is_asked_twice_is_answered_twice_and_nothing_asked_finds_nothing():
    index = LandmarkIndex([held(parts(1, [50], kind=KIND))])
    key = keys_of(landmarks(1000, 50))[:1]
    once, twice = index.snapshot().look_up(key), index.snapshot().look_up(np.repeat(key, 2))
    assert len(once.query)
    assert sorted(twice.landmark.tolist()) == sorted(once.landmark.tolist() * 2)
    assert twice.query.tolist().count(1) == len(once.query)
    for snapshot in (index.snapshot(), LandmarkIndex().snapshot()):
        nothing = snapshot.look_up(np.zeros(0, np.uint32))
        assert (nothing.query.dtype, nothing.record.dtype, nothing.landmark.dtype) == (np.int64, np.int64, np.uint64)
        assert triples(nothing) == []
        assert snapshot.frequency(np.zeros(0, np.uint32)).tolist() == []


@pytest.mark.parametrize("key", [1 << 24, 0xFFFFFFFF])
def test_a_key_of_too_many_bits_is_an_error(key):
    index = LandmarkIndex([held(parts(1, [50], kind=KIND))])
    with pytest.raises(ValueError, match="24 bits"):
        index.snapshot().frequency(np.array([key], np.uint32))


def test_a_snapshot_stays_as_it_is():
    index = LandmarkIndex([held(parts(1, [50, 50], kind=KIND))])
    index.add(parts(7, [30], first=9, kind=KIND)[0])
    asked, snapshot = some_keys(), index.snapshot()
    before = triples(snapshot.look_up(asked))
    index.remove(1)
    index.remove(9)
    index.add(parts(8, [30], first=10, kind=KIND)[0])
    assert triples(snapshot.look_up(asked)) == before
    assert {record for _, record, _ in triples(index.snapshot().look_up(asked))} == {2, 10}


def test_other_versions_of_landmarks_have_no_rows(reference_prints):
    print_ = reference_prints["harbour"]
    values = landmarks(1, 20)
    from vhashdb.sound import SPEC, SoundFingerprint

    assert np.array_equal(KIND.values_of(replace(print_, sound=SoundFingerprint(values, 3600.0))), values)
    assert not len(KIND.values_of(replace(print_, sound=SoundFingerprint(values, 3600.0, SPEC + 1))))
    assert not len(KIND.values_of(replace(print_, sound=None)))


# -- which keys are looked up ----------------------------------------------------------------------


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(0, 60), st.integers(0, 600), st.integers(1, 80))
@settings(max_examples=examples(200))
def test_the_rarest_keys_are_looked_up_within_the_budget_in_blocks_of_bounded_size(counts, most, budget, block):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "BLOCK", block)
        frequency = np.array(counts, np.int64)
        chosen = list(blocks_of(frequency, most, budget))
    flat = [int(index) for part in chosen for index in part]
    assert len(set(flat)) == len(flat)
    assert all(0 < counts[index] <= most for index in flat)
    assert sum(counts[index] for index in flat) <= budget
    assert all(len(part) == 1 or frequency[part].sum() <= block for part in chosen)
    left = sorted(counts[index] for index in range(len(counts)) if index not in flat and 0 < counts[index] <= most)
    assert [counts[index] for index in flat] == sorted(counts[index] for index in flat)
    assert not left or (sum(counts[index] for index in flat) + left[0] > budget and left[0] >= max([0, *(counts[i] for i in flat)]))


# -- damage ----------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from(["tables", "begins", "words"]), st.sampled_from([0, 1000]))
@settings(max_examples=examples(80))
def test_damage_costs_an_error_or_a_miss_and_never_a_wrong_key(seed, name, small):
    random = np.random.default_rng(seed)
    whole = build(parts(6, [300, 200], kind=KIND), KIND)
    damaged = np.ascontiguousarray(getattr(whole, name)).copy()
    raw = damaged.reshape(-1).view(np.uint8)
    raw[random.integers(0, len(raw) - 4, 5)] ^= random.integers(1, 256, 5, dtype=np.uint8)
    snapshot, asked = LandmarkSnapshot((Layer.whole(replace(whole, **{name: damaged})),), 0), some_keys()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_SMALL", small)
        try:
            snapshot.frequency(asked)
            hits = snapshot.look_up(asked)
        except IndexError:
            return
    assert np.array_equal(keys_of(hits.landmark), asked[hits.query])


def test_a_check_finds_a_record_that_is_not_held_as_it_should_be():
    records = parts(3, [80, 90], kind=KIND)
    index = LandmarkIndex([held(records)])
    assert all(index.confirms(record) for record in records)
    assert not index.confirms(replace(records[0], values=records[0].values[:-1]))
    assert not index.confirms(replace(records[0], fingerprint=7))
    assert not index.confirms(replace(records[0], record=5))
    index.remove(1)
    assert not index.confirms(records[0])


def test_a_check_reads_no_stop_landmarks(monkeypatch):
    (record,) = parts(3, [80], kind=KIND)
    index, read = LandmarkIndex([held([record])]), []
    look_up = LandmarkSnapshot.look_up
    monkeypatch.setattr(LandmarkSnapshot, "look_up", lambda self, keys: read.append(self.frequency(keys).tolist()) or look_up(self, keys))
    for most in (0, 2):
        monkeypatch.setattr(module, "MOST", most)
        assert index.confirms(record)
    assert read[0] == []
    assert 0 < max(read[1]) <= 2
