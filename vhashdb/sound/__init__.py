"""Fingerprint sound: landmarks in its spectrum, which survive compression, noise, and other speeds and pitches."""

from vhashdb.sound.fingerprint import FRAME_S, SAMPLE_RATE, SPEC, SoundFingerprint

__all__ = ["FRAME_S", "SAMPLE_RATE", "SPEC", "SoundFingerprint"]
