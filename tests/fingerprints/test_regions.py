"""Regions of a film as they are read: sparse ones, halves, tilts, and what very short and empty films give."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import vhashdb
from tests.examples import examples
from tests.footage import bits_between, decoded, film, picture, scene, thumbnail_of
from vhashdb.fingerprints import COARSE_PROFILE, KEYFRAME_PROFILE, QUERY_PROFILE, REFERENCE_PROFILE, FingerprintBuilder
from vhashdb.fingerprints.build import WINDOW_FRAMES
from vhashdb.fingerprints.profiles import FrameSelection
from vhashdb.fingerprints.regions import FIXED_BOXES, RegionFinder
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import CROPS, CUTS, FRAME_INSETS, HALVES, INSETS, MASKED_REGIONS, ONCE_STORED, TILTS, WHOLE_FRAME, Region, View
from vhashdb.video import VideoInfo
from vhashdb.video.frames import FRAME_DTYPE, fill_frame, fill_from_thumbnail, with_estimates

PROFILES = {"reference": REFERENCE_PROFILE, "query": QUERY_PROFILE, "scout": COARSE_PROFILE, "keyframes": KEYFRAME_PROFILE}
PERIOD_S = 0.25


def grey(rgb):
    return np.asarray(Image.fromarray(rgb).convert("L"))


def frames_of(lumas, period_s=PERIOD_S, start_s=0.0):
    batch = np.zeros(len(lumas), FRAME_DTYPE)
    for record, luma in zip(batch, lumas, strict=True):
        fill_frame(record, luma, thumbnail_of(luma))
    batch["time_s"] = start_s + np.arange(len(lumas)) * period_s
    return batch


def built(frames, profile, sizes=(16,)):
    """Fed in batches of these sizes, over and over."""
    builder, position, turn = FingerprintBuilder(Pdq(), profile), 0, 0
    while position < len(frames):
        size = sizes[turn % len(sizes)]
        builder.feed(frames[position : position + size])
        position, turn = position + size, turn + 1
    height, width = (int(frames[side][0]) if len(frames) else 0 for side in ("height", "width"))
    duration_s = float(frames["time_s"][-1]) + PERIOD_S if len(frames) else 0.0
    return builder.finish(VideoInfo(width=width, height=height, duration_s=duration_s, frames=len(frames)))


def of_region(fingerprint, region):
    return fingerprint.only(fingerprint.view == View(region).code)


@pytest.fixture(scope="module")
def letterboxed(samples):
    """FrameWindow at a film that has bars, and then none: regions come and go."""
    edited = [grey(f) for f in decoded(samples / "edited" / "night_city__letterbox.mp4", every=5)]
    plain = [grey(f) for f in decoded(samples / "known" / "night_city.mp4", every=5)]
    size = plain[0].shape[::-1]
    return frames_of([*(np.asarray(Image.fromarray(luma).resize(size)) for luma in edited), *plain])


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("size", [1, 7, 33, 64])
def test_a_fingerprint_does_not_depend_on_the_batches_it_came_in(letterboxed, profile, size):
    assert len(letterboxed) > 2 * WINDOW_FRAMES
    alike = built(letterboxed, profile, (size,)) == built(letterboxed, profile)
    assert alike


@given(st.lists(st.integers(1, 64), min_size=1, max_size=6), st.integers(1, 100))
@settings(max_examples=examples(15))
def test_a_scout_fingerprint_does_not_depend_on_any_batches(letterboxed, sizes, count):
    frames = letterboxed[:count]
    alike = built(frames, COARSE_PROFILE, sizes) == built(frames, COARSE_PROFILE)
    assert alike


@pytest.mark.parametrize("sizes", [(16,), (7,), (1,), (64,), (5, 30)], ids=str)
@pytest.mark.parametrize(("step", "sparse_step"), [(2, 2), (1, 4), (3, 2)])
def test_sparse_regions_are_read_at_every_nth_look(letterboxed, sizes, step, sparse_step):
    profile = replace(COARSE_PROFILE, selection=FrameSelection((0,)), frame_step=step, sparse_step=sparse_step)
    fingerprint = built(letterboxed, profile, sizes)
    frames = letterboxed["time_s"][::step]
    assert np.array_equal(of_region(fingerprint, Region.WHOLE).start_s, frames)
    for region in (Region.LEFT_HALF, Region.TILT_LEFT, Region.MASKED_CORNERS, Region.INSET_4):
        assert np.array_equal(of_region(fingerprint, region).start_s, frames[::sparse_step]), region


def test_entries_of_sparse_regions_cover_the_film_too(letterboxed):
    fingerprint = built(letterboxed, COARSE_PROFILE)
    part = of_region(fingerprint, Region.LEFT_HALF)
    assert part.start_s[0] == 0
    assert np.array_equal(part.end_s[:-1], part.start_s[1:])
    assert part.end_s[-1] >= fingerprint.duration_s - 2 * COARSE_PROFILE.sparse_step * PERIOD_S


def test_a_scout_takes_a_quarter_of_the_room_of_a_query(letterboxed):
    assert len(built(letterboxed, COARSE_PROFILE)) <= 0.4 * len(built(letterboxed, QUERY_PROFILE))


# -- halves and tilts ------------------------------------------------------------------------------


@pytest.mark.parametrize(("names", "axis"), [((Region.LEFT_HALF, Region.RIGHT_HALF), 1), ((Region.UPPER_HALF, Region.LOWER_HALF), 0)])
def test_each_half_hashes_like_the_film_it_shows(samples, names, axis):
    films = [[grey(f) for f in decoded(samples / "known" / f"{name}.mp4", every=12, limit=16)] for name in ("valley", "harbour")]
    both = [np.concatenate(pair, axis=axis) for pair in zip(*films, strict=True)]
    fingerprint = built(frames_of(both), replace(QUERY_PROFILE, selection=FrameSelection((0,))))
    for region, lumas in zip(names, films, strict=True):
        exact = np.stack([pdq.hash_luma(luma)[0] for luma in lumas])
        part = of_region(fingerprint, region)
        assert len(part) == len(lumas)
        assert np.mean(bits_between(part.hash, exact)) <= 16


@pytest.mark.parametrize(
    ("degrees", "clear"), [*((d, False) for d in (-8, -6.5, -5, -3, -2, 2, 3, 5, 6.5, 8)), *((d, True) for d in (-6.5, -3, 3, 6.5))]
)
def test_a_tilted_film_is_read_upright_by_one_of_the_tilts(samples, degrees, clear):
    """A film turned by 8° either way is within the radius of candidates, and one that was cropped until no corner is empty too."""
    lumas = [grey(f) for f in decoded(samples / "known" / "valley.mp4", every=20)]
    turned = [np.asarray(Image.fromarray(luma).rotate(degrees, Image.Resampling.BICUBIC)) for luma in lumas]
    if clear:
        height, width = turned[0].shape
        angle, aspect = math.radians(abs(degrees)), max(width / height, height / width)
        margin = (1 - 1 / (math.cos(angle) + aspect * math.sin(angle))) / 2
        turned = [luma[round(margin * height) : -round(margin * height), round(margin * width) : -round(margin * width)] for luma in turned]
    asked = built(frames_of(turned), replace(QUERY_PROFILE, selection=FrameSelection((0,))))
    known = built(frames_of(lumas), replace(REFERENCE_PROFILE, selection=FrameSelection((0,)), selection_of={}))
    stored = of_region(known, Region.CROP_CLOSE if clear else Region.WHOLE).hash
    bits = {region: np.mean(bits_between(of_region(asked, region).hash, stored)) for region in TILTS}
    best = min(bits, key=bits.get)
    assert bits[best] <= 40
    assert np.sign(TILTS[best]) == np.sign(degrees)  # PIL turns against the clock, and this is turned back with it


# -- what is there ---------------------------------------------------------------------------------


def test_the_fixed_regions_are_always_there():
    finder = RegionFinder(QUERY_PROFILE.views.keys())
    for thumbnails in (np.zeros((4, 128, 128), np.uint8), np.stack([thumbnail_of(grey(f)) for f in scene(1, 8)])):
        assert finder.find(thumbnails).keys() >= {
            Region.WHOLE,
            *CROPS.keys() & QUERY_PROFILE.views.keys(),
            *INSETS,
            *CUTS,
            *HALVES,
            *TILTS,
            *MASKED_REGIONS,
        }
    assert set(FIXED_BOXES) == {*CROPS, *ONCE_STORED, *INSETS, *FRAME_INSETS, *CUTS, *HALVES, *TILTS, *MASKED_REGIONS}


def test_halves_and_slight_crops_are_those_of_the_picture_without_bars():
    frames = np.stack([np.pad(thumbnail_of(grey(f))[32:96], ((32, 32), (0, 0))) for f in scene(1, 8)])
    specs = RegionFinder(QUERY_PROFILE.views.keys()).find(frames)
    box = specs[Region.WITHIN_BARS].box
    assert (box.top, box.bottom) == pytest.approx((0.25, 0.75), abs=0.01)
    assert specs[Region.UPPER_HALF].box.bottom == pytest.approx(0.5, abs=0.01)
    assert specs[Region.UPPER_HALF].box.top == box.top
    height = INSETS[Region.INSET_4].bottom - INSETS[Region.INSET_4].top
    assert specs[Region.INSET_4].box.top == pytest.approx(0.5 - height / 4, abs=0.01)


def test_insets_are_those_of_the_whole_frame_too_where_there_are_bars():
    frames = np.stack([thumbnail_of(grey(f)) for f in scene(1, 8)])
    barred = np.stack([np.pad(frame[32:96], ((32, 32), (0, 0))) for frame in frames])
    finder = RegionFinder(QUERY_PROFILE.views.keys())
    assert {region: finder.find(barred)[region].box for region in FRAME_INSETS} == FRAME_INSETS
    fresh = RegionFinder(QUERY_PROFILE.views.keys())
    assert fresh.find(frames).keys().isdisjoint(FRAME_INSETS)
    assert fresh.bars == WHOLE_FRAME


@pytest.mark.parametrize("name", ["harbour", "night_city", "valley"])
def test_the_uncovered_view_of_a_film_with_a_sticker_is_nearer_to_the_film(samples, name):
    lumas = [grey(f) for f in decoded(samples / "known" / f"{name}.mp4", every=12)]
    drawn = []
    for luma in lumas:
        luma = luma.copy()
        luma[40:100, 200:280], luma[46:94, 206:274] = 0, 245
        drawn.append(luma)
    fingerprint = built(frames_of(drawn), replace(QUERY_PROFILE, selection=FrameSelection((0,))))
    exact = np.stack([pdq.hash_luma(luma)[0] for luma in lumas])
    whole, masked = of_region(fingerprint, Region.WHOLE), of_region(fingerprint, Region.MASKED_OVERLAYS)
    assert len(masked) == len(whole)
    assert np.median(bits_between(masked.hash, exact)) <= 0.6 * np.median(bits_between(whole.hash, exact))


# -- very short and empty films --------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_film_of_very_few_frames_has_a_fingerprint(profile, count):
    frames = frames_of([grey(f) for f in scene(1, count)])
    fingerprint = built(frames, profile)
    assert fingerprint.usable.any()
    assert of_region(fingerprint, Region.WHOLE).start_s[0] == 0
    assert fingerprint.usable_s == pytest.approx(fingerprint.duration_s, abs=PERIOD_S * profile.frame_step)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_encoded_film_of_very_few_frames_has_a_query_that_matches_it(tmp_path, count):
    path = film(tmp_path / "short.mp4", scene(1, count, 180, 320, speed=20), rate=4)
    query = vhashdb.fingerprint(path, views="query")
    assert query.duration_s == pytest.approx(count / 4, abs=0.01)
    assert vhashdb.compare(query, vhashdb.fingerprint(path)).judgement.verdict in (vhashdb.Verdict.POSSIBLE, vhashdb.Verdict.MATCH)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("count", [1, 2, 3, 40])
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_flat_film_has_hashes_and_none_is_usable(profile, count, level):
    fingerprint = built(frames_of([np.full((120, 160), level, np.uint8)] * count), profile)
    assert len(fingerprint)
    assert not fingerprint.usable.any()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_damaged_film_has_hashes_and_none_is_usable(profile):
    """Where the decoder made pictures up it gives them quality 0: so has every region of them."""
    frames = frames_of([grey(f) for f in scene(1, 20)])
    frames["quality"] = 0
    fingerprint = built(frames, profile)
    assert len(fingerprint)
    assert not fingerprint.usable.any()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_film_of_no_frame_is_empty(profile):
    fingerprint = built(np.zeros(0, FRAME_DTYPE), profile)
    assert len(fingerprint) == 0
    assert vhashdb.from_bytes(vhashdb.to_bytes(fingerprint)) == fingerprint


@pytest.mark.parametrize("size", [(1, 1), (4, 300), (5, 5), (16, 9), (2000, 6)], ids=str)
def test_pictures_of_any_size_have_a_fingerprint(size):
    for fill in (fill_frame, fill_from_thumbnail):
        frames = np.zeros(3, FRAME_DTYPE)
        for number, record in enumerate(frames):
            luma = picture(number, *size)[..., 0].copy()
            fill(record, luma, thumbnail_of(luma)) if fill is fill_frame else fill(record, thumbnail_of(luma), *size)
        frames["time_s"] = np.arange(3) * PERIOD_S
        assert len(built(with_estimates(frames), QUERY_PROFILE))
