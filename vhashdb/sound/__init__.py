"""Fingerprint sound: landmarks in its spectrum, which survive compression, noise, and other speeds and pitches."""

from vhashdb.sound.fingerprint import FRAME_S, SAMPLE_RATE, SPEC, SoundFingerprint
from vhashdb.sound.landmarks import ASKED, STORED, Detail, LandmarkBuilder, fewer, neighbouring
from vhashdb.sound.packing import LANDMARK_BYTES, pack_landmarks, unpack_landmarks

__all__ = [
    "ASKED",
    "FRAME_S",
    "LANDMARK_BYTES",
    "SAMPLE_RATE",
    "SPEC",
    "STORED",
    "Detail",
    "LandmarkBuilder",
    "SoundFingerprint",
    "fewer",
    "neighbouring",
    "pack_landmarks",
    "unpack_landmarks",
]
