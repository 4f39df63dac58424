"""Segments: compared whole they find what a plain scan finds, by keys exactly what the keys say."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.footage import random_hashes
from tests.index.plain import SIZES, kind_of, known, near, parts, scan
from vhashdb.hashing.bits import distances
from vhashdb.index import probing
from vhashdb.index import segment as segments
from vhashdb.index.kinds import RecordRows
from vhashdb.index.permutation import keys, permute, tables_of, unkeyed_word
from vhashdb.index.planning import ProbeParams, recall, word_limit
from vhashdb.index.probing import search
from vhashdb.index.segment import IndexSegment, build, merge

PARAMS = [ProbeParams(width, nflip, stride) for width in (8, 9, 12, 16, 17, 24) for nflip in range(3) for stride in (1, 2, 4)]


def found(segment, asked, radius, params):
    """``(query, record, distance)`` of each hit, sorted, as `plain.scan` has them."""
    hits = search(segment, permute(asked), radius, params)
    record = segment.records[segment.position_of(hits.row), 0]
    rows = list(zip(hits.query.tolist(), hits.row.tolist(), strict=True))
    assert len(set(rows)) == len(rows)
    return sorted(zip(hits.query.tolist(), record.tolist(), hits.distance.tolist(), strict=True))


def reached(segment, hashes, asked, radius, params):
    """Whether each pair, asked × stored, is one that probing finds, computed from the keys of all."""
    tables, params = tables_of(segment.kind.bits), params.limited_to(segment.width)
    left, right = permute(asked), permute(hashes)
    tried = np.zeros((len(asked), len(hashes)), bool)
    for table in range(0, tables, params.stride):
        of_left, of_right = (keys(permuted, table, tables, params.width) for permuted in (left, right))
        word = unkeyed_word(table, segment.kind.words)
        likely = np.bitwise_count(left[:, word, None] ^ right[:, word]) <= word_limit(segment.kind.bits, radius)
        tried |= likely & (np.bitwise_count(of_left[:, None] ^ of_right) <= params.nflip)
    return tried & (distances(asked, hashes) <= radius)


def equal(left, right):
    return all(np.array_equal(getattr(left, f.name), getattr(right, f.name)) for f in fields(IndexSegment))


@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("share", [0, 1 / 16, 1 / 5, 1 / 4, 1])
def test_compared_whole_it_finds_what_a_plain_scan_finds(bits, share):
    records = parts(bits, [3, 1, 40, 7], bits // 8)
    stored = np.concatenate([part.values for part in records])
    asked = np.concatenate([near(stored, bits // 4, 1), random_hashes(5, 5, bits // 8)])
    radius = round(share * bits)
    expected = scan(known(records), asked, radius)
    assert found(build(records, kind_of(bits)), asked, radius, None) == expected
    assert expected or not share


@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_by_keys_it_finds_exactly_what_the_keys_say(bits, params):
    records = parts(bits, [30, 1, 200, 69], bits // 8)
    stored = np.concatenate([part.values for part in records])
    segment = build(records, kind_of(bits))
    asked = near(stored[::20], bits // 4, 2)
    for radius in (0, bits // 16, bits // 5):
        hits = search(segment, permute(asked), radius, params)
        table = np.zeros((len(asked), len(stored)), bool)
        table[hits.query, hits.row] = True
        assert np.array_equal(table, reached(segment, stored, asked, radius, params))
        assert len(hits.query) == table.sum()
        assert np.array_equal(hits.distance, distances(asked, stored)[hits.query, hits.row])


@given(st.integers(0, 100), st.lists(st.integers(1, 400), min_size=1, max_size=12), st.sampled_from(PARAMS), st.integers(0, 64))
@settings(max_examples=examples(40))
def test_whatever_is_in_it_keys_find_no_more_and_no_less(seed, counts, params, radius):
    records = parts(seed, counts)
    stored = np.concatenate([part.values for part in records])
    stored[::3] = near(stored[:1], 20, seed).repeat(len(stored[::3]), axis=0)  # one picture shown again and again: full buckets
    bounds = np.cumsum(counts)[:-1]
    records = [replace(part, values=hashes) for part, hashes in zip(records, np.split(stored, bounds), strict=True)]
    asked = near(stored[:: max(1, len(stored) // 10)], 60, seed)
    expected = scan(known(records), asked, radius)
    hits = found(build(records, kind_of(256)), asked, radius, params)
    assert len(hits) == reached(build(records, kind_of(256)), stored, asked, radius, params).sum()
    assert set(hits) <= set(expected)


@pytest.mark.parametrize(
    "params", [ProbeParams(16, 0), ProbeParams(17, 1), ProbeParams(21, 2), ProbeParams(15, 1, 2), ProbeParams(12, 0, 4)], ids=str
)
@pytest.mark.parametrize("radius", [31, 52, 64])
def test_it_finds_the_share_that_planning_promises(params, radius):
    stored = random_hashes(1, 40_000)
    segment = build([RecordRows(1, 1, stored)], kind_of(256))
    sample = stored[::20]
    unpacked = np.unpackbits(sample, axis=1)
    random = np.random.default_rng(3)
    for row in unpacked:
        row[random.choice(256, radius, replace=False)] ^= 1
    hits = search(segment, permute(np.packbits(unpacked, axis=1)), radius, params)
    share = len(np.unique(hits.query[hits.row == hits.query * 20])) / len(sample)
    here = params.limited_to(segment.width)
    promised = recall(256, here, radius)
    assert share == pytest.approx(promised, abs=4.5 * (promised * (1 - promised) / len(sample)) ** 0.5 + 2e-3)


def test_many_asked_hashes_are_answered_like_each_alone(monkeypatch):
    monkeypatch.setattr(probing, "_MAX_PROBES", 3000)
    monkeypatch.setattr(probing, "_BLOCK", 100)
    stored = random_hashes(1, 3000)
    segment, asked, params = build([RecordRows(5, 6, stored)], kind_of(256)), near(stored[:90], 40, 1), ProbeParams(9, 1)
    alone = [(q, *rest) for q, one in enumerate(asked) for _, *rest in found(segment, one[None], 90, params)]
    assert found(segment, asked, 90, params) == sorted(alone)
    assert len(alone) >= 90


@pytest.mark.parametrize("params", [None, ProbeParams(16, 0)], ids=str)
def test_nothing_asked_or_nothing_near_finds_nothing(params):
    segment = build(parts(1, [50]), kind_of(256))
    assert found(segment, random_hashes(9, 4), 10, params) == []
    if params is None:
        assert found(segment, random_hashes(9, 0), 10, params) == []


# -- building and merging --------------------------------------------------------------------------


@pytest.mark.parametrize("bits", SIZES)
def test_each_table_has_every_row_once_in_the_order_of_its_keys(bits):
    segment = build(parts(bits, [100, 5, 1, 900], bits // 8), kind_of(bits))
    assert segment.is_consistent()
    assert segment.counts.tolist() == [100, 5, 1, 900]
    for table, (rows, begins) in enumerate(zip(segment.tables, segment.begins, strict=True)):
        assert sorted(rows.tolist()) == list(range(1006))
        key = keys(segment.words, table, tables_of(bits), segment.width)[rows].astype(int)
        assert (np.diff(key) >= 0).all()
        assert np.array_equal(begins, np.searchsorted(key, np.arange((1 << segment.width) + 1)))


def test_keys_get_longer_as_segments_grow_and_stay_within_bounds():
    widths = [build([RecordRows(1, 1, random_hashes(1, rows))], kind_of(256)).width for rows in (1, 1000, 3000, 20_000, 100_000)]
    assert widths == [8, 8, 9, 12, 14]


@given(st.integers(0, 50), st.lists(st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=6), min_size=1, max_size=4))
@settings(max_examples=examples(40))
def test_merging_gives_what_building_of_the_records_left_gives(seed, groups):
    many = [parts(seed + i, [count for count, _ in group], first=100 * i + 1) for i, group in enumerate(groups)]
    alive = [np.array([keep for _, keep in group]) for group in groups]
    left = [part for group, kept in zip(many, alive, strict=True) for part, keep in zip(group, kept, strict=True) if keep]
    if left:
        merged = merge([build(group, kind_of(256)) for group in many], alive)
        assert equal(merged, build(left, kind_of(256)))
        assert merged.is_consistent()


def test_records_of_all_sizes_are_permuted_in_blocks_without_a_seam(monkeypatch):
    records = parts(4, [10, 1, 700, 33, 90])
    whole = build(records, kind_of(256))
    monkeypatch.setattr(segments, "_AT_ONCE", 50)
    assert equal(build(records, kind_of(256)), whole)


def test_buckets_are_as_full_as_they_are_said_to_be():
    hashes = random_hashes(2, 20_000)
    hashes[:5000, :] = hashes[0]
    segment = build([RecordRows(1, 1, hashes)], kind_of(256))
    for width in (8, 10, 12, 20):
        here = min(width, segment.width)
        key = keys(segment.words, 0, 16, here)
        counts = np.bincount(key)
        assert segment.statistics.bucket_size(width) == pytest.approx((counts.astype(float) ** 2).sum() / len(hashes), rel=0.15)


# -- damage ----------------------------------------------------------------------------------------


@pytest.fixture
def sound():
    return build(parts(6, [300, 200]), kind_of(256))


@pytest.mark.parametrize("array", ["tables", "begins"])
def test_tables_that_name_what_is_not_there_are_an_error(sound, array):
    damaged = getattr(sound, array).copy()
    damaged[:, 3:-3] ^= 0x8000_0000
    with pytest.raises(IndexError):
        search(replace(sound, **{array: damaged}), permute(random_hashes(1, 50)), 64, ProbeParams(8, 1))


@given(st.integers(0, 10_000))
@settings(max_examples=examples(60))
def test_whatever_is_in_damaged_tables_costs_an_error_or_a_miss_and_little_memory(seed):
    random = np.random.default_rng(seed)
    whole = build(parts(6, [300, 200]), kind_of(256))
    asked = near(random_hashes(6000, 300)[::10], 30, seed)
    for name in ("tables", "begins"):
        damaged = getattr(whole, name).copy().view(np.uint8)
        at = random.integers(0, damaged.shape[1] - 4, 40)  # the end is looked at on opening
        damaged[random.integers(0, len(damaged), 40), at] ^= random.integers(1, 256, 40, dtype=np.uint8)
        broken = replace(whole, **{name: damaged.view(np.uint32)})
        try:
            hits = set(found(broken, asked, 40, ProbeParams(8, 1)))
        except IndexError:
            continue
        assert hits <= set(found(whole, asked, 40, None))


@pytest.mark.parametrize(
    "change",
    [
        {"words": np.zeros((500, 3), np.uint64)},
        {"words": np.zeros((500, 4), np.int64)},
        {"words": np.zeros((499, 4), np.uint64)},
        {"records": np.array([[1, 1, 0], [2, 2, 500]])},
        {"records": np.array([[1, 1, 0], [2, 2, 0]])},
        {"records": np.array([[1, 1, 4], [2, 2, 300]])},
        {"records": np.zeros((0, 3), np.int64)},
        {"tables": np.zeros((15, 500), np.uint32)},
        {"tables": np.zeros((16, 500), np.uint64)},
        {"begins": np.zeros((16, 257), np.uint32)},
        {"begins": np.full((16, 256), 500, np.uint32)},
    ],
    ids=lambda change: next(f"{name} {value.shape}" for name, value in change.items()),
)
def test_arrays_that_are_not_of_one_segment_do_not_fit(sound, change):
    assert sound.is_consistent()
    assert not replace(sound, **change).is_consistent()
