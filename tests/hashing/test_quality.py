"""Quality of any part of a picture: the sums looked up are the steps counted."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.footage import picture, thumbnail_of
from vhashdb.hashing.quality import Steps
from vhashdb.hashing.views import WHOLE_FRAME, Box

EDGES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
BOXES = st.builds(lambda x, y: Box(x[0], y[0], max(x[1], x[0] + 0.01), max(y[1], y[0] + 0.01)), EDGES, EDGES)


def thumbnails_of(seed, count=3, points=24):
    rng = np.random.default_rng(seed)
    soft = [thumbnail_of(picture(seed + i, 128, 128, points)[..., 0].copy()) for i in range(count - 1)]
    return np.stack([*soft, rng.integers(0, 256, (128, 128), dtype=np.uint8)])  # noise: steps of any size


def counted(points, box, without=()):
    """Every step between two neighbouring points within the box, and not within what is left out, one by one."""
    side = len(points)

    def inside(region, row, column):
        top, left = min(round(region.top * side), side - 2), min(round(region.left * side), side - 2)
        bottom, right = max(round(region.bottom * side), top + 2), max(round(region.right * side), left + 2)
        return top <= row < bottom and left <= column < right

    across = down = 0
    for row in range(side):
        for column in range(side):
            for near_row, near_column in ((row, column + 1), (row + 1, column)):
                if near_row == side or near_column == side:
                    continue
                times = sum(inside(r, row, column) and inside(r, near_row, near_column) for r in without)
                times = inside(box, row, column) * inside(box, near_row, near_column) - times
                step = abs(int(points[near_row, near_column]) - int(points[row, column])) * 100 // 255
                if near_row == row:
                    across += times * step
                else:
                    down += times * step
    total = max(0, across) / (box.right - box.left) + max(0, down) / (box.bottom - box.top)
    return min(100, int(total / 90))


@given(BOXES, st.integers(0, 100))
@settings(max_examples=examples(25))
def test_the_quality_of_a_box_is_its_steps_counted_one_by_one(box, seed):
    thumbnails = thumbnails_of(seed)
    expected = [counted(thumbnail[::2, ::2], box) for thumbnail in thumbnails]
    assert np.abs(Steps(thumbnails).quality(box).astype(int) - expected).max() <= 1  # a sum just at a whole number


@given(st.floats(0, 0.6), st.floats(0, 0.6), st.integers(0, 100))
@settings(max_examples=examples(15))
def test_what_is_left_out_does_not_count(left, top, seed):
    hidden = Box(left, top, left + 0.3, top + 0.3)
    thumbnails = thumbnails_of(seed)
    expected = [counted(thumbnail[::2, ::2], WHOLE_FRAME, (hidden,)) for thumbnail in thumbnails]
    assert np.abs(Steps(thumbnails).quality(WHOLE_FRAME, [hidden]).astype(int) - expected).max() <= 1


def test_a_logo_on_a_flat_picture_is_no_quality_without_it():
    thumbnails = np.full((2, 128, 128), 90, np.uint8)
    logo = Box(0.1, 0.1, 0.4, 0.4)
    thumbnails[:, 16:48, 16:48] = np.random.default_rng(1).integers(0, 256, (2, 32, 32))
    assert Steps(thumbnails).quality(WHOLE_FRAME).min() >= 50
    assert Steps(thumbnails).quality(WHOLE_FRAME, [logo]).max() == 0


def test_leaving_out_everything_twice_is_zero_and_not_less():
    assert Steps(thumbnails_of(1)).quality(WHOLE_FRAME, [WHOLE_FRAME, WHOLE_FRAME]).tolist() == [0, 0, 0]


@given(BOXES, st.integers(1, 7))
@settings(max_examples=examples(30))
def test_every_third_thumbnail_is_every_third_of_the_qualities(box, step):
    thumbnails = thumbnails_of(7, 12)
    steps = Steps(thumbnails)
    assert np.array_equal(steps.every(step).quality(box), steps.quality(box)[::step])
    assert np.array_equal(steps.every(step).quality(box), Steps(thumbnails[::step]).quality(box))


def test_the_smallest_part_and_the_last_corner_have_a_quality():
    steps = Steps(thumbnails_of(3))
    for box in (Box(0.999, 0.999, 1, 1), Box(0, 0, 0.001, 0.001), Box(0.5, 0, 0.501, 1)):
        assert steps.quality(box).shape == (3,)
