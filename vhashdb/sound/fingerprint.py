"""Define `SoundFingerprint`: the landmarks of a file's sound, as one number each.

A landmark is 64 bits, from the highest to the lowest::

    key 24    what is looked up: the same in a copy, nearly always, however fast or high it is played
    pitch 8   where in the spectrum it lies: differs by the same number all over a copy whose pitch was changed
    span 8    how long it lasts: differs by the same factor all over a copy whose speed was changed
    frame 24  when it begins, in frames of `FRAME_S` on the file's timeline
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.errors import FingerprintError

SPEC: Final = 1
"""Version of how landmarks are made. Given by `docs/formats.md`."""
SAMPLE_RATE: Final = 8000
"""Samples a second that sound is converted to. Derived: twice the highest frequency that a telephone passes, and a little more."""
FRAME_S: Final = 256 / SAMPLE_RATE
"""Seconds from one frame of the spectrum to the next. Part of `SPEC`."""
KEY_BITS: Final = 24
PITCH_BITS: Final = 8
SPAN_BITS: Final = 8
FRAME_BITS: Final = 24
"""Widths of the parts of a landmark. Derived: 24 bits of frames are six days."""
MAX_LANDMARKS: Final = 20_000_000
"""Landmarks that a fingerprint may have. Engineering bound: a count that is certainly wrong is refused before anything is allocated."""
MAX_SPEC: Final = 10_000
"""Highest version of landmarks. Engineering bound: the same as a feed sets for every algorithm."""

Landmarks = npt.NDArray[np.uint64]
"""Array of shape ``(n,)``, dtype uint64."""


@dataclass(frozen=True, eq=False)
class SoundFingerprint:
    """Hold the landmarks of all sound tracks of one file; they share the timeline of its first track of pictures."""

    landmarks: Landmarks
    """``(n,)`` uint64, ordered by frame, then by value; none twice."""
    duration_s: float
    """Seconds of sound that there are on the timeline; whole milliseconds in every stored form."""
    spec: int = SPEC
    """Version of how the landmarks were made. One that is not known here is kept and passed on; only those of the same are compared."""

    def __post_init__(self) -> None:
        if self.landmarks.dtype != np.uint64 or self.landmarks.ndim != 1 or len(self.landmarks) > MAX_LANDMARKS:
            raise FingerprintError("the landmarks of the sound are no list of 64-bit numbers, or too many")
        if not 1 <= self.spec <= MAX_SPEC:
            raise FingerprintError(f"{self.spec} is no version of landmarks")
        if not 0 <= self.duration_s <= FRAME_S * (1 << FRAME_BITS):
            raise FingerprintError(f"sound of {self.duration_s} s")
        by_frame = (self.landmarks << np.uint64(64 - FRAME_BITS)) | (self.landmarks >> np.uint64(FRAME_BITS))
        if not (by_frame[1:] > by_frame[:-1]).all():
            raise FingerprintError("the landmarks of the sound are not in order, or one is there twice")
        self.landmarks.setflags(write=False)

    def __len__(self) -> int:
        return len(self.landmarks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SoundFingerprint):
            return NotImplemented
        same = (self.duration_s, self.spec) == (other.duration_s, other.spec)
        return same and np.array_equal(self.landmarks, other.landmarks)

    __hash__ = None  # type: ignore[assignment]  # compared by content, and its array is large

    def __repr__(self) -> str:
        return f"SoundFingerprint({self.duration_s:.1f} s, {len(self)} landmarks)"

    @property
    def key(self) -> npt.NDArray[np.int64]:
        """``(n,)`` int64: see `key_of`."""
        return key_of(self.landmarks)

    @property
    def pitch(self) -> npt.NDArray[np.int64]:
        """``(n,)`` int64: see `pitch_of`."""
        return pitch_of(self.landmarks)

    @property
    def span(self) -> npt.NDArray[np.int64]:
        """``(n,)`` int64: see `span_of`."""
        return span_of(self.landmarks)

    @property
    def frame(self) -> npt.NDArray[np.int64]:
        """``(n,)`` int64: see `frame_of`."""
        return frame_of(self.landmarks)


def key_of(landmarks: Landmarks) -> npt.NDArray[np.int64]:
    """Return what landmarks ``(n,)`` are looked up by: ``(n,)`` int64."""
    return (landmarks >> np.uint64(FRAME_BITS + SPAN_BITS + PITCH_BITS)).astype(np.int64)


def pitch_of(landmarks: Landmarks) -> npt.NDArray[np.int64]:
    """Return where in the spectrum landmarks lie, in parts of a band: ``(n,)`` int64."""
    return (landmarks >> np.uint64(FRAME_BITS + SPAN_BITS)).astype(np.int64) & ((1 << PITCH_BITS) - 1)


def span_of(landmarks: Landmarks) -> npt.NDArray[np.int64]:
    """Return how long landmarks last, in parts of a frame, 1 at least: ``(n,)`` int64."""
    span = (landmarks >> np.uint64(FRAME_BITS)).astype(np.int64) & ((1 << SPAN_BITS) - 1)
    return np.asarray(np.maximum(1, span), np.int64)


def frame_of(landmarks: Landmarks) -> npt.NDArray[np.int64]:
    """Return when landmarks begin, in frames of `FRAME_S`: ``(n,)`` int64."""
    return landmarks.astype(np.int64) & ((1 << FRAME_BITS) - 1)
