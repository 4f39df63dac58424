"""Fingerprints and file hashes as signals of an event, and back.

The frame hashes of a video are one signal: rows without a header in base64, little-endian and in the fingerprint's order::

    u32 start, ms   u32 length, ms   u8 quality   u16 view   bits / 8 bytes of hash

Nothing else of a fingerprint is shared: its picture size and its notes about damage stay at home.
"""

from __future__ import annotations

import base64
import binascii

import numpy as np

from vhashdb.errors import FingerprintError
from vhashdb.exchange.events import FILE_HASHES, Signal
from vhashdb.fingerprints.model import Fingerprint, milliseconds
from vhashdb.hashing.algorithms import AlgorithmId

MAX_BITS = 1 << 15


def file_signals(sha256: str | None, md5: str | None) -> tuple[Signal, ...]:
    """Return the hashes of a file that are known."""
    return tuple(Signal(alg, value, bits=FILE_HASHES[alg] * 4) for alg, value in (("sha256", sha256), ("md5", md5)) if value)


def frames_signal(fingerprint: Fingerprint) -> Signal | None:
    """Return the frame hashes of a fingerprint; None if it has none."""
    if not len(fingerprint):
        return None
    algorithm = fingerprint.algorithm
    rows = np.zeros(len(fingerprint), _row(algorithm))
    start = np.round(fingerprint.start_s * 1000).astype(np.int64)
    rows["start"] = start
    rows["length"] = np.round(fingerprint.end_s * 1000).astype(np.int64) - start
    rows["quality"], rows["view"], rows["hash"] = fingerprint.quality, fingerprint.view, fingerprint.hash
    return Signal(algorithm.name, base64.b64encode(rows.tobytes()).decode("ascii"), algorithm.bits, algorithm.spec)


def fingerprint_of(signal: Signal, duration_ms: int) -> Fingerprint:
    """Return the fingerprint that a signal of frame hashes carries.

    Raises:
        FingerprintError: it is a hash of a file, not such rows, or in a view that is not known.
    """
    if signal.alg in FILE_HASHES or not 8 <= signal.bits <= MAX_BITS or signal.bits % 8:
        raise FingerprintError(f"a signal of {signal.alg} with {signal.bits} bits holds no frame hashes")
    algorithm = AlgorithmId(signal.alg, signal.bits, signal.spec)
    try:
        raw = base64.b64decode(signal.data, validate=True)
    except binascii.Error as error:
        raise FingerprintError(f"the signal of {algorithm} is not base64: {error}") from error
    kind = _row(algorithm)
    if not raw or len(raw) % kind.itemsize:
        raise FingerprintError(f"the signal of {algorithm} has {len(raw)} bytes; a row has {kind.itemsize}")
    rows = np.frombuffer(raw, kind)
    start = rows["start"].astype(np.float64)
    return Fingerprint(
        algorithm=algorithm,
        start_s=milliseconds(start / 1000),
        end_s=milliseconds((start + rows["length"]) / 1000),
        hash=np.ascontiguousarray(rows["hash"]),
        quality=rows["quality"].astype(np.uint8),
        view=rows["view"].astype(np.uint16),
        duration_s=duration_ms / 1000,
    )


def _row(algorithm: AlgorithmId) -> np.dtype[np.void]:
    return np.dtype(
        [("start", "<u4"), ("length", "<u4"), ("quality", "u1"), ("view", "<u2"), ("hash", "u1", (algorithm.bytes,))],
    )
