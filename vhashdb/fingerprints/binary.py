"""The compact binary forms of a fingerprint: one to pass on, and one that this program stores (`docs/formats.md`).

::

    "VHFP"  u8 version  u32 length of body  body  16 bytes BLAKE2b of everything before

The body has: u16 length and JSON header; then the columns as little-endian arrays: start in ms as u32 differences within a view, length in
ms u32, quality u8, view u16, hashes; if there is sound, also its landmarks. Every length is checked before it is used.

In the form to pass on, version 2, or 3 with sound, all of that is one zlib stream, which every version of this program reads. A fingerprint
without sound is written as it was before there was sound, so that programs which know only version 2 go on reading it. They refuse
version 3, because they would take the landmarks for rubbish behind the hashes.

In the stored form, version 4, or 5 with sound, the columns are a zstd frame behind the header. Hashes are nearly random, so zlib spends
20 times as long to save a few hundredths more.
"""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import zstandard

from vhashdb.coverage import Coverage
from vhashdb.errors import FingerprintError
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.sound import LANDMARK_BYTES, SoundFingerprint, pack_landmarks, unpack_landmarks
from vhashdb.sound.fingerprint import MAX_LANDMARKS

MAGIC: Final = b"VHFP"
SILENT_VERSION: Final = 2
"""Version of a fingerprint without sound in the form to pass on. Given by `docs/formats.md`."""
VERSION: Final = 3
"""The same with sound. Given by `docs/formats.md`."""
STORED_SILENT_VERSION: Final = 4
"""Version of a fingerprint without sound in the stored form. Given by `docs/formats.md`."""
STORED_VERSION: Final = 5
"""The same with sound, and the newest version. Given by `docs/formats.md`."""
STORED_LEVEL: Final = 1
"""Of zstd's compression. Engineering bound: on the time; level 9 makes fingerprints of real videos smaller by two hundredths."""
MAX_ENTRIES: Final = 20_000_000
"""Entries that a fingerprint may have. Engineering bound: a count that is certainly wrong is refused before anything is allocated."""
MAX_UNPACKED: Final = 256 << 20
"""Bytes that a fingerprint may unpack to. Engineering bound: ten times what a day of video has at four entries a second."""

_HEAD: Final = struct.Struct("<4sBI")
_DIGEST: Final = 16
"""Bytes of the checksum. Given by `docs/formats.md`."""
_MAX_HEADER: Final = (1 << 16) - 1
"""Bytes of the JSON header. Given by `docs/formats.md`: its length has 16 bits."""
_MAX_HASH_BYTES: Final = 1 << 12
"""Bytes of one hash. Engineering bound: 128 times a PDQ hash."""
_HEADER_LENGTH: Final = struct.Struct("<H")
_HINT: Final = "get the fingerprint again from where it came"


class _OfThread(threading.local):
    """What packs and unpacks in one thread: to make one costs more than to use it."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=STORED_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd: Final = _OfThread()


def to_bytes(fingerprint: Fingerprint) -> bytes:
    """Pack a fingerprint into the binary form to pass on, as version 2 if it has no sound, else as version 3."""
    return _sealed(VERSION if fingerprint.sound is not None else SILENT_VERSION, zlib.compress(b"".join(_parts(fingerprint))))


def to_stored(fingerprint: Fingerprint) -> bytes:
    """Pack a fingerprint into the stored form, which only this version of the program and later ones read."""
    header, columns = _parts(fingerprint)
    return _sealed(STORED_VERSION if fingerprint.sound is not None else STORED_SILENT_VERSION, header + _zstd.compressor.compress(columns))


def as_stored(fingerprint: Fingerprint) -> Fingerprint:
    """Return what `from_bytes` makes of the packed fingerprint: times are whole milliseconds, and nothing is left that no form has."""
    start, length = _milliseconds(fingerprint)
    sound, coverage = fingerprint.sound, fingerprint.coverage
    return replace(
        fingerprint,
        start_s=start.astype(np.float64) / 1000,
        end_s=(start + length).astype(np.float64) / 1000,
        duration_s=round(fingerprint.duration_s * 1000) / 1000,
        coverage=Coverage.from_json(coverage.to_json()) if coverage != Coverage() else coverage,
        boxes={},
        sound=None if sound is None else replace(sound, duration_s=round(sound.duration_s * 1000) / 1000),
    )


def _milliseconds(fingerprint: Fingerprint) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return when each entry begins, and how long it is."""
    start = np.rint(fingerprint.start_s * 1000).astype(np.int64)
    return start, np.rint(fingerprint.end_s * 1000).astype(np.int64) - start


def _parts(fingerprint: Fingerprint) -> tuple[bytes, bytes]:
    """Return the JSON header behind its length, and the columns."""
    start, length = _milliseconds(fingerprint)
    header: dict[str, Any] = {
        "algorithm": fingerprint.algorithm.name,
        "bits": fingerprint.algorithm.bits,
        "spec": fingerprint.algorithm.spec,
        "entries": len(fingerprint),
        "duration_ms": round(fingerprint.duration_s * 1000),
        "width": fingerprint.width,
        "height": fingerprint.height,
        "damage": list(fingerprint.damage),
    }
    if fingerprint.coverage != Coverage():  # readers that do not know it pass over it
        header["coverage"] = fingerprint.coverage.to_json()
    landmarks = b""
    if (sound := fingerprint.sound) is not None:
        header["sound"] = {"spec": sound.spec, "landmarks": len(sound), "duration_ms": round(sound.duration_s * 1000)}
        landmarks = pack_landmarks(sound.landmarks)
    said = json.dumps(header, separators=(",", ":")).encode()
    columns = (
        np.concatenate((start[:1], start[1:] - start[:-1])).astype("<u4"),  # modulo 2**32: the sum comes out right again
        length.astype("<u4"),
        fingerprint.quality,
        fingerprint.view.astype("<u2"),
        fingerprint.hash,
    )
    return _HEADER_LENGTH.pack(len(said)) + said, b"".join(c.tobytes() for c in columns) + landmarks


def _sealed(version: int, body: bytes) -> bytes:
    packed = _HEAD.pack(MAGIC, version, len(body)) + body
    return packed + hashlib.blake2b(packed, digest_size=_DIGEST).digest()


def from_bytes(data: bytes, *, max_bytes: int | None = MAX_UNPACKED) -> Fingerprint:
    """Unpack what `to_bytes` or `to_stored` returned, unless it has more than ``max_bytes`` then.

    Raises:
        FingerprintError: it is not a fingerprint, is of a newer version, cut short, changed on the way, or too large.
    """
    if len(data) < _HEAD.size + _DIGEST or data[:4] != MAGIC:
        raise FingerprintError("not a vhashdb fingerprint", hint="`vhashdb.to_bytes` makes one")
    _, version, length = _HEAD.unpack_from(data)
    if version not in _UNPACK:
        hint = "upgrade vhashdb" if version > STORED_VERSION else "make it again from the video with `vhashdb.fingerprint`"
        raise FingerprintError(f"a fingerprint of format version {version}; this program knows {STORED_VERSION}", hint=hint)
    if len(data) != _HEAD.size + length + _DIGEST:
        raise FingerprintError("the fingerprint is cut short", hint=_HINT)
    packed, digest = data[:-_DIGEST], data[-_DIGEST:]
    if hashlib.blake2b(packed, digest_size=_DIGEST).digest() != digest:
        raise FingerprintError("the fingerprint's checksum does not fit", hint=_HINT)
    try:
        header, columns = _UNPACK[version](packed[_HEAD.size :], max_bytes, version in (VERSION, STORED_VERSION))
        return _fingerprint(header, columns)
    except (zlib.error, zstandard.ZstdError, struct.error, KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        if isinstance(error, FingerprintError):
            raise
        raise FingerprintError(f"the fingerprint is malformed: {error}", hint=_HINT) from error


def _header(raw: bytes, max_bytes: int | None, with_sound: bool) -> tuple[dict[str, Any], int, int]:
    """Read the header at the beginning of ``raw``; return it, where it ends, and the bytes of the columns."""
    (length,) = _HEADER_LENGTH.unpack_from(raw)
    end = _HEADER_LENGTH.size + length
    header = json.loads(raw[_HEADER_LENGTH.size : end])
    if not isinstance(header, dict):
        raise FingerprintError("the fingerprint's header is no JSON object", hint=_HINT)
    if not with_sound:
        header.pop("sound", None)
    count, hash_bytes = int(header["entries"]), _algorithm(header).bytes
    if not 0 <= count <= MAX_ENTRIES or not 1 <= hash_bytes <= _MAX_HASH_BYTES:
        raise FingerprintError(f"{count} entries of {hash_bytes * 8} bits are more than is allowed", hint=_HINT)
    landmarks = int(header["sound"]["landmarks"]) if with_sound else 0
    if not 0 <= landmarks <= MAX_LANDMARKS:
        raise FingerprintError(f"{landmarks} landmarks of the sound are more than is allowed", hint=_HINT)
    size = count * (11 + hash_bytes) + landmarks * LANDMARK_BYTES
    if max_bytes is not None and end + size > max_bytes:
        raise FingerprintError(f"the fingerprint unpacks to {end + size} bytes; at most {max_bytes} are allowed")
    return header, end, size


def _algorithm(header: dict[str, Any]) -> AlgorithmId:
    return AlgorithmId(str(header["algorithm"]), int(header["bits"]), int(header["spec"]))


def _unpack(body: bytes, max_bytes: int | None, with_sound: bool) -> tuple[dict[str, Any], bytes]:
    """Unpack the body of the form to pass on: its header first, which says how much there is."""
    stream = zlib.decompressobj()
    raw = stream.decompress(body, _HEADER_LENGTH.size + _MAX_HEADER)
    header, end, size = _header(raw, max_bytes, with_sound)
    if len(raw) < end + size:
        raw += stream.decompress(stream.unconsumed_tail, end + size - len(raw))
    if len(raw) != end + size or stream.unconsumed_tail or not stream.eof:
        raise FingerprintError("the fingerprint's header does not fit its size", hint=_HINT)
    if stream.unused_data:
        raise FingerprintError(f"{len(stream.unused_data)} bytes follow the fingerprint that are no part of it", hint=_HINT)
    return header, raw[end:]


def _unpack_stored(body: bytes, max_bytes: int | None, with_sound: bool) -> tuple[dict[str, Any], bytes]:
    """Unpack the body of the stored form: nothing is unpacked that the header does not speak of."""
    header, end, size = _header(body, max_bytes, with_sound)
    if zstandard.frame_content_size(body[end:]) != size:
        raise FingerprintError("the fingerprint's header does not fit its size", hint=_HINT)
    return header, _zstd.decompressor.decompress(body[end:], allow_extra_data=False)


_UNPACK: Final[dict[int, Callable[[bytes, int | None, bool], tuple[dict[str, Any], bytes]]]] = {
    SILENT_VERSION: _unpack,
    VERSION: _unpack,
    STORED_SILENT_VERSION: _unpack_stored,
    STORED_VERSION: _unpack_stored,
}


def _fingerprint(header: dict[str, Any], raw: bytes) -> Fingerprint:
    algorithm, count, position = _algorithm(header), int(header["entries"]), 0

    def column(dtype: str, width: int = 1) -> npt.NDArray[np.generic]:
        nonlocal position
        values = np.frombuffer(raw, dtype, count * width, position)
        position += values.nbytes
        return values

    start = np.cumsum(column("<u4").astype(np.uint32), dtype=np.uint32).astype(np.float64)
    length = column("<u4").astype(np.float64)
    quality, view = column("u1").astype(np.uint8), column("<u2").astype(np.uint16)
    hashes = column("u1", algorithm.bytes).astype(np.uint8).reshape(count, algorithm.bytes)
    sound = _sound(header["sound"], raw[position:]) if "sound" in header else None
    return Fingerprint(
        algorithm=algorithm,
        start_s=start / 1000,
        end_s=(start + length) / 1000,
        hash=hashes,
        quality=quality,
        view=view,
        duration_s=int(header["duration_ms"]) / 1000,
        width=int(header["width"]),
        height=int(header["height"]),
        damage=tuple(str(line) for line in header["damage"]),
        coverage=Coverage.from_json(header["coverage"]) if "coverage" in header else Coverage(),
        sound=sound,
    )


def _sound(said: dict[str, Any], packed: bytes) -> SoundFingerprint:
    return SoundFingerprint(unpack_landmarks(packed), int(said["duration_ms"]) / 1000, int(said["spec"]))
