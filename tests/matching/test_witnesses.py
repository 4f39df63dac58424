"""What a match rests on, what is said of the sounds of both, and both in words."""

import dataclasses

import pytest

import vhashdb
from tests.fingerprints.strategies import random_sound
from tests.footage import fingerprint_of, listening, random_hashes
from tests.matching.segments import segment
from vhashdb import RestsOn, SoundFinding, SoundSegment, Verdict
from vhashdb.matching import SoundConfig, change_words, compare, explain, finding_words, rests_on, sound_finding
from vhashdb.matching.sound_words import why_sound_confirms_nothing
from vhashdb.matching.verdict import Judgement

HEARD = SoundSegment(0.0, 9.0, 1.0, 10.0, 1.0, 0.0, 90, 18, 30.0)
FILM = fingerprint_of(random_hashes(1, 80))  # of 20 s


def judgement(*segments, sounds=(), verdict=Verdict.POSSIBLE):
    return Judgement(verdict, 0.4, tuple(segments), (), "", sounds=tuple(sounds))


def with_sound(seed, count, fingerprint=FILM, duration_s=20.0):
    return dataclasses.replace(fingerprint, sound=None if count is None else random_sound(seed, count, duration_s))


def finding(judged, query, reference, *, listened=True):
    return sound_finding(judged, query, reference, SoundConfig(), listened=listened)


@pytest.mark.parametrize(("judged", "expected"), [
    (judgement(segment()), RestsOn.PICTURE),
    (judgement(segment(), sounds=[HEARD]), RestsOn.BOTH),
    (judgement(sounds=[HEARD]), RestsOn.SOUND),
    (judgement(verdict=Verdict.MATCH), RestsOn.FILE),
])  # fmt: skip
def test_a_match_rests_on_what_agrees(judged, expected):
    assert rests_on(judged) is expected


@pytest.mark.parametrize(("here", "there", "listened", "expected"), [
    (1000, 1000, True, SoundFinding.ANOTHER),
    (1000, 1000, False, SoundFinding.ANOTHER),
    (1000, 100, True, SoundFinding.NONE),
    (100, 1000, True, SoundFinding.NONE),
    (1000, None, True, SoundFinding.NONE),
    (None, 1000, True, SoundFinding.NONE),
    (None, 1000, False, SoundFinding.NOT_LISTENED),
    (None, None, False, SoundFinding.NOT_LISTENED),
])  # fmt: skip
def test_another_sound_is_said_only_where_both_have_enough_of_it(here, there, listened, expected):
    assert finding(judgement(), with_sound(1, here), with_sound(2, there), listened=listened) is expected


def test_only_the_seconds_that_are_alike_count():
    """There are landmarks enough, but most of them elsewhere."""
    alike = segment(end_s=3.0)
    assert finding(judgement(alike), with_sound(1, 1000), with_sound(2, 1000)) is SoundFinding.NONE
    longer = segment(end_s=12.0)
    assert finding(judgement(longer), with_sound(1, 1000), with_sound(2, 1000)) is SoundFinding.ANOTHER


def test_many_landmarks_in_a_moment_are_no_sound_to_compare():
    assert finding(judgement(), with_sound(1, 1000, duration_s=2.0), with_sound(2, 1000)) is SoundFinding.NONE


def test_what_agrees_is_the_same_whatever_else_is_there():
    assert finding(judgement(sounds=[HEARD]), FILM, FILM, listened=False) is SoundFinding.SAME


@pytest.mark.parametrize(("speed", "semitones", "words"), [
    (1.0, 0.0, ()),
    (1.005, -0.3, ()),
    (1.2, 0.0, ("1.20 × speed",)),
    (1.0, 2.05, ("2 semitones higher",)),
    (1.0, -0.95, ("1 semitone lower",)),
    (0.8, -1.5, ("1.5 semitones lower", "0.80 × speed")),
])  # fmt: skip
def test_how_a_sound_was_changed_is_said_in_words(speed, semitones, words):
    assert change_words(dataclasses.replace(HEARD, speed=speed, semitones=semitones)) == words


def test_of_a_match_by_its_pictures_it_is_said_that_the_sound_was_replaced():
    match = judgement(segment(), verdict=Verdict.MATCH)
    assert finding_words(SoundFinding.ANOTHER, match).startswith("sound replaced")
    assert not finding_words(SoundFinding.NONE, match)
    assert not finding_words(SoundFinding.ANOTHER, judgement(verdict=Verdict.NO_MATCH))


@pytest.mark.parametrize(("judged", "here", "there", "said", "why"), [
    (judgement(segment(), verdict=Verdict.MATCH), None, None, SoundFinding.NONE, ""),
    (judgement(segment()), None, 1000, SoundFinding.NOT_LISTENED, "the file was not listened to"),
    (judgement(segment()), None, 1000, SoundFinding.NONE, "the file has no sound"),
    (judgement(segment()), 1000, None, SoundFinding.NONE, "the known video has no sound in the database"),
    (judgement(segment()), 10, 1000, SoundFinding.NONE, "too little is to be heard in the file"),
    (judgement(segment()), 1000, 1000, SoundFinding.NONE, "too little is to be heard where the pictures are alike"),
    (judgement(segment()), 1000, 1000, SoundFinding.ANOTHER, "the sound is another where the pictures are alike"),
    (judgement(verdict=Verdict.NO_MATCH), 1000, 1000, SoundFinding.ANOTHER, "the sound is another"),
    (judgement(segment(), sounds=[HEARD]), 1000, 1000, SoundFinding.SAME, "the sound is the same, but at another time than the pictures"),
    (judgement(sounds=[HEARD]), 1000, 1000, SoundFinding.SAME, ""),
])  # fmt: skip
def test_why_sound_added_nothing_is_said_in_a_sentence(judged, here, there, said, why):
    assert why_sound_confirms_nothing(judged, with_sound(1, here), with_sound(2, there), said) == why


# -- two files, decoded --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prints(tmp_path_factory):
    """Fingerprints of all files, as ones that are asked about, and of some as known ones."""
    files = listening(tmp_path_factory.mktemp("sound"))
    asked = {name: vhashdb.fingerprint(path, views="query") for name, path in files.items()}
    known = {name: vhashdb.fingerprint(files[name]) for name in ("known.mp4", "alone.wav")}
    return asked, known


@pytest.mark.parametrize(("query", "reference", "verdict", "witnesses", "sound"), [
    ("copy.mp4", "known.mp4", "match", "picture and sound", "the same"),
    ("replaced.mp4", "known.mp4", "match", "picture", "another"),
    ("elsewhere.mp4", "known.mp4", "possible", "sound", "the same"),
    ("alone.mp3", "known.mp4", "possible", "sound", "the same"),
    ("alone.mp3", "alone.wav", "match", "sound", "the same"),
    ("copy.mp4", "alone.wav", "possible", "sound", "the same"),
    ("silent.mp4", "known.mp4", "match", "picture", "none"),
])  # fmt: skip
def test_two_files_are_compared_by_all_that_they_have(prints, query, reference, verdict, witnesses, sound):
    explanation = explain(prints[0][query], prints[1][reference])
    assert explanation.judgement.verdict == verdict
    assert rests_on(explanation.judgement) == witnesses
    assert explanation.sound == sound
    assert compare(prints[0][query], prints[1][reference]).judgement == explanation.judgement


@pytest.mark.parametrize(("query", "reference", "verdict", "reason"), [
    ("another.wav", "alone.wav", "no-match", "the two do not sound alike; neither has pictures"),
    ("another.wav", "known.mp4", "no-match", "the two do not sound alike; the file has no pictures"),
    ("silent.mp4", "alone.wav", "insufficient", "the known one has no pictures, and too little is to be heard to compare"),
])  # fmt: skip
def test_files_without_pictures_are_judged_by_what_is_heard(prints, query, reference, verdict, reason):
    judged = compare(prints[0][query], prints[1][reference]).judgement
    assert (judged.verdict, judged.reason) == (verdict, reason)


def test_nothing_but_sound_is_no_near_miss_of_pictures(prints):
    explanation = explain(prints[0]["elsewhere.mp4"], prints[1]["known.mp4"])
    assert explanation.near_miss == "the sound is the same, and no picture confirms it"
    assert [gate.name for gate in explanation.judgement.gates if gate.passed] == ["sound"]


def test_a_file_with_sound_alone_is_no_media_for_who_does_not_listen(tmp_path):
    path = listening(tmp_path)["alone.wav"]
    with pytest.raises(vhashdb.NotMedia):
        vhashdb.fingerprint(path, sound=False)
