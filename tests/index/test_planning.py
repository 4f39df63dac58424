"""Planning: probe parameters find what they are said to find, and their cost decides."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from tests.footage import flipped, random_hashes
from vhashdb.index.permutation import keys, permute, tables_of
from vhashdb.index.planning import (
    FEW_HASHES,
    MAX_WORD_LOSS,
    MIN_RECALL_FEW,
    MIN_RECALL_MANY,
    NEAR_TIMES,
    TARGET_RECALL,
    ProbeParams,
    choose_strategy,
    cost,
    recall,
    strategy_in,
    target_recall,
    word_limit,
)

PAIRS = 4000


def found_of(bits, params, distance, seed):
    """Share of pairs at a distance of which some real key differs in few enough bits."""
    left = random_hashes(seed, PAIRS, bits // 8)
    left_permuted, right_permuted = permute(left), permute(flipped(left, distance, seed))
    found, tables = np.zeros(PAIRS, bool), tables_of(bits)
    for table in range(0, tables, params.stride):
        changed = keys(left_permuted, table, tables, params.width) ^ keys(right_permuted, table, tables, params.width)
        found |= np.bitwise_count(changed) <= params.nflip
    return found.mean()


@pytest.mark.parametrize(
    ("bits", "distance", "params"),
    [
        (16, 3, ProbeParams(8, 1)), (64, 9, ProbeParams(8, 0)), (64, 12, ProbeParams(20, 2)),
        (144, 29, ProbeParams(16, 1)), (144, 20, ProbeParams(23, 1)), (256, 31, ProbeParams(16, 0)),
        (256, 40, ProbeParams(21, 1)), (256, 52, ProbeParams(8, 0)), (256, 52, ProbeParams(17, 1)),
        (256, 52, ProbeParams(24, 2)), (256, 64, ProbeParams(18, 2)), (256, 31, ProbeParams(21, 1, 2)),
        (256, 40, ProbeParams(12, 0, 4)), (256, 52, ProbeParams(24, 2, 4)), (1024, 208, ProbeParams(22, 2, 2)),
        (400, 81, ProbeParams(19, 1)), (1024, 208, ProbeParams(12, 0)), (1024, 208, ProbeParams(22, 2)),
    ],
    ids=str,
)  # fmt: skip
def test_recall_is_what_real_keys_find(bits, distance, params):
    said, found = recall(bits, params, distance), found_of(bits, params, distance, seed=7)
    assert 0.003 < said < 0.9999  # or the comparison says nothing
    assert found == pytest.approx(said, abs=4.5 * math.sqrt(said * (1 - said) / PAIRS))


@pytest.mark.parametrize("bits", [64, 144, 256, 400, 1024])
def test_fewer_changes_than_tables_leave_a_substring_unchanged(bits):
    for distance in range(tables_of(bits)):
        assert recall(bits, ProbeParams(16, 0), distance) == pytest.approx(1)
    tables = tables_of(bits)
    one_in_each = 16**tables / math.comb(bits, tables)
    assert 1 - recall(bits, ProbeParams(16, 0), tables) == pytest.approx(one_in_each, rel=1e-6, abs=1e-14)


@pytest.mark.parametrize("bits", [16, 64, 144, 256, 400, 1024, 1600])
def test_recall_grows_with_flips_and_falls_with_distance_and_width(bits):
    distances = [0, 1, bits // 16, bits // 8, bits // 5, bits // 4, bits // 2, bits]
    for width in (8, 13, 16, 17, 24):
        table = np.array([[recall(bits, ProbeParams(width, nflip), distance) for distance in distances] for nflip in range(3)])
        assert ((table >= 0) & (table <= 1)).all()
        assert table[:, 0] == pytest.approx(1)
        assert (np.diff(table, axis=0) > -1e-9).all()
        assert (np.diff(table, axis=1) < 1e-9).all()
    for nflip in range(3):
        by_width = [recall(bits, ProbeParams(width, nflip), bits // 5) for width in range(8, 17)]
        assert (np.diff(by_width) < 1e-9).all()


@pytest.mark.parametrize("bits", [16, 64, 144, 256, 400, 1024, 1600])
def test_one_word_loses_as_little_as_stated_and_no_limit_could_be_tighter(bits):
    word = min(64, bits)
    for radius in sorted({0, 1, 5, 12, bits // 8, bits // 5, bits // 4, bits}):
        cases = [math.comb(word, k) * math.comb(bits - word, radius - k) if k <= radius else 0 for k in range(word + 1)]
        limit = word_limit(bits, radius)
        assert sum(cases[limit + 1 :]) / sum(cases) <= MAX_WORD_LOSS
        assert limit == 0 or sum(cases[limit:]) / sum(cases) > MAX_WORD_LOSS


@dataclass(frozen=True)
class Even:
    """A segment whose keys are all equally common."""

    rows: int
    width: int = 20

    def bucket_size(self, width):
        return 1 + self.rows / (1 << width)


def found_by(segments, radius, asked):
    params = choose_strategy(segments, 256, radius, asked)
    return 1.0 if params is None else recall(256, params, radius)


def test_a_small_index_is_compared_with_everything():
    assert choose_strategy([Even(20_000)], 256, 52, 1) is None
    assert choose_strategy([Even(10_000)] * 2, 256, 64, 1000) is None


@pytest.mark.parametrize("rows", [10**5, 10**6, 10**7])
@pytest.mark.parametrize("radius", [0, 15, 31, 40, 52, 64])
def test_few_hashes_are_searched_for_surely_within_every_radius(rows, radius):
    assert found_by([Even(rows)], radius, 1) >= TARGET_RECALL


@pytest.mark.parametrize("rows", [10**5, 10**6, 10**7, 10**8])
def test_few_hashes_find_nearly_all_that_is_near_and_many_most_of_it(rows):
    """Whatever it costs: beyond the usual sizes, too."""
    segments = [Even(min(rows, 1 << 24), 21)] * max(1, rows >> 24)
    for radius in (31, 40, 52, 64):
        for asked, least in ((FEW_HASHES, MIN_RECALL_FEW), (FEW_HASHES + 1, MIN_RECALL_MANY), (10_000, MIN_RECALL_MANY)):
            params = choose_strategy(segments, 256, radius, asked)
            assert params is None or recall(256, params, 31) >= least


def test_a_copy_that_shows_several_times_is_missed_as_rarely_as_one_that_shows_once():
    for times in (1, 2, NEAR_TIMES, NEAR_TIMES + 5):
        assert (1 - target_recall(times)) ** min(times, NEAR_TIMES) == pytest.approx(1 - TARGET_RECALL)
    large = [Even(1 << 21, 18)]
    price = [cost(large[0], 256, choose_strategy(large, 256, 52, 60, times)) for times in (1, 60)]
    assert price[1] < price[0] / 3


def test_many_hashes_are_searched_for_as_cheaply_as_what_is_near_at_a_few_times_allows():
    large = [Even(10**6)]
    once, twice, often = (choose_strategy(large, 256, 52, 600, times) for times in (1, 2, NEAR_TIMES))
    assert recall(256, twice, 31) >= target_recall(2)
    assert recall(256, often, 31) >= target_recall(NEAR_TIMES)
    assert cost(large[0], 256, often) < cost(large[0], 256, twice) < cost(large[0], 256, once)


def test_every_other_table_is_left_out_only_of_all_sixteen():
    for bits in (64, 144):
        for asked in (1, 1000):
            params = choose_strategy([Even(10**6)], bits, bits // 5, asked)
            assert params is None or params.stride == 1


def test_the_more_is_asked_the_less_each_hash_may_cost():
    shares = [found_by([Even(1 << 24, 21)] * 6, 64, asked) for asked in (1, 10, 100, 1000, 10_000)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.95
    assert 0 < shares[-1] < 0.5


def test_a_segment_is_compared_whole_where_that_costs_less():
    params = ProbeParams(16, 1)
    assert strategy_in(Even(100), 256, params) is None
    assert strategy_in(Even(10**7), 256, params) == params


def test_a_table_of_shorter_keys_tries_no_longer_ones():
    assert ProbeParams(20, 2).limited_to(11) == ProbeParams(11, 2)
    assert ProbeParams(9, 1).limited_to(11) == ProbeParams(9, 1)
    assert [ProbeParams(10, nflip).probes for nflip in range(3)] == [1, 11, 56]
