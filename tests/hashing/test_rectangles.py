"""Rectangles drawn over a picture: insets, stickers, logos, bands and columns, surely where it moves, mostly where it does not."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import SAMPLES
from tests.examples import examples
from tests.footage import decoded, scene, thumbnail_of
from vhashdb.hashing.overlays import MAX_OVERLAYS, overlays
from vhashdb.hashing.rectangles import (
    Sides,
    between_bands,
    between_symmetric_bands,
    between_symmetric_columns,
    edge_box,
    inset_boxes,
    spread,
)
from vhashdb.hashing.views import WHOLE_FRAME, Box

NAMES = ("harbour", "valley", "night_city", "playground")
HEIGHT, WIDTH = 240, 320


def grey(rgb):
    return np.asarray(Image.fromarray(rgb).convert("L"))


def moving(seed, count=24):
    return [grey(frame) for frame in scene(seed, count, HEIGHT, WIDTH, speed=9)]


@functools.cache
def frame_of(name):
    return grey(next(decoded(SAMPLES / "known" / f"{name}.mp4")))


def still(seed, count=24):
    """One frame of a real film; made-up pictures have far more straight lines than real ones."""
    return [np.asarray(Image.fromarray(frame_of(NAMES[seed])).resize((WIDTH, HEIGHT)))] * count


def sides_of(lumas):
    return Sides(spread(np.stack([thumbnail_of(luma) for luma in lumas])))


def pixels(box, height=HEIGHT, width=WIDTH):
    return slice(round(box.top * height), round(box.bottom * height)), slice(round(box.left * width), round(box.right * width))


def drawn(lumas, box, inner):
    """``inner`` pictures, scaled into a rectangle of the others."""
    out = []
    for luma, inside in zip(lumas, inner, strict=True):
        luma = luma.copy()
        rows, columns = pixels(box)
        size = (columns.stop - columns.start, rows.stop - rows.start)
        luma[rows, columns] = np.asarray(Image.fromarray(inside).resize(size, Image.Resampling.BILINEAR))
        out.append(luma)
    return out


def sticker(height=80, width=80, border=6):
    """A face on white, with a black border."""
    out = np.full((height, width), 240, np.uint8)
    out[:border] = out[-border:] = 0
    out[:, :border] = out[:, -border:] = 0
    y, x = np.mgrid[:height, :width]
    for centre, radius in (((0.35, 0.35), 0.1), ((0.35, 0.65), 0.1), ((0.65, 0.5), 0.15)):
        out[(y / height - centre[0]) ** 2 + (x / width - centre[1]) ** 2 < radius**2] = 30
    return out


def overlap(a, b):
    """Area in common, of what the two cover together."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    common = max(0.0, width) * max(0.0, height)
    areas = sum((box.right - box.left) * (box.bottom - box.top) for box in (a, b))
    return common / (areas - common)


def best_overlap(wanted, found):
    return max((overlap(wanted, box) for box in found), default=0.0)


INSETS = [Box(0.2, 0.25, 0.8, 0.75), Box(0.05, 0.1, 0.5, 0.55), Box(0.45, 0.4, 0.93, 0.92), Box(0.3, 0.06, 0.7, 0.94)]


@pytest.mark.parametrize("wanted", INSETS, ids=str)
def test_a_picture_within_a_picture_is_found(wanted):
    for seed in range(4):
        lumas = drawn(moving(seed), wanted, moving(seed + 50))
        assert best_overlap(wanted, inset_boxes(sides_of(lumas), 3)) >= 0.9


@pytest.mark.parametrize("inner", [still, moving])
def test_most_pictures_within_a_still_one_are_found(inner):
    """Where nothing moves, every straight line of the scene stays as well."""
    found = []
    for seed in range(4):
        for wanted in INSETS:
            lumas = drawn(still(seed), wanted, inner((seed + 1) % 4))
            found.append(best_overlap(wanted, inset_boxes(sides_of(lumas), 3)) >= 0.7)
    assert np.mean(found) >= 0.65


@given(x=st.floats(0.05, 0.45), y=st.floats(0.05, 0.45), width=st.floats(0.3, 0.5), height=st.floats(0.3, 0.5), seed=st.integers(0, 20))
@settings(max_examples=examples(25))
def test_an_inset_is_found_wherever_it_is_to_a_point(x, y, width, height, seed):
    wanted = Box(x, y, x + width, y + height)
    found = inset_boxes(sides_of(drawn(moving(seed), wanted, moving(seed + 50))), 3)
    assert best_overlap(wanted, found) >= 0.9


def test_several_insets_are_found_the_strongest_first_and_none_twice():
    left, right = Box(0.06, 0.25, 0.45, 0.75), Box(0.55, 0.25, 0.94, 0.75)
    lumas = drawn(drawn(moving(1), left, moving(2)), right, moving(3))
    found = inset_boxes(sides_of(lumas), 3)
    assert best_overlap(left, found) >= 0.7
    assert best_overlap(right, found) >= 0.7
    assert max(overlap(a, b) for i, a in enumerate(found) for b in found[:i]) <= 0.5
    assert len(inset_boxes(sides_of(lumas), 1)) == 1


AT_EDGES = [Box(0, 0.3, 0.45, 0.8), Box(0.5, 0, 1, 0.5), Box(0.3, 0.6, 0.75, 1), Box(0, 0.55, 0.5, 1)]


@pytest.mark.parametrize("wanted", AT_EDGES, ids=str)
def test_an_inset_that_ends_with_the_frame_is_found(wanted):
    for seed in range(4):
        found = edge_box(sides_of(drawn(moving(seed), wanted, moving(seed + 50))))
        assert best_overlap(wanted, [found] if found else []) >= 0.9


STICKERS = [Box(0.1, 0.1, 0.3, 0.35), Box(0.65, 0.6, 0.9, 0.9), Box(0.4, 0.4, 0.6, 0.65)]


@pytest.mark.parametrize("wanted", STICKERS, ids=str)
def test_a_sticker_with_a_border_is_found(wanted):
    for seed in range(4):
        lumas = drawn(moving(seed), wanted, [sticker()] * 24)
        assert best_overlap(wanted, overlays(sides_of(lumas))) >= 0.7


LOGOS = Box(0.06, 0.06, 0.26, 0.2), Box(0.7, 0.78, 0.94, 0.93)


def with_logos(lumas):
    """One with a border and one without."""
    return drawn(drawn(lumas, LOGOS[0], [sticker(40, 70, 4)] * 24), LOGOS[1], [np.full((20, 20), 245, np.uint8)] * 24)


def test_two_logos_are_found():
    for seed in range(4):
        found = overlays(sides_of(with_logos(moving(seed))))
        assert min(best_overlap(logo, found) for logo in LOGOS) >= 0.7


def test_a_third_of_what_is_drawn_over_still_footage_is_found():
    """There the lines of the scene stay too, and a larger rectangle may be taken instead."""
    found = []
    for seed in range(4):
        found += [best_overlap(wanted, overlays(sides_of(drawn(still(seed), wanted, [sticker()] * 24)))) for wanted in STICKERS]
        boxes = overlays(sides_of(with_logos(still(seed))))
        found += [best_overlap(logo, boxes) for logo in LOGOS]
    assert np.mean(np.array(found) >= 0.7) >= 1 / 3


def test_no_more_overlays_than_the_most_are_told():
    lumas = moving(1)
    for x in (0.08, 0.4, 0.72):
        for y in (0.08, 0.4, 0.72):
            lumas = drawn(lumas, Box(x, y, x + 0.18, y + 0.18), [sticker()] * 24)
    assert len(overlays(sides_of(lumas))) == MAX_OVERLAYS


@pytest.mark.parametrize("footage", [moving, still])
def test_a_rectangle_larger_than_a_fifth_of_the_picture_is_no_overlay(footage):
    for seed in range(4):
        lumas = drawn(footage(seed), Box(0.2, 0.2, 0.75, 0.7), [sticker(160, 240)] * 24)
        assert all((box.right - box.left) * (box.bottom - box.top) <= 0.2 for box in overlays(sides_of(lumas)))


@pytest.mark.parametrize("seed", range(4))
def test_a_film_without_anything_drawn_over_it_has_no_overlay_and_no_inset(seed):
    sides = sides_of(moving(seed))
    assert overlays(sides) == ()
    assert inset_boxes(sides, 3) == []
    assert edge_box(sides) is None


def test_frames_of_one_colour_have_no_inset():
    sides = sides_of([np.full((270, 480), 90, np.uint8)] * 24)
    assert inset_boxes(sides, 3) == []
    assert edge_box(sides) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_films_have_few_overlays_and_insets(samples, name):
    """A window in the scene may be taken for one; a film that is full of them would be painted over."""
    lumas = [grey(rgb) for rgb in decoded(samples / "known" / f"{name}.mp4", every=6)]
    stretches = [sides_of(lumas[start : start + 32]) for start in range(0, len(lumas), 32)]
    assert np.mean([len(overlays(sides)) for sides in stretches]) <= 1
    assert np.mean([len(inset_boxes(sides, 3)) for sides in stretches]) <= 1.5


# -- bands and columns -----------------------------------------------------------------------------


def banded(lumas, top, bottom):
    """The picture with moving pictures above and below, as a fill of another one is."""
    lumas = drawn(lumas, Box(bottom=top), moving(70)) if top else lumas
    return drawn(lumas, Box(top=bottom), moving(71)) if bottom < 1 else lumas


def edges(box):
    return box.left, box.top, box.right, box.bottom


@pytest.mark.parametrize(("top", "bottom"), [(0.2, 0.8), (0.15, 0.7), (0.2, 1.0), (0.0, 0.75)])
def test_the_picture_between_bands_is_found_one_sided_ones_too(top, bottom):
    assert edges(between_bands(sides_of(banded(moving(1), top, bottom)))) == pytest.approx((0, top, 1, bottom), abs=0.015)


@pytest.mark.parametrize(("top", "bottom"), [(0.2, 1.0), (0.0, 0.75)])
def test_an_even_band_is_as_wide_on_the_other_side(top, bottom):
    """Of a blurred fill one edge may not show."""
    margin = max(top, 1 - bottom)
    found = between_symmetric_bands(sides_of(banded(moving(1), top, bottom)))
    assert edges(found) == pytest.approx((0, margin, 1, 1 - margin), abs=0.015)


def test_even_bands_and_bands_are_the_same_where_both_edges_show():
    sides = sides_of(banded(moving(1), 0.2, 0.8))
    assert between_symmetric_bands(sides) == between_bands(sides)


def filled(lumas, left):
    """The picture in the middle of itself, enlarged and blurred."""
    out = []
    for luma in lumas:
        image = Image.fromarray(luma)
        blurred = image.resize((8, 8), Image.Resampling.BOX).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        inner = image.resize((WIDTH - 2 * round(left * WIDTH), HEIGHT), Image.Resampling.BILINEAR)
        blurred.paste(inner, (round(left * WIDTH), 0))
        out.append(np.asarray(blurred))
    return out


@pytest.mark.parametrize("left", [0.15, 0.25, 0.34])
def test_the_columns_of_a_blurred_fill_are_found(left):
    for seed in range(4):
        assert edges(between_symmetric_columns(sides_of(filled(moving(seed), left)))) == pytest.approx((left, 0, 1 - left, 1), abs=0.02)


def test_most_columns_of_a_still_blurred_fill_are_found():
    found = [
        abs(between_symmetric_columns(sides_of(filled(still(seed), left))).left - left) <= 0.02
        for seed in range(4)
        for left in (0.15, 0.25, 0.34)
    ]
    assert np.mean(found) >= 0.75


def test_a_film_without_lines_across_it_has_neither_bands_nor_columns():
    for seed in range(4):
        sides = sides_of(moving(seed))
        assert between_bands(sides) == between_symmetric_bands(sides) == between_symmetric_columns(sides) == WHOLE_FRAME


def test_what_is_left_between_bands_is_large_enough():
    sides = sides_of(banded(moving(1), 0.45, 0.6))
    assert between_bands(sides) == WHOLE_FRAME
