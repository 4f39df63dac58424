"""Where something lies in a frame, in words, and how it is turned."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.hashing.outline import Outline
from vhashdb.hashing.pdq import SIDE
from vhashdb.hashing.view_transforms import orient, tilt
from vhashdb.hashing.views import HALVES, ONCE_STORED, TILTS, Box, Orientation, Region

WIDE = 16 / 9


def boxed(left, top, right, bottom, orientation=Orientation.UPRIGHT, *, degrees=0.0, aspect=WIDE):
    return Outline.from_box(Box(left, top, right, bottom), orientation, degrees=degrees, aspect=aspect)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((0, 0, 1, 1), "whole picture"),
        ((0.01, 0.01, 0.99, 0.99), "whole picture"),
        ((0.06, 0.06, 0.94, 0.94), "centre 88%"),
        ((0.15, 0.15, 0.85, 0.85), "centre 70%"),
        ((0.3, 0.1, 0.7, 0.9), "centre, 40% wide and 80% high"),
        ((0, 0, 0.5, 1), "left half"),
        ((0.5, 0, 1, 1), "right half"),
        ((0, 0, 1, 0.5), "upper half"),
        ((0, 0.5, 1, 1), "lower half"),
        ((0, 0, 1, 0.34), "upper third"),
        ((0, 2 / 3, 1, 1), "lower third"),
        ((0, 0, 0.34, 1), "left third"),
        ((0.75, 0, 1, 1), "right quarter"),
        ((0, 0, 1, 0.66), "upper two thirds"),
        ((0.25, 0, 1, 1), "right three quarters"),
        ((0, 0, 1, 0.85), "upper 85% of the height"),
        ((0, 0.22, 1, 1), "lower 78% of the height"),
        ((0, 0.125, 1, 0.875), "middle 75% of the height"),
        ((0.34, 0, 0.66, 1), "middle 32% of the width"),
        ((0, 0.3, 1, 0.9), "from 30% to 90% of the height"),
        ((0, 0, 0.5, 0.5), "upper left quarter"),
        ((0.5, 0, 1, 0.5), "upper right quarter"),
        ((0, 0.5, 0.5, 1), "lower left quarter"),
        ((0.48, 0.52, 1, 1), "lower right quarter"),
        ((0, 0.7, 0.3, 1), "lower left corner, 30% of each side"),
        ((0.6, 0, 1, 0.2), "upper right corner, 40% wide and 20% high"),
        ((0.62, 0.62, 0.92, 0.92), "at the lower right, 30% of each side"),
        ((0.08, 0.1, 0.38, 0.4), "at the upper left, 30% of each side"),
        ((0.1, 0.35, 0.4, 0.65), "at the left, 30% of each side"),
        ((0.35, 0.1, 0.65, 0.4), "at the top, 30% of each side"),
        ((0.4, 0.45, 0.7, 0.75), "near the centre, 30% of each side"),
        ((0, 0.1, 0.84, 0.94), "lower left corner, 84% of each side"),
        ((0.04, 0.45, 0.53, 0.94), "lower left quarter"),
    ],
)
def test_places(box, words):
    assert boxed(*box).words() == words


@pytest.mark.parametrize(
    ("orientation", "words"),
    [
        (Orientation.MIRRORED, "mirrored"),
        (Orientation.FLIPPED, "mirrored top to bottom"),
        (Orientation.TURNED_180, "upside down"),
        (Orientation.TRANSPOSED, "mirrored, turned left"),
        (Orientation.TURNED_RIGHT, "turned left"),
        (Orientation.TURNED_LEFT, "turned right"),
        (Orientation.TRANSVERSED, "mirrored, turned right"),
    ],
)
def test_how_the_file_is_turned_is_the_opposite_of_what_was_done_to_compare_it(orientation, words):
    assert boxed(0, 0, 1, 1, orientation).words() == words
    assert boxed(0, 0.5, 0.5, 1, orientation).words() == f"lower left quarter, {words}"
    assert not boxed(0, 0, 1, 1, orientation).is_whole


@pytest.mark.parametrize("orientation", Orientation)
def test_corners_are_where_the_compared_picture_has_its_own(orientation):
    basis = np.cos(np.pi * np.arange(1, SIDE + 1)[:, None] * (2 * np.arange(64) + 1) / 128)
    outline = Outline.from_box(HALVES[Region.LEFT_HALF], orientation)
    for (x, y), corner in zip([(0, 0), (0.5, 0), (0.5, 1), (0, 1)], [(4, 4), (4, 59), (59, 59), (59, 4)], strict=True):
        picture = np.zeros((64, 64), np.float32)
        picture[max(0, corner[0] - 4) : corner[0] + 5, max(0, corner[1] - 4) : corner[1] + 5] = 1  # a light in one corner of that half
        shown = basis.T @ orient((basis @ picture @ basis.T).astype(np.float32)[None], orientation)[0] @ basis
        compared = [shown[4, 4], shown[4, 59], shown[59, 59], shown[59, 4]]  # top left, top right, bottom right, bottom left
        assert outline.corners[int(np.argmax(compared))] == (x, y)


@pytest.mark.parametrize("degrees", [-6.5, 3.0, 12.0])
def test_a_tilt_is_undone_as_the_pictures_are(degrees):
    height, width, side = 90, 160, 128
    corners = boxed(0.2, 0.2, 0.8, 0.8, degrees=degrees, aspect=width / height).corners
    for (x, y), (u, v) in zip(corners, [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)], strict=True):
        dot = np.zeros((1, side, side), np.float32)
        dot[0, round(y * side) - 2 : round(y * side) + 3, round(x * side) - 2 : round(x * side) + 3] = 1
        row, column = (np.mean(where) + 0.5 for where in np.nonzero(tilt(dot, degrees, height, width)[0]))
        assert (column / side, row / side) == pytest.approx((u, v), abs=0.015)


@pytest.mark.parametrize(
    ("degrees", "words"),
    [(-3.0, "centre 88%, tilted 3° to the right"), (6.5, "centre 87%, tilted 7° to the left"), (1.0, "centre 88%")],
)
def test_a_picture_that_is_rotated_back_clockwise_is_tilted_to_the_left(degrees, words):
    crop = ONCE_STORED[Region.CROP_WIDE]
    assert Outline.from_box(crop, degrees=degrees, aspect=WIDE).words() == words


def test_a_tilt_of_a_mirrored_picture_is_as_it_is_seen():
    outline = Outline.from_box(ONCE_STORED[Region.CROP_WIDE], Orientation.MIRRORED, degrees=12, aspect=WIDE)
    assert outline.words() == "centre 86%, mirrored, tilted 12° to the left"


def test_every_tilt_that_is_tried_is_said():
    for degrees in TILTS.values():
        assert f"tilted {math.floor(abs(degrees) + 0.5)}°" in Outline.from_box(degrees=degrees, aspect=0.6).words()


def test_perspective():
    filmed = Outline(((0.1, 0.05), (0.95, 0.2), (0.95, 0.8), (0.1, 0.95)), WIDE)
    assert filmed.words() == "centre, 85% wide and 75% high, seen from the side"
    mirrored = Outline((filmed.corners[1], filmed.corners[0], filmed.corners[3], filmed.corners[2]), WIDE)
    assert mirrored.turn()[:2] == ["mirrored", "seen from the side"]


@pytest.mark.parametrize(
    ("box", "known", "words"),
    [
        ((0, 0, 0.5, 1), WIDE, "left half, stretched in height"),
        ((0, 0, 1, 0.5), WIDE, "upper half, stretched in width"),
        ((0, 0.125, 1, 0.875), WIDE / 0.75, "middle 75% of the height"),
        ((0, 0, 1, 1), WIDE * 1.1, "whole picture"),
        ((0, 0, 1, 1), 4 / 3, "stretched in width"),
    ],
)
def test_another_shape_than_the_known_video_has(box, known, words):
    assert boxed(*box).words(Outline.from_box(aspect=known)) == words


def test_a_turned_picture_is_stretched_in_the_direction_in_which_the_viewer_sees_it():
    upright = Outline.from_box(aspect=WIDE)
    assert Outline.from_box(orientation=Orientation.TURNED_LEFT, aspect=1 / WIDE).words(upright) == "turned right"
    assert Outline.from_box(orientation=Orientation.TURNED_LEFT, aspect=1.5 / WIDE).words(upright) == "turned right, stretched in width"


def test_what_lies_beyond_the_frame_is_not_said_of_it():
    larger = Outline(((-0.3, -0.4), (1.2, -0.4), (1.2, 1.3), (-0.3, 1.3)), WIDE)
    assert larger.words() == "whole picture"
    assert Outline(((0.5, -0.2), (1.4, -0.2), (1.4, 1.2), (0.5, 1.2)), WIDE).words() == "right half"


@given(
    st.tuples(*[st.floats(0, 0.45)] * 2, *[st.floats(0.55, 1)] * 2), st.sampled_from(Orientation), st.floats(0.4, 2.5), st.floats(-15, 15)
)
def test_every_box_has_words_that_keep_its_turn(box, orientation, aspect, degrees):
    outline = Outline.from_box(Box(*box), orientation, degrees=degrees, aspect=aspect)
    words = outline.words()
    assert words
    assert ("mirrored" in words) == (orientation in (1, 2, 4, 7))
    assert ("seen from" not in words) and ("tilted" in words) == (abs(degrees) >= 1.5)
    around = [*outline.corners, outline.corners[0]]
    area = abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in itertools.pairwise(around))) / 2
    assert area == pytest.approx((box[2] - box[0]) * (box[3] - box[1]))
