"""Fingerprint sound: landmarks in its spectrum, which survive compression, noise, and other speeds and pitches."""

from vhashdb.sound.fingerprint import FRAME_S, SAMPLE_RATE, SPEC, SoundFingerprint, ordered_landmarks
from vhashdb.sound.landmarks import ASKED, STORED, Detail, LandmarkBuilder, neighbouring

__all__ = [
    "ASKED",
    "FRAME_S",
    "SAMPLE_RATE",
    "SPEC",
    "STORED",
    "Detail",
    "LandmarkBuilder",
    "SoundFingerprint",
    "neighbouring",
    "ordered_landmarks",
]
