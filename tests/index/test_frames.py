"""`FrameIndex` in memory: whatever is added, removed, flushed and merged, it answers like a plain scan."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.examples import examples
from tests.footage import flipped, random_hashes
from tests.index.plain import kind_of, near, pairs, parts, scan
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.index import planning
from vhashdb.index.frames import FrameIndex
from vhashdb.index.kinds import RecordRows
from vhashdb.index.layers import Layer
from vhashdb.index.planning import TARGET_RECALL
from vhashdb.index.segment import build, merge

PDQ = AlgorithmId("pdq", 256, 1)


def held(records, bits=256):
    """A layer in memory."""
    return Layer.whole(build(records, kind_of(bits)))


def layered(records, bits=256):
    """An index with all of some records in one segment."""
    return FrameIndex(AlgorithmId("pdq", bits, 1), [held(records, bits)])


class AnyOrder(RuleBasedStateMachine):
    """Adding, removing, flushing and merging in any order."""

    asked_pairs = missed_pairs = 0

    @initialize(bits=st.sampled_from([64, 144, 256, 400]))
    def begin(self, bits):
        self.bits, self.model, self.next = bits, {}, 1
        self.index = FrameIndex(AlgorithmId("phash", bits, 1))

    def hashes(self, count, seed):
        base = random_hashes(seed, max(count, 1), self.bits // 8)[:count]
        return near(base, self.bits // 5, seed=self.next)

    @rule(count=st.integers(0, 30), seed=st.integers(0, 5))
    def add(self, count, seed):
        hashes = self.hashes(count, seed)
        self.index.add(RecordRows(self.next, self.next + 500, hashes))
        self.model[self.next] = hashes
        self.next += 1

    @precondition(lambda self: getattr(self, "model", None))
    @rule(data=st.data(), count=st.integers(0, 20), seed=st.integers(0, 5))
    def add_in_the_place_of_another(self, data, count, seed):
        record, hashes = data.draw(st.sampled_from(sorted(self.model))), self.hashes(count, seed)
        self.index.add(RecordRows(record, self.next + 500, hashes))
        self.model[record] = hashes
        self.next += 1

    @precondition(lambda self: getattr(self, "model", None))
    @rule(data=st.data())
    def remove(self, data):
        record = data.draw(st.sampled_from(sorted(self.model)))
        self.index.remove(record)
        self.index.remove(record)
        del self.model[record]

    @rule()
    def remove_what_is_not_there(self):
        self.index.remove(10_000)

    @precondition(lambda self: hasattr(self, "index") and self.index.memtable)
    @rule()
    def flush(self):
        self.index.flush([*self.index.layers, held(self.index.memtable, self.bits)])
        assert self.index.memtable == []

    @precondition(lambda self: hasattr(self, "index") and self.index.layers)
    @rule(data=st.data())
    def merge(self, data):
        old = data.draw(st.lists(st.sampled_from(self.index.layers), min_size=1, unique_by=id))
        alive = [~layer.tombstones for layer in old]
        made = []
        if any(a.any() for a in alive):
            segment = merge([layer.segment for layer in old], alive)
            made = [Layer.whole(segment)]
        going = [number for layer in old for number in layer.segment.records[~layer.tombstones, 0].tolist()]
        if going and data.draw(st.booleans()):  # a record is removed while the merge goes on
            self.index.remove(going[0])
            del self.model[going[0]]
        self.index.replace(old, made)
        assert not {id(layer.segment) for layer in old} & {id(layer.segment) for layer in self.index.layers}

    @rule(share=st.sampled_from([0, 0.02, 0.2, 0.25]), data=st.data())
    def search(self, share, data):
        self.compare(round(share * self.bits), np.array(data.draw(st.lists(st.booleans(), max_size=self.next + 2)), np.bool_))

    def compare(self, radius, where):
        asked = np.concatenate([random_hashes(seed, 30, self.bits // 8) for seed in range(6)])
        expected = scan(self.model, asked, radius)
        assert pairs(self.index.search(asked, radius, exact=True)) == expected
        allowed = [pair for pair in expected if pair[1] < len(where) and where[pair[1]]]
        assert pairs(self.index.search(asked, radius, where=where, exact=True)) == allowed
        with pytest.MonkeyPatch.context() as patched:  # as if comparing with everything cost too much
            patched.setattr(planning, "SCAN_COST", 1e9)
            by_keys = pairs(self.index.search(asked, radius))
        missed = list(expected)
        for pair in by_keys:
            missed.remove(pair)  # no other pairs, and none twice
        assert not [pair for pair in missed if pair[2] == 0]
        AnyOrder.asked_pairs += len(expected)
        AnyOrder.missed_pairs += len(missed)

    def teardown(self):
        if hasattr(self, "model"):
            self.compare(self.bits // 5, np.ones(self.next, np.bool_))

    @invariant()
    def counts_agree(self):
        if hasattr(self, "model"):
            assert len(self.index) == sum(len(hashes) for hashes in self.model.values())
            assert sorted(self.index.numbers.tolist()) == sorted(record for record, hashes in self.model.items() if len(hashes))
            assert all((self.index.fingerprint(record) is not None) == (len(hashes) > 0) for record, hashes in self.model.items())
            assert self.index.fingerprint(self.next) is None


def test_any_order_of_changes_answers_like_a_plain_scan_and_keys_miss_no_more_than_stated():
    AnyOrder.asked_pairs = AnyOrder.missed_pairs = 0
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=examples(60), stateful_step_count=25, deadline=None))
    assert AnyOrder.asked_pairs > examples(60) * 30
    assert AnyOrder.missed_pairs <= (1 - TARGET_RECALL) * AnyOrder.asked_pairs


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 1000), st.booleans())
@settings(max_examples=examples(60))
def test_the_radius_is_inclusive(radius, distance, seed, flushed):
    stored = random_hashes(seed, 1)
    index = layered([RecordRows(7, 3, stored)]) if flushed else FrameIndex(PDQ)
    index.add(RecordRows(7, 3, stored))
    for exact in (True, False):
        found = pairs(index.search(flipped(stored, distance, seed), radius, exact=exact))
        assert found == ([(0, 7, distance)] if distance <= radius else [])


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("flushed", [True, False])
def test_searching_nothing_or_in_nothing_finds_nothing(flushed, exact):
    index = FrameIndex(PDQ)
    assert pairs(index.search(random_hashes(1, 3), 256, exact=exact)) == []
    index = layered(parts(1, [3])) if flushed else index
    index.add(parts(1, [3])[0])
    assert pairs(index.search(random_hashes(1, 0), 256, exact=exact)) == []
    assert len(pairs(index.search(random_hashes(2, 2), 256, exact=exact))) == 6
    assert len(pairs(index.search(random_hashes(2, 2), 300, exact=exact))) == 6


@pytest.mark.parametrize("bits", [64, 256, 1024])
@pytest.mark.parametrize("radius", [0, 1, 8, 31, 64])
def test_hashes_within_a_radius_are_found_among_many(bits, radius):
    records = parts(3, [2000] * 10, bits // 8)
    index = layered(records, bits)
    asked = flipped(np.concatenate([part.values[:4] for part in records]), min(radius, bits), seed=1)
    expected = {(query, 1 + query // 4, radius) for query in range(40)}
    missed = expected - set(pairs(index.search(asked, radius)))
    assert len(missed) <= (radius > 8)  # at the edge of a radius, one in two hundred may be
    assert set(pairs(index.search(asked, radius))) <= set(pairs(index.search(asked, radius, exact=True)))


def test_a_removed_record_is_gone_at_once_and_others_stay():
    index = layered(parts(1, [50] * 4))
    index.add(parts(9, [50], first=9)[0])
    for record in (2, 9):
        index.remove(record)
        assert record not in np.unique(index.search(random_hashes(1, 1), 256).record)
    assert sorted(np.unique(index.search(random_hashes(1, 1), 256).record).tolist()) == [1, 3, 4]
    assert index.layers[0].rows == 150
    assert index.layers[0].segment.rows == 200


def test_searching_goes_on_while_others_add_remove_flush_and_merge():
    """A record that is there all along is found each time, exactly once."""
    index = layered(parts(1, [20] * 3))
    stays = index.layers[0].segment
    asked = parts(1, [20] * 3)[1].values
    stop, wrong = threading.Event(), []

    def search():
        while not stop.is_set():
            hits = index.search(asked, 0)
            if sorted(hits.query[hits.record == 2].tolist()) != list(range(20)):
                wrong.append(pairs(hits))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(10, 130):
        index.add(RecordRows(number, number, random_hashes(number, 30)))
        if number % 3 == 0:
            index.remove(number - 1)
        if number % 5 == 0:
            index.flush([*index.layers, held(index.memtable)])
        if number % 20 == 0:
            old = list(index.layers)
            segment = merge([layer.segment for layer in old], [~layer.tombstones for layer in old])
            index.replace(old, [Layer.whole(segment)])
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert index.layers[0].segment is not stays


@pytest.mark.parametrize("in_memtable", [False, True])
def test_a_glance_finds_what_many_hashes_are_near(in_memtable):
    stored = random_hashes(1, 3000)
    records = [RecordRows(number + 1, number + 1, stored[10 * number : 10 * number + 10]) for number in range(300)]
    index = FrameIndex(PDQ) if in_memtable else layered(records)
    for record in records if in_memtable else ():
        index.add(record)
    near = np.concatenate([flipped(stored[:500], 30, seed=2), random_hashes(3, 5000)])
    assert not len(index.glance(near[:0], 40).record)  # a record of hashes of the file alone
    hits = index.glance(near, 40)
    assert (hits.distance <= 40).all()
    assert np.unique(hits.query).max() < 500  # nothing unrelated is near
    assert len(np.unique(hits.query)) > 0.8 * 500  # computed: 0.88, of tables with keys of 16 bits
    assert (hits.record == hits.query // 10 + 1).all()
    allowed = np.zeros(301, np.bool_)
    allowed[7] = True
    assert set(index.glance(near, 40, where=allowed).record.tolist()) == {7}
    index.remove(7)
    assert not len(index.glance(near, 40, where=allowed).record)
