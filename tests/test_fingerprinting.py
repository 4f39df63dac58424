"""From an input to fingerprints: one pass for several profiles, and what is kept of a short one for another."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import vhashdb
from tests.footage import bursts, picture, scene, sounding
from vhashdb.fingerprinting import MAX_KEPT_FRAMES, KeptFrames, build, rebuild
from vhashdb.fingerprints import COARSE_PROFILE, DENSE_PROFILE, KEYFRAME_PROFILE, QUERY_PROFILE, REFERENCE_PROFILE
from vhashdb.hashing.algorithms import Pdq
from vhashdb.sound import SAMPLE_RATE, SoundFingerprint
from vhashdb.video import DecoderPool, Mode, Sampling
from vhashdb.video.frames import FRAME_DTYPE

LIMITS = vhashdb.Limits()


@pytest.fixture(scope="module")
def pool():
    pool = DecoderPool(LIMITS)
    yield pool
    pool.close()


def built(source, profiles, pool):
    return build(source, profiles, Pdq(), pool, LIMITS)


def batches_of(sizes):
    return [np.zeros(size, FRAME_DTYPE) for size in sizes]


# -- what is kept ----------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 64), max_size=30))
def test_frames_are_kept_up_to_a_number_and_thinned_beyond_it(sizes):
    frames = KeptFrames(Sampling(Mode.SAMPLED))
    batches = batches_of(sizes)
    for number, frame in enumerate(frame for batch in batches for frame in batch):
        frame["time_s"] = number
    passed = list(frames.passing(batches))
    assert all(a is b for a, b in zip(passed, batches, strict=True))  # every one of them is handed on
    assert frames.complete == (0 < sum(sizes) <= MAX_KEPT_FRAMES)
    if sum(sizes) <= MAX_KEPT_FRAMES:
        assert all(a is b for a, b in zip(frames, batches, strict=True))
    else:
        step = frames.frames["time_s"][1]
        assert frames.frames["time_s"].tolist() == np.arange(0, sum(sizes), step).tolist()
        assert MAX_KEPT_FRAMES / 2 <= len(frames.frames) <= MAX_KEPT_FRAMES


def test_exactly_as_many_as_are_kept_are_kept():
    for more, complete in ((0, True), (1, False)):
        frames = KeptFrames(Sampling(Mode.SAMPLED))
        for _ in frames.passing(batches_of([MAX_KEPT_FRAMES, *[1] * more])):
            pass
        assert frames.complete is complete


def test_what_is_kept_takes_little_memory():
    assert MAX_KEPT_FRAMES * FRAME_DTYPE.itemsize <= 12 << 20


def test_nothing_is_kept_of_a_film_of_nothing():
    frames = KeptFrames(Sampling(Mode.SAMPLED))
    assert list(frames.passing([])) == []
    assert not frames.complete
    assert len(frames.frames) == 0


# -- another profile from the same frames -------------------------------------------------------------


@pytest.mark.parametrize("name", ["known/valley.mp4", "edited/night_city__letterbox.mp4", "unknown/dark_room.mp4", "still.png"])
def test_a_rebuilt_fingerprint_equals_one_made_by_decoding_again(samples, pool, name):
    first = built(samples / name, [COARSE_PROFILE], pool)
    rebuilt = rebuild(first, QUERY_PROFILE, Pdq())
    again = built(samples / name, [QUERY_PROFILE], pool)
    assert rebuilt == again.fingerprints[0]
    assert first.info == again.info
    assert rebuild(first, COARSE_PROFILE, Pdq()) == first.fingerprints[0]  # as often as one likes


def test_a_rebuilt_fingerprint_of_a_picture_equals_a_new_one(pool):
    image = Image.fromarray(picture(1, 200, 300))
    first = built(image, [COARSE_PROFILE], pool)
    assert rebuild(first, QUERY_PROFILE, Pdq()) == built(image, [QUERY_PROFILE], pool).fingerprints[0]
    assert first.decode_cpu_s == 0


@pytest.mark.parametrize("profile", [KEYFRAME_PROFILE, DENSE_PROFILE, REFERENCE_PROFILE], ids=["keyframes", "closer", "reference"])
def test_a_plan_that_wants_other_frames_is_not_rebuilt(samples, pool, profile):
    first = built(samples / "known" / "valley.mp4", [COARSE_PROFILE], pool)
    assert rebuild(first, profile, Pdq()) is None


def test_a_longer_film_than_is_kept_is_decoded_again(samples, pool):
    often = replace(QUERY_PROFILE, sampling=Sampling(Mode.FULL), views=COARSE_PROFILE.views)
    path = samples / "known" / "valley.mp4"
    first = built(path, [replace(COARSE_PROFILE, sampling=Sampling(Mode.FULL))], pool)
    assert first.info.frames <= MAX_KEPT_FRAMES
    assert rebuild(first, often, Pdq()) is not None
    for batch in first.kept.passing(batches_of([MAX_KEPT_FRAMES])):
        assert len(batch)
    assert rebuild(first, often, Pdq()) is None


def test_one_pass_gives_each_plan_what_it_would_get_alone(samples, pool):
    """As long as both want the same frames."""
    path = samples / "known" / "harbour.mp4"
    both = built(path, [QUERY_PROFILE, COARSE_PROFILE], pool).fingerprints
    assert both == tuple(built(path, [profile], pool).fingerprints[0] for profile in (QUERY_PROFILE, COARSE_PROFILE))


def test_an_unreadable_file_is_an_error_whichever_plan_asks(pool, tmp_path):
    path = tmp_path / "no.mp4"
    path.write_bytes(b"not a film" * 100)
    for profile in (COARSE_PROFILE, KEYFRAME_PROFILE, QUERY_PROFILE, REFERENCE_PROFILE):
        with pytest.raises(vhashdb.MediaError):
            built(path, [profile], pool)


# -- sound -------------------------------------------------------------------------------------------


class Collected:
    """A listener that keeps what it hears."""

    def __init__(self):
        self.heard = []
        self.finished = 0

    def feed(self, track, start_s, samples):
        self.heard.append((track, start_s, samples))

    def finish(self):
        self.finished += 1
        return SoundFingerprint(np.zeros(0, np.uint64), round(sum(len(samples) for _, _, samples in self.heard) / SAMPLE_RATE, 3))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    sounding(folder / "both.mp4", {"samples": bursts(4, [1.0])}, frames=scene(1, 40))
    sounding(folder / "silent.mp4", frames=scene(1, 40))
    sounding(folder / "alone.m4a", {"samples": bursts(4, [1.0])})
    return folder


def listened(path, profiles, pool):
    listener = Collected()
    return build(path, profiles, Pdq(), pool, LIMITS, listener), listener


def test_every_fingerprint_of_a_pass_has_the_sound(films, pool):
    made, listener = listened(films / "both.mp4", [COARSE_PROFILE, QUERY_PROFILE], pool)
    assert [fingerprint.sound.duration_s for fingerprint in made.fingerprints] == pytest.approx([4.0, 4.0], abs=0.05)
    assert rebuild(made, QUERY_PROFILE, Pdq()) == made.fingerprints[1]
    assert listener.finished == 1
    assert [track.codec for track in made.fingerprints[0].coverage.sounds] == ["aac"]


def test_the_pictures_of_a_fingerprint_are_those_without_sound(films, pool):
    made, _ = listened(films / "both.mp4", [QUERY_PROFILE], pool)
    alone = built(films / "both.mp4", [QUERY_PROFILE], pool).fingerprints[0]
    assert alone.sound is None
    assert replace(made.fingerprints[0], sound=None, coverage=alone.coverage) == alone


def test_there_is_no_sound_of_what_has_none(films, pool):
    made, listener = listened(films / "silent.mp4", [QUERY_PROFILE], pool)
    assert (made.fingerprints[0].sound, listener.heard) == (None, [])
    picture_alone, _ = listened(Image.fromarray(picture(1, 100, 100)), [QUERY_PROFILE], pool)
    assert picture_alone.fingerprints[0].sound is None


def test_sound_alone_is_a_fingerprint_without_hashes(films, pool):
    made, listener = listened(films / "alone.m4a", [QUERY_PROFILE], pool)
    fingerprint = made.fingerprints[0]
    assert len(fingerprint) == 0
    assert fingerprint.duration_s == pytest.approx(4.0, abs=0.05)
    assert fingerprint.sound is not None
    assert fingerprint.coverage.complete
    assert listener.heard
    with pytest.raises(vhashdb.NotMedia):
        built(films / "alone.m4a", [QUERY_PROFILE], pool)
