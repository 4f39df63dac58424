"""Where in both pictures a stretch lies: found while a query is fingerprinted, told with every stretch."""

from dataclasses import replace

import numpy as np
import pytest

import vhashdb
from tests.footage import film, scene
from vhashdb.fingerprints.regions import FIXED_BOXES
from vhashdb.hashing.outline import Outline
from vhashdb.hashing.views import WHOLE_FRAME, Box, Orientation, Region, View
from vhashdb.matching.outlines import outlines_of
from vhashdb.matching.view_pairs import ViewPair

WIDE = 320 / 180


def best(query_prints, reference_prints, name):
    source = name.split("/")[1].split("__")[0]
    return vhashdb.compare(query_prints[name], reference_prints[source]).segments[0]


def near(outline, corners):
    return np.abs(np.array(outline.corners) - np.array(corners)).max() < 0.03


def test_a_letterbox(query_prints, reference_prints):
    segment = best(query_prints, reference_prints, "edited/night_city__letterbox.mp4")
    assert near(segment.outline, [(0, 0.125), (1, 0.125), (1, 0.875), (0, 0.875)])
    assert near(segment.reference_outline, [(0, 0), (1, 0), (1, 1), (0, 1)])
    (words,) = segment.picture_words
    assert words.endswith("removed: middle 75% of the height (file)")


def test_a_crop_is_in_the_known_video(query_prints, reference_prints):
    segment = best(query_prints, reference_prints, "edited/night_city__crop.mp4")
    assert segment.reference_outline.place == "centre 90%"
    assert near(segment.outline, [(0, 0), (1, 0), (1, 1), (0, 1)])


def test_a_mirrored_video(query_prints, reference_prints):
    segment = best(query_prints, reference_prints, "edited/valley__mirror.mp4")
    assert segment.outline == Outline(((1, 0), (0, 0), (0, 1), (1, 1)), WIDE)
    assert segment.picture_words == ("mirrored",)


def test_an_inset_in_another_picture(tmp_path):
    source = scene(3, 60, height=180, width=320)
    reference = vhashdb.fingerprint(film(tmp_path / "known.mp4", source))
    around = scene(8, 60, height=180, width=320)
    framed = [np.array(frame) for frame in around]
    for frame, pixels in zip(framed, source, strict=True):
        frame[80:170, 10:170] = pixels[::2, ::-2]  # the lower left quarter, nearly, mirrored
    query = vhashdb.fingerprint(film(tmp_path / "asked.mp4", framed), views="query")
    segment = vhashdb.compare(query, reference).segments[0]
    assert near(segment.outline, [(170 / 320, 80 / 180), (10 / 320, 80 / 180), (10 / 320, 170 / 180), (170 / 320, 170 / 180)])
    assert segment.picture_words == ("mirrored", "inset picture: lower left quarter (file)")


def test_of_a_fingerprint_from_a_file_only_what_lies_the_same_everywhere_is_known(query_prints):
    query = query_prints["edited/night_city__letterbox.mp4"]
    read = vhashdb.from_bytes(vhashdb.to_bytes(query))
    assert read == query
    assert query.boxes and not read.boxes
    for region, known in [(Region.WHOLE, True), (Region.CROP_WIDE, True), (Region.TILT_LEFT, True), (Region.MASKED_TOP, True)]:
        assert (outlines_of(read, read, View(region), View(Region.WHOLE))[0] is not None) is known
    for region in (Region.WITHIN_BARS, Region.PICTURE, Region.LEFT_HALF, Region.INSET_4):
        assert outlines_of(read, read, View(region), View(Region.WHOLE))[0] is None


@pytest.mark.parametrize(
    ("region", "orientation", "bars", "place", "known_place"),
    [
        (Region.CUT_ACROSS, Orientation.UPRIGHT, WHOLE_FRAME, (0, 0, 1, 1), (0.21875, 0, 0.78125, 1)),
        (Region.INSET_6, Orientation.TURNED_LEFT, Box(0, 0.125, 1, 0.875), (0, 0.125, 1, 0.875), (0.1835, 0.1835, 0.8165, 0.8165)),
    ],
)
def test_a_crop_is_what_both_sides_show(query_prints, region, orientation, bars, place, known_place):
    seen = query_prints["edited/valley__mirror.mp4"]
    asked = replace(seen, boxes={Region.WITHIN_BARS: bars, region: FIXED_BOXES[region].within(bars)})
    query, known = outlines_of(asked, seen, View(region, orientation), View(Region.CROP_CLOSEST))
    for outline, (left, top, right, bottom) in ((query, place), (known, known_place)):
        corners = np.array(outline.corners)
        assert [*corners.min(axis=0), *corners.max(axis=0)] == pytest.approx([left, top, right, bottom], abs=0.001)


def test_the_box_that_lasted_longest_counts(tmp_path):
    # At 3 frames a second a window of a query is 32 / 3 s: bars in three windows, then others in most of one. They end with a block of the
    # encoder's: the edge of a picture that lies within one leaves traces in the bar, which is then found here and there narrower.
    frames = scene(7, 160, height=120, width=160, speed=1)
    for number, frame in enumerate(frames):
        high = 16 if number < 128 else 32
        frame[:high] = frame[-high:] = 0
    query = vhashdb.fingerprint(film(tmp_path / "bars.mp4", frames, rate=4), views="query")
    assert query.boxes[Region.WITHIN_BARS].near(Box(0, 16 / 120, 1, 104 / 120))


def test_words_need_no_outline_and_are_better_with_one():
    pair = ViewPair(View(Region.LEFT_HALF, Orientation.TURNED_LEFT), True, View(Region.CROP_WIDE))
    assert str(pair) == "turned right, as a negative, left half (file), centre 88% (known video)"
    within = Outline.from_box(Box(0, 0.125, 0.5, 0.875), Orientation.TURNED_LEFT, aspect=WIDE)
    assert pair.places(within) == ["at the left, 50% wide and 75% high (file)", "centre 88% (known video)"]
    masked = ViewPair(View(Region.MASKED_TOP), False, View(Region.WHOLE))
    assert masked.places(Outline.from_box(), Outline.from_box()) == ["logo or caption at the top ignored (file)"]
    inset = ViewPair(View(Region.PICTURE), False, View(Region.WHOLE))
    assert inset.places(Outline.from_box(Box(0.5, 0, 1, 0.5))) == ["inset picture: upper right quarter (file)"]


@pytest.mark.parametrize("known_aspect", [None, WIDE])
def test_a_changed_shape_is_said_where_both_are_known(known_aspect):
    pair = ViewPair(View(Region.LEFT_HALF), False, View(Region.WHOLE))
    turn = pair.turn(Outline.from_box(Box(right=0.5), aspect=WIDE), Outline.from_box(aspect=known_aspect))
    assert turn == (["stretched in height"] if known_aspect else [])
