"""Lay landmarks out as bytes that compress: eight for each, byte by byte instead of landmark by landmark.

The lowest 24 bits of each landmark become the difference of its frame to that of the landmark before (of the first, to 0). Then come the
lowest bytes of all landmarks, after them the second lowest of all, and so on to the highest.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vhashdb.errors import FingerprintError
from vhashdb.sound.fingerprint import FRAME_BITS, Landmarks

LANDMARK_BYTES: Final = 8
"""Bytes of a landmark before compression. Derived: it has 64 bits."""
_FRAME: Final = np.uint64((1 << FRAME_BITS) - 1)


def pack_landmarks(landmarks: Landmarks) -> bytes:
    """Return landmarks ``(n,)`` uint64, which are in order, as ``8 n`` bytes."""
    words = (landmarks & ~_FRAME) | np.diff(landmarks & _FRAME, prepend=np.uint64(0))
    return words.astype("<u8").view(np.uint8).reshape(-1, LANDMARK_BYTES).T.tobytes()


def unpack_landmarks(packed: bytes) -> Landmarks:
    """Return the landmarks ``(n,)`` uint64 of ``8 n`` bytes.

    Raises:
        FingerprintError: it is no whole number of landmarks, or a frame is beyond the last that there can be.
    """
    if len(packed) % LANDMARK_BYTES:
        raise FingerprintError(f"{len(packed)} bytes are no landmarks; each has {LANDMARK_BYTES}")
    planes = np.frombuffer(packed, np.uint8).reshape(LANDMARK_BYTES, -1)
    words = np.ascontiguousarray(planes.T).view("<u8").astype(np.uint64).reshape(-1)
    frame = np.cumsum(words & _FRAME, dtype=np.uint64)
    if len(frame) and frame[-1] > _FRAME:
        raise FingerprintError("a landmark of the sound is later than a frame can be")
    return (words & ~_FRAME) | frame
