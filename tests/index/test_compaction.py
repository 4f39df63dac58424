"""Compaction: segments stay few and not too large, and removed hashes give their space back."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from vhashdb.index import compaction
from vhashdb.index.compaction import FANOUT, MAX_DELETED_SHARE, next_merge

SMALLEST, LARGEST = 10, 1000


@dataclass(frozen=True)
class Sized:
    rows: int


@dataclass(frozen=True, eq=False)
class Weight:
    """A layer as the compaction policy sees it: hashes that can be found, and all."""

    rows: int
    segment: Sized = field(default=Sized(0))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(compaction, "MEMTABLE_ROWS", SMALLEST)
    monkeypatch.setattr(compaction, "MAX_SEGMENT_ROWS", LARGEST)


def layer(rows, of=None):
    return Weight(rows, Sized(rows if of is None else of))


def settled(layers):
    """What is left when every merge that is due was done, and how often each hash was written for it."""
    written, rounds = 0, 0
    while some := next_merge(layers):
        rows = sum(each.rows for each in some)
        assert len({id(each) for each in some}) == len(some) <= FANOUT
        assert rows <= max(LARGEST, some[0].rows)
        layers = [each for each in layers if each not in some] + ([layer(rows)] if rows else [])
        written, rounds = written + rows, rounds + 1
        assert rounds < 10_000
    return layers, written


@given(st.lists(st.tuples(st.integers(0, LARGEST), st.integers(0, 400)), max_size=40))
@settings(max_examples=examples(200))
def test_merging_comes_to_an_end_and_keeps_every_hash(sizes):
    layers = [layer(rows, rows + removed) for rows, removed in sizes if rows + removed]
    left, _ = settled(layers)
    assert sum(each.rows for each in left) == sum(each.rows for each in layers)
    for each in left:
        assert 0 < each.rows <= LARGEST
        assert each.rows >= (1 - MAX_DELETED_SHARE) * each.segment.rows


@given(st.lists(st.integers(SMALLEST, 3 * SMALLEST), min_size=1, max_size=400))
@settings(max_examples=examples(30))
def test_segments_stay_few_and_each_hash_is_written_seldom(batches):
    layers, written, added = [], 0, 0
    for rows in batches:
        layers, more = settled([*layers, layer(rows)])
        written, added = written + more, added + rows
        tiers = 1 + np.log(LARGEST / SMALLEST) / np.log(FANOUT)
        assert len(layers) <= (FANOUT - 1) * tiers + 2 * added / LARGEST + 1
    assert written <= added * (tiers + 3)


def test_segments_of_like_size_are_merged_four_at_a_time():
    assert next_merge([layer(12)] * 3) == []
    four = [layer(rows) for rows in (12, 14, 11, 19)]
    assert sorted(each.rows for each in next_merge(four)) == [11, 12, 14, 19]
    assert next_merge([*four[:3], layer(200)]) == []


def test_a_segment_of_which_much_was_removed_is_written_anew_alone():
    worn, others = layer(79, 100), [layer(12)] * 4
    assert next_merge([*others, worn]) == [worn]
    assert next_merge([layer(81, 100)]) == []
    empty = layer(0, 5)
    assert next_merge([empty]) == [empty]


def test_no_merge_is_larger_than_the_largest_segment():
    assert next_merge([layer(900), layer(800), layer(700)]) == []
    two = [layer(450), layer(440)]
    assert next_merge([*two, layer(999)]) in (two, two[::-1])
