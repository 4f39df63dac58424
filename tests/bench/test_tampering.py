"""Edits of growing strength, what is known of where their parts come from, and how much of the source they leave."""

from dataclasses import replace

import av
import numpy as np
import pytest

import vhashdb
from bench import tampering
from bench.likeness import likeness, ssim
from bench.tampering import EDITS, GRID, Step
from tests.footage import picture

GEOMETRY = (
    "crop", "narrowing", "rotation", "rotation with zoom", "perspective", "shift", "wrapping", "mirroring", "zooming in", "shake", "waves",
    "lens", "border", "blurred fill", "in the picture of another video", "beside another video",
)  # fmt: skip


@pytest.fixture(scope="module")
def source(samples):
    """The beginning of a video, every third frame of it: everything here costs as much as there are frames."""
    read = tampering.read(samples / "known" / "valley.mp4", 4.0)
    rows = np.arange(0, len(read), 3)
    return replace(read.at(rows, read.times_s[rows]), shown=np.arange(len(rows)))


@pytest.fixture(scope="module")
def other(samples):
    return tampering.read(samples / "unknown" / "balloons.mp4", 2.0).frames


def edited(source, other, edit, strength, *, x=0.3, y=0.7):
    return tampering.apply(source, (Step(edit, strength, x, y, 11),), other)


def test_reading_takes_the_beginning_with_its_times(samples):
    source = tampering.read(samples / "known" / "valley.mp4", 4.0)
    assert source.frames.shape[1:] == (180, 320, 3)
    assert 3.9 <= source.end_s <= 4.1
    assert source.shown.tolist() == list(range(len(source)))
    assert (np.diff(source.times_s) > 0).all()


@pytest.mark.parametrize("edit", EDITS)
def test_nothing_is_lost_without_strength_and_what_is_lost_grows_with_it(source, other, edit):
    none, half, full = (likeness(source, edited(source, other, edit, strength)) for strength in (0.0, 0.5, 1.0))
    assert none.ssim >= 0.95
    assert none.harm <= 0.05
    assert none.harm <= half.harm + 0.06 <= full.harm + 0.12


def test_without_strength_a_video_is_still_found(source, other, known_db, tmp_path):
    asked = {}
    for edit in EDITS:
        copy = edited(source, other, edit, 0.0)
        shown = copy.frames.tobytes() + copy.times_s.tobytes()
        if shown not in asked:  # most leave every pixel as it was
            tampering.write(copy, tmp_path / "copy.mp4")
            asked[shown] = [(known_db.names[m.record.id], m.verdict) for m in known_db.match(tmp_path / "copy.mp4").matches]
        assert asked[shown] == [("valley", vhashdb.Verdict.MATCH)], edit


@pytest.mark.parametrize("edit", GEOMETRY)
def test_geometry_is_undone(source, other, edit):
    copy = edited(source, other, edit, 0.5)
    left = likeness(source, copy)
    assert left.ssim < 0.85
    assert left.kept > 0.85
    # It is undone, and not forgiven: with parts a tenth of the frame from where they are, little is left.
    elsewhere = likeness(source, replace(copy, origin=np.clip(copy.origin + np.float32(0.1), 0, 1)))
    assert elsewhere.kept < left.kept - 0.15


def test_geometry_is_undone_through_a_chain(source, other):
    chain = (Step("crop", 0.3, 0.2, 0.9, 1), Step("mirroring", 1.0, 0, 0, 2), Step("rotation", 0.3, 1, 0, 3), Step("caption", 0.2, 0, 0, 4))
    assert likeness(source, tampering.apply(source, chain, other)).kept > 0.85


@pytest.mark.parametrize(
    ("edit", "strength", "share"),
    [
        ("crop", 0.5, 0.65**2),
        ("narrowing", 0.4, 0.7),
        ("caption", 0.5, 0.7),
        ("logo", 0.8, 0.64),
        ("beside another video", 0.6, 1.0),
        ("mirroring", 1.0, 1.0),
    ],
)
def test_what_is_seen_of_the_area_is_known(source, other, edit, strength, share):
    assert likeness(source, edited(source, other, edit, strength)).seen == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize(
    ("edit", "strength", "pace"),
    [("faster", 0.5, 0.5), ("slower", 0.5, 0.5), ("fewer frames", 0.3, 1.0), ("frames of another video between", 0.5, 0.525)],
)
def test_pace_is_known(source, other, edit, strength, pace):
    assert likeness(source, edited(source, other, edit, strength)).pace == pytest.approx(pace, abs=0.05)


@pytest.mark.parametrize(
    ("edit", "strength", "size"),
    [("border", 0.6, 0.55), ("in the picture of another video", 0.5, 0.575), ("crop", 0.5, 1.0), ("logo", 0.5, 1.0)],
)
def test_how_large_the_source_is_shown_is_known(source, other, edit, strength, size):
    assert likeness(source, edited(source, other, edit, strength)).size == pytest.approx(size, abs=0.04)


def test_what_is_cut_out_of_time_is_not_seen(source, other):
    rows = np.flatnonzero(source.times_s < 1.0)
    assert likeness(source, source.at(rows, source.times_s[rows])).seen == pytest.approx(0.25, abs=0.02)


def test_a_picture_shown_too_small_loses_detail(source, other):
    fine = replace(source, frames=np.stack([picture(number, 180, 320, points=60) for number in range(10)]))
    fine = fine.at(np.arange(10), source.times_s[:10])
    large, small = (likeness(fine, edited(fine, other, "in the picture of another video", strength)) for strength in (0.5, 1.0))
    assert large.kept > 0.85
    assert small.kept < large.kept - 0.2


def test_compression_shows_only_in_what_is_decoded(source, other, tmp_path):
    copy = edited(source, other, "compression", 1.0)
    tampering.write(copy, tmp_path / "copy.mp4")
    decoded = tampering.as_encoded(copy, tmp_path / "copy.mp4")
    assert len(decoded) == len(source)
    assert likeness(source, decoded).harm > 0.05 > likeness(source, copy).harm


def test_writing_keeps_times(source, other, tmp_path):
    copy = edited(source, other, "uneven tempo", 0.8)
    tampering.write(copy, tmp_path / "copy.mp4")
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(copy.times_s, abs=0.001)


def test_ssim_by_hand():
    grey = picture(5, GRID, GRID).mean(-1).astype(np.float32)
    flat, lighter = np.full((GRID, GRID), 100, np.float32), np.full((GRID, GRID), 150, np.float32)
    assert ssim(grey, grey) == pytest.approx(1)
    assert ssim(flat, lighter) == pytest.approx((2 * 100 * 150 + 2.55**2) / (100**2 + 150**2 + 2.55**2))
    assert ssim(grey, 255 - grey) < 0
    changed = grey.copy()
    changed[:, GRID // 2 :] = 0
    assert ssim(grey, changed) < 0.7
    assert ssim(grey, changed, np.arange(GRID)[None] < np.full((GRID, 1), GRID // 2)) == pytest.approx(1)
