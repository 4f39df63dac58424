"""PDQ equals the reference implementation, bit for bit."""

import csv
import tracemalloc

import numpy as np
import pdqhash
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import vhashdb
from tests.examples import examples, some
from tests.footage import bits_between, decoded, picture
from vhashdb.hashing import pdq

ROUNDING = 1e-6
"""Share of the largest coefficient by which two orders of adding floats may differ. A bit can only depend on it where a
coefficient equals the median to that many digits, as all those of frequency 16 do when a side has 16 pixels."""
UNHASHABLE = 5
"""The reference gives no hash for pictures with a side under this."""


def ours_and_reference(rgb):
    ours, quality = pdq.hash_luma(pdq.luma_of_rgb(rgb))
    reference, reference_quality = pdqhash.compute(np.ascontiguousarray(rgb))
    return ours, quality, np.packbits(reference.astype(np.uint8)), reference_quality


def undecided(rgb):
    """Which bits, in the order of the packed hash, hang on rounding alone."""
    coefficients = pdq.coefficients_of(pdq.buffer_of(pdq.luma_of_rgb(rgb))[None]).ravel()
    median = np.sort(coefficients)[pdq.BITS // 2 - 1]
    return (np.abs(coefficients - median) <= ROUNDING * np.abs(coefficients).max())[::-1]


@given(height=st.integers(UNHASHABLE, 300), width=st.integers(UNHASHABLE, 300), seed=st.integers(0, 1 << 30))
@example(64, 64, 1)  # the size that the reference does not filter
@example(64, 65, 1)
@example(128, 128, 1)  # the last size with a window of one pixel
@example(129, 128, 1)
@example(257, 300, 1)
@settings(max_examples=examples(150))
def test_any_small_size_equals_the_reference(height, width, seed):
    rgb = picture(seed, height, width)
    ours, quality, reference, reference_quality = ours_and_reference(rgb)
    different = np.unpackbits(ours) != np.unpackbits(reference)
    assert not (different & ~undecided(rgb)).any()
    assert quality == reference_quality


@pytest.mark.parametrize("height, width", [(480, 720), (719, 1281), (1080, 1920), (1001, 333), (2000, 37)])
def test_large_sizes_equal_the_reference(height, width):
    rgb = picture(height + width, height, width, points=40)
    ours, quality, reference, reference_quality = ours_and_reference(rgb)
    assert bits_between(ours, reference) == 0
    assert quality == reference_quality


@given(seed=st.integers(0, 1 << 30), height=st.integers(64, 200), width=st.integers(64, 200))
@settings(max_examples=examples(40))
def test_pure_noise_equals_the_reference(seed, height, width):
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    ours, quality, reference, reference_quality = ours_and_reference(rgb)
    assert bits_between(ours, reference) == 0
    assert quality == reference_quality


@pytest.mark.parametrize("height, width", [(100, 100), (64, 64), (1080, 1920)])
def test_a_flat_picture_has_quality_zero(height, width):
    assert pdq.hash_luma(np.full((height, width), 200, np.uint8))[1] == 0


@pytest.mark.parametrize("height, width", [(4, 300), (300, 4), (2, 50), (4, 4)])
def test_a_picture_too_small_for_the_reference_has_quality_zero(height, width):
    rgb = picture(1, height, width)
    _, quality, _, reference_quality = ours_and_reference(rgb)
    assert quality == reference_quality == 0


def test_a_long_side_needs_little_memory():
    tracemalloc.start()
    try:
        pdq.axis_matrix(10_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        pdq.axis_matrix.cache_clear()
    assert peak < 100 << 20


@pytest.mark.parametrize("name", ["known/harbour.mp4", "known/valley.mp4", "edited/playground__logo.mp4", "unknown/train.mp4"])
def test_frames_of_the_samples_equal_the_reference(samples, name):
    compared = 0
    for rgb in decoded(samples / name, every=12):
        ours, quality, reference, reference_quality = ours_and_reference(rgb)
        assert bits_between(ours, reference) == 0
        assert quality == reference_quality
        compared += 1
    assert compared >= 9


def test_a_hundred_frames_of_real_footage_equal_the_reference(corpus):
    compared = 0
    for path in sorted((corpus / "reference").glob("*.mp4")):
        for rgb in decoded(path, every=9, limit=13):
            ours, quality, reference, reference_quality = ours_and_reference(rgb)
            assert bits_between(ours, reference) == 0, (path.name, compared)
            assert quality == reference_quality
            compared += 1
    assert compared >= 100


def published_images(corpus):
    with open(corpus / "reference" / "pdq" / "expected.csv", newline="") as file:
        return [(corpus / "reference" / "pdq" / row["file"], bytes.fromhex(row["pdq"])) for row in csv.DictReader(file)]


def test_published_images_are_within_ten_bits(corpus):
    compared = 0
    for path, expected in published_images(corpus):
        with Image.open(path) as image:
            ours, quality = pdq.hash_luma(pdq.luma_of_rgb(np.asarray(image.convert("RGB"))))
            text = str(vhashdb.hash_image(image))
        assert text == ours.tobytes().hex()
        if quality >= 80:
            assert bits_between(ours, np.frombuffer(expected, np.uint8)) <= 10, path.name
            compared += 1
    assert compared >= 12


def published_frames(corpus, name):
    lines = (corpus / "reference" / "vpdq" / f"{name}.txt").read_text().splitlines()
    columns = [line.split(",") for line in lines if line]
    hashes = np.array([list(bytes.fromhex(c[2])) for c in columns], np.uint8)
    return hashes, np.array([int(c[1]) for c in columns]), np.array([float(c[3]) for c in columns])


def test_padded_dimensions_equal_vpdq(corpus):
    """Two bits of one frame in 150 depend on how FFmpeg's version converts YUV to RGB: the reference itself has them too."""
    expected, quality, _ = published_frames(corpus, "test-padded-dimensions")
    different = []
    chosen = set(some(range(len(expected))))
    for number, rgb in enumerate(decoded(corpus / "reference" / "test-padded-dimensions.mp4")):
        if number not in chosen:
            continue
        ours, ours_quality = pdq.hash_luma(pdq.luma_of_rgb(rgb))
        assert ours_quality == quality[number]
        different.append(bits_between(ours, expected[number]))
        if different[-1]:
            assert bits_between(ours, ours_and_reference(rgb)[2]) == 0
    assert len(expected) == 150
    assert len(different) == len(chosen)
    assert sum(bits > 0 for bits in different) <= 1
    assert max(different) <= 2


@pytest.mark.parametrize("name", ["test-padded-dimensions", "chair-19-sd-bar", "pattern-hd-no-bar", "doorknob-hd-no-bar"])
def test_every_frame_is_within_ten_bits_of_vpdq(corpus, name):
    expected, quality, times = published_frames(corpus, name)
    fingerprint = vhashdb.every_frame(corpus / "reference" / f"{name}.mp4")
    assert len(fingerprint) == len(expected)
    textured = quality >= 80
    assert textured.any()
    assert bits_between(fingerprint.hash, expected)[textured].max() <= 10
    assert np.abs(fingerprint.quality.astype(int) - quality).max() <= 2
    assert np.abs(fingerprint.start_s - times).max() <= 0.001


@pytest.mark.parametrize("name", ["pattern-sd-grey-bar", "pattern-sd-with-small-logo-bar"])
def test_every_frame_of_a_barred_clip_is_within_ten_bits_of_vpdq(corpus, name):
    expected, quality, _ = published_frames(corpus, name)
    fingerprint = vhashdb.every_frame(corpus / "reference" / f"{name}.mp4")
    assert len(fingerprint) == len(expected)
    assert bits_between(fingerprint.hash, expected)[quality >= 80].max() <= 10


GOLDEN = {
    (64, 64): "b665a2864f91d47d635d2b4e94b18ea27302b46d5d790f8a0e1a37714f61f01f",
    (90, 160): "21012ff070bc33b38e3f693f034396c071e0ce4c8e43d40f56fe96e533fb68b2",
    (180, 320): "6a6f1f4f0ec9f0a71d279e6161deb2481f5eb4b5e29094b80e2df1288daf8c0a",
    (333, 501): "735db07f0eee4a7ecdc837cce83b3724b5914910cc80b4fd0eeb62c2155b7190",
}


@pytest.mark.parametrize("size", GOLDEN)
def test_hashes_of_drawn_pictures_never_change(size):
    """The promise to everyone who stored hashes. The pictures are blocks of noise: NumPy alone, no decoder, no scaler."""
    height, width = size
    blocks = np.random.default_rng(height).integers(0, 256, (11, 13, 3), dtype=np.uint8)
    rgb = np.kron(blocks, np.ones((height // 11 + 1, width // 13 + 1, 1), np.uint8))[:height, :width]
    assert pdq.hash_luma(pdq.luma_of_rgb(rgb))[0].tobytes().hex() == GOLDEN[size]


def test_hash_of_the_sample_still_never_changes(samples):
    with Image.open(samples / "still.png") as image:
        assert str(vhashdb.hash_image(image)) == "64cd91537d8922fd19e1dc4621dc8f69c63679cc3066f131eacb0e0f9b367170"


def test_hash_of_a_sample_film_never_changes(samples):
    """Through the decoder: the luma plane of H.264 is the same on every machine."""
    fingerprint = vhashdb.every_frame(samples / "known" / "harbour.mp4")
    hashes = [fingerprint.hash[i].tobytes().hex() for i in (0, 60, 120)]
    assert hashes == [
        "79299530e466f1560ec7026bf70d61ef9c6107c37a1f3a1b9c61f03ef18c0f54",
        "e42f35c51a1126fd91735c0bf75979a18a3731cc9163c7196e8d0e1e9b34f1e0",
        "ec320d00ac93f8b04dbc3ffe02e7067bc0c8168274722fdef497813e90e7ad79",
    ]


@given(st.one_of(st.integers(5, 130), st.integers(5, 2000)))
@settings(max_examples=examples(80))
def test_an_axis_to_its_spectrum_is_the_transform_of_what_is_before_it(length):
    basis, spectrum = pdq.dct_basis().astype(np.float64), pdq.spectrum_matrix(length)
    assert spectrum.shape == (16, length)
    assert np.allclose(spectrum, basis @ pdq.axis_matrix(length), atol=1e-12)
