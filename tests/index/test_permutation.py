"""Permuting bits into substrings: nothing is lost, distances stay, and keys are what the tables are said to be sorted by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.footage import random_hashes
from tests.index.plain import SIZES, near
from vhashdb.hashing.bits import distances, paired_distances
from vhashdb.index.permutation import MAX_KEY_BITS, SUBSTRING_BITS, keys, permute, tables_of, words_of


def single_bits(bits):
    """All hashes with one bit set, in order."""
    return np.packbits(np.eye(bits, dtype=np.uint8), axis=1)


@pytest.mark.parametrize("bits", SIZES)
def test_no_bit_is_lost(bits):
    permuted = permute(single_bits(bits))
    assert permuted.shape == (bits, words_of(bits))
    assert (np.bitwise_count(permuted).sum(axis=1) == 1).all()
    assert len(np.unique(permuted, axis=0)) == bits


@given(st.sampled_from(SIZES), st.integers(0, 1000), st.integers(0, 40))
def test_distances_stay_what_they_are(bits, seed, changed):
    left = random_hashes(seed, 9, bits // 8)
    right = near(left, min(changed, bits), seed)
    assert np.array_equal(np.bitwise_count(permute(left) ^ permute(right)).sum(axis=1), paired_distances(left, right))
    assert np.array_equal(distances(permute(left).view(np.uint8), permute(right).view(np.uint8)), distances(left, right))


@pytest.mark.parametrize("count", [0, 1, (1 << 15) - 1, 1 << 15, (1 << 15) + 1])
def test_many_hashes_are_permuted_like_each_alone(count):
    hashes = random_hashes(3, count)
    permuted = permute(hashes)
    some = [i for i in (0, 1, count // 2, count - 1) if 0 <= i < count]
    assert permuted.shape == (count, 4)
    assert np.array_equal(permuted[some], np.concatenate([permute(hashes[:0]), *(permute(hashes[i : i + 1]) for i in some)]))


def test_hashes_need_not_lie_together_in_memory():
    wide = random_hashes(1, 10, 64)
    assert np.array_equal(permute(wide[:, :32]), permute(wide[:, :32].copy()))
    assert np.array_equal(permute(wide[::2, 32:]), permute(wide[::2, 32:].copy()))


def test_a_substring_has_one_bit_of_each_row_and_each_column_of_the_matrix():
    permuted = permute(single_bits(256)).view(np.uint16)
    for substring in range(16):
        rows, columns = np.divmod(np.flatnonzero(permuted[:, substring]), 16)
        assert sorted(rows) == sorted(columns) == list(range(16))


@pytest.mark.parametrize("bits", SIZES)
def test_each_bit_of_the_substrings_in_use_is_in_one_key(bits):
    tables = tables_of(bits)
    permuted = permute(single_bits(bits))
    used = sum(keys(permuted, table, tables, SUBSTRING_BITS) != 0 for table in range(tables))
    assert used.max() == 1
    assert used.sum() == tables * SUBSTRING_BITS
    assert tables == min(16, bits // 16)


@pytest.mark.parametrize("bits", [bits for bits in SIZES if bits > SUBSTRING_BITS])
def test_a_wide_key_borrows_the_beginning_of_one_other_substring(bits):
    tables = tables_of(bits)
    permuted = permute(single_bits(bits))
    for width in (SUBSTRING_BITS + 1, 24, MAX_KEY_BITS):
        used = sum(keys(permuted, table, tables, width) != 0 for table in range(tables))
        assert used.max() == 2
        assert (used == 2).sum() == tables * (width - SUBSTRING_BITS)


@given(st.sampled_from(SIZES), st.integers(1, MAX_KEY_BITS), st.integers(0, 1000))
def test_a_shorter_key_is_the_beginning_of_a_longer_one(bits, width, seed):
    tables = tables_of(bits)
    permuted = permute(random_hashes(seed, 20, bits // 8))
    for table in range(tables):
        longest = keys(permuted, table, tables, MAX_KEY_BITS)
        assert np.array_equal(keys(permuted, table, tables, width), longest >> np.uint32(MAX_KEY_BITS - width))
