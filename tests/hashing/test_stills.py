"""Finding the picture on a page: margins, toolbars, bars within bars, and pages on which there is none."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.footage import picture, thumbnail_of
from vhashdb.hashing.stills import CANDIDATES, picture_boxes
from vhashdb.hashing.views import Box

PAGE = (1280, 800)


def page(colour="white", *, at=(260, 210, 1020, 640), toolbar=None, bars=None, shown=None, noise=0.0):
    """A grey page with a picture at ``at``, in pixels, and where that is as a box."""
    image = Image.new("L", PAGE, colour)
    draw = ImageDraw.Draw(image)
    if toolbar:
        draw.rectangle((0, 0, PAGE[0], 90), fill=toolbar)
        draw.text((30, 30), "A window: a title and an address", fill="white", font_size=24)
        draw.text((at[0], at[3] + 30), "Some words about the picture", fill="grey", font_size=22)
    if bars:
        draw.rectangle((at[0] - bars[0], at[1] - bars[1], at[2] + bars[0] - 1, at[3] + bars[1] - 1), fill="black")
    left, top, right, bottom = at
    shown = picture(5, bottom - top, right - left) if shown is None else shown
    image.paste(Image.fromarray(shown).convert("L"), (left, top))
    pixels = np.asarray(image).astype(float) + np.random.default_rng(1).normal(0, noise, (PAGE[1], PAGE[0]))
    box = Box(left / PAGE[0], top / PAGE[1], right / PAGE[0], bottom / PAGE[1])
    return thumbnail_of(np.clip(pixels, 0, 255).astype(np.uint8)), box


@pytest.mark.parametrize("colour", ["white", "black", "#808080", "#b0b0b0"])
@pytest.mark.parametrize("toolbar", [None, "#303030", "#707070"])
@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_a_picture_on_a_page_of_any_colour_is_found_first(colour, toolbar, noise):
    thumbnail, box = page(colour, toolbar=toolbar, noise=noise)
    assert picture_boxes(thumbnail)[0].near(box, 0.008)


@pytest.mark.parametrize("bars", [(0, 60), (90, 0), (40, 50)])
@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_a_picture_with_bars_on_a_page_is_found_within_them(bars, noise):
    thumbnail, box = page(toolbar="#303030", bars=bars, noise=noise)
    assert any(found.near(box, 0.01) for found in picture_boxes(thumbnail))


@pytest.mark.parametrize("at", [(0, 150, 1280, 700), (330, 0, 950, 800), (200, 90, 1100, 700), (520, 100, 760, 750)])
def test_a_picture_may_reach_the_edge_or_be_narrow(at):
    thumbnail, box = page(at=at, toolbar="#303030" if at[1] > 90 else None)
    assert any(found.near(box, 0.01) for found in picture_boxes(thumbnail))


def test_a_picture_on_another_is_found_by_its_edges():
    around = np.asarray(Image.fromarray(picture(8, 800, 1280, points=3)).convert("L")) // 3
    inner = np.asarray(Image.fromarray(picture(5, 400, 640)).convert("L")) // 2 + 128
    around = around.copy()
    around[200:600, 320:960] = inner
    assert any(found.near(Box(0.25, 0.25, 0.75, 0.75), 0.02) for found in picture_boxes(thumbnail_of(around.astype(np.uint8))))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_on_an_empty_page_there_is_no_picture(level):
    assert picture_boxes(np.full((128, 128), level, np.uint8)) == []


def test_boxes_differ_and_are_few():
    rng = np.random.default_rng(1)
    for _ in range(200):
        left, top = (int(v) for v in rng.integers(0, 70, 2))
        thumbnail = np.full((128, 128), int(rng.integers(0, 256)), np.uint8)
        height, width = (int(v) for v in rng.integers(8, 128, 2))
        part = thumbnail[top : top + height, left : left + width]
        part[:] = rng.integers(0, 256, part.shape)
        boxes = picture_boxes(thumbnail)
        assert len(boxes) <= CANDIDATES
        for index, box in enumerate(boxes):
            assert 0 <= box.left < box.right <= 1
            assert 0 <= box.top < box.bottom <= 1
            assert not any(box.near(other, 0.005) for other in (Box(), *boxes[:index]))
