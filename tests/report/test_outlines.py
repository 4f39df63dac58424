"""The drawing of where in the pictures a match lies."""

import re

import pytest

from vhashdb.hashing.outline import Outline
from vhashdb.hashing.views import Box, Orientation
from vhashdb.report import outlines
from vhashdb.report.outlines import outline_pairs
from vhashdb.report.stretches import Stretch

WHOLE = Outline.from_box(aspect=2.0)


def stretch(outline, reference=WHOLE):
    return Stretch((0, 5), (0, 5), outline=outline, reference_outline=reference)


def test_nothing_is_drawn_of_what_is_all_there_or_not_known():
    assert outline_pairs([stretch(WHOLE), stretch(None), stretch(WHOLE, None)]) == ()


def test_both_frames_have_their_true_shape_and_the_corners_their_place():
    (pair,) = outline_pairs([stretch(Outline.from_box(Box(0, 0.5, 0.5, 1), Orientation.MIRRORED, aspect=0.5))])
    file, known = pair.frames
    assert (file.width, file.height) == (outlines.HEIGHT / 2, outlines.HEIGHT)
    assert (known.width, known.height) == (outlines.HEIGHT * 2, outlines.HEIGHT)
    assert file.points == ((24, 48), (0, 48), (0, 96), (24, 96))
    assert (file.words, known.words) == ("lower left quarter, mirrored, stretched in height", "whole picture")


def test_a_wide_frame_fits_and_what_lies_far_beyond_is_cut():
    (pair,) = outline_pairs([stretch(Outline(((-9, 0), (9, 0), (9, 1), (-9, 1)), 6.0), Outline.from_box(Box(0, 0, 0.5, 1), aspect=2.0))])
    assert pair.frames[0].width == outlines.WIDEST
    assert pair.frames[0].height == outlines.WIDEST / 6
    assert pair.frames[0].points[0][0] == -outlines.WIDEST


def test_stretches_that_lie_alike_are_drawn_once():
    left, right = (Outline.from_box(box, aspect=2.0) for box in (Box(right=0.5), Box(left=0.5)))
    pairs = outline_pairs([stretch(left), stretch(WHOLE), stretch(right), stretch(left)])
    assert [pair.numbers for pair in pairs] == [(1, 4), (3,)]


@pytest.mark.parametrize(
    ("name", "words"), [("valley__mirror", "whole picture, mirrored"), ("night_city__letterbox", "middle 75% of the height")]
)
def test_the_page_shows_it_and_says_it(name, words, page):
    text = page.read_text()
    assert f"What was compared in the submitted file: {words}" in text
    (polygon, *_) = re.findall(rf'submitted file: {words}</title>\s*<rect[^>]*/>\s*<polygon points="([^"]*)"', text)
    points = [tuple(map(float, point.split(","))) for point in polygon.split()]
    assert len(points) == 4
    if name == "valley__mirror":
        assert points[0][0] > points[1][0]


def test_nothing_is_drawn_of_a_plain_copy(told, answer):
    entries = {entry.name: entry for entry in told._files}
    assert entries["valley__clip.mp4"].matches[0].outlines == ()
    assert len(entries["valley__mirror.mp4"].matches[0].outlines) == 1
