"""Painting over: what is drawn over a picture disturbs its hash far less when the picture is continued into its place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.footage import bits_between, decoded, picture, scene, thumbnail_of
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import Pdq, RegionPixels, get_algorithm
from vhashdb.hashing.inpainting import inpaint
from vhashdb.hashing.view_transforms import region_coefficients
from vhashdb.hashing.views import MASKED_REGIONS, WHOLE_FRAME, Box, Orientation, Region
from vhashdb.video.frames import FRAME_DTYPE, fill_frame

SIDE = 128
NAMES = ("harbour", "valley", "night_city", "playground")

# At most three sides at a border of the picture.
SPANS = st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.55]), st.floats(0.06, 0.4)).map(lambda span: (span[0], span[0] + span[1]))
BOXES = st.builds(lambda x, y: Box(x[0], y[0], x[1], y[1]), SPANS, SPANS)


def painted(thumbnails, box):
    patch = inpaint(thumbnails, box)
    out = thumbnails.copy()
    out[:, patch.rows, patch.columns] += patch.change
    return out


def grey(rgb):
    return np.asarray(Image.fromarray(rgb).convert("L"))


def frames_of(lumas):
    batch = np.zeros(len(lumas), FRAME_DTYPE)
    for record, luma in zip(batch, lumas, strict=True):
        fill_frame(record, luma, thumbnail_of(luma))
    batch["time_s"] = np.arange(len(lumas)) / 4
    return batch


def levels_of(frames):
    return frames["thumbnail"].astype(np.float32)


def gradient(down, across):
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return (100 + down * y + across * x)[None]


@given(BOXES, st.floats(-0.7, 0.7), st.floats(-0.7, 0.7))
@settings(max_examples=examples(60))
def test_a_patch_continues_a_gradient_exactly(box, down, across):
    """Between two borders any; beyond a single one only what does not change from it on can be known."""
    levels = gradient(down if box.top else 0.0, across if box.left else 0.0)
    patch = inpaint(levels, box)
    hidden = levels.copy()
    hidden[:, patch.rows, patch.columns][:, 1:-1, 1:-1] = 255
    assert np.allclose(painted(hidden, box), levels, atol=1e-2)


@given(BOXES, st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=examples(60))
def test_what_was_drawn_leaves_no_trace(box, first, second):
    """The patch is made of what is around it alone."""
    thumbnails = np.stack([thumbnail_of(grey(f)) for f in scene(3, 2)]).astype(np.float32)
    drawn = []
    for level in (first, second):
        levels = thumbnails.copy()
        levels[:, round(box.top * SIDE) : round(box.bottom * SIDE), round(box.left * SIDE) : round(box.right * SIDE)] = level
        drawn.append(painted(levels, box))
    assert np.allclose(drawn[0], drawn[1], atol=1e-3)
    outside = np.ones((SIDE, SIDE), bool)
    patch = inpaint(thumbnails, box)
    outside[patch.rows, patch.columns] = False
    assert np.array_equal(drawn[0][:, outside], levels[:, outside])


@given(BOXES)
@settings(max_examples=examples(40))
def test_a_patch_is_never_brighter_or_darker_than_what_is_around_it(box):
    thumbnails = np.stack([thumbnail_of(grey(f)) for f in scene(5, 2)]).astype(np.float32)
    patch = inpaint(thumbnails, box)
    inside = painted(thumbnails, box)[:, patch.rows, patch.columns]
    rows = slice(max(0, patch.rows.start - 1), patch.rows.stop + 1)
    columns = slice(max(0, patch.columns.start - 1), patch.columns.stop + 1)
    around = thumbnails[:, rows, columns].reshape(len(thumbnails), -1)
    assert (inside.reshape(len(thumbnails), -1).max(axis=1) <= around.max(axis=1) + 1e-2).all()
    assert (inside.reshape(len(thumbnails), -1).min(axis=1) >= around.min(axis=1) - 1e-2).all()


@given(BOXES, st.sampled_from([WHOLE_FRAME, Box(0.1, 0.05, 0.95, 0.8), Box.centred(0.7)]), st.integers(0, 50))
@settings(max_examples=examples(40))
def test_a_patch_gives_the_coefficients_of_the_picture_really_painted_over(box, region, seed):
    frames = frames_of([grey(f) for f in scene(seed, 3, 180, 320)])
    levels = levels_of(frames)
    really = region_coefficients(painted(levels, box), region, 180, 320)
    if region == WHOLE_FRAME:  # the whole picture's coefficients are exact, those of the thumbnail are not
        really += frames["coefficients"] - region_coefficients(levels, region, 180, 320)
    seen = RegionPixels(levels, region, (inpaint(levels, box),))
    ((hashes,),) = Pdq().hash_regions(frames, [seen], [Orientation.UPRIGHT])
    assert bits_between(hashes, pdq.bits_of(really)).max() <= 2  # a pair of coefficients equal but for rounding


def test_other_algorithms_paint_over_too():
    frames = frames_of([grey(f) for f in scene(2, 2)])
    levels, box = levels_of(frames), Box(right=0.3, bottom=0.3)
    hidden = levels.copy()
    hidden[:, : round(0.3 * SIDE), : round(0.3 * SIDE)] = 0
    clean, covered, masked = (
        get_algorithm("phash").hash_regions(frames, [RegionPixels(seen, WHOLE_FRAME, patches)], [Orientation.UPRIGHT])[0, 0]
        for seen, patches in ((levels, ()), (hidden, ()), (hidden, (inpaint(hidden, box),)))
    )
    assert (bits_between(masked, clean) < bits_between(covered, clean)).all()


def with_logo(luma, corner):
    """A logo in a corner: dark letters on a white plate."""
    height, width = luma.shape
    plate = np.full((round(0.2 * height), round(0.3 * width)), 250, np.uint8)
    plate[plate.shape[0] // 3 : -plate.shape[0] // 3, plate.shape[1] // 8 : -plate.shape[1] // 8 : 3] = 20
    rows = slice(5, 5 + plate.shape[0]) if "TOP" in corner else slice(height - 5 - plate.shape[0], height - 5)
    columns = slice(5, 5 + plate.shape[1]) if "LEFT" in corner else slice(width - 5 - plate.shape[1], width - 5)
    out = luma.copy()
    out[rows, columns] = plate
    return out


@pytest.mark.parametrize("region", [Region.MASKED_TOP_LEFT, Region.MASKED_TOP_RIGHT, Region.MASKED_BOTTOM_LEFT, Region.MASKED_BOTTOM_RIGHT])
def test_a_logo_changes_the_masked_view_far_less_than_the_whole(samples, region):
    whole, masked = [], []
    for name in NAMES:
        clean = [grey(rgb) for rgb in decoded(samples / "known" / f"{name}.mp4", every=50)]
        frames = frames_of([with_logo(luma, region.name) for luma in clean])
        levels = levels_of(frames)
        patches = tuple(inpaint(levels, cover) for cover in MASKED_REGIONS[region])
        hashes = Pdq().hash_regions(
            frames, [RegionPixels(levels, WHOLE_FRAME), RegionPixels(levels, WHOLE_FRAME, patches)], [Orientation.UPRIGHT]
        )
        known = np.stack([pdq.hash_luma(luma)[0] for luma in clean])
        whole += bits_between(hashes[0, 0], known).tolist()
        masked += bits_between(hashes[1, 0], known).tolist()
    assert np.mean(masked) <= 0.6 * np.mean(whole)
    assert np.mean(masked) <= 28


@pytest.mark.parametrize("region", MASKED_REGIONS)
def test_a_masked_view_of_a_clean_picture_is_near_the_whole(samples, region):
    """References are not painted over: what is missing on the asked side must cost little."""
    bits = []
    for name in NAMES:
        frames = frames_of([grey(rgb) for rgb in decoded(samples / "known" / f"{name}.mp4", every=50)])
        levels = levels_of(frames)
        seen = RegionPixels(levels, WHOLE_FRAME, tuple(inpaint(levels, cover) for cover in MASKED_REGIONS[region]))
        hashes = Pdq().hash_regions(frames, [seen, RegionPixels(levels, WHOLE_FRAME)], [Orientation.UPRIGHT])[:, 0]
        bits += bits_between(hashes[0], hashes[1]).tolist()
    assert np.mean(bits) <= (28 if region.name.count("_") == 2 else 48)  # one corner, or more of the picture


def test_several_patches_add_up():
    luma = picture(9, 180, 320, 20)[..., 0].copy()
    frames = frames_of([luma])
    levels = levels_of(frames)
    boxes = MASKED_REGIONS[Region.MASKED_CORNERS]
    seen = RegionPixels(levels, WHOLE_FRAME, tuple(inpaint(levels, box) for box in boxes))
    expected = levels
    for box in boxes:  # they do not touch one another
        expected = painted(expected, box)
    really = frames["coefficients"] + region_coefficients(expected - levels, WHOLE_FRAME, 180, 320)
    ((hashes,),) = Pdq().hash_regions(frames, [seen], [Orientation.UPRIGHT])
    assert bits_between(hashes, pdq.bits_of(really)).max() <= 2
