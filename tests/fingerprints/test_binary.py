"""The binary form: everything survives it, and nothing but it is accepted."""

import hashlib
import json
import struct
import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.fingerprints.strategies import fingerprints
from tests.footage import fingerprint_of
from vhashdb.fingerprints import as_stored, binary, to_stored
from vhashdb.hashing.views import Orientation, Region, View

HEADER = {"algorithm": "pdq", "bits": 256, "spec": 1, "entries": 0, "duration_ms": 0, "width": 0, "height": 0, "damage": []}


def sealed(body, version=2):
    """A packed fingerprint with a checksum that fits, whatever is in it."""
    packed = struct.pack("<4sBI", b"VHFP", version, len(body)) + body
    return packed + hashlib.blake2b(packed, digest_size=16).digest()


def crafted(header, columns=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return sealed(zlib.compress(struct.pack("<H", len(text)) + text + columns))


def small():
    """A fingerprint that is the same for ever."""
    hashes = (np.arange(3 * 32) * 37 % 256).astype(np.uint8).reshape(3, 32)
    return fingerprint_of(hashes, step_s=0.125, start_s=1.0, quality=90, view=[0, 161, 280], damage=["cut"])


@given(fingerprints())
@settings(max_examples=examples(150))
def test_every_fingerprint_survives(fingerprint):
    again = vhashdb.from_bytes(vhashdb.to_bytes(fingerprint))
    assert again == fingerprint
    assert again.hash.dtype == again.quality.dtype == np.uint8
    assert again.view.dtype == np.uint16


@given(fingerprints())
@settings(max_examples=examples(60))
def test_every_fingerprint_survives_being_stored(fingerprint):
    assert vhashdb.from_bytes(to_stored(fingerprint)) == fingerprint == as_stored(fingerprint)


def test_what_is_remembered_is_what_unpacking_gives():
    lengths = np.array([0.0004, 1.2345, 7.0])
    whole = fingerprint_of(small().hash, step_s=0.125, view=[0, 161, 280])
    rough = replace(
        whole, start_s=whole.start_s + 0.0003, end_s=whole.start_s + lengths + 0.0003, duration_s=9.87654, boxes={Region(0): None}
    )
    assert vhashdb.from_bytes(to_stored(rough)) == as_stored(rough) != rough
    assert as_stored(rough).boxes == {}


def test_the_stored_form_is_a_version_of_its_own_with_the_columns_in_zstd():
    packed = to_stored(small())
    magic, version, length = struct.unpack_from("<4sBI", packed)
    assert (magic, version, length) == (b"VHFP", 4, len(packed) - 9 - 16)
    (size,) = struct.unpack_from("<H", packed, 9)
    plain = zlib.decompress(vhashdb.to_bytes(small())[9:-16])
    assert packed[9 : 11 + size] == plain[: 2 + size]
    assert zstandard.ZstdDecompressor().decompress(packed[11 + size : -16]) == plain[2 + size :]


@pytest.mark.parametrize("columns", [b"", b"\0" * 43, b"\0" * 86, b"\0" * (1 << 20)], ids=len)
def test_a_stored_form_of_another_size_than_its_header_says_is_refused(columns):
    text = json.dumps(header_with(entries=3)).encode()
    body = struct.pack("<H", len(text)) + text
    for frame in (zstandard.ZstdCompressor().compress(columns), b"", b"no frame at all"):
        with pytest.raises(vhashdb.FingerprintError):
            vhashdb.from_bytes(sealed(body + frame, 4))
    whole = zstandard.ZstdCompressor().compress(struct.pack("<3I", 0, 0, 0) + bytes(3 * 39))
    assert len(vhashdb.from_bytes(sealed(body + whole, 4))) == 3
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_bytes(sealed(body + whole + b"\0", 4))


@given(fingerprints())
@settings(max_examples=examples(30))
def test_packing_is_deterministic(fingerprint):
    packed = vhashdb.to_bytes(fingerprint)
    assert packed == vhashdb.to_bytes(vhashdb.from_bytes(packed))


def test_a_stored_fingerprint_can_always_be_read():
    """Format stability: these bytes were written by version 2 of the format."""
    stored = bytes.fromhex(
        "5648465002ea000000789c2b60a8564acc49cf2fca2cc9c855b2522a482954d2514aca2c2956b2323235d3512a2e484d56b232d4514acd2b29ca4c05"
        "0a1beb28a59416259664e6e7c5e702f986c6e6a63a4ae599292519404923031da58cd4ccf48c12a08c05909392989b989eaa6415ad945c5aa2145bfb"
        "829981a196011347454531302c6490606450f5ca9fb2f31eb3866fd1f43d0fd9b4034a67ed7fc2a9175c31f7d0731ec3b0ea05475ff19b44d62d3ef1"
        "56c83ca671d9e90fa256f12d2bcf7d96b04d6a5f73f19bb4436ad7fa2b3fe59c337a375dffa3e8963d61ebadff2a9e799377dc6552f7299cb61b0074"
        "1c574c2e53a1e36546e37be0f49f4f03e4d7ba"
    )
    assert vhashdb.from_bytes(stored) == small()


def test_the_layout_is_the_documented_one():
    packed = vhashdb.to_bytes(small())
    magic, version, length = struct.unpack_from("<4sBI", packed)
    assert (magic, version, length) == (b"VHFP", 2, len(packed) - 9 - 16)
    assert packed[-16:] == hashlib.blake2b(packed[:-16], digest_size=16).digest()
    body = zlib.decompress(packed[9:-16])
    (size,) = struct.unpack_from("<H", body)
    header = json.loads(body[2 : 2 + size])
    assert (header["algorithm"], header["bits"], header["spec"], header["entries"]) == ("pdq", 256, 1, 3)
    assert body[2 + size :] == (
        np.array([1000, 125, 125], "<u4").tobytes()
        + np.array([125, 125, 125], "<u4").tobytes()
        + bytes([90] * 3)
        + np.array([0, View(Region.LOWER_HALF, Orientation.MIRRORED).code, View(Region.BETWEEN_SYMMETRIC_BANDS).code], "<u2").tobytes()
        + small().hash.tobytes()
    )


@pytest.mark.parametrize("pack", [vhashdb.to_bytes, to_stored])
def test_every_truncation_is_refused(pack):
    packed = pack(small())
    for length in range(len(packed)):
        with pytest.raises(vhashdb.FingerprintError):
            vhashdb.from_bytes(packed[:length])
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_bytes(packed + b"\0")


@pytest.mark.parametrize("pack", [vhashdb.to_bytes, to_stored])
def test_every_change_of_a_single_bit_is_refused(pack):
    packed = pack(small())
    for position in range(len(packed)):
        for bit in range(8):
            changed = bytearray(packed)
            changed[position] ^= 1 << bit
            with pytest.raises(vhashdb.FingerprintError):
                vhashdb.from_bytes(bytes(changed))


@given(st.data())
@settings(max_examples=examples(150))
def test_any_change_of_a_byte_is_refused(data):
    packed = bytearray(vhashdb.to_bytes(data.draw(fingerprints(max_entries=6))))
    position = data.draw(st.integers(0, len(packed) - 1))
    packed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_bytes(bytes(packed))


@given(st.binary(max_size=400))
@settings(max_examples=examples(200))
def test_random_bytes_are_refused(data):
    for attempt in (data, b"VHFP" + data, sealed(data), sealed(data, 4), sealed(zlib.compress(data))):
        with pytest.raises(vhashdb.FingerprintError):
            vhashdb.from_bytes(attempt)


@given(st.data())
@settings(max_examples=examples(200))
def test_a_changed_body_with_a_fitting_checksum_is_a_fingerprint_or_refused(data):
    """A checksum is no signature: whoever makes a hostile file makes it fit."""
    packed = vhashdb.to_bytes(data.draw(fingerprints(max_entries=4)))
    body = bytearray(zlib.decompress(packed[9:-16]))
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] ^= data.draw(st.integers(1, 255))
    try:
        read = vhashdb.from_bytes(sealed(zlib.compress(bytes(body))))
    except vhashdb.FingerprintError:
        return
    assert isinstance(read, vhashdb.Fingerprint)


@pytest.mark.parametrize("version", [0, 1, 6, 255])
def test_another_version_is_refused_with_a_hint(version):
    with pytest.raises(vhashdb.FingerprintError, match="version") as caught:
        vhashdb.from_bytes(sealed(zlib.compress(b""), version))
    assert ("upgrade" if version > 3 else "make it again") in caught.value.hint


def header_with(**changes):
    return {**HEADER, **changes}


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        {},
        header_with(entries=-1),
        header_with(entries=5),
        header_with(entries=2**62),
        header_with(entries="many"),
        header_with(bits=0),
        header_with(bits=-8),
        header_with(damage=None),
        header_with(width=None),
        header_with(duration_ms="x"),
        header_with(duration_ms=float("nan")),
    ],
    ids=str,
)
def test_a_header_of_nonsense_is_refused(header):
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_bytes(crafted(header))


@pytest.mark.parametrize(
    "header", [header_with(width=float("inf")), header_with(duration_ms=float("inf")), b"[" * 60_000], ids=["width", "duration", "nest"]
)
def test_a_header_of_endless_numbers_or_lists_is_refused(header):
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_bytes(crafted(header))


def test_an_unknown_view_is_refused():
    for view in (8 * len(Region), 0xFFFF):
        columns = struct.pack("<IIBH", 0, 1000, 90, view) + bytes(32)
        with pytest.raises(vhashdb.FingerprintError, match="view"):
            vhashdb.from_bytes(crafted(header_with(entries=1), columns))


def test_more_entries_than_allowed_are_refused():
    with pytest.raises(vhashdb.FingerprintError, match="more than is allowed"):
        vhashdb.from_bytes(crafted(header_with(entries=binary.MAX_ENTRIES + 1), b""))


def test_a_bomb_is_seen_before_it_takes_the_memory():
    """The header says how long the body may be."""
    body = zlib.compress(struct.pack("<H", 2) + b"{}" + bytes(200 << 20), 9)
    tracemalloc.start()
    try:
        with pytest.raises(vhashdb.FingerprintError):
            vhashdb.from_bytes(sealed(body))
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


def test_times_that_do_not_fit_make_no_fingerprint():
    with pytest.raises(vhashdb.FingerprintError):
        fingerprint_of(np.zeros((1, 32), np.uint8), start_s=5_000_000.0)


def test_much_damage_is_stored_or_refused():
    damaged = fingerprint_of(np.zeros((1, 32), np.uint8), damage=["x" * 70_000])
    try:
        packed = vhashdb.to_bytes(damaged)
    except vhashdb.FingerprintError:
        return
    assert vhashdb.from_bytes(packed) == damaged


def test_a_fingerprint_is_never_a_pickle(reference_prints):
    packed = vhashdb.to_bytes(reference_prints["harbour"])
    assert packed.startswith(b"VHFP")
    assert len(packed) < len(reference_prints["harbour"]) * 46 + 500
