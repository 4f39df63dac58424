"""Landmarks: the same ones however the samples come, and nearly the same ones of an edited copy."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.tunes import asked, notes, play, stored
from vhashdb.sound import ASKED, FRAME_S, SAMPLE_RATE, STORED, LandmarkBuilder, fewer, neighbouring
from vhashdb.sound import landmarks as module
from vhashdb.sound.landmarks import CLASS_BITS, SHAPES

TUNE = play(notes(1, 80.0), seconds=80.0)


def test_landmarks_are_what_they_were():
    made, golden = stored(TUNE[: 20 * SAMPLE_RATE]), np.array(json.loads((Path(__file__).parent / "golden.json").read_text()))
    assert len(made) == len(golden) == 800
    # Another processor may round a peak that is on the edge of a class to the other side.
    assert len(np.intersect1d(made.key << 24 | made.frame, golden)) >= 0.98 * len(np.unique(golden))


@pytest.fixture(scope="module")
def whole():
    """What the tune is asked by, of all its samples at once."""
    return asked(TUNE)


@given(sizes=st.lists(st.integers(1, 60_000), min_size=1, max_size=40))
@settings(max_examples=examples(100))
def test_they_do_not_depend_on_how_the_samples_come(whole, sizes):
    builder, at = LandmarkBuilder(ASKED), 0
    for size in [*sizes, len(TUNE)]:
        block = TUNE[at : at + size]
        if len(block):
            builder.feed(0, at / SAMPLE_RATE, block)
        at += len(block)
    assert builder.finish() == whole


def test_there_are_no_more_than_a_database_may_keep_in_any_stretch():
    made = stored(np.random.default_rng(1).normal(0, 4000, 60 * SAMPLE_RATE).astype(np.int16))
    assert np.histogram(made.frame * FRAME_S, np.arange(0, 61, 4))[0].max() <= 4 * STORED.per_second


def test_of_hours_of_many_tracks_as_many_are_kept_as_a_fingerprint_may_have(monkeypatch, whole):
    monkeypatch.setattr(module, "MAX_LANDMARKS", 9000)
    made = asked(TUNE)
    assert 5000 < len(made) <= 9000
    assert np.isin(made.landmarks, whole.landmarks).all()
    assert made.frame[-1] * FRAME_S > 70


@pytest.mark.parametrize(
    "samples",
    [np.zeros(SAMPLE_RATE * 5, np.int16), np.full(SAMPLE_RATE * 5, 9000, np.int16), np.ones(8, np.int16), np.zeros(0, np.int16)],
    ids=["silence", "an offset", "a millisecond", "nothing"],
)
def test_what_is_no_sound_has_none(samples):
    assert len(stored(samples)) == len(asked(samples)) == 0


def test_a_run_that_begins_elsewhere_is_placed_there_and_joined_to_nothing():
    builder = LandmarkBuilder(STORED)
    builder.feed(0, 0.0, TUNE[: 10 * SAMPLE_RATE])
    builder.feed(0, 60.0, TUNE[: 10 * SAMPLE_RATE])
    twice, once = builder.finish(), stored(TUNE[: 10 * SAMPLE_RATE])
    first, second = twice.landmarks[twice.frame * FRAME_S < 30], twice.landmarks[twice.frame * FRAME_S >= 30]
    assert np.array_equal(first, once.landmarks)
    assert np.array_equal(np.sort(second >> np.uint64(24)), np.sort(once.landmarks >> np.uint64(24)))
    assert twice.duration_s == 70.0


def test_two_tracks_share_a_timeline():
    builder = LandmarkBuilder(STORED)
    builder.feed(0, 0.0, TUNE[: 10 * SAMPLE_RATE])
    builder.feed(1, 0.0, play(notes(2), seconds=10))
    both = set(builder.finish().landmarks.tolist())
    assert both == set(stored(TUNE[: 10 * SAMPLE_RATE]).landmarks.tolist()) | set(stored(play(notes(2), seconds=10)).landmarks.tolist())


@pytest.mark.parametrize(("tempo", "semitones"), [(1, 0), (1, 2), (1, -2), (0.8, 0), (1.25, 0), (1.25, 3.86), (0.8, -3.86)])
def test_a_copy_has_landmarks_of_the_same_shapes(tempo, semitones):
    tune = notes(3)
    reference, query = stored(play(tune)), asked(play(tune, tempo, semitones))
    shapes = np.isin(reference.key >> 2 * CLASS_BITS, query.key >> 2 * CLASS_BITS).mean()
    other = np.isin(reference.key >> 2 * CLASS_BITS, asked(play(notes(4), tempo, semitones)).key >> 2 * CLASS_BITS).mean()
    assert shapes > 0.75 and shapes > other + 0.1
    # Where a copy was only played higher or faster, keys that are neighbours are enough to find it.
    near = np.isin(reference.key, neighbouring(query.key)).mean()
    assert near > 0.6


@given(keys=st.lists(st.integers(0, (SHAPES << 2 * CLASS_BITS) - 1), min_size=1, max_size=20))
def test_neighbours_differ_by_one_class_at_most_and_are_mutual(keys):
    keys = np.array(keys)
    near = neighbouring(keys)
    assert near.shape == (len(keys), 7) and np.array_equal(near[:, 3], keys)
    for key, row in zip(keys.tolist(), near.tolist(), strict=True):
        there = [other for other in row if other >= 0]
        assert len(set(there)) == len(there)
        assert all(other >> 2 * CLASS_BITS == key >> 2 * CLASS_BITS for other in there)
        assert all(key in neighbouring(np.array([other]))[0] for other in there)


def test_fewer_keeps_what_a_thinner_fingerprint_would_have():
    everything = asked(TUNE)
    chosen = fewer(everything, 40)
    assert len(chosen) <= 40 * 84 and (np.diff(chosen) > 0).all()
    assert np.array_equal(fewer(everything, ASKED.per_second), np.arange(len(everything)))
