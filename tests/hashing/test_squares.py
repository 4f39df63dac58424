"""The grid of stored squares: where they lie, and which crops hold one whole."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.hashing.views import CROPS, SQUARE_SIDE, SQUARES, WHOLE_FRAME, Box, Region, stored_box

SHAPES = [(1080, 1920), (1000, 2390), (960, 1280)]
"""Height and width: 16:9, cinema and 4:3."""
sizes = st.integers(16, 4000)


def boxes(height, width):
    return [stored_box(region, height, width) for region in SQUARES]


def held(crop, height, width):
    """How many squares of a frame lie within a crop of it."""
    return sum(
        crop.left <= box.left + 1e-9 and crop.top <= box.top + 1e-9 and box.right <= crop.right + 1e-9 and box.bottom <= crop.bottom + 1e-9
        for box in boxes(height, width)
    )


def at(part_across, part_down, width, height):
    """A crop of a width and height, in shares of the frame, moved by shares of what it can be moved."""
    left, top = part_across * (1 - width), part_down * (1 - height)
    return Box(left, top, left + width, top + height)


def test_squares_are_where_they_have_always_been():
    """Stored hashes mean these places: a change of one is a change of the format."""
    assert [region.value for region in SQUARES] == list(range(40, 56))
    landscape = boxes(1080, 1920)
    assert (landscape[0].left, landscape[0].top) == pytest.approx((0.080313, 0.143), abs=1e-6)
    assert (landscape[5].left, landscape[5].top) == pytest.approx((0.337313, 0.264333), abs=1e-6)
    assert (landscape[15].left, landscape[15].top) == pytest.approx((0.722813, 0.507), abs=1e-6)
    assert (landscape[15].right - landscape[15].left, landscape[15].bottom - landscape[15].top) == pytest.approx((0.196875, 0.35))


@given(height=sizes, width=sizes)
def test_squares_are_square_and_within_the_frame_and_turn_with_it(height, width):
    for box, turned in zip(boxes(height, width), boxes(width, height), strict=True):
        assert 0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1
        side = SQUARE_SIDE * min(height, width)
        assert ((box.right - box.left) * width, (box.bottom - box.top) * height) == pytest.approx((side, side))
        if height != width:
            assert (turned.left, turned.top) == (box.top, box.left)


def test_no_two_squares_begin_at_the_same_place_along_the_longer_side():
    assert len({round(box.left, 6) for box in boxes(1080, 1920)}) == len(SQUARES)
    assert len({round(box.top, 6) for box in boxes(1080, 1920)}) == 4


shares = st.floats(0, 1)


@pytest.mark.parametrize(("height", "width"), [*SHAPES, *((w, h) for h, w in SHAPES)])
@given(across=shares, down=shares, area=st.floats(0.25, 1))
def test_every_crop_to_a_quarter_of_the_area_or_more_holds_a_whole_square(height, width, across, down, area):
    side = math.sqrt(area)
    assert held(at(across, down, side, side), height, width) >= (2 if area >= 0.36 else 1)


@pytest.mark.parametrize(("height", "width"), SHAPES)
@pytest.mark.parametrize("aspect", [1, 4 / 5, 9 / 16], ids=["square", "4:5", "9:16"])
@given(across=shares)
def test_every_cut_to_another_aspect_holds_a_whole_square(height, width, aspect, across):
    assert held(at(across, 0, aspect * height / width, 1), height, width) >= (1 if aspect < 0.8 else 2)


def test_how_many_random_crops_to_a_fifth_hold_a_square_is_known():
    """Smaller crops are not promised anything."""
    places = np.random.default_rng(0).uniform(size=(2000, 2))
    side = math.sqrt(0.2)
    assert 0.65 < np.mean([held(at(*place, side, side), 1080, 1920) > 0 for place in places]) < 0.75


def test_the_box_of_other_stored_regions_is_known_unless_it_depends_on_the_pictures():
    assert stored_box(Region.WHOLE, 1080, 1920) == WHOLE_FRAME
    assert stored_box(Region.CROP_CLOSE, 1080, 1920) == CROPS[Region.CROP_CLOSE]
    assert stored_box(Region.WITHIN_BARS, 1080, 1920) is None
