"""Frames that others hashed are subsampled as our own are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import vhashdb
from tests.fingerprints.strategies import fingerprints
from tests.footage import fingerprint_of, random_hashes
from vhashdb.fingerprints.build import subsampled


def test_a_still_scene_becomes_one_entry_that_lasts():
    frames = fingerprint_of(np.repeat(random_hashes(1, 1), 90, axis=0), step_s=0.033)
    kept = subsampled(frames)
    assert len(kept) == 1
    assert (kept.start_s[0], kept.end_s[0], kept.duration_s) == (0.0, frames.end_s[-1], frames.duration_s)


def test_a_lively_film_keeps_at_most_eight_a_second():
    kept = subsampled(fingerprint_of(random_hashes(1, 300), step_s=0.033))
    assert 70 <= len(kept) <= 81
    assert np.array_equal(kept.end_s[:-1], kept.start_s[1:])


@given(fingerprints())
def test_what_is_kept_was_there_and_covers_the_same_time(frames):
    kept = subsampled(frames)
    assert len(kept) <= len(frames)
    rows = {(s, q, v, h.tobytes()) for s, q, v, h in zip(frames.start_s, frames.quality, frames.view, frames.hash, strict=True)}
    assert {(s, q, v, h.tobytes()) for s, q, v, h in zip(kept.start_s, kept.quality, kept.view, kept.hash, strict=True)} <= rows
    if len(frames):
        assert kept.start_s[0] == frames.start_s[0]
        assert kept.end_s.max() == frames.end_s.max()


@given(st.integers(0, 1000), st.integers(2, 60))
def test_thinning_again_changes_nothing(seed, count):
    once = subsampled(fingerprint_of(random_hashes(seed, count), step_s=0.125))
    assert subsampled(once) == once


def test_several_views_are_left_alone():
    frames = fingerprint_of(random_hashes(1, 20), step_s=0.01)
    two = vhashdb.Fingerprint(
        frames.algorithm, frames.start_s.copy(), frames.end_s.copy(), frames.hash.copy(), frames.quality.copy(),
        np.repeat(np.array([0, 24], np.uint16), 10), frames.duration_s,
    )  # fmt: skip
    assert subsampled(two) is two
