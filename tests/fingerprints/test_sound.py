"""Sound in the forms of a fingerprint: it survives, and what has none stays as it was before there was any."""

import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.fingerprints.strategies import fingerprints, landmarks_of, random_sound, sounds
from tests.fingerprints.test_binary import HEADER, sealed, small
from vhashdb.fingerprints.model import bare, bare_with_squares, ordered, without_squares
from vhashdb.hashing.algorithms import Pdq
from vhashdb.sound import SoundFingerprint, pack_landmarks, unpack_landmarks
from vhashdb.sound.fingerprint import MAX_LANDMARKS

WORDS = [0x123456_78_9A_000000, 0x123457_78_9A_000000, 0xFFFFFF_FF_FF_000007, 0x000000_00_00_000107, 0x0A0B0C_0D_0E_FFFFFF]
"""Five landmarks, in order: two in the first frame, one in the last that there can be."""


def small_with_sound():
    """A fingerprint with sound that is the same for ever."""
    return replace(small(), sound=SoundFingerprint(np.array(WORDS, np.uint64), 12.345))


def crafted(sound, columns=b"", **header):
    text = json.dumps(HEADER | {"sound": sound} | header).encode()
    return sealed(zlib.compress(struct.pack("<H", len(text)) + text + columns), 3)


def said(**changes):
    return {"spec": 1, "landmarks": 0, "duration_ms": 0} | changes


@given(sounds())
@settings(max_examples=examples(150))
def test_every_sound_survives_packing(sound):
    assert np.array_equal(unpack_landmarks(pack_landmarks(sound.landmarks)), sound.landmarks)
    assert len(pack_landmarks(sound.landmarks)) == 8 * len(sound)


@given(fingerprints(sound=sounds()))
@settings(max_examples=examples(100))
def test_every_sound_survives_both_forms(fingerprint):
    for again in (vhashdb.from_bytes(vhashdb.to_bytes(fingerprint)), vhashdb.from_json(vhashdb.to_json(fingerprint))):
        assert again == fingerprint
        assert again.sound.landmarks.dtype == np.uint64


@given(fingerprints(max_entries=4))
@settings(max_examples=examples(60))
def test_only_what_has_sound_is_of_version_3(fingerprint):
    silent = replace(fingerprint, sound=None)
    assert vhashdb.to_bytes(fingerprint)[4] == (3 if fingerprint.sound is not None else 2)
    assert vhashdb.to_bytes(silent)[4] == 2
    assert ("sound" in json.loads(vhashdb.to_json(fingerprint))) == (fingerprint.sound is not None)


def test_a_fingerprint_of_sound_alone_survives():
    alone = replace(vhashdb.Fingerprint.empty(Pdq.id, 60.0), sound=random_sound(1, 2400))
    assert vhashdb.from_bytes(vhashdb.to_bytes(alone)) == alone
    assert vhashdb.from_json(vhashdb.to_json(alone)) == alone


def test_silence_is_not_the_same_as_nothing_known():
    heard = replace(small(), sound=SoundFingerprint(np.zeros(0, np.uint64), 5.0))
    assert vhashdb.from_bytes(vhashdb.to_bytes(heard)) == heard != small()


GOLDEN = (
    "56484650032f010000789c5bca50ad9498939e5f94599291ab64a5549052a8a4a394945952ac6465646aa6a3545c909aac6465a8a3949a575294990a"
    "1436d6514a292d4a2cc9cccf8bcf05f20d8dcd4d7594ca33534a32809246063a4a19a999e9192540190b2027253137313d55c92a5a29b9b444291668"
    "627e695e8a925535c2e89cc4bc94dcc4a26ca061a6e8861b199b98d6d6be606660a865c0c45151510c0c0b1924181954bdf2a7ecbcc7ace15b347dcf"
    "4336ed80d259fb9f70ea0557cc3df49cc730ac7ac1d157fc2691758b4fbc15328f695c76fa83a8557ccbca739f256c93dad75cfc26ed90dab5feca4f"
    "39e78cde4dd7ff28ba654fd87aebbf8a67dee41d7799d47d0aa7ed66606067f801b490f11f9060f83f6bd67f06be8a8aff0cbc61e1ff19784c4cfe33"
    "700b09fd67e002008b087421c8de4bccd72d1f3b9e8babb3078017fa"
)
"""`small_with_sound` as version 3 of the format wrote it."""


def test_a_stored_fingerprint_with_sound_can_always_be_read():
    assert vhashdb.from_bytes(bytes.fromhex(GOLDEN)) == small_with_sound()


def test_the_layout_of_the_landmarks_is_the_documented_one():
    packed = vhashdb.to_bytes(small_with_sound())
    assert packed[4] == 3
    body = zlib.decompress(packed[9:-16])
    header = json.loads(body[2 : 2 + struct.unpack_from("<H", body)[0]])
    assert header["sound"] == {"spec": 1, "landmarks": 5, "duration_ms": 12345}
    words = [(word >> 24 << 24) | step for word, step in zip(WORDS, [0, 0, 7, 0x100, 0xFFFEF8], strict=True)]
    assert body[-40:] == bytes(word >> 8 * byte & 0xFF for byte in range(8) for word in words)
    in_json = json.loads(vhashdb.to_json(small_with_sound()))["sound"]
    assert in_json == {"spec": 1, "duration_s": 12.345, "landmarks": "AAAAmnhWNBIAAACaeFc0EgcAAP//////BwEAAAAAAAD///8ODQwLCg=="}


def test_the_sound_of_a_newer_spec_is_kept():
    newer = replace(small(), sound=random_sound(3, 50, spec=7))
    assert vhashdb.from_bytes(vhashdb.to_bytes(newer)).sound.spec == 7
    assert vhashdb.from_json(vhashdb.to_json(newer)) == newer


@pytest.mark.parametrize("compressed", [5.4])
def test_a_landmark_takes_about_its_information(compressed):
    """Random keys, pitches and spans are the worst that there can be: 40 bits, and 1.7 for the frame at 40 landmarks a second."""
    sound = random_sound(5, 144_000, 3600.0)
    with_sound, without = (vhashdb.to_bytes(replace(small(), sound=s)) for s in (sound, None))
    assert (len(with_sound) - len(without)) / len(sound) < compressed


@pytest.mark.parametrize(
    ("sound", "columns"),
    [
        (None, b""),
        ([], b""),
        (7, b""),
        ({}, b""),
        (said(landmarks=-1), b""),
        (said(landmarks=1), b""),
        (said(landmarks=1), bytes(7)),
        (said(landmarks=1), bytes(9)),
        (said(landmarks=2), bytes(16)),
        (said(landmarks="many"), b""),
        (said(landmarks=MAX_LANDMARKS + 1), b""),
        (said(landmarks=2**70), b""),
        (said(duration_ms=-1), b""),
        (said(duration_ms=2**40), b""),
        (said(duration_ms=float("nan")), b""),
        (said(duration_ms=float("inf")), b""),
        (said(spec=0), b""),
        (said(spec=10_001), b""),
        (said(spec="x"), b""),
        (said(landmarks=2), b"\xff\xff" * 3 + bytes(10)),
    ],
    ids=str,
)
def test_sound_that_is_none_is_refused(sound, columns):
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_bytes(crafted(sound, columns))


def test_the_crafted_form_is_one_that_is_read():
    assert vhashdb.from_bytes(crafted(said(landmarks=1, duration_ms=5), bytes(range(8)))).sound.landmarks.tolist() == [0x0706050403020100]
    with pytest.raises(vhashdb.FingerprintError, match="malformed"):
        vhashdb.from_bytes(sealed(zlib.compress(struct.pack("<H", len(json.dumps(HEADER))) + json.dumps(HEADER).encode()), 3))


def test_landmarks_count_as_what_a_fingerprint_unpacks_to():
    packed = vhashdb.to_bytes(replace(small(), sound=random_sound(1, 100_000)))
    with pytest.raises(vhashdb.FingerprintError, match="at most 700000 are allowed"):
        vhashdb.from_bytes(packed, max_bytes=700_000)


def test_every_truncation_and_change_of_a_bit_is_refused():
    packed = vhashdb.to_bytes(small_with_sound())
    for position in range(len(packed)):
        changed = bytearray(packed)
        changed[position] ^= 1 << position % 8
        for broken in (packed[:position], bytes(changed)):
            with pytest.raises(vhashdb.FingerprintError):
                vhashdb.from_bytes(broken)


@given(st.data())
@settings(max_examples=examples(200))
def test_a_changed_body_with_a_fitting_checksum_is_a_fingerprint_or_refused(data):
    packed = vhashdb.to_bytes(data.draw(fingerprints(max_entries=2, sound=sounds(20))))
    body = bytearray(zlib.decompress(packed[9:-16]))
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] ^= data.draw(st.integers(1, 255))
    try:
        read = vhashdb.from_bytes(sealed(zlib.compress(bytes(body)), 3))
    except vhashdb.FingerprintError:
        return
    assert vhashdb.from_bytes(vhashdb.to_bytes(read)) == read


@given(st.sampled_from(["spec", "duration_s", "landmarks"]), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
@settings(max_examples=examples(200))
def test_any_value_in_the_sound_of_json_is_read_or_refused(place, value):
    text = json.loads(vhashdb.to_json(small_with_sound()))
    text["sound"][place] = value
    try:
        read = vhashdb.from_json(json.dumps(text))
    except vhashdb.FingerprintError:
        return
    assert vhashdb.from_bytes(vhashdb.to_bytes(read)) == read


@pytest.mark.parametrize("sound", [7, "x", [], {}, {"spec": 1}, {"spec": 1, "duration_s": 1, "landmarks": "AAAA"}], ids=str)
def test_sound_in_json_that_is_none_is_refused(sound):
    text = json.loads(vhashdb.to_json(small())) | {"sound": sound}
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_json(json.dumps(text))


def test_whatever_picks_entries_keeps_the_sound():
    fingerprint = small_with_sound()
    for kept in (
        fingerprint.only(fingerprint.view == 0),
        without_squares(fingerprint),
        bare(fingerprint),
        bare_with_squares(fingerprint),
        ordered(fingerprint),
    ):
        assert kept.sound == fingerprint.sound


@pytest.mark.parametrize("words", [[1, 0], [5, 5], [1 << 24, 0]], ids=["by frame", "twice", "by value"])
def test_landmarks_have_one_order(words):
    with pytest.raises(vhashdb.FingerprintError, match="not in order"):
        SoundFingerprint(np.array(words, np.uint64), 1.0)
    assert len(SoundFingerprint(landmarks_of(words), 1.0)) == len(set(words))
