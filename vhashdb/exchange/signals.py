"""Fingerprints and file hashes as signals of an event, and back.

The frame hashes of a video are one signal: rows without a header in base64, little-endian and in the fingerprint's order::

    u32 start, ms   u32 length, ms   u8 quality   u16 view   bits / 8 bytes of hash

Squares, if they are shared at all, are a signal of their own (`SQUARES`), which members that do not know it pass over: the same rows
after ``u32 width   u32 height``, the shape of the picture in lowest terms, because squares lie where the shape says.

The landmarks of the sound, unless they are kept at home, are a signal of their own as well (`LANDMARKS`), of 64 bits each and with the
spec of the landmarks: ``u32 duration, ms`` of the sound, and then the landmarks as `vhashdb.sound.pack_landmarks` lays them out.

Nothing else of a fingerprint is shared: its picture size and its notes about damage stay at home.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Final

import numpy as np

from vhashdb.errors import FingerprintError
from vhashdb.exchange.events import FILE_HASHES, Signal
from vhashdb.fingerprints.model import MAX_SIDE, Fingerprint, bare_with_squares, is_square, ordered, without_squares
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.sound import LANDMARK_BYTES, SPEC, SoundFingerprint, pack_landmarks, unpack_landmarks

MAX_BITS = 1 << 15
SQUARES: Final = "-squares"
"""What follows the algorithm's name in that of a signal of squares."""
LANDMARKS: Final = "landmarks"
"""Name of the algorithm in a signal of sound."""
_DURATION: Final = struct.Struct("<I")
_SHAPE: Final = struct.Struct("<II")


def file_signals(sha256: str | None, md5: str | None) -> tuple[Signal, ...]:
    """Return the hashes of a file that are known."""
    return tuple(Signal(alg, value, bits=FILE_HASHES[alg] * 4) for alg, value in (("sha256", sha256), ("md5", md5)) if value)


def frames_signal(fingerprint: Fingerprint) -> Signal | None:
    """Return the frame hashes of a fingerprint, without squares; None if it has none."""
    fingerprint = without_squares(fingerprint)
    if not len(fingerprint):
        return None
    algorithm = fingerprint.algorithm
    return Signal(algorithm.name, base64.b64encode(_rows(fingerprint)).decode("ascii"), algorithm.bits, algorithm.spec)


def squares_signal(fingerprint: Fingerprint) -> Signal | None:
    """Return the squares of a fingerprint; None if it has none, or nobody knows where they lie."""
    fingerprint = bare_with_squares(fingerprint)
    squares = fingerprint.only(is_square(fingerprint))
    if not len(squares):
        return None
    data, algorithm = _SHAPE.pack(squares.width, squares.height) + _rows(squares), squares.algorithm
    return Signal(f"{algorithm.name}{SQUARES}", base64.b64encode(data).decode("ascii"), algorithm.bits, algorithm.spec)


def _rows(fingerprint: Fingerprint) -> bytes:
    algorithm = fingerprint.algorithm
    rows = np.zeros(len(fingerprint), _row(algorithm))
    start = np.round(fingerprint.start_s * 1000).astype(np.int64)
    rows["start"] = start
    rows["length"] = np.round(fingerprint.end_s * 1000).astype(np.int64) - start
    rows["quality"], rows["view"], rows["hash"] = fingerprint.quality, fingerprint.view, fingerprint.hash
    return rows.tobytes()


def with_squares_of(signal: Signal, fingerprint: Fingerprint) -> Fingerprint:
    """Return a fingerprint with the squares that a signal of them carries.

    Raises:
        FingerprintError: the signal is none of squares, or of another algorithm.
    """
    algorithm = fingerprint.algorithm
    if (signal.alg, signal.bits, signal.spec) != (f"{algorithm.name}{SQUARES}", algorithm.bits, algorithm.spec):
        raise FingerprintError(f"a signal of {signal.alg} holds no squares of {algorithm}")
    raw = _decoded(signal, algorithm)
    if len(raw) < _SHAPE.size:
        raise FingerprintError(f"the signal of squares has {len(raw)} bytes")
    width, height = _SHAPE.unpack_from(raw)
    if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE:
        raise FingerprintError(f"{width} × {height} is no shape of a picture")
    squares = _of_rows(raw[_SHAPE.size :], algorithm, fingerprint.duration_s)
    if not is_square(squares).all():
        raise FingerprintError("the signal of squares has entries of other views")
    return ordered(
        Fingerprint(
            algorithm,
            np.concatenate((fingerprint.start_s, squares.start_s)),
            np.concatenate((fingerprint.end_s, squares.end_s)),
            np.concatenate((fingerprint.hash, squares.hash)),
            np.concatenate((fingerprint.quality, squares.quality)),
            np.concatenate((fingerprint.view, squares.view)),
            fingerprint.duration_s,
            width,
            height,
            sound=fingerprint.sound,
        )
    )


def sound_signal(fingerprint: Fingerprint) -> Signal | None:
    """Return the sound of a fingerprint; None if it has no landmarks."""
    sound = fingerprint.sound
    if not sound:
        return None
    data = _DURATION.pack(round(sound.duration_s * 1000)) + pack_landmarks(sound.landmarks)
    return Signal(LANDMARKS, base64.b64encode(data).decode("ascii"), 8 * LANDMARK_BYTES, sound.spec)


def is_known_sound(signal: Signal) -> bool:
    """Tell whether a signal is of landmarks that can be compared here: those of another spec are passed over."""
    return (signal.alg, signal.bits, signal.spec) == (LANDMARKS, 8 * LANDMARK_BYTES, SPEC)


def sound_of(signal: Signal) -> SoundFingerprint:
    """Return the sound that a signal of landmarks carries.

    Raises:
        FingerprintError: it is no such signal, or not such bytes.
    """
    if not is_known_sound(signal):
        raise FingerprintError(f"a signal of {signal.alg}-{signal.bits}/{signal.spec} holds no landmarks that are known here")
    raw = _decoded(signal, signal.alg)
    if len(raw) <= _DURATION.size:
        raise FingerprintError(f"the signal of landmarks has {len(raw)} bytes")
    return SoundFingerprint(unpack_landmarks(raw[_DURATION.size :]), _DURATION.unpack_from(raw)[0] / 1000, signal.spec)


def fingerprint_of(signal: Signal, duration_ms: int) -> Fingerprint:
    """Return the fingerprint that a signal of frame hashes carries.

    Raises:
        FingerprintError: it is a hash of a file, not such rows, or in a view that is not known.
    """
    if signal.alg in FILE_HASHES or not 8 <= signal.bits <= MAX_BITS or signal.bits % 8:
        raise FingerprintError(f"a signal of {signal.alg} with {signal.bits} bits holds no frame hashes")
    algorithm = AlgorithmId(signal.alg, signal.bits, signal.spec)
    return _of_rows(_decoded(signal, algorithm), algorithm, duration_ms / 1000)


def _decoded(signal: Signal, algorithm: AlgorithmId | str) -> bytes:
    try:
        return base64.b64decode(signal.data, validate=True)
    except binascii.Error as error:
        raise FingerprintError(f"the signal of {algorithm} is not base64: {error}") from error


def _of_rows(raw: bytes, algorithm: AlgorithmId, duration_s: float) -> Fingerprint:
    kind = _row(algorithm)
    if not raw or len(raw) % kind.itemsize:
        raise FingerprintError(f"the signal of {algorithm} has {len(raw)} bytes; a row has {kind.itemsize}")
    rows = np.frombuffer(raw, kind)
    start = rows["start"].astype(np.float64)
    return Fingerprint(
        algorithm=algorithm,
        start_s=start / 1000,
        end_s=(start + rows["length"]) / 1000,
        hash=np.ascontiguousarray(rows["hash"]),
        quality=rows["quality"].astype(np.uint8),
        view=rows["view"].astype(np.uint16),
        duration_s=duration_s,
    )


def _row(algorithm: AlgorithmId) -> np.dtype[np.void]:
    return np.dtype(
        [("start", "<u4"), ("length", "<u4"), ("quality", "u1"), ("view", "<u2"), ("hash", "u1", (algorithm.bytes,))],
    )
