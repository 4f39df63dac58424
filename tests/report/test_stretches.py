"""A stretch in words."""

import pytest

from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.matching.view_pairs import ViewPair
from vhashdb.report.stretches import Stretch
from vhashdb.text import brief_clock, span


def test_a_sentence_says_where_how_and_how_fast():
    stretch = Stretch((4, 12.5), (631, 641.2), 1.2, "mirrored", "left half (file)")
    assert stretch.sentence == (
        "0:04.0 – 0:12.5 of the file shows 10:31.0 – 10:41.2 of the known video, mirrored, 1.20 × as fast; compared: left half (file)"
    )
    assert Stretch((0, 90), (3600, 3690)).sentence == "0:00 – 1:30 of the file shows 1:00:00 – 1:01:30 of the known video"
    assert Stretch((0, 0.04), (2.5, 2.5)).sentence == "the picture of the file shows 0:02.5 of the known video"


def test_speeds_in_words():
    words = [Stretch((0, 5), (0, 5), speed).speed_words for speed in (1.0, 1.005, 1.25, 0.8)]
    assert words == ["the same", "the same", "1.25 × as fast", "slowed to 0.80 ×"]
    assert Stretch((0, 0.04), (2, 2), 1.5).speed_words == "a still picture"
    assert Stretch((0, 5), (0, 5), 1.25, speed_range=(1.2, 1.3)).speed_words == "about 1.25 × as fast (1.20 to 1.30)"
    assert Stretch((0, 5), (0, 5), 0.8, speed_range=(0.75, 0.85)).speed_words == "slowed to about 0.80 × (0.75 to 0.85)"


@pytest.mark.parametrize(
    ("query", "negated", "reference", "change", "parts"),
    [
        (View(Region.WHOLE), False, View(Region.WHOLE), "", ""),
        (View(Region.WHOLE, Orientation.MIRRORED), False, View(Region.WHOLE), "mirrored", ""),
        (
            View(Region.WITHIN_BARS, Orientation.TURNED_180),
            True,
            View(Region.WHOLE),
            "upside down, as a negative",
            "letterbox removed (file)",
        ),
        (
            View(Region.LEFT_HALF),
            False,
            View(Region.CROP_WIDE),
            "",
            "left half (file), centre 88% (known video)",
        ),
    ],
)
def test_ways_of_looking_in_words(query, negated, reference, change, parts):
    pair = ViewPair(query, negated, reference)
    assert (", ".join(pair.turn()), ", ".join(pair.places())) == (change, parts)


def test_every_way_of_turning_has_words():
    for orientation in Orientation:
        words = ViewPair(View(Region.WHOLE, orientation), False, View(Region.WHOLE)).turn()
        assert bool(words) is (orientation is not Orientation.UPRIGHT)


def test_spans():
    assert span(0, 0.1, brief_clock) == "0:00.0"
    assert span(59.96, 61, brief_clock) == "1:00.0 – 1:01.0"
