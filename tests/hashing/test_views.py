"""Views: orientations without pixels, regions from the thumbnail, boxes within bars and captions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.footage import bits_between, decoded, picture, thumbnail_of
from vhashdb.hashing import pdq
from vhashdb.hashing.content_box import within_bars, within_drawn_border, within_static_border
from vhashdb.hashing.quality import Steps
from vhashdb.hashing.view_transforms import orient, region_coefficients
from vhashdb.hashing.views import CROPS, CUTS, INSETS, ONCE_STORED, WHOLE_FRAME, Box, Orientation, Region, View


def luma_picture(seed, height, width, points=24):
    return np.asarray(Image.fromarray(picture(seed, height, width, points)).convert("L"))


def turned(luma, orientation):
    """The picture itself, turned: what `orient` promises to do without it."""
    luma = luma.T if orientation & 4 else luma
    luma = luma[:, ::-1] if orientation & 1 else luma
    return np.ascontiguousarray(luma[::-1] if orientation & 2 else luma)


def oriented_hash(luma, orientation):
    return pdq.bits_of(orient(pdq.coefficients_of(pdq.buffer_of(luma)[None]), orientation))[0]


def is_symmetric(length):
    """Whether PDQ samples an axis the same way from both ends; where it does not, a mirrored picture has another PDQ."""
    matrix = pdq.axis_matrix(length)
    return np.allclose(matrix, matrix[::-1, ::-1])


ODD_SIZES = [n for n in range(65, 700, 7) if is_symmetric(n)]


@pytest.mark.parametrize("orientation", Orientation)
@given(seed=st.integers(0, 1 << 20), height=st.sampled_from([64, *ODD_SIZES]), width=st.sampled_from([64, *ODD_SIZES]))
@settings(max_examples=examples(15))
def test_orienting_coefficients_equals_turning_the_picture(orientation, seed, height, width):
    luma = luma_picture(seed, height, width)
    exact, _ = pdq.hash_luma(turned(luma, orientation))
    assert bits_between(oriented_hash(luma, orientation), exact) <= 2  # a pair of coefficients equal but for rounding


def test_some_sizes_are_sampled_symmetrically():
    assert len(ODD_SIZES) >= 20
    assert is_symmetric(64)


@pytest.mark.parametrize("orientation", Orientation)
def test_a_turned_film_is_near_its_oriented_hash(samples, orientation):
    """At even sizes PDQ itself samples a pixel off when turned: of 180 rows that is up to 28 bits."""
    for name in ("harbour", "valley"):
        for rgb in decoded(samples / "known" / f"{name}.mp4", every=60):
            luma = np.asarray(Image.fromarray(rgb).convert("L"))
            exact, _ = pdq.hash_luma(turned(luma, orientation))
            assert bits_between(oriented_hash(luma, orientation), exact) <= 31


def test_a_transposition_is_exact_at_any_size():
    for seed, (height, width) in enumerate(itertools.product((90, 128, 257, 500), repeat=2)):
        luma = luma_picture(seed, height, width)
        exact, _ = pdq.hash_luma(np.ascontiguousarray(luma.T))
        assert bits_between(oriented_hash(luma, Orientation.TRANSPOSED), exact) == 0


def test_orientations_are_the_eight_symmetries_of_a_square():
    coefficients = np.random.default_rng(5).standard_normal((1, 16, 16)).astype(np.float32)
    views = {orient(coefficients, o).tobytes() for o in Orientation}
    assert len(views) == 8
    for first, second in itertools.product(Orientation, repeat=2):
        assert orient(orient(coefficients, first), second).tobytes() in views


@given(seed=st.integers(0, 1 << 20), height=st.integers(64, 300), width=st.integers(64, 300))
@settings(max_examples=examples(30))
def test_the_hash_of_a_negative_is_the_complement(seed, height, width):
    luma = luma_picture(seed, height, width).astype(np.float32)
    hashed, _ = pdq.hash_luma(luma)
    negative, _ = pdq.hash_luma(255 - luma)
    assert bits_between(hashed, ~negative) <= 2  # one pair of bits trades places where the median moves by one rank


BOXES = [
    *CROPS.values(),
    *INSETS.values(),
    *CUTS.values(),
    *ONCE_STORED.values(),
    Box(-0.2, -0.1, 0.7, 1.0),
    Box.centred(0.5),
    Box(0, 0.1, 1, 0.9),
    Box(0.2, 0, 0.8, 1),
    Box(0.05, 0.3, 0.55, 0.9),
]


@pytest.mark.parametrize("box", BOXES, ids=str)
def test_a_region_hashes_like_the_picture_cut_out(samples, box):
    different = []
    for name in ("harbour", "valley", "night_city", "playground"):
        for rgb in decoded(samples / "known" / f"{name}.mp4", every=60):
            luma = np.asarray(Image.fromarray(rgb).convert("L"))
            height, width = luma.shape
            rows, columns = (
                np.clip(np.arange(round(low * side), round(high * side)), 0, side - 1)  # beyond the picture its edges are repeated
                for low, high, side in ((box.top, box.bottom, height), (box.left, box.right, width))
            )
            cut = luma[rows][:, columns]
            exact, quality = pdq.hash_luma(cut)
            thumbnail = thumbnail_of(luma)[None]
            different.append(bits_between(pdq.bits_of(region_coefficients(thumbnail, box, height, width))[0], exact))
            assert abs(int(Steps(thumbnail).quality(box)[0]) - quality) <= 10
    assert max(different) <= 24
    assert np.mean(different) <= 14


def test_the_quality_of_a_region_is_that_of_its_content():
    luma = np.zeros((256, 256), np.uint8)
    luma[:, 128:] = luma_picture(1, 256, 128, points=40)
    thumbnail = thumbnail_of(luma)[None]
    assert Steps(thumbnail).quality(Box(0, 0, 0.45, 1))[0] == 0
    assert Steps(thumbnail).quality(Box(0.55, 0, 1, 1))[0] > 80


def test_every_view_has_a_code_of_its_own():
    views = [View(region, orientation) for region in Region for orientation in Orientation]
    assert len({view.code for view in views}) == len(views)
    assert all(View.from_code(view.code) == view for view in views)
    assert max(view.code for view in views) < 1 << 16  # two bytes in stored fingerprints


# -- boxes -----------------------------------------------------------------------------------------

FRAMES = 16


def moving_thumbnails(change, *, count=FRAMES, size=256):
    """Thumbnailes of a scene that pans, each frame changed by ``change(pixels, number)``."""
    large = luma_picture(7, size * 2, size * 4, points=60)
    frames = [large[i * 4 : i * 4 + size, i * 20 : i * 20 + size].copy() for i in range(count)]
    return np.stack([thumbnail_of(change(frame, i)) for i, frame in enumerate(frames)])


def barred(left, top, right, bottom, level):
    """Put the picture, shrunk, between bars."""

    def change(frame, _):
        side = frame.shape[0]
        x0, y0, x1, y1 = (round(edge * side) for edge in (left, top, right, bottom))
        out = np.full_like(frame, level)
        out[y0:y1, x0:x1] = np.asarray(Image.fromarray(frame).resize((x1 - x0, y1 - y0)))
        return out

    return change


def edges(box):
    return np.array([box.left, box.top, box.right, box.bottom])


@given(
    level=st.integers(0, 255),
    near=st.floats(0.04, 0.25),
    far=st.floats(0.75, 0.96),
    upright=st.booleans(),
    count=st.sampled_from([8, 16, 32]),
)
@settings(max_examples=examples(40))
def test_bars_of_any_colour_are_found_within_one_percent(level, near, far, upright, count):
    wanted = (0.0, near, 1.0, far) if upright else (near, 0.0, far, 1.0)
    found = within_bars(moving_thumbnails(barred(*wanted, level), count=count))
    assert np.abs(edges(found) - wanted).max() <= 0.01


def test_bars_on_all_four_sides_are_found():
    wanted = (0.1, 0.2, 0.9, 0.8)
    assert np.abs(edges(within_bars(moving_thumbnails(barred(*wanted, 16)))) - wanted).max() <= 0.01


def test_a_full_picture_has_no_box():
    thumbnails = moving_thumbnails(lambda frame, _: frame)
    assert within_bars(thumbnails) == WHOLE_FRAME
    assert within_static_border(thumbnails, WHOLE_FRAME) == WHOLE_FRAME


@pytest.mark.parametrize("name", ["harbour", "valley", "night_city", "playground"])
def test_the_sample_films_have_no_bars(samples, name):
    frames = [thumbnail_of(np.asarray(Image.fromarray(rgb).convert("L"))) for rgb in decoded(samples / "known" / f"{name}.mp4", every=3)]
    for start in range(0, len(frames), 32):
        assert within_bars(np.stack(frames[start : start + 32])) == WHOLE_FRAME


def test_a_black_film_has_no_box():
    black = np.zeros((FRAMES, 128, 128), np.uint8)
    assert within_bars(black) == WHOLE_FRAME
    assert within_static_border(black, WHOLE_FRAME) == WHOLE_FRAME


def caption(frame, _):
    band = np.asarray(Image.fromarray(luma_picture(99, 51, 256, points=30)))
    out = frame.copy()
    out[:51] = band
    return out


def test_a_caption_band_is_cut_off_by_the_static_border_alone():
    thumbnails = moving_thumbnails(caption)
    assert within_bars(thumbnails) == WHOLE_FRAME
    found = within_static_border(thumbnails, WHOLE_FRAME)
    assert np.abs(edges(found) - (0.0, 0.2, 1.0, 1.0)).max() <= 0.015


def test_the_static_border_needs_more_than_two_frames():
    thumbnails = moving_thumbnails(caption, count=2)
    assert within_static_border(thumbnails, WHOLE_FRAME) == WHOLE_FRAME


def test_a_fade_to_black_does_not_confuse_the_bars():
    wanted = (0.0, 0.15, 1.0, 0.85)
    bars = barred(*wanted, 0)

    def fading(frame, number):
        return np.zeros_like(frame) if number >= FRAMES // 2 else bars(frame, number)

    assert np.abs(edges(within_bars(moving_thumbnails(fading))) - wanted).max() <= 0.01


def test_a_nearly_equal_box_stays_as_it_was():
    thumbnails = moving_thumbnails(barred(0.0, 0.12, 1.0, 0.88, 0))
    first = within_bars(thumbnails)
    assert within_bars(moving_thumbnails(barred(0.0, 0.124, 1.0, 0.88, 0)), first) is first
    assert within_bars(moving_thumbnails(barred(0.0, 0.2, 1.0, 0.8, 0)), first) is not first
    assert within_bars(moving_thumbnails(lambda frame, _: frame), first) == WHOLE_FRAME


# -- margins with something drawn in them ----------------------------------------------------------


def lettered(height, width, level, seed):
    """A margin of one colour with "text": two lines of dark or bright blocks in its middle, as letters are."""
    margin = np.full((height, width), level, np.uint8)
    ink, rng = (30, 225)[level < 128], np.random.default_rng(seed)
    for line in (0.25, 0.6):
        rows = slice(round(line * height), round((line + 0.2) * height))
        for start in range(round(0.1 * width), round(0.9 * width), 6):
            margin[rows, start : start + int(rng.integers(1, 6))] = ink
    return margin


def captioned(left, top, right, bottom, level=250):
    """The picture between margins with text."""

    def change(frame, _):
        side = frame.shape[0]
        x0, y0, x1, y1 = (round(edge * side) for edge in (left, top, right, bottom))
        out = np.full_like(frame, level)
        if y0:
            out[:y0] = lettered(y0, side, level, 1)
        if y1 < side:
            out[y1:] = lettered(side - y1, side, level, 2)
        if x0:
            out[:, :x0] = lettered(x0, side, level, 3).T
        if x1 < side:
            out[:, x1:] = lettered(side - x1, side, level, 4).T
        out[y0:y1, x0:x1] = np.asarray(Image.fromarray(frame).resize((x1 - x0, y1 - y0)))
        return out

    return change


@pytest.mark.parametrize("level", [0, 250, 128])
@pytest.mark.parametrize(
    "wanted", [(0.0, 0.2, 1.0, 0.85), (0.0, 0.25, 1.0, 1.0), (0.0, 0.0, 1.0, 0.7), (0.2, 0.0, 0.8, 1.0), (0.25, 0.0, 1.0, 1.0)], ids=str
)
def test_margins_with_text_are_cut_off_whatever_their_colour(wanted, level):
    """By the framed box alone: the bars box ends where the text begins."""
    thumbnails = moving_thumbnails(captioned(*wanted, level))
    assert not within_bars(thumbnails).near(Box(*wanted), 0.05)
    assert np.abs(edges(within_drawn_border(thumbnails)) - wanted).max() <= 0.015


@given(top=st.floats(0.1, 0.3), bottom=st.floats(0.7, 0.9), level=st.integers(0, 255))
@settings(max_examples=examples(25))
def test_margins_are_found_within_one_and_a_half_percent(top, bottom, level):
    thumbnails = moving_thumbnails(captioned(0.0, top, 1.0, bottom, level))
    assert np.abs(edges(within_drawn_border(thumbnails)) - (0.0, top, 1.0, bottom)).max() <= 0.015


def test_margins_of_a_still_picture_are_found():
    still = np.repeat(moving_thumbnails(captioned(0.0, 0.2, 1.0, 0.85))[:1], FRAMES, axis=0)
    assert np.abs(edges(within_drawn_border(still)) - (0.0, 0.2, 1.0, 0.85)).max() <= 0.015


def test_a_picture_without_margins_has_no_frame():
    assert within_drawn_border(moving_thumbnails(lambda frame, _: frame)) == WHOLE_FRAME
    assert within_drawn_border(np.zeros((FRAMES, 128, 128), np.uint8)) == WHOLE_FRAME


def test_margins_that_leave_too_little_are_none():
    assert within_drawn_border(moving_thumbnails(captioned(0.0, 0.4, 1.0, 0.6))) == WHOLE_FRAME


@pytest.mark.parametrize("name", ["harbour", "valley", "night_city", "playground"])
def test_the_sample_films_have_no_drawn_margins(samples, name):
    frames = [thumbnail_of(np.asarray(Image.fromarray(rgb).convert("L"))) for rgb in decoded(samples / "known" / f"{name}.mp4", every=3)]
    boxes = [within_drawn_border(np.stack(frames[start : start + 32])) for start in range(0, len(frames), 32)]
    assert boxes == [WHOLE_FRAME] * len(boxes)
