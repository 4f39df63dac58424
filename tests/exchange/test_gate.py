"""The import gate: what does not look like footage, or looks like everybody's, waits for a person."""

import numpy as np
import pytest

import vhashdb
from tests.footage import fingerprint_of
from vhashdb import background
from vhashdb.exchange.allowing import AllowList
from vhashdb.exchange.gate import LIMITS, held_for, sudden
from vhashdb.fingerprints.model import USABLE_QUALITY
from vhashdb.hashing.algorithms import Pdq

from .companies import film, pictures


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
