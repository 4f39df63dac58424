"""The sides of a picture that lies aslant within a margin, in each frame."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.footage import decoded, film, scene, thumbnail_of
from vhashdb import Verdict
from vhashdb.hashing.aslant import straightened
from vhashdb.hashing.warping import CORNERS, mapped, quadrilateral

WIDTH, HEIGHT = 320, 180


def lying(picture, corners, margin=0):
    """A picture drawn between four corners, in fractions of the frame."""
    size = np.array([[WIDTH, 0, 0], [0, HEIGHT, 0], [0, 0, 1.0]])
    back = size @ np.linalg.inv(quadrilateral(np.asarray(corners))) @ np.linalg.inv(size)
    image = Image.fromarray(picture).resize((WIDTH, HEIGHT))
    drawn = image.transform((WIDTH, HEIGHT), Image.Transform.PERSPECTIVE, (back / back[2, 2]).reshape(-1)[:8], Image.Resampling.BILINEAR)
    inside = Image.new("L", (WIDTH, HEIGHT), 255).transform(
        (WIDTH, HEIGHT), Image.Transform.PERSPECTIVE, (back / back[2, 2]).reshape(-1)[:8], Image.Resampling.BILINEAR
    )
    out = np.asarray(drawn).copy()
    out[np.asarray(inside) < 128] = margin
    return out


def rotated(degrees):
    """Where the corners of a frame of 16:9 lie when it is rotated about its middle."""
    angle = math.radians(degrees)
    across, down = (CORNERS[:, 0] - 0.5) * WIDTH, (CORNERS[:, 1] - 0.5) * HEIGHT
    x, y = across * math.cos(angle) - down * math.sin(angle), across * math.sin(angle) + down * math.cos(angle)
    return np.stack((x / WIDTH, y / HEIGHT), axis=1) + 0.5


def thumbnails(pictures):
    return np.stack([thumbnail_of(picture.mean(axis=2).astype(np.uint8)) for picture in pictures])


def bright(seed, count):
    return [np.clip(frame.astype(int) // 2 + 60, 0, 255).astype(np.uint8) for frame in scene(seed, count)]


SEEN = {
    "from the side": [[0.1, 0.08], [0.93, 0.2], [0.9, 0.85], [0.06, 0.97]],
    "beyond the frame": [[0.17, -0.09], [1.01, 0.07], [0.92, 1.01], [-0.01, 0.68]],
    "rotated": rotated(15),
    "rotated the other way, on white": rotated(-8),
}


@pytest.mark.parametrize("name", SEEN)
def test_the_corners_are_found_to_a_point(name):
    margin = 255 if "white" in name else 0
    seen = straightened(thumbnails([lying(frame, SEEN[name], margin) for frame in bright(3, 6)]))
    assert np.abs(mapped(seen, CORNERS) - SEEN[name]).max() <= 0.02


@given(moves=st.lists(st.lists(st.floats(-0.06, 0.06), min_size=8, max_size=8), min_size=4, max_size=8), seed=st.integers(0, 9))
@settings(max_examples=examples(24), deadline=None)
def test_each_frame_of_a_shaken_picture_has_corners_of_its_own(moves, seed):
    corners = [np.array([[0.12, 0.1], [0.9, 0.16], [0.88, 0.86], [0.08, 0.92]]) + np.reshape(each, (4, 2)) for each in moves]
    shown = zip(bright(seed, len(corners)), corners, strict=True)
    seen = straightened(thumbnails([lying(frame, each) for frame, each in shown]))
    assert np.abs(mapped(seen, CORNERS) - np.array(corners)).max() <= 0.02


def test_what_fills_the_frame_or_lies_straight_within_bars_is_not_aslant():
    frames = bright(5, 8)
    assert straightened(thumbnails(frames)) is None
    letterbox = [[0, 0.15], [1, 0.15], [1, 0.85], [0, 0.85]]
    windowbox = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
    for corners in (letterbox, windowbox):
        assert straightened(thumbnails([lying(frame, corners) for frame in frames])) is None


@pytest.mark.parametrize("level", [0, 90, 255])
def test_frames_of_one_colour_are_not_aslant(level):
    assert straightened(np.full((4, 128, 128), level, np.uint8)) is None


def test_a_frame_in_which_nothing_is_seen_has_the_corners_of_the_one_before():
    pictures = [lying(frame, SEEN["from the side"]) for frame in bright(3, 6)]
    pictures[0][:] = pictures[3][:] = 0
    seen = mapped(straightened(thumbnails(pictures)), CORNERS)
    assert np.abs(seen - SEEN["from the side"]).max() <= 0.02
    assert np.array_equal(seen[2], seen[3])


def test_a_film_seen_from_the_side_by_an_unsteady_hand_is_a_match_and_it_is_said_where(known_db, samples, tmp_path):
    shaken = []
    for number, rgb in enumerate(decoded(samples / "known" / "harbour.mp4", every=2, limit=96)):
        away = 0.02 * np.array([math.sin(number / 2), math.cos(number / 3)])
        shaken.append(lying(rgb, SEEN["beyond the frame"] + away))
    result = known_db.match(film(tmp_path / "aslant.mp4", shaken, rate=12))
    assert result.verdict is Verdict.MATCH
    assert known_db.names[result.matches[0].record.id] == "harbour"
    words = result.matches[0].segments[0].outline.words()
    assert "seen from the side" in words
