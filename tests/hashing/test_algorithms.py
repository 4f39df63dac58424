"""Frame algorithms by name: equal to imagehash's own, never mixed, and the same tomorrow."""

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import vhashdb
from tests.examples import examples
from tests.footage import bits_between, fingerprint_of, picture, random_hashes, thumbnail_of
from vhashdb.hashing.algorithms import (
    IMAGEHASH_NAMES,
    NAMES,
    AlgorithmId,
    PdqHash,
    RegionPixels,
    from_imagehash,
    get_algorithm,
    to_imagehash,
)
from vhashdb.hashing.views import WHOLE_FRAME, Orientation
from vhashdb.video import frames_of_image


@pytest.mark.parametrize("bits", [64, 256, 1024])
@pytest.mark.parametrize("name", IMAGEHASH_NAMES)
def test_a_picture_hashes_as_imagehash_does(name, bits):
    side = int(bits**0.5)
    for seed in range(3):
        image = Image.fromarray(picture(seed, 200 + seed, 300))
        ours = vhashdb.hash_image(image, algorithm=name, bits=bits)
        theirs = getattr(imagehash, name)(image, hash_size=side)
        assert isinstance(ours, imagehash.ImageHash)
        assert ours - theirs == 0
        assert str(ours) == str(theirs)


@given(st.sampled_from([8, 16, 32]), st.integers(0, 1 << 30))
@settings(max_examples=examples(40))
def test_an_imagehash_survives_the_way_in_and_out(side, seed):
    value = imagehash.ImageHash(np.random.default_rng(seed).random((side, side)) > 0.5)
    packed = from_imagehash(value)
    assert packed.dtype == np.uint8
    assert packed.shape == (side * side // 8,)
    assert packed.tobytes().hex() == str(value)
    assert to_imagehash(packed) == value


def test_a_pdq_hash_behaves_like_an_imagehash_and_together_with_one():
    packed = random_hashes(1, 2)
    left, right = map(PdqHash, packed)
    theirs = [to_imagehash(hashes) for hashes in packed]
    assert left - right == left - theirs[1] == theirs[0] - right == bits_between(*packed)
    assert left == theirs[0] == left
    assert left not in (right, theirs[1], None, str(left))
    assert (str(left), len(left)) == (str(theirs[0]), len(theirs[0]))
    assert len({left, right, PdqHash(packed[0])}) == 2
    assert np.array_equal(left.hash, theirs[0].hash)


def test_hashes_of_two_sizes_have_no_distance():
    with pytest.raises(TypeError, match="256 and 64 bits"):
        PdqHash(random_hashes(1, 1)[0]) - imagehash.ImageHash(np.zeros((8, 8), bool))


@pytest.mark.parametrize("name", IMAGEHASH_NAMES)
def test_frames_hash_near_the_full_picture(name):
    """From the thumbnail instead of the picture: a few bits move."""
    image = Image.fromarray(picture(4, 360, 480))
    chosen = get_algorithm(name)
    frames, _ = frames_of_image(image)
    (hashes,) = chosen.hash_regions(frames, [RegionPixels(frames["thumbnail"].astype(np.float32), WHOLE_FRAME)], list(Orientation))
    assert hashes.shape == (8, 1, 32)
    for orientation in Orientation:
        turned = np.asarray(image)
        turned = turned.transpose(1, 0, 2) if orientation & 4 else turned
        turned = turned[:, ::-1] if orientation & 1 else turned
        turned = turned[::-1] if orientation & 2 else turned
        full = chosen.hash_image(Image.fromarray(np.ascontiguousarray(turned)))
        assert bits_between(hashes[orientation, 0], full) <= 20


@pytest.mark.parametrize("bits", [10, 100, 63, 255, 1])
@pytest.mark.parametrize("name", IMAGEHASH_NAMES)
def test_bits_that_make_no_square_of_whole_bytes_are_refused(name, bits):
    with pytest.raises(vhashdb.UsageError):
        get_algorithm(name, bits)


@pytest.mark.parametrize("bits", [0, -1, -256])
def test_bits_must_be_positive(bits):
    with pytest.raises(vhashdb.UsageError):
        get_algorithm("phash", bits)


@pytest.mark.parametrize("bits", [144, 576])
def test_whash_needs_a_side_that_is_a_power_of_two(bits):
    with pytest.raises(vhashdb.UsageError):
        get_algorithm("whash", bits)


def test_pdq_has_256_bits_and_no_other_number():
    assert get_algorithm("pdq").id == AlgorithmId("pdq", 256, 1)
    with pytest.raises(vhashdb.UsageError):
        get_algorithm("pdq", 64)


def test_an_unknown_algorithm_is_refused_with_the_known_ones_named():
    with pytest.raises(vhashdb.UsageError) as caught:
        get_algorithm("md5")
    assert all(name in caught.value.hint for name in NAMES)


@pytest.mark.parametrize("other", [AlgorithmId("phash", 256, 1), AlgorithmId("pdq", 256, 2), AlgorithmId("pdq", 64, 1)], ids=str)
def test_mixing_algorithms_bits_or_versions_is_refused(other):
    pdq_print = fingerprint_of(random_hashes(1, 8))
    other_print = fingerprint_of(random_hashes(1, 8, other.bytes), algorithm=other)
    for query, reference in ((pdq_print, other_print), (other_print, pdq_print)):
        with pytest.raises(vhashdb.AlgorithmMismatch) as caught:
            vhashdb.compare(query, reference)
        assert str(other) in str(caught.value)
        assert "pdq-256/1" in str(caught.value)


IMAGEHASH_GOLDEN = {
    "phash": "ba892676223ffe1c54d92da3af93cc0d8a9bce5dd51ac609b64e29c7526b3028",
    "dhash": "5d336492c6645966d39b32b3a7b99326ab61a36c8b5695639199cc4ad6aa7535",
    "whash": "e69bb01a6135ed3341dbd81b52cc49a35538f98ae437492b6aef262b618ab995",
    "average_hash": "e69bb04b7034ed3339c3d81fd09c49b36db9f9a6e53749b368ef672b63839991",
}


@pytest.mark.parametrize("name", IMAGEHASH_NAMES)
def test_imagehash_gives_what_it_gave_when_this_was_written(name):
    """imagehash's output has changed with Pillow's releases: then the spec version of these algorithms must be raised."""
    blocks = np.random.default_rng(2024).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    image = Image.fromarray(np.kron(blocks, np.ones((10, 10, 1), np.uint8)))
    assert str(vhashdb.hash_image(image, algorithm=name)) == IMAGEHASH_GOLDEN[name]


def test_a_thumbnail_of_a_still_is_its_area_average():
    image = Image.fromarray(picture(3, 300, 400))
    frames, info = frames_of_image(image)
    assert np.array_equal(frames["thumbnail"][0], thumbnail_of(np.asarray(image.convert("L"))))
    assert (info.width, info.height) == (400, 300)
