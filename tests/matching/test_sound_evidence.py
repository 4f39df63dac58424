"""What sound makes of a judgement on pictures."""

import dataclasses

import numpy as np
import pytest

from tests.footage import random_hashes
from vhashdb import Verdict
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import Pdq
from vhashdb.matching.comparison import compare_pictures
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.evidence import GateName
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.sound_evidence import Hearing, without_overlaps

CONFIG = SoundConfig()
HASHES = random_hashes(1, 24)


def shown(hashes):
    """Pictures that change every half second."""
    start_s = np.arange(len(hashes)) / 2
    quality, view = np.full(len(hashes), 100, np.uint8), np.zeros(len(hashes), np.uint16)
    return Fingerprint(Pdq.id, start_s, start_s + 0.5, hashes, quality, view, len(hashes) / 2)


def blurred(hashes, bits):
    """The hashes with so many bits flipped in each."""
    flipped = np.zeros((len(hashes), 256), np.uint8)
    for row, rng in zip(flipped, np.random.default_rng(2).spawn(len(hashes)), strict=True):
        row[rng.choice(256, bits, replace=False)] = 1
    return hashes ^ np.packbits(flipped, axis=1)


def heard(start_s=0.0, end_s=12.0, reference_s=0.0, evidence=30.0, moments=20, speed=1.0):
    return SoundSegment(start_s, end_s, reference_s, reference_s + (end_s - start_s) * speed, speed, 0.0, 100, moments, evidence)


def judged(query, reference, *segments):
    return Hearing(query, reference, compare_pictures(query, reference), segments, CONFIG).judge()


@pytest.mark.parametrize("bits", [85, 128])
def test_sound_under_pictures_that_are_not_alike_is_possible_wherever_they_are_nearer(bits):
    query, reference = shown(blurred(HASHES, bits)), shown(HASHES)
    assert compare_pictures(query, reference).judgement.verdict is Verdict.NO_MATCH
    found = judged(query, reference, heard())
    assert (found.verdict, found.by_sound, len(found.sounds)) == (Verdict.POSSIBLE, True, 1)
    assert found.matched_query_s == 12.0 and found.query_coverage == 1.0


def test_too_little_sound_says_nothing():
    query, reference = shown(random_hashes(3, 24)), shown(HASHES)
    assert judged(query, reference, heard(evidence=CONFIG.possible_evidence - 0.1)) == compare_pictures(query, reference).judgement


def test_a_match_keeps_its_verdict_and_says_what_was_heard():
    query, reference = shown(blurred(HASHES, 10)), shown(HASHES)
    seen = compare_pictures(query, reference).judgement
    assert seen.verdict is Verdict.MATCH
    found = judged(query, reference, heard(), heard(reference_s=3.0, evidence=5.0))
    assert (found.verdict, found.score, found.segments) == (seen.verdict, seen.score, seen.segments)
    assert [one.reference_start_s for one in found.sounds] == [0.0]  # the other line claims the same time


def test_a_picture_that_is_possible_is_confirmed_only_by_sound_on_its_line_of_time():
    unmoved = shown(np.repeat(HASHES[:1], 24, axis=0))
    query = shown(blurred(np.repeat(HASHES[:1], 24, axis=0), 6))
    assert compare_pictures(query, unmoved).judgement.verdict is Verdict.POSSIBLE
    found = judged(query, unmoved, heard())
    assert found.verdict is Verdict.MATCH and found.needs_sound and found.gates[-1].name is GateName.SOUND
    # Beyond the end of what the record shows there is nothing to go with.
    elsewhere = judged(query, unmoved, heard(start_s=2.0, end_s=8.0, reference_s=40.0, speed=1.2))
    assert elsewhere.verdict is Verdict.POSSIBLE and "at another time" in elsewhere.reason


def test_sound_alone_matches_only_where_neither_side_has_pictures():
    nothing = dataclasses.replace(Fingerprint.empty(Pdq.id, 12.0))
    with_pictures = shown(HASHES)
    assert judged(nothing, nothing, heard()).verdict is Verdict.MATCH
    assert judged(nothing, nothing, heard(evidence=CONFIG.match_evidence - 1)).verdict is Verdict.POSSIBLE
    for query, reference, words in ((nothing, with_pictures, "without its pictures"), (with_pictures, nothing, "no pictures to compare")):
        found = judged(query, reference, heard(evidence=90.0))
        assert found.verdict is Verdict.POSSIBLE and found.score < 0.5 and words in found.reason


def test_of_stretches_at_one_time_the_clearest_is_kept():
    clear, weak, later = heard(0, 10, evidence=20.0), heard(2, 9, evidence=9.0), heard(9, 19, evidence=4.0)
    assert without_overlaps([weak, later, clear], CONFIG) == [clear, later]
    assert without_overlaps([weak, later, clear], CONFIG, [weak]) == [later]


def test_beside_more_landmarks_more_evidence_is_needed():
    small, large = CONFIG.beside(10), CONFIG.beside(1000 * CONFIG.chosen_on_landmarks)
    assert small == CONFIG
    assert large.possible_evidence - CONFIG.possible_evidence == pytest.approx(np.log(1000))
    query, reference, one = shown(random_hashes(3, 24)), shown(HASHES), heard(evidence=5.0)
    seen = compare_pictures(query, reference)
    assert Hearing(query, reference, seen, [one], CONFIG).judge().verdict is Verdict.POSSIBLE
    assert Hearing(query, reference, seen, [one], large).judge().verdict is Verdict.NO_MATCH
