"""The hashes of background pictures that come with the library."""

import numpy as np
import pytest

from tests.examples import long
from vhashdb.background import RADIUS, make_background, stop_hash_mask
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import Pdq, get_algorithm
from vhashdb.hashing.bits import distances


@pytest.fixture(scope="module")
def shipped():
    return np.frombuffer(make_background.OUT.read_bytes(), np.uint8).reshape(-1, Pdq.id.bytes)


def with_flipped_bits(hashes, count, seed=1):
    bits = np.unpackbits(hashes, axis=1)
    places = np.argsort(np.random.default_rng(seed).random(bits.shape), axis=1)[:, :count]
    np.put_along_axis(bits, places, 1 - np.take_along_axis(bits, places, axis=1), axis=1)
    return np.packbits(bits, axis=1)


@long
def test_the_file_is_what_the_script_draws(shipped):
    assert np.array_equal(make_background.background(), shipped)


def test_the_file_is_small_and_says_nothing_twice(shipped):
    assert 1000 <= len(shipped) <= make_background.MOST
    assert make_background.OUT.stat().st_size <= 100_000
    between = distances(shipped, shipped)
    np.fill_diagonal(between, 256)
    assert between.min() > make_background.MERGED_BITS


def test_the_file_is_read_once_and_as_a_resource(shipped):
    from vhashdb.background import _background

    assert _background() is _background()
    assert np.array_equal(_background(), shipped)


def test_a_background_picture_is_common_up_to_the_radius(shipped):
    assert stop_hash_mask(shipped, Pdq.id).all()
    assert stop_hash_mask(with_flipped_bits(shipped, RADIUS), Pdq.id).all()
    assert not stop_hash_mask(with_flipped_bits(shipped, 80), Pdq.id).any()


@pytest.mark.parametrize("flipped", [22, 24, 25, 27, 32])
def test_common_is_what_comparing_everything_says(shipped, flipped):
    asked = with_flipped_bits(shipped[::3], flipped, seed=flipped)
    assert np.array_equal(stop_hash_mask(asked, Pdq.id), (distances(asked, shipped) <= RADIUS).any(axis=1))


def test_nothing_is_common_with_another_algorithm_or_without_hashes(shipped):
    assert not stop_hash_mask(shipped, get_algorithm("phash", 256).id).any()
    assert stop_hash_mask(shipped[:0], Pdq.id).shape == (0,)


@pytest.mark.parametrize("kind", make_background.KINDS, ids=lambda kind: kind.__name__)
def test_copies_of_kept_pictures_are_common(kind):
    """As a codec changes them: levels a little off everywhere."""
    noise = np.random.default_rng(3).normal(0, 1, make_background.WIDE)
    kept = [picture for picture in kind() if make_background.hash_of(picture) is not None]
    copies = np.stack([pdq.hash_luma(np.clip(picture + noise, 0, 255))[0] for picture in kept])
    assert stop_hash_mask(copies, Pdq.id).all()


def test_a_flat_or_symmetric_picture_is_not_kept():
    """The one shows nothing, of the other half the bits are chance."""
    assert make_background.hash_of(make_background.flat((180, 320), 128)) is None
    assert make_background.hash_of(255 * make_background.disc((180, 320), 0.5)) is None


def test_films_are_not_background(reference_prints, query_prints):
    for name, fingerprint in (reference_prints | query_prints).items():
        assert stop_hash_mask(fingerprint.hash[fingerprint.usable], Pdq.id).mean() <= 0.01 if fingerprint.usable.any() else True, name
