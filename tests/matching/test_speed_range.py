"""How exactly a segment says its speed."""

from dataclasses import replace

import numpy as np
import pytest

import vhashdb
from tests.footage import fingerprint_of, flipped, random_hashes


def at_speed(known, speed, seed):
    """A lively video as it is recorded, looked at through another speed, with some bits of each picture changed."""
    asked = replace(known, hash=flipped(known.hash, 12, seed))
    return replace(asked, start_s=known.start_s / speed, end_s=known.end_s / speed, duration_s=known.duration_s / speed)


@pytest.mark.parametrize("speed", [0.8, 1.25, 1.5])
def test_a_lively_video_says_its_speed_exactly(speed):
    known = fingerprint_of(random_hashes(1, 120))
    (found,) = vhashdb.compare(at_speed(known, speed, 2), known).segments
    low, high = found.speed_range
    assert low - 0.005 <= speed <= high + 0.005
    assert low <= found.speed <= high
    assert found.speed_is_exact
    assert found.speed_words == f"× {found.speed:.2f}"


def test_the_shorter_it_is_the_wider_the_range():
    widths = []
    for pictures in (16, 40, 120):
        known = fingerprint_of(random_hashes(3, pictures))
        (found,) = vhashdb.compare(at_speed(known, 1.25, 4), known).segments
        low, high = found.speed_range
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2 * widths[-1]


def test_at_normal_speed_there_is_none():
    known = fingerprint_of(random_hashes(5, 60))
    (found,) = vhashdb.compare(known, known).segments
    assert found.speed_range is None
    assert found.speed_is_exact


def test_a_wide_range_is_said():
    known = fingerprint_of(random_hashes(6, 60))
    (found,) = vhashdb.compare(at_speed(known, 1.25, 7), known).segments
    wide = replace(found, speed=1.25, speed_range=(1.2, 1.31))
    assert not wide.speed_is_exact
    assert wide.speed_words == "about × 1.25 (1.20 to 1.31)"
    assert np.isclose(wide.speed_cost, found.config.speed_cost)
