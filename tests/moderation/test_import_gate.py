"""The import gate: what does not look like footage, or looks like everybody's, waits for a person."""

from dataclasses import replace

import numpy as np
import pytest

import vhashdb
from tests.exchange.companies import film, pictures
from tests.footage import film as film_file
from tests.footage import fingerprint_of, flipped, random_hashes, scene
from tests.tunes import notes, play, stored
from vhashdb import background
from vhashdb.fingerprints.model import USABLE_QUALITY, Fingerprint
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.view_transforms import turned_bits
from vhashdb.hashing.views import Orientation
from vhashdb.moderation.allow_list import AllowList, Canaries
from vhashdb.moderation.import_gate import LIMITS, held_for, sudden


def test_real_footage_passes(samples):
    for path in sorted((samples / "known").glob("*.mp4")):
        assert held_for(vhashdb.fingerprint(path)) == ()


def test_hashes_without_half_of_their_bits_are_no_pictures():
    (why,) = held_for(fingerprint_of(np.zeros((10, 32), np.uint8) + 3))
    assert why.startswith("100% of its hashes do not have about half of their bits set")


def test_a_few_odd_hashes_are_believed():
    hashes = pictures(1, 40)
    hashes[0] = 0
    assert held_for(fingerprint_of(hashes)) == ()
    hashes[1:3] = 0
    assert len(held_for(fingerprint_of(hashes))) == 1


def test_flat_pictures_are_held():
    (why,) = held_for(fingerprint_of(pictures(1), quality=LIMITS.quality - 1))
    assert why == "100% of its pictures have a quality under 50"
    assert held_for(fingerprint_of(pictures(1), quality=LIMITS.quality)) == ()


def test_what_shows_too_little_to_compare_says_nothing_about_its_bits():
    reasons = held_for(fingerprint_of(np.zeros((10, 32), np.uint8), quality=USABLE_QUALITY - 1))
    assert [why for why in reasons if "bits" in why] == []


def test_test_cards_and_countdowns_are_held():
    known = background._background()[:20]
    reasons = held_for(fingerprint_of(known))
    assert "100% of its pictures are known to be harmless" in reasons


def test_what_is_on_an_allow_list_is_held():
    benign = AllowList.of([film(7)], [], Pdq.id).benign
    assert held_for(film(7), benign=benign) == ("100% of its pictures are known to be harmless",)
    assert held_for(film(8), benign=benign) == ()


def test_the_sound_of_what_is_on_an_allow_list_or_of_a_canary_is_held_under_any_pictures():
    song, other = (stored(play(notes(seed), seconds=12.0)) for seed in (1, 2))
    known = replace(film(7), sound=song)
    heard_in, canaries = AllowList.of([known], [], Pdq.id).heard_in, Canaries([film(6), known], Pdq.id)
    hostile, unlike = replace(film(8), sound=song), replace(film(8), sound=other)
    (why,) = held_for(hostile, harmless_sound=heard_in)
    assert why.endswith("% of its sound is known to be harmless")
    assert held_for(hostile, innocent=canaries.matched) == ("it matches 1 of your innocent videos",)
    assert held_for(replace(Fingerprint.empty(Pdq.id), sound=song), innocent=canaries.matched) == ("it matches 1 of your innocent videos",)
    assert held_for(unlike, innocent=canaries.matched, harmless_sound=heard_in) == ()


def test_pictures_of_many_unrelated_records_are_held():
    asked = []

    def neighbours(hashes, bits):
        asked.append((len(hashes), bits))
        return range(LIMITS.unrelated)

    assert held_for(film(1), neighbours=neighbours) == (f"its pictures are in {LIMITS.unrelated} other records",)
    assert asked == [(LIMITS.sampled, LIMITS.neighbour_bits)]
    assert held_for(film(1), neighbours=lambda hashes, bits: range(LIMITS.unrelated - 1)) == ()


def test_a_fingerprint_without_hashes_has_nothing_to_hold():
    assert held_for(fingerprint_of(np.zeros((0, 32), np.uint8))) == ()


@pytest.mark.parametrize(
    ("new", "before", "held"), [(10**6, 0, False), (2_000, 10, False), (2_001, 10, True), (5_000, 10_000, False), (5_001, 10_000, True)]
)
def test_sudden_volume(new, before, held):
    assert bool(sudden(new, before)) is held


# -- what real footage never does ------------------------------------------------------------------


def walk(seed, count, bits=20):
    """Hashes that go on from one to the next, as those of a film do: of half of their bits set, some change places."""
    rng = np.random.default_rng(seed)
    row = np.zeros(256, np.uint8)
    row[rng.choice(256, 128, replace=False)] = 1
    rows = []
    for _ in range(count):
        rows.append(row.copy())
        for value in (0, 1):
            row[rng.choice(np.flatnonzero(rows[-1] == value), bits // 2, replace=False)] ^= 1
    return np.packbits(rows, axis=1)


def test_real_and_generated_footage_goes_on_and_what_is_strung_together_does_not(samples, tmp_path):
    films = [film_file(tmp_path / f"{seed}.mp4", scene(seed, 40)) for seed in range(4)]
    prints = [vhashdb.fingerprint(path) for path in (*films, *sorted((samples / "known").glob("*.mp4")))]
    assert [held_for(each) for each in prints] == [()] * len(prints)
    pieces = np.concatenate([each.hash[each.usable & (each.view == 0)][:40:8] for each in prints])
    strung = fingerprint_of(np.concatenate([pieces, pictures(1, 80)]))
    (why,) = held_for(strung)
    assert why.endswith("of its pictures have nothing to do with the one before")
    assert held_for(fingerprint_of(walk(1, 120))) == ()


def test_poor_pictures_that_go_on_are_believed():
    assert held_for(fingerprint_of(walk(1, 24), quality=LIMITS.quality - 1)) == ()
    assert held_for(fingerprint_of(walk(1, 1), step_s=20, quality=LIMITS.quality - 1)) == ()
    assert len(held_for(fingerprint_of(walk(1, 1), step_s=0.1, quality=LIMITS.quality - 1))) == 1


def test_more_hashes_than_a_video_has_are_held():
    (why,) = held_for(fingerprint_of(walk(1, 400, bits=2), step_s=0.01))
    assert why == "it has 400 hashes for 4.0 s; real footage has up to 40 for a second"
    (why,) = held_for(fingerprint_of(walk(1, 4), step_s=4 * 3600))
    assert why == "it is said to be longer than 12 hours"
    (why,) = held_for(fingerprint_of(np.tile(walk(1, 100), (2_001, 1)), step_s=0.2))
    assert why == "it has 200,100 hashes; no video is believed to have more than 200,000"


# -- one's own innocent videos ---------------------------------------------------------------------


def test_a_record_that_matches_a_canary_is_held_also_turned_over():
    canaries = Canaries([fingerprint_of(walk(seed, 40)) for seed in range(5)], Pdq.id)
    assert canaries.matched(fingerprint_of(walk(3, 40))) == 1
    assert canaries.matched(fingerprint_of(turned_bits(walk(3, 40), Orientation.MIRRORED))) == 1
    assert canaries.matched(fingerprint_of(walk(9, 40))) == 0
    assert held_for(fingerprint_of(walk(3, 40)), innocent=canaries.matched) == ("it matches 1 of your innocent videos",)


def test_one_picture_that_is_near_is_no_match_and_one_of_each_of_many_is():
    canaries = Canaries([fingerprint_of(walk(seed, 40)) for seed in range(5)], Pdq.id)
    one = np.concatenate([walk(9, 20), walk(3, 1), walk(10, 20)])
    assert canaries.matched(fingerprint_of(one)) == 0
    assert canaries.matched(fingerprint_of(np.concatenate([walk(seed, 1) for seed in range(5)]))) == 5


def test_a_large_allow_list_is_searched_by_its_index():
    """Of 400,000 hashes a brute search would look at 200 million pairs."""
    listed = [fingerprint_of(random_hashes(seed, 4_000)) for seed in range(100)]
    allow_list = AllowList.of(listed, [], Pdq.id)
    asked = np.concatenate([flipped(listed[50].hash[:250], 12), random_hashes(1_000, 250)])
    assert allow_list.shows(asked).tolist() == [True] * 250 + [False] * 250
