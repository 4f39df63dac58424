"""Lines of sound: found at any speed and pitch, where they are, and not between different tunes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fingerprints.strategies import sounds
from tests.tunes import asked, notes, play, stored
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.sound_alignment import align_sound, count_values
from vhashdb.sound import SAMPLE_RATE, SoundFingerprint

CONFIG = SoundConfig()
TUNE = notes(11, 40.0)
REFERENCE = stored(play(TUNE))


def piece(start_s, seconds, tempo=1.0, semitones=0.0):
    samples = play(TUNE, tempo, semitones)
    return asked(samples[round(start_s / tempo * SAMPLE_RATE) : round((start_s + seconds) / tempo * SAMPLE_RATE)])


@pytest.mark.parametrize(
    ("tempo", "semitones"),
    [(1, 0), (0.8, 0), (0.95, 0), (1.1, 0), (1.25, 0), (1, -2), (1, 1), (1, 2), (1.25, 3.863), (0.8, -3.863), (1.15, 2)],
)
def test_a_piece_is_found_where_it_is(tempo, semitones):
    found = align_sound(piece(8.0, 16.0, tempo, semitones), REFERENCE, CONFIG)
    best = found[0]
    assert best.evidence > CONFIG.match_evidence / 2
    assert best.speed == pytest.approx(tempo, rel=0.01)
    assert best.semitones == pytest.approx(semitones, abs=0.5)
    assert best.reference_at(0.0) == pytest.approx(8.0, abs=0.1)
    assert best.unchanged is (tempo == 1 and semitones == 0)


def test_noise_and_another_tune_over_it_take_nothing_from_its_place():
    samples = play(TUNE)[4 * SAMPLE_RATE : 24 * SAMPLE_RATE].astype(float)
    noise = np.random.default_rng(1).normal(0, samples.std() * 10**-0.5, len(samples))
    other = play(notes(12, 40.0))[: len(samples)].astype(float)
    for mixed in (samples + noise, samples + other * samples.std() / other.std()):
        best = align_sound(asked((mixed / 2).astype(np.int16)), REFERENCE, CONFIG)[0]
        assert best.evidence > CONFIG.possible_evidence
        assert best.reference_at(0.0) == pytest.approx(4.0, abs=0.1)


def test_what_another_sound_covers_for_some_seconds_is_one_stretch_at_the_same_speed():
    samples = play(TUNE)[4 * SAMPLE_RATE : 24 * SAMPLE_RATE].copy()
    samples[6 * SAMPLE_RATE : 13 * SAMPLE_RATE] = play(notes(12, 40.0))[: 7 * SAMPLE_RATE]
    best = align_sound(asked(samples), REFERENCE, CONFIG)[0]
    assert (best.speed, best.semitones) == (1.0, 0.0)
    assert best.query_start_s < 2 and best.query_end_s > 18
    assert best.reference_at(0.0) == pytest.approx(4.0, abs=0.05)


def test_under_a_louder_tune_it_is_still_found():
    samples = play(TUNE)[4 * SAMPLE_RATE : 24 * SAMPLE_RATE].astype(float)
    other = play(notes(12, 40.0))[: len(samples)].astype(float)
    mixed = samples + other * 10**0.2 * samples.std() / other.std()  # 4 dB louder
    best = align_sound(asked((mixed / 3).astype(np.int16)), REFERENCE, CONFIG)[0]
    assert best.evidence > CONFIG.possible_evidence
    assert best.reference_at(0.0) == pytest.approx(4.0, abs=0.05)


def test_different_tunes_are_not_alike():
    queries = [asked(play(notes(seed, 20.0), tempo)) for seed in range(100, 106) for tempo in (1, 1.1)]
    evidence = [one.evidence for query in queries for one in align_sound(query, REFERENCE, CONFIG)]
    assert max(evidence, default=0.0) < CONFIG.possible_evidence


def noise(rng, seconds=20):
    return rng.normal(0, 3000, seconds * SAMPLE_RATE)


def hum(rng, seconds=20):
    time_s = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    tones = (np.sin(2 * np.pi * 50 * k * time_s + rng.uniform(0, 6)) * 2700 / k for k in range(6, 30))
    return sum(tones) + rng.normal(0, 200, len(time_s))


def clicks(rng, seconds=20):
    samples = np.zeros(seconds * SAMPLE_RATE)
    for first in range(0, len(samples), SAMPLE_RATE // 2):
        samples[first : first + 200] = rng.normal(0, 12_000, 200)
    return samples


def beat(rng, seconds=20):
    """The same three notes in any order, four a second, as a machine plays them."""
    samples, time_s = rng.normal(0, 50, seconds * SAMPLE_RATE), np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    for first in range(0, len(samples), len(time_s)):
        samples[first : first + len(time_s)] += 9000 * np.sin(2 * np.pi * rng.choice([330, 440, 660]) * time_s) * np.exp(-12 * time_s)
    return samples


@pytest.mark.parametrize("make", [noise, hum, clicks])
def test_sounds_of_one_kind_are_alike_only_to_themselves(make):
    made = [make(np.random.default_rng(seed)).astype(np.int16) for seed in range(4)]
    for number, one in enumerate(made):
        for other, reference in enumerate(made):
            evidence = [line.evidence for line in align_sound(asked(one), stored(reference), CONFIG)]
            assert (max(evidence, default=-9.0) >= CONFIG.possible_evidence) is (number == other)


def test_beats_of_the_same_three_notes_are_hardly_alike():
    made = [beat(np.random.default_rng(seed)).astype(np.int16) for seed in range(5)]
    others = [
        line.evidence for one in made for other in made if one is not other for line in align_sound(asked(one), stored(other), CONFIG)
    ]
    itself = [align_sound(asked(one), stored(one), CONFIG)[0].evidence for one in made]
    assert max(others, default=-9.0) < CONFIG.match_evidence / 3 < min(itself)


def test_two_pieces_in_another_order_are_two_stretches():
    samples = play(TUNE)
    swapped = np.concatenate([samples[22 * SAMPLE_RATE : 34 * SAMPLE_RATE], samples[2 * SAMPLE_RATE : 14 * SAMPLE_RATE]])
    found = align_sound(asked(swapped), REFERENCE, CONFIG)[:2]
    first, second = sorted(found, key=lambda one: one.query_start_s)
    assert first.reference_at(1.0) == pytest.approx(23.0, abs=0.1)
    assert second.reference_at(13.0) == pytest.approx(3.0, abs=0.1)


def test_sounds_of_different_versions_are_not_compared():
    other = SoundFingerprint(REFERENCE.landmarks.copy(), REFERENCE.duration_s, spec=REFERENCE.spec + 1)
    assert align_sound(piece(0.0, 10.0), other, CONFIG) == ()


@given(query=sounds(), reference=sounds())
def test_whatever_strangers_send_has_an_outcome(query, reference):
    for one in align_sound(query, reference, CONFIG):
        assert 0 <= one.query_start_s <= one.query_end_s and 0 <= one.reference_start_s <= one.reference_end_s
        assert one.moments >= 1 and one.landmarks >= 1 and np.isfinite(one.evidence)


@given(st.lists(st.integers(-5, 5)))
def test_counting_is_as_numpy_counts(values):
    expected = np.unique(np.array(values, np.int64), return_counts=True)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(count_values(np.array(values, np.int64)), expected, strict=True))
