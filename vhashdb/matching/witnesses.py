"""Say what a judgement rests on, pictures or sound, and how the sounds of two files compare: for whoever reads a match."""

from __future__ import annotations

import enum
from typing import Final

import numpy as np

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.intervals import Spans
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.sound_alignment import MOMENT_S
from vhashdb.matching.verdict import Judgement
from vhashdb.sound import FRAME_S, SoundFingerprint

LEAST_LANDMARKS: Final = 40
"""Landmarks under which sound says too little. Derived: what a second of it has in a database."""


class RestsOn(enum.StrEnum):
    """The witnesses that speak for a match."""

    PICTURE = "picture"
    SOUND = "sound"
    BOTH = "picture and sound"
    FILE = "file"
    """The hash of the file, and nothing that is seen or heard."""


class SoundFinding(enum.StrEnum):
    """What is said of the sound of a file and of a record."""

    SAME = "the same"
    """Somewhere in both."""
    ANOTHER = "another"
    """In the seconds that are alike both have enough of it, and no stretch agrees."""
    NONE = "none"
    """There is nothing to compare: one of the two has no sound, or too little in those seconds."""
    NOT_LISTENED = "not listened to"
    """The file's sound was not decoded."""


def rests_on(judgement: Judgement) -> RestsOn:
    """Return which witnesses a match rests on."""
    if judgement.segments:
        return RestsOn.BOTH if judgement.sounds else RestsOn.PICTURE
    return RestsOn.SOUND if judgement.sounds else RestsOn.FILE


def sound_finding(judgement: Judgement, query: Fingerprint, reference: Fingerprint, config: SoundConfig, *, listened: bool) -> SoundFinding:
    """Say how the sounds of two files compare, in the seconds in which their pictures are alike, or else in all of both.

    Args:
        judgement: on the pair, in the light of sound.
        query: the fingerprint that is asked about.
        reference: the recorded one.
        config: how much sound is enough to call it another.
        listened: whether the query's sound was decoded, so that a fingerprint without sound is of a file without it.
    """
    if judgement.sounds:
        return SoundFinding.SAME
    if query.sound is None and not listened:
        return SoundFinding.NOT_LISTENED
    if query.sound is None or reference.sound is None or query.sound.spec != reference.sound.spec:
        return SoundFinding.NONE
    here = [(s.query_start_s, s.query_end_s) for s in judgement.segments] or [(0.0, query.sound.duration_s)]
    there = [(s.reference_start_s, s.reference_end_s) for s in judgement.segments] or [(0.0, reference.sound.duration_s)]
    enough = _is_enough(query.sound, here, config) and _is_enough(reference.sound, there, config)
    return SoundFinding.ANOTHER if enough else SoundFinding.NONE


def _is_enough(sound: SoundFingerprint, spans: Spans, config: SoundConfig) -> bool:
    """Whether so much is to be heard in some stretches that a copy of it would have been recognised."""
    at_s = sound.frame * FRAME_S
    inside = np.zeros(len(at_s), bool)
    for start_s, end_s in spans:
        inside |= (at_s >= start_s) & (at_s <= end_s)
    moments = np.unique((at_s[inside] / MOMENT_S).astype(np.int64))
    return int(inside.sum()) >= config.another_landmarks and len(moments) >= config.another_moments
