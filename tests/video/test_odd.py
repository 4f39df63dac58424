"""Odd files of the shared corpus: a fingerprint or an error of the library, in time, and nothing else."""

import csv
import time

import pytest

import vhashdb
from tests.examples import long
from vhashdb.sound import SAMPLE_RATE
from vhashdb.video import Decoder, Mode, Sampling

TIME_S = 30.0
LIMITS = vhashdb.Limits(time_s=TIME_S)


@pytest.fixture(scope="module")
def outcomes(corpus):
    """What became of each file: a fingerprint or the error, and the seconds it took."""
    found = {}
    for path in sorted((corpus / "odd").iterdir()):
        if path.suffix == ".csv":
            continue
        started = time.monotonic()
        try:
            outcome = vhashdb.fingerprint(path, limits=LIMITS)
        except vhashdb.MediaError as error:  # anything else fails the tests, as it would end a batch
            outcome = error
        found[path.name] = outcome, time.monotonic() - started
    return found


@pytest.fixture(scope="module")
def manifest(corpus):
    with open(corpus / "odd" / "manifest.csv", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_every_odd_file_gives_a_fingerprint_or_an_error_in_time(outcomes, manifest):
    assert set(outcomes) >= set(manifest)
    assert max(seconds for _, seconds in outcomes.values()) < TIME_S + 5


def test_an_error_names_the_file_and_says_what_to_do(outcomes):
    errors = {name: outcome for name, (outcome, _) in outcomes.items() if isinstance(outcome, vhashdb.MediaError)}
    assert errors
    for name, error in errors.items():
        assert name in str(error)
        assert error.hint


def test_every_file_that_ffmpeg_decodes_has_a_fingerprint(outcomes, manifest):
    decodable = [name for name, row in manifest.items() if int(row["frames_decoded_by_ffmpeg"] or 0) > 0]
    assert len(decodable) > 30
    assert [name for name in decodable if not isinstance(outcomes[name][0], vhashdb.Fingerprint)] == []


def test_fingerprints_of_odd_files_are_in_order(outcomes):
    for name, (fingerprint, _) in outcomes.items():
        if isinstance(fingerprint, vhashdb.Fingerprint):
            assert len(fingerprint) or fingerprint.sound is not None, name
            assert (fingerprint.end_s <= fingerprint.duration_s + 0.002).all(), name
            assert vhashdb.from_bytes(vhashdb.to_bytes(fingerprint)) == fingerprint, name


def test_no_picture_and_no_sound_is_no_film(outcomes):
    for name in ("teletext_only.ts", "appledouble_dotunderscore.mp4"):
        assert isinstance(outcomes[name][0], vhashdb.MediaError), name
    for name in ("audio_only_ac3.mkv", "audio_only_aac_844k.mp4"):
        assert not len(outcomes[name][0]) and len(outcomes[name][0].sound), name


def test_a_header_that_lies_about_the_duration_is_not_believed(outcomes):
    assert outcomes["header_duration_143165s.mp4"][0].duration_s < 10


def test_rotation_metadata_of_real_phones_is_respected(outcomes):
    for name in ("rotated_90_gps.mov", "rotated_90_h264_small.mp4", "rotated_bbb_vertical.mp4", "dolby_vision_hdr_rotated.mov"):
        fingerprint = outcomes[name][0]
        assert fingerprint.height > fingerprint.width, name


def test_black_and_flat_films_have_no_usable_entry(outcomes):
    for name in ("av1_hlg_black.mp4", "black_multitrack.mp4"):
        assert outcomes[name][0].usable_s == 0, name


@pytest.fixture(scope="module")
def heard(corpus):
    """What was heard of each file: its sound tracks, or the error."""
    found = {}
    with Decoder(LIMITS) as decoder:
        for path in sorted((corpus / "odd").iterdir()):
            if path.suffix == ".csv":
                continue
            blocks = []
            stream = decoder.read(path, Sampling(Mode.SAMPLED, 1.0, exact=False), blocks.append)
            try:
                frames = sum(map(len, stream))
            except vhashdb.MediaError as error:
                found[path.name] = error
                continue
            assert frames or blocks, path.name
            for track in stream.info.coverage.sounds:
                seconds = sum(len(block.samples) for block in blocks if block.track == track.number) / SAMPLE_RATE
                assert track.seen_s <= seconds + 0.001, path.name  # gaps are filled with silence
            found[path.name] = stream.info.coverage.sounds
    return found


def test_every_odd_sound_is_heard_or_said_to_be_unheard(heard):
    sounds = {name: tracks for name, tracks in heard.items() if not isinstance(tracks, vhashdb.MediaError) and tracks}
    assert len(sounds) >= 25
    for name, tracks in sounds.items():
        for track in tracks:
            assert track.codec, name
            assert track.seen_s > 0 or track.unseen or name == "truncated_interlaced_mpeg2.ts", name  # of which nothing is left
    assert [track.channels for track in sounds["wrong_keyframe_flags.mp4"]] == [6]
    assert len(sounds["black_multitrack.mp4"]) == 2


def test_files_with_sound_alone_are_heard(heard):
    for name, seconds in {"audio_only_ac3.mkv": 2.0, "audio_only_aac_844k.mp4": 52.2, "truncated_realmedia.rm": 18.2}.items():
        assert heard[name][0].seen_s == pytest.approx(seconds, abs=0.1), name
    assert isinstance(heard["teletext_only.ts"], vhashdb.NotMedia)


def test_errors_are_the_same_with_sound(heard, outcomes):
    for name, outcome in heard.items():
        if isinstance(outcome, vhashdb.MediaError) and name != "teletext_only.ts":
            assert type(outcomes[name][0]) is type(outcome), name
            assert name in str(outcome)


@pytest.mark.parametrize("mode", [Mode.KEYFRAMES, pytest.param(Mode.FULL, marks=long)])
def test_other_modes_end_as_well_as_the_sampled_one(corpus, mode):
    """One decoder for all, as in a batch."""
    read = 0
    with Decoder(LIMITS) as decoder:
        for path in sorted((corpus / "odd").iterdir()):
            if path.stat().st_size > 600_000:  # the large ones take the time and teach nothing new
                continue
            try:
                read += sum(map(len, decoder.read(path, Sampling(mode, 2.0)))) > 0
            except vhashdb.MediaError as error:
                assert path.name in str(error)
    assert read > 15
