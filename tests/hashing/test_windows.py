"""Windows are where they say they are, and rectangles between lines are found."""

import numpy as np
import pytest

from tests.footage import bits_between, picture, scene, thumbnail_of
from vhashdb.hashing import pdq
from vhashdb.hashing.warping import MIRRORING, Warper
from vhashdb.hashing.windows import MIRROR, Rectangles, windows_of


def thumbnails_of(frames):
    return np.stack([thumbnail_of(np.round(pdq.luma_of_rgb(frame)).astype(np.uint8)) for frame in frames])


def inset(box, size=(180, 320), count=12):
    """A film within another, between these points: left, top, right, bottom; it may go beyond the frame."""
    left, top, right, bottom = box
    outer, inner = scene(1, count, *size, speed=2), scene(2, count, bottom - top, right - left, speed=5)
    shown = []
    for around, within in zip(outer, inner, strict=True):
        frame = around.copy()
        y, x = max(0, -top), max(0, -left)
        frame[max(0, top) : bottom, max(0, left) : right] = within[y : y + size[0] - max(0, top), x : x + size[1] - max(0, left)]
        shown.append(frame)
    return thumbnails_of(shown)


@pytest.fixture(scope="module")
def scanned():
    thumbnails = inset((60, 40, 180, 120))
    return thumbnails, windows_of(thumbnails[0].astype(np.float32), 16 / 9, Rectangles(thumbnails))


def test_every_kind_of_window_is_hashed_as_its_transform_says(scanned):
    thumbnails, windows = scanned
    warper = Warper(thumbnails)
    some = np.arange(0, len(windows), 37)
    seen = np.stack([windows.transform(number) for number in some.tolist()])
    exact = pdq.bits_of(warper.coefficients(np.zeros(len(some), np.intp), seen))
    assert np.median(bits_between(exact, windows.hash[some])) <= 8
    mirrored = pdq.bits_of(warper.coefficients(np.zeros(len(some), np.intp), seen @ MIRRORING))
    assert np.median(bits_between(mirrored, windows.hash[some] ^ MIRROR)) <= 8


def test_windows_are_everywhere_turned_and_in_cells(scanned):
    _, windows = scanned
    upright = windows.box[windows.warp < 0]
    sides = upright[:, 2:] - upright[:, :2]
    assert sides.min() < 0.26
    assert sides.max() > 0.999
    for cell in ((1 / 3, 1 / 3, 2 / 3, 2 / 3), (0, 0, 1 / 3, 1), (0.25, 0.75, 0.5, 1)):
        assert np.abs(upright - np.array(cell)).max(axis=1).min() < 1e-3
    assert len(windows.warps) == len(np.unique(windows.warp)) - 1 == 10


def test_flat_windows_say_so():
    thumbnail = np.full((1, 128, 128), 90, np.uint8)
    thumbnail[0, :, 64:] = thumbnail_of(np.round(pdq.luma_of_rgb(picture(3, 256, 256))).astype(np.uint8))[:, 64:]
    windows = windows_of(thumbnail[0].astype(np.float32), 1.0, Rectangles(thumbnail))
    upright = windows.warp < 0
    assert windows.contrast[upright & (windows.box[:, 2] < 0.49)].max() < 1
    assert windows.contrast[upright & (windows.box[:, 0] > 0.5)].min() > 6


@pytest.mark.parametrize("box", [(60, 40, 180, 120), (0, 90, 120, 180), (200, 30, 300, 100)])
def test_an_inset_is_among_the_rectangles(box):
    found = Rectangles(inset(box)).boxes
    assert np.abs(found - np.array(box) / (320, 180, 320, 180)).max(axis=1).min() < 0.01


@pytest.mark.parametrize("box", [(-16, 40, 104, 120), (220, 60, 340, 140), (100, -12, 220, 68)])
def test_an_inset_that_is_cut_at_the_edge_is_continued(box):
    found = Rectangles(inset(box)).boxes
    assert np.abs(found - np.array(box) / (320, 180, 320, 180)).max(axis=1).min() < 0.03


def test_a_plain_picture_has_no_rectangles():
    rectangles = Rectangles(np.full((4, 128, 128), 30, np.uint8))
    assert len(rectangles.boxes) == 0 or (rectangles.boxes == (0, 0, 1, 1)).all()
