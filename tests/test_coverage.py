"""What was decoded of a file, as JSON: what is written is read, and readers and forms from before there was sound go on working."""

from dataclasses import replace

import pytest

import vhashdb
from vhashdb.coverage import MAX_TRACKS, MAX_WORDS

SOUND = vhashdb.SoundTrack(1, "aac", 2, "eng", 0.5, 10.0, 9.0, "1.0 s could not be decoded")
PICTURES = vhashdb.PictureTrack(0, "h264", 640, 360, 0.0, 10.0, 10.0)


def test_what_is_written_is_read():
    coverage = vhashdb.Coverage((PICTURES,), ("a",), True, (SOUND, replace(SOUND, number=2)))
    assert vhashdb.Coverage.from_json(coverage.to_json()) == coverage


def test_without_sound_it_is_as_it_was():
    coverage = vhashdb.Coverage((PICTURES,))
    assert set(coverage.to_json()) == {"tracks", "unseen", "sparse"}
    assert vhashdb.Coverage.from_json(coverage.to_json()).sounds == ()


def test_an_answer_rests_on_the_pictures():
    coverage = vhashdb.Coverage((PICTURES,), sounds=(SOUND,))
    assert coverage.complete
    assert not coverage.sound_complete
    assert vhashdb.Coverage(sounds=(replace(SOUND, unseen=""),)).sound_complete
    assert not vhashdb.Coverage().sound_complete
    assert coverage.summary()["sounds"] == [SOUND.to_json()]


def test_what_a_stranger_wrote_is_bounded():
    said = vhashdb.Coverage(sounds=(replace(SOUND, unseen="x" * 1000),) * 100).to_json()
    read = vhashdb.Coverage.from_json(said)
    assert (len(read.sounds), len(read.sounds[0].unseen)) == (MAX_TRACKS, MAX_WORDS)


@pytest.mark.parametrize("change", [{"seen_s": -1}, {"start_s": float("nan")}, {"duration_s": "long"}, {"number": None}])
def test_what_is_no_sound_track_is_refused(change):
    said = vhashdb.Coverage(sounds=(SOUND,)).to_json()
    said["sounds"][0] |= change
    with pytest.raises((ValueError, TypeError)):
        vhashdb.Coverage.from_json(said)
