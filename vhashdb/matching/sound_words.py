"""Sound in words: how a stretch was changed, what is said of the sound of a match, and why sound confirms nothing."""

from __future__ import annotations

from typing import Final

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.matching.witnesses import LEAST_LANDMARKS, SoundFinding

_WHOLE: Final = 0.15
"""Semitones that a difference may be from a whole number of them to be said as one. Engineering bound: what cannot be heard."""


def change_words(one: SoundSegment) -> tuple[str, ...]:
    """Say how the sound of the query differs from that of the reference: in pitch, in speed; empty if in neither."""
    words = []
    if one.other_pitch:
        number, whole = abs(one.semitones), round(abs(one.semitones))
        said = f"{whole}" if abs(number - whole) <= _WHOLE else f"{number:.1f}"
        words.append(f"{said} {'semitone' if said == '1' else 'semitones'} {'higher' if one.semitones > 0 else 'lower'}")
    if one.other_speed:
        words.append(f"{one.speed:.2f} × speed")
    return tuple(words)


def finding_words(finding: SoundFinding, judgement: Judgement) -> str:
    """Say in a few words what is to be known of the sound of a match beside its stretches; empty if that is nothing."""
    match finding:
        case SoundFinding.ANOTHER if judgement.found:
            return "sound replaced: in these seconds it is not the known video's"
        case SoundFinding.SAME if judgement.by_sound and judgement.verdict is Verdict.MATCH:
            return "sound only: neither has pictures"
    return ""


def why_sound_confirms_nothing(judgement: Judgement, query: Fingerprint, reference: Fingerprint, finding: SoundFinding) -> str:
    """Say in a sentence why sound added nothing to a pair that is no match; empty where it is a match, or possible by its sound.

    Args:
        judgement: on the pair, in the light of sound.
        query: the fingerprint that is asked about.
        reference: the recorded one.
        finding: what is said of their sounds.
    """
    if judgement.verdict is Verdict.MATCH:
        return ""
    if finding is SoundFinding.NOT_LISTENED:
        return "the file was not listened to"
    for which, side in (("the known video", reference), ("the file", query)):
        if side.sound is None:
            return f"{which} has no sound" if side is query else f"{which} has no sound in the database"
        if len(side.sound) < LEAST_LANDMARKS:
            return f"too little is to be heard in {which}"
    if finding is SoundFinding.SAME:
        return "the sound is the same, but at another time than the pictures" if judgement.segments else ""
    if finding is SoundFinding.ANOTHER:
        return "the sound is another" + (" where the pictures are alike" if judgement.segments else "")
    return "too little is to be heard where the pictures are alike"
