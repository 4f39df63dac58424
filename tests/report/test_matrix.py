"""The map marks what is alike, where it is alike, in little text."""

import re

import numpy as np
import pytest

import vhashdb
from tests.footage import fingerprint_of, flipped, random_hashes
from vhashdb.report.matrix import FEWEST_CELLS, MOST_CELLS, MOST_CHARACTERS, matrix


def cells(drawn):
    """The marked cells of each class, nearest first, as (x, y)."""
    marked = []
    for path in reversed(drawn.shades):
        runs = [tuple(map(int, run)) for run in re.findall(r"M(\d+) (\d+)h(\d+)", path)]
        assert "".join(f"M{x} {y}h{n}" for x, y, n in runs) == path
        marked.append({(x + i, y) for x, y, n in runs for i in range(n)})
    return marked


def test_a_copy_is_a_line_of_marks_where_it_is():
    known = random_hashes(3, 256)  # 64 s
    query, reference = fingerprint_of(flipped(known[64:192], 10)), fingerprint_of(known)
    segments = vhashdb.compare(query, reference).segments
    drawn = matrix(query, reference, segments, (0, 32), (0, 64))
    near, middle, far = cells(drawn)
    assert (drawn.columns, drawn.rows) == (64, 64)
    assert not middle | far  # 10 bits are near
    assert near == {(x, 63 - (16 + x // 2)) for x in range(64)}
    ((x1, y1, x2, y2),) = drawn.lines
    assert (x1, y1, x2, y2) == pytest.approx((0, 48, 64, 16), abs=1)


def test_classes_are_by_likeness():
    known = random_hashes(4, 160)
    query, reference = fingerprint_of(np.concatenate([flipped(known[:80], 5), flipped(known[80:], 45)])), fingerprint_of(known)
    near, _, far = cells(matrix(query, reference, vhashdb.compare(query, reference).segments, (0, 40), (0, 40)))
    assert near and far
    assert max(x for x, _ in near) <= min(x for x, _ in far)


def test_only_the_shown_part_is_drawn():
    known = random_hashes(5, 200)
    query = fingerprint_of(known)
    whole = matrix(query, query, vhashdb.compare(query, query).segments, (0, 50), (0, 50))
    part = matrix(query, query, vhashdb.compare(query, query).segments, (10, 20), (30, 40))
    assert set().union(*cells(whole))
    assert not set().union(*cells(part))


def test_a_busy_map_gets_coarser_until_it_is_small():
    stills = np.repeat(random_hashes(6, 7), 60, axis=0)
    query = fingerprint_of(np.random.default_rng(0).permutation(stills))
    drawn = matrix(query, query, vhashdb.compare(query, query).segments, (0, 105), (0, 105))
    assert (drawn.columns, drawn.rows) < (MOST_CELLS[0], MOST_CELLS[0])
    assert sum(map(len, drawn.shades)) <= MOST_CHARACTERS


def test_cells_are_about_square_in_time_so_that_a_line_is_not_torn():
    query, known = fingerprint_of(random_hashes(7, 80)), fingerprint_of(random_hashes(7, 40))
    drawn = matrix(query, known, vhashdb.compare(query, known).segments, (0, 20), (0, 10))
    assert (drawn.columns, drawn.rows) == (57, 28)
    short = matrix(query, known, (), (0, 0.04), (0, 10))
    assert short.columns == FEWEST_CELLS
