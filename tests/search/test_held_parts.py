"""A crop of which no stored part has much by itself is found by all parts together, on the line of time that they say."""

import numpy as np
import pytest
from PIL import Image

from tests.footage import picture, thumbnail_of
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Box, Region, View, square_box
from vhashdb.hashing.warping import Warper, boxed
from vhashdb.matching.comparison import compare_pictures
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.verdict import Verdict
from vhashdb.search.held_parts import held_entries, side_by_side

HEIGHT, WIDTH, COUNT, RATE = 180, 320, 64, 8
TIMES = np.arange(COUNT) / RATE
LATER_S = 3.0
"""The query begins so much later than the reference."""
CROP = Box(0.25, 0.1, 0.95, 0.8)
HELD = [Region.SQUARE_6, Region.SQUARE_7, Region.SQUARE_10, Region.SQUARE_11]


@pytest.fixture(scope="module")
def scene():
    """Frames of a wide picture that a camera pans over while it changes."""
    wide, other = (pdq.luma_of_rgb(picture(seed, HEIGHT, WIDTH + 4 * 96, points=40)) for seed in (3, 4))
    return [(wide * (1 - n / 96) + other * (n / 96))[:, 4 * n : 4 * n + WIDTH] for n in range(96)]


def cut(frame, box):
    rows, columns = (
        slice(round(a * size), round(b * size)) for a, b, size in ((box.top, box.bottom, HEIGHT), (box.left, box.right, WIDTH))
    )
    return frame[rows, columns]


@pytest.fixture(scope="module")
def reference(scene):
    """One entry a second of each square, at times of their own, each lasting a quarter of a second."""
    entries = [
        (region, second + 0.125 * number, cut(scene[8 * second + number], square_box(region, HEIGHT, WIDTH)))
        for number, region in enumerate(HELD)
        for second in range(12 - 1)
    ]
    hashes = np.stack([pdq.hash_luma(np.asarray(Image.fromarray(part.astype(np.float32))))[0] for _, _, part in entries])
    start_s, codes = np.array([at for _, at, _ in entries]), np.array([View(region).code for region, _, _ in entries], np.uint16)
    return Fingerprint(Pdq.id, start_s, start_s + 0.25, hashes, np.full(len(entries), 100, np.uint8), codes, 12.0, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def held(scene, reference):
    first = round(LATER_S * RATE)
    warper = Warper(np.stack([thumbnail_of(np.round(cut(frame, CROP)).astype(np.uint8)) for frame in scene[first : first + COUNT]]))
    transforms = np.broadcast_to(np.linalg.inv(boxed(CROP)), (COUNT, 3, 3))
    return warper, transforms, held_entries(warper, TIMES, transforms, reference)


def test_the_line_of_time_is_the_one_on_which_most_entries_are_near(held, reference):
    _, _, entries = held
    assert {View.from_code(int(code)).region for code in reference.view[entries.entry]} == set(HELD)
    assert np.abs(reference.start_s[entries.entry] - entries.query_s - LATER_S).max() <= 0.13
    assert np.median(entries.bits) < 40


def test_parts_with_an_entry_a_second_are_a_match_side_by_side(held, reference):
    warper, transforms, entries = held
    buffers = warper.samples(entries.frame, transforms[entries.frame] @ np.array(
        [boxed(square_box(View.from_code(int(code)).region, HEIGHT, WIDTH)) for code in reference.view[entries.entry]]
    ))  # fmt: skip
    query = Fingerprint(Pdq.id, TIMES[:0], TIMES[:0], reference.hash[:0], reference.quality[:0], reference.view[:0], COUNT / RATE, 224, 126)
    hashes, quality = pdq.bits_of(pdq.coefficients_of(buffers)), np.full(len(buffers), 100, np.uint8)
    both = side_by_side(entries, hashes, quality, query, reference, View(HELD[0]))
    assert both is not None
    assert both.parts == len(HELD)
    found = compare_pictures(both.query, both.reference, config=MatchingConfig.of(Pdq.id), parts=both.parts)
    assert found.judgement.verdict is Verdict.MATCH
    (segment,) = found.segments
    assert segment.bits == Pdq.id.bits
    assert segment.median_bits < 40
    assert segment.reference_start_s - segment.query_start_s == pytest.approx(LATER_S, abs=0.2)


def test_frames_that_hold_no_part_say_nothing(held, reference):
    warper, transforms, _ = held
    assert held_entries(warper, TIMES, transforms @ boxed(Box(2.0, 2.0, 3.0, 3.0)), reference) is None
