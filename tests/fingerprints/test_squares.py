"""Squares of a reference: cut at the true aspect, few a second, none that is flat."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import vhashdb
from tests.footage import bits_between, decoded, scene, thumbnail_of
from vhashdb.fingerprints import (
    REFERENCE_PROFILE,
    REFERENCE_PROFILE_WITH_SQUARES,
    FingerprintBuilder,
    from_bytes,
    from_json,
    to_bytes,
    to_json,
)
from vhashdb.fingerprints.build import longest_of_each
from vhashdb.fingerprints.profiles import FrameSelection
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import SQUARES, Orientation, Region, View, stored_box
from vhashdb.video import VideoInfo
from vhashdb.video.frames import FRAME_DTYPE, fill_frame

EVERY = replace(REFERENCE_PROFILE_WITH_SQUARES, selection=FrameSelection((0,)), selection_of={}, drops_flat=frozenset())


def grey(rgb):
    return np.asarray(Image.fromarray(rgb).convert("L"))


def built(lumas, profile, period_s=0.125):
    frames = np.zeros(len(lumas), FRAME_DTYPE)
    for frame, luma in zip(frames, lumas, strict=True):
        fill_frame(frame, luma, thumbnail_of(luma))
    frames["time_s"] = np.arange(len(lumas)) * period_s
    builder = FingerprintBuilder(Pdq(), profile)
    builder.feed(frames)
    height, width = lumas[0].shape
    return builder.finish(VideoInfo(width=width, height=height, duration_s=len(lumas) * period_s, frames=len(lumas)))


def of_region(fingerprint, region):
    return fingerprint.only(fingerprint.view == View(region, Orientation.UPRIGHT).code)


@pytest.mark.parametrize("turned", [False, True], ids=["landscape", "portrait"])
def test_a_square_hashes_like_the_square_cut_out_of_the_picture(samples, turned):
    lumas = [grey(f)[:, ::1] for f in decoded(samples / "known" / "harbour.mp4", every=40)]
    lumas = [np.ascontiguousarray(luma.T) if turned else luma for luma in lumas]
    height, width = lumas[0].shape
    fingerprint, drift = built(lumas, EVERY), []
    for region in SQUARES:
        box = stored_box(region, height, width)
        cut = np.s_[round(box.top * height) : round(box.bottom * height), round(box.left * width) : round(box.right * width)]
        assert abs(lumas[0][cut].shape[0] - lumas[0][cut].shape[1]) <= 1
        drift += bits_between(
            of_region(fingerprint, region).hash, np.stack([pdq.hash_luma(np.ascontiguousarray(luma[cut]))[0] for luma in lumas])
        ).tolist()
    assert np.mean(drift) <= 24  # a square has 45 × 25 points of the thumbnail


def test_squares_keep_within_their_rate_however_lively_the_video_is():
    """Every frame another picture: 8 a second of each square could be kept."""
    rng = np.random.default_rng(5)
    lumas = [np.kron(rng.integers(0, 255, (24, 32), np.uint8), np.ones((6, 6), np.uint8)) for _ in range(80)]
    fingerprint = built(lumas, REFERENCE_PROFILE_WITH_SQUARES)
    for region in SQUARES:
        part = of_region(fingerprint, region)
        assert 9 <= len(part) <= 10  # 0.9 a second for 10 s, and one for what is left
        assert (part.end_s - part.start_s <= 0.125 + 1e-9).all()  # what the others stood for is in none
        assert (np.diff(part.start_s) > 0).all()


def test_the_same_film_has_the_same_other_entries_with_squares():
    lumas = [grey(f) for f in scene(3, 40)]
    plain, squares = built(lumas, REFERENCE_PROFILE), built(lumas, REFERENCE_PROFILE_WITH_SQUARES)
    assert squares.only(~np.isin(squares.view >> 3, SQUARES)) == plain
    assert len(squares) > len(plain)


def test_flat_squares_are_not_kept():
    """Left half black, right half a film: of the squares at the left there is nothing."""
    lumas = [np.hstack([np.zeros((120, 120), np.uint8), grey(f)[:, :120]]) for f in scene(3, 24)]
    kept = {View.from_code(int(code)).region for code in built(lumas, REFERENCE_PROFILE_WITH_SQUARES).view} & set(SQUARES)
    at_left = {region for region in SQUARES if stored_box(region, 120, 240).right < 0.5}
    assert at_left and not kept & at_left
    assert {region for region in SQUARES if stored_box(region, 120, 240).left > 0.55} <= kept
    assert (of_region(built(lumas, REFERENCE_PROFILE), Region.WHOLE).quality >= 20).all()


def test_the_longest_entry_of_each_span_is_kept():
    starts, ends = np.array([0.0, 0.2, 0.9, 1.0, 1.6, 3.5]), np.array([0.2, 0.9, 1.0, 1.6, 2.5, 3.6])
    assert longest_of_each(starts, ends, 1.0).tolist() == [1, 4, 5]
    assert longest_of_each(starts, ends, 0.1).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_fingerprint_with_squares_survives_every_form_of_it(samples):
    made = vhashdb.fingerprint(samples / "known" / "harbour.mp4", views="squares")
    assert {View.from_code(int(code)).region for code in made.view} >= set(SQUARES)
    assert from_bytes(to_bytes(made)) == made
    assert from_json(to_json(made)) == made
