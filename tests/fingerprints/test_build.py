"""How a film becomes a fingerprint: by change, in bounded room, covering the whole film."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.footage import bits_between, film, picture, scene
from vhashdb.fingerprints import REFERENCE_PROFILE, FingerprintBuilder
from vhashdb.fingerprints.profiles import FrameSelection
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.video import VideoInfo
from vhashdb.video.frames import FRAME_DTYPE, fill_frame

PERIOD_S = 0.125


def batch_of(lumas, start_s=0.0, period_s=PERIOD_S):
    """Frames as the decoder gives them, from small grey pictures."""
    batch = np.zeros(len(lumas), FRAME_DTYPE)
    for record, luma in zip(batch, lumas, strict=True):
        fill_frame(record, luma, luma)
    batch["time_s"] = start_s + np.arange(len(lumas)) * period_s
    return batch


def grey(seed):
    return picture(seed, 128, 128, points=20)[..., 0].copy()


def build(lumas, profile=REFERENCE_PROFILE, batches=1):
    builder = FingerprintBuilder(Pdq(), profile)
    for part in np.array_split(batch_of(lumas), batches):
        builder.feed(part)
    return builder.finish(VideoInfo(width=128, height=128, duration_s=len(lumas) * PERIOD_S, frames=len(lumas)))


def by_view(fingerprint):
    for code in np.unique(fingerprint.view):
        yield View.from_code(int(code)), fingerprint.only(fingerprint.view == code)


def assert_well_formed(fingerprint):
    for view, part in by_view(fingerprint):
        assert (np.diff(part.start_s) > 0).all(), view
        assert (part.end_s >= part.start_s).all(), view
        assert (part.end_s[:-1] <= part.start_s[1:] + 1e-9).all(), view
        assert part.end_s.max() <= fingerprint.duration_s + 1e-9, view


def test_a_still_film_is_one_entry_with_a_duration():
    fingerprint = build([grey(1)] * 100)
    whole = fingerprint.only(fingerprint.view == 0)
    assert len(whole) == 1
    assert (whole.start_s[0], whole.end_s[0]) == (0.0, 12.5)
    assert len(fingerprint) <= 5  # one each region


def test_an_encoded_still_film_is_one_entry(tmp_path):
    path = film(tmp_path / "still.mp4", [picture(1, 120, 160)] * 80, rate=10)
    fingerprint = vhashdb.fingerprint(path)
    whole = fingerprint.only(fingerprint.view == 0)
    assert len(whole) == 1
    assert whole.end_s[0] == pytest.approx(8.0, abs=0.01)


def test_every_cut_begins_an_entry():
    shots = [grey(seed) for seed in range(5) for _ in range(16)]
    whole = build(shots).only(build(shots).view == 0)
    assert whole.start_s.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert whole.end_s.tolist() == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_a_shot_that_comes_again_is_an_entry_again():
    """Compared with the last kept hash, not with the first."""
    shots = [grey(seed) for seed in (1, 2, 1, 2) for _ in range(8)]
    fingerprint = build(shots)
    assert len(fingerprint.only(fingerprint.view == 0)) == 4


@pytest.mark.parametrize("name", ["harbour", "night_city", "playground", "valley"])
def test_entries_of_a_film_cover_it_in_order(reference_prints, name):
    fingerprint = reference_prints[name]
    assert_well_formed(fingerprint)
    whole = fingerprint.only(fingerprint.view == 0)
    assert whole.start_s[0] == 0
    assert np.array_equal(whole.end_s[:-1], whole.start_s[1:])
    assert whole.end_s[-1] == pytest.approx(fingerprint.duration_s, abs=0.05)
    assert fingerprint.usable_s == pytest.approx(fingerprint.duration_s, abs=0.3)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=90), st.integers(1, 12))
@settings(max_examples=examples(40))
def test_any_film_is_covered_whatever_its_batches(shots, batches):
    pictures = [grey(seed) for seed in range(6)]
    lumas = [pictures[s] for s in shots]
    fingerprint = build(lumas, batches=min(batches, len(lumas)))
    assert_well_formed(fingerprint)
    whole = fingerprint.only(fingerprint.view == 0)
    changes = 1 + sum(a != b for a, b in itertools.pairwise(shots))
    assert len(whole) == changes
    assert whole.start_s[0] == 0
    assert np.array_equal(whole.end_s[:-1], whole.start_s[1:])


@pytest.mark.parametrize("name", ["harbour", "valley"])
def test_neighbouring_entries_differ_by_the_finest_step(reference_prints, name):
    for view, part in by_view(reference_prints[name]):
        gaps = bits_between(part.hash[1:], part.hash[:-1])
        joined = part.start_s[1:] == part.end_s[:-1]
        selection = REFERENCE_PROFILE.selection_of.get(view.region, REFERENCE_PROFILE.selection)
        assert (gaps[joined] >= selection.change_bits[0]).all(), view


def test_a_calm_film_is_kept_in_finer_steps_than_a_lively_one():
    """A slow fade between two pictures: every step is small."""
    first, last = grey(1).astype(float), grey(2).astype(float)
    calm = [np.asarray(first + (last - first) * i / 159, np.uint8) for i in range(160)]  # 20 s
    lively = [np.asarray(first + (last - first) * (i % 16) / 15, np.uint8) for i in range(160)]
    steps = {}
    for name, lumas in (("calm", calm), ("lively", lively)):
        whole = build(lumas).only(build(lumas).view == 0)
        steps[name] = float(np.median(bits_between(whole.hash[1:], whole.hash[:-1])))
        assert len(whole) >= 5
    assert steps["calm"] < 16
    assert steps["lively"] > steps["calm"]
    coarse = replace(REFERENCE_PROFILE, selection=FrameSelection((32,)), selection_of={})
    assert len(build(calm)) > 2 * len(build(calm, coarse))


def test_a_reference_has_the_views_that_cannot_be_made_later(reference_prints):
    regions = {view.region for view, _ in by_view(reference_prints["harbour"])}
    assert regions == {Region.WHOLE, Region.CROP_CLOSE, Region.CROP_CLOSEST}  # a film without bars
    assert all(view.orientation is Orientation.UPRIGHT for view, _ in by_view(reference_prints["harbour"]))


def test_a_query_has_all_eight_orientations(query_prints):
    views = {view for view, _ in by_view(query_prints["edited/valley__clip.mp4"])}
    assert views >= {View(Region.WHOLE, orientation) for orientation in Orientation}


def test_the_box_of_a_letterboxed_query_is_hashed(query_prints):
    regions = {view.region for view, _ in by_view(query_prints["edited/night_city__letterbox.mp4"])}
    assert Region.WITHIN_BARS in regions


def test_every_frame_is_kept_by_its_profile(samples):
    fingerprint = vhashdb.every_frame(samples / "unknown" / "train.mp4")
    assert len(fingerprint) == 175
    assert np.allclose(fingerprint.start_s, np.arange(175) / 25)
    assert set(fingerprint.view.tolist()) == {0}


def test_a_film_of_no_frame_is_an_empty_fingerprint():
    fingerprint = FingerprintBuilder(Pdq(), REFERENCE_PROFILE).finish(VideoInfo())
    assert len(fingerprint) == 0
    assert fingerprint.usable_s == 0
    assert vhashdb.from_bytes(vhashdb.to_bytes(fingerprint)) == fingerprint


def test_the_same_film_has_the_same_fingerprint(samples, reference_prints):
    assert vhashdb.fingerprint(samples / "known" / "harbour.mp4") == reference_prints["harbour"]


def test_a_fingerprint_cannot_be_changed(reference_prints):
    with pytest.raises(ValueError, match="read-only"):
        reference_prints["harbour"].hash[0, 0] = 1
    with pytest.raises(AttributeError):
        reference_prints["harbour"].duration_s = 5.0


def test_columns_that_do_not_fit_are_refused(reference_prints):
    good = reference_prints["harbour"]
    for changes in (
        {"start_s": good.start_s[1:]},
        {"hash": good.hash[:, :8]},
        {"quality": good.quality[:-1]},
        {"start_s": good.end_s + 1},
        {"start_s": good.start_s - 1},
        {"start_s": good.start_s * np.nan},
    ):
        with pytest.raises(vhashdb.FingerprintError):
            replace(good, **changes)


def test_dark_frames_are_kept_but_not_usable(query_prints):
    dark = query_prints["unknown/dark_room.mp4"]
    assert len(dark)
    assert not dark.usable.any()
    assert dark.usable_s == 0


def test_a_panning_film_stays_within_eight_hashes_a_second_and_view(tmp_path):
    path = film(tmp_path / "pan.mp4", scene(3, 100, speed=8), rate=25)
    fingerprint = vhashdb.fingerprint(path)
    for view, part in by_view(fingerprint):
        assert len(part) <= 8 * fingerprint.duration_s + 1, view
