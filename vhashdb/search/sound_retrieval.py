"""Retrieve the records that a sound may be a copy of: those whose landmarks agree with it in pitch, speed and place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.index.landmarks import LandmarkHits
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.retrieval import Editions, RetrievalCheck
from vhashdb.matching.sound_alignment import MOMENT_S, count_values
from vhashdb.searcher import LandmarkLookup
from vhashdb.sound import FRAME_S, SoundFingerprint, fewer, neighbouring
from vhashdb.sound.fingerprint import SPAN_BITS, frame_of, pitch_of, span_of
from vhashdb.sound.landmarks import PARTS

_WINDOW_S: Final = 10.0
"""Seconds of the query whose landmarks are counted together. Derived: a landmark's speed is known to a few hundredths, and a line drawn
with it leaves its place by less than `_PLACE_S` in so long."""
_MINUTE_S: Final = 60.0
"""The same of landmarks whose speed does not differ. Engineering bound."""
_EXACT_S: Final = 0.5
"""Seconds within which what is heard later by as much is heard at one place. Engineering bound."""
_MOMENTS: Final = 128
"""Moments of a window that are told apart. Derived: more than a minute has."""
_PLACE_S: Final = 1.5
_PITCH_BANDS: Final = 2
_SPEED: Final = 0.1
"""Differences that count as none here: of place in seconds, of pitch in bands, of speed in its logarithm. Engineering bounds."""
_SPEEDS, _PITCHES, _PLACES = 16, 16, 1 << 20
"""Values of each that are told apart. Derived: more than neighbouring keys can give, and more than a file has seconds."""
_UNCHANGED: Final = _SPEEDS - 1
"""The class of speeds that stands for landmarks which differ in neither speed nor pitch; no other has it."""
_WINDOWS_APART: Final = 7919
"""By how much the places of a window are moved. Engineering bound: a prime, so that windows and places do not fall together."""
_CELLS: Final = _SPEEDS * _PITCHES * _PLACES
_TIMES: Final = np.arange(1 << SPAN_BITS)[:, None] / np.maximum(1, np.arange(1 << SPAN_BITS))
"""How many times as long as the query's landmark the stored one lasts, by their lengths."""
_SPEED_CLASS: Final = np.clip(np.round(np.log(np.maximum(_TIMES, 1e-9)) / _SPEED) + _SPEEDS // 2, 0, _SPEEDS - 2).astype(np.int64)
"""The same as a class of speeds."""


@dataclass(frozen=True)
class Asked:
    """The keys that are looked up for a sound."""

    keys: npt.NDArray[np.uint32]
    """``(n,)`` uint32."""
    landmark: npt.NDArray[np.int64]
    """``(n,)`` int64: which landmark of the sound each is of."""

    def only(self, which: npt.NDArray[np.bool_]) -> Asked:
        """Return some of them."""
        return Asked(self.keys[which], self.landmark[which])


@dataclass(frozen=True)
class SoundCandidates:
    """The records whose sound is to be compared."""

    chosen: tuple[int, ...] = ()
    """Their numbers, those that agree most first."""
    left_out: int = 0
    """Records that must be compared and have no place among these."""


@dataclass(frozen=True)
class SoundLookup:
    """What was looked up for a sound, and what that retrieved."""

    answered: Asked
    """The keys that were answered; the others are of too many landmarks."""
    candidates: SoundCandidates


@dataclass(frozen=True)
class _Agreement:
    """How many half seconds of a sound agree about a record, in one place of it: columns ``(n,)``, ordered by record."""

    record: npt.NDArray[np.int64]
    moments: npt.NDArray[np.int64]
    needed: npt.NDArray[np.int64]
    """For the record to be a candidate: more where speed or pitch is another."""

    @classmethod
    def of(cls, sound: SoundFingerprint, asked: Asked, hits: Iterable[LandmarkHits], config: SoundConfig) -> _Agreement:
        """Count what was found for the keys that were looked up, one block after the other."""
        pitch, span, frame = sound.pitch[asked.landmark], sound.span[asked.landmark], sound.frame[asked.landmark]
        counted = [count_values(_moments(block, pitch[block.query], span[block.query], frame[block.query]))[0] for block in hits]
        cell, moments = count_values(count_values(np.concatenate([np.zeros(0, np.int64), *counted]))[0] // _MOMENTS)
        unchanged = cell // (_PLACES * _PITCHES) % _SPEEDS == _UNCHANGED
        return cls(cell // _CELLS, moments, config.candidate_moments + np.where(unchanged, 0, config.changed_moments))


def asked_of(sound: SoundFingerprint, config: SoundConfig) -> Asked:
    """Choose what is looked up for a sound."""
    key = sound.key
    plain, changed = fewer(sound, config.asked_per_second), fewer(sound, config.asked_changed_per_second)
    near = neighbouring(key[changed])
    landmark, way = np.nonzero((near >= 0) & (near != key[changed][:, None]))
    keys = np.concatenate((key[plain], near[landmark, way])).astype(np.uint32)
    return Asked(keys, np.concatenate((plain, changed[landmark])))


def retrieve_sound(
    sound: SoundFingerprint, asked: Asked, hits: Iterable[LandmarkHits], config: SoundConfig, editions: Editions | None = None
) -> SoundCandidates:
    """Return the records whose landmarks agree most, `SoundConfig.max_candidates` at most, and of each edition `max_copies`.

    Args:
        sound: what is asked about.
        asked: what was looked up for it.
        hits: what was found, one block after the other.
        config: thresholds.
        editions: tells which records are copies of one edition; None: none are.
    """
    agreement = _Agreement.of(sound, asked, hits, config)
    records, first = np.unique(agreement.record, return_index=True)
    if not len(records):
        return SoundCandidates()
    beyond = np.maximum.reduceat(agreement.moments - agreement.needed, first)
    order = np.argsort(-beyond, kind="stable")
    order = order[beyond[order] >= 0]
    best = beyond[order] + config.candidate_moments
    must_compare = best >= min(config.must_compare_moments, config.must_compare_share * _moments_of(sound))
    numbers = records[order].tolist()
    edition_of = editions(numbers) if editions is not None else {}
    copies = Counter[int]()  # a record that is not grouped is an edition by itself, which is numbered below all others
    chosen: list[int] = []
    left_out = 0
    for number, needed in zip(numbers, must_compare.tolist(), strict=True):
        edition = edition_of.get(number, -number)
        if len(chosen) < config.max_candidates and copies[edition] < config.max_copies:
            chosen.append(number)
            copies[edition] += 1
        elif not copies[edition]:
            left_out += needed
    return SoundCandidates(tuple(chosen), left_out)


def check_sound_retrieval(
    stage: str, query: SoundFingerprint, reference: SoundFingerprint, config: SoundConfig, asked: Asked | None = None
) -> RetrievalCheck:
    """Measure how much of a sound agrees about one record, whether or not it is in an index.

    Args:
        stage: which search this is about, in words.
        query: what is asked about.
        reference: what a database holds of the record.
        config: thresholds.
        asked: what is looked up, as far as it is answered; None: all that would be.
    """
    asked = asked_of(query, config) if asked is None else asked
    order = np.argsort(reference.key, kind="stable")
    first, end = (np.searchsorted(reference.key[order], asked.keys, side=side) for side in ("left", "right"))
    count = end - first
    place = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum())
    landmark = reference.landmarks[order[place]] if query.spec == reference.spec else reference.landmarks[:0]
    asking = np.repeat(np.arange(len(asked.keys)), count)[: len(landmark)]
    agreement = _Agreement.of(query, asked, [LandmarkHits(asking, np.zeros(len(landmark), np.int64), landmark)], config)
    nearest = RetrievalCheck(stage, 0, _moments_of(query), config.candidate_moments, config.max_candidates)
    if not len(agreement.record):
        return nearest
    best = int(np.argmax(agreement.moments - agreement.needed))
    return replace(nearest, times=int(agreement.moments[best]), needed=int(agreement.needed[best]))


def _moments_of(sound: SoundFingerprint) -> int:
    """Count the half seconds in which anything is to be heard."""
    return len(np.unique((sound.frame * FRAME_S) // MOMENT_S))


def answered_share(sound: SoundFingerprint, asked: Asked, lookup: LandmarkLookup) -> float:
    """Return what share of a sound's landmarks was answered, of those that were looked up and any record has; without neighbours."""
    there = (asked.keys == sound.key[asked.landmark]) & (lookup.frequency > 0)
    return float(lookup.answered[there].mean()) if there.any() else 1.0


def _moments(
    block: LandmarkHits, pitch: npt.NDArray[np.int64], span: npt.NDArray[np.int64], frame: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return for each hit as one number: record, by how much speed and pitch differ, where the window is heard, and the moment of it.

    Hits that differ in neither are counted once more by how much later they are heard, which is known exactly and the same for a minute.
    """
    stored = span_of(block.landmark)
    start_s, heard_s = frame * FRAME_S, frame_of(block.landmark) * FRAME_S
    speed = _SPEED_CLASS[stored, span]
    bands = np.round((pitch - pitch_of(block.landmark)) / (PARTS * _PITCH_BANDS)).astype(np.int64)
    bands = np.clip(bands + _PITCHES // 2, 0, _PITCHES - 1)
    since_s = start_s % _WINDOW_S
    found = [_numbered(block.record, speed, bands, start_s // _WINDOW_S, (heard_s - _TIMES[stored, span] * since_s) / _PLACE_S, since_s)]
    same = np.flatnonzero((speed == _SPEEDS // 2) & (bands == _PITCHES // 2))
    record, start_s, later_s = block.record[same], start_s[same], heard_s[same] - start_s[same]
    for shift in (0, 1):  # in two places that overlap by half, as a line may lie at the edge of one
        minute, since_s = np.divmod(start_s, _MINUTE_S)
        unchanged = np.full(len(same), _UNCHANGED)
        found.append(_numbered(record, unchanged, np.full(len(same), shift), minute, later_s / _EXACT_S + shift / 2, since_s))
    return np.concatenate(found)


def _numbered(
    record: npt.NDArray[np.int64],
    speed: npt.NDArray[np.int64],
    bands: npt.NDArray[np.int64],
    window: npt.NDArray[np.floating],
    place: npt.NDArray[np.floating],
    since_s: npt.NDArray[np.floating],
) -> npt.NDArray[np.int64]:
    # The window is part of the place: what is heard at one second of a record in two windows is not one stretch of it.
    where = (np.floor(place).astype(np.int64) + window.astype(np.int64) * _WINDOWS_APART) % _PLACES
    cell = ((record * _SPEEDS + speed) * _PITCHES + bands) * _PLACES + where
    return np.asarray(cell * _MOMENTS + (since_s // MOMENT_S).astype(np.int64), np.int64)
