"""What is seen through a transform is what Pillow cuts out of the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.footage import bits_between, picture, thumbnail_of
from vhashdb.hashing import pdq
from vhashdb.hashing.view_transforms import tilt
from vhashdb.hashing.views import Box
from vhashdb.hashing.warping import CORNERS, MIRRORING, Warper, boxed, mapped, nearest_points, quadrilateral, rotation

corner = st.floats(-0.15, 0.15)
corners = st.lists(st.tuples(corner, corner), min_size=4, max_size=4).map(lambda moves: CORNERS + np.array(moves))


def luma_of(seed, size=(360, 640)):
    return np.round(pdq.luma_of_rgb(picture(seed, *size, points=40))).astype(np.uint8)


def hash_through(luma, transform, points=pdq.BUFFER):
    return pdq.bits_of(Warper(thumbnail_of(luma)[None]).coefficients(np.array([0]), transform, points))[0]


@given(corners)
def test_a_quadrilateral_maps_the_corners_of_the_square_to_its_own(to):
    assert np.allclose(mapped(quadrilateral(to), CORNERS), to, atol=1e-9)


@pytest.mark.parametrize(("points", "bits"), [(64, 14), (32, 30)])
@pytest.mark.parametrize("seed", range(4))
def test_a_quadrilateral_is_hashed_as_pillow_sees_it(seed, points, bits):
    luma = luma_of(seed)
    transform = quadrilateral(np.array([[0.1, 0.05], [0.85, 0.1], [0.95, 0.9], [0.05, 0.8]]))
    pixels = np.diag([640.0, 360.0, 1.0])
    matrix = pixels @ transform @ np.linalg.inv(pixels)
    coefficients = (matrix / matrix[2, 2]).reshape(-1)[:8].tolist()
    seen = Image.fromarray(luma).transform((640, 360), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    assert bits_between(hash_through(luma, transform, points), pdq.hash_luma(np.asarray(seen))[0]) <= bits


def test_a_box_mirrored_is_the_box_of_the_mirrored_picture():
    luma = luma_of(5)
    box = Box(0.1, 0.2, 0.6, 0.9)
    other = np.ascontiguousarray(luma[:, ::-1])
    same = hash_through(other, boxed(Box(0.4, 0.2, 0.9, 0.9)))
    assert bits_between(hash_through(luma, boxed(box) @ MIRRORING), same) <= 4


def test_a_rotation_is_that_of_tilted_views():
    levels = thumbnail_of(luma_of(6)).astype(np.float32)
    for degrees in (-12, 5, 20):
        points = nearest_points(128, rotation(degrees, 16 / 9))
        same = levels.reshape(-1)[points] == tilt(levels[None], degrees, 360, 640)[0]
        assert same.mean() > 0.97  # the aspect ratio is rounded there


def test_what_lies_beyond_the_picture_repeats_its_edge():
    thumbnail = np.zeros((1, 128, 128), np.uint8)
    thumbnail[0, :, 0] = 200
    samples = Warper(thumbnail).samples(np.array([0]), boxed(Box(-0.4, 0, 0.2, 0.6)))
    assert (samples[0, :, :40] == 200).all()
    assert samples[0, :, 60:].max() < 20
