"""The benchmark of the index: what it fills an index with is as described, and what it counts is what there is."""

import numpy as np
import pytest
from numpy.random import default_rng

from bench import crowd, index, live
from tests.footage import fingerprint_of, random_hashes

POOL = random_hashes(1, 500)


def test_realistic_hashes_come_in_runs_of_alike_neighbours():
    block = next(crowd.realistic(POOL, default_rng(1)))
    assert block.shape == (crowd.BLOCK, 32)
    assert 110 < np.bitwise_count(block[1:2001] ^ block[:2000]).sum(axis=1).mean() < 140  # these donors' neighbours are unlike
    same = np.repeat(POOL[:1], 500, axis=0)  # a donor that stands still: neighbours differ in their own noise and at the ends of runs
    still = next(crowd.realistic(same, default_rng(1)))[:2001]
    near = np.bitwise_count(still[1:] ^ still[:-1]).sum(axis=1)
    assert np.median(near) == pytest.approx(2 * 4, abs=2)
    assert 1 / 20 < np.mean(near > 20) < 1 / 3


def test_altered_changes_so_many_bits():
    hashes = random_hashes(2, 300)
    changed = np.bitwise_count(hashes ^ crowd.altered(hashes, (3, 9), default_rng(1))).sum(axis=1)
    assert set(changed.tolist()) == set(range(3, 10))


def test_uniform_hashes_are_coin_tosses():
    bits = np.unpackbits(next(crowd.uniform(default_rng(1)))[:10_000], axis=1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.03


def test_masks_take_whole_rows_or_whole_columns():
    masks = crowd.rows_or_columns(200, default_rng(1)).view(np.uint16)
    rows = np.isin(masks, (0, 0xFFFF)).all(axis=1)
    columns = (masks == masks[:, :1]).all(axis=1)
    assert (rows | columns).all()
    assert rows.any()
    assert columns.any()


@pytest.mark.parametrize("kind", ["realistic", "uniform"])
def test_an_index_is_measured_against_the_scan(kind, tmp_path):
    seen = index.search(kind, 60_000, POOL, tmp_path)
    assert seen.frame_recall > 0.97
    assert seen.same_candidates > 0.9
    assert 90 < seen.bytes_each < 120
    assert 0 < seen.shared_bytes_each < seen.reader_bytes_each


def test_recall_counts_what_was_found_of_what_there_is():
    truth = index.Hits(np.array([0, 0, 60, 61]), np.array([1, 2, 3, 3]), np.zeros(4, np.int32))
    all_of_it = index.Hits(np.array([0, 0]), np.array([1, 2]), np.zeros(2, np.int32))
    half = index.Hits(np.array([0]), np.array([3]), np.zeros(1, np.int32))
    assert index.recall_of([all_of_it, half], truth) == (0.75, 1.0)
    assert index.recall_of([half, all_of_it], truth) == (0.75, 0.0)


def test_peers_find_what_they_are_said_to(capsys):
    index.print_peers(20_000, iter([next(crowd.uniform(default_rng(1)))[:20_000]]))
    lines = {line.split(" | ")[0]: line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")}
    assert lines["| FAISS IndexBinaryFlat (scan)"][3] == "1.0000"
    assert float(lines["| vhashdb"][3]) > 0.98


def test_a_record_of_hashes_is_stored_and_found(new_db):
    hashes = random_hashes(9, 700)
    live.add(new_db.store, hashes)
    assert new_db.match(fingerprint_of(hashes[:40])).matches[0].record.reason == "made up"
