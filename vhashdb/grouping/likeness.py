"""How alike two fingerprints are, told without comparing them in full, and whether one of two copies can stand for the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint, without_squares
from vhashdb.grouping.relation import Relation, nearest_bits
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.hashing.views import Region
from vhashdb.intervals import length_s, shared_s, union
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.pair import heard_in
from vhashdb.matching.view_pairs import query_sequences, sequences_of
from vhashdb.sound import FRAME_S

_OFFSET_S: Final = 2.0
"""Seconds by which moments of a record may be later in the other than its other moments, so that speeds may differ. Engineering bound."""
_MOMENTS: Final = 3
"""Moments that must be near something at one place of the other. Engineering bound: fewer are so by chance."""
_LASTS_S: Final = 1.0
"""Seconds for which a picture that stays is one moment. Engineering bound."""
_SHARE: Final = 0.95
"""Share of each that the other must show. Measured: `bench.variants`."""
_SPEED: Final = 0.02
"""How far speeds may be apart. Engineering bound: what a match says without an interval."""
_TYPICAL: Final = 1 / 16
"""Share of a hash by which the typical entry may differ from the nearest one of the same moment. Measured: `bench.variants`."""
_NEARLY_ALL: Final = 0.9
_AT_MOST: Final = 5 / 32
"""Share of a hash by which nearly all entries may differ: an entry stands for frames that differ in as much. Measured: `bench.variants`."""
_HEARD: Final = 0.8
"""Share of a sound that must be heard in the other. Measured: `bench.variants`."""


@dataclass(frozen=True)
class Moments:
    """Entries of a record that are looked for in others, in all orientations."""

    hashes: PackedHashes
    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]

    @classmethod
    def of(cls, asked: Fingerprint) -> Moments:
        """Return those of a fingerprint, once for all that it is compared with."""
        sequences = query_sequences(asked)
        if not sequences:
            return cls(np.zeros((0, asked.algorithm.bytes), np.uint8), np.zeros(0), np.zeros(0))
        return cls(*(np.concatenate([getattr(sequence, name) for sequence in sequences.values()]) for name in ("hash", "start_s", "end_s")))

    @property
    def lasting(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return when they begin, each time once, and how many moments each is: a picture that stays is one for each second."""
        moments, number = np.unique(self.start_s, return_inverse=True)
        lasts_s = np.zeros(len(moments))
        np.maximum.at(lasts_s, number, self.end_s - self.start_s)
        return moments, np.maximum(1, lasts_s / _LASTS_S).astype(np.int64)


def likeness(asked: Moments, reference: Fingerprint, radius_bits: float) -> float:
    """Return how alike a record and another are at some moments, which costs far less than comparing them.

    Args:
        asked: some moments of the one.
        reference: the other.
        radius_bits: within this two hashes are near.

    Returns:
        bits by which moments are nearer than that, summed over moments that lie as far apart in both; 0 if there are too few of these.
    """
    pictures = without_squares(reference)
    usable, start_s = pictures.usable, asked.start_s
    if not len(start_s) or not usable.any():
        return 0.0
    bits = distances(asked.hashes, pictures.hash[usable])
    row, column = np.nonzero(bits <= radius_bits)
    if not len(row):
        return 0.0
    moments, lasting = asked.lasting
    moment = np.searchsorted(moments, start_s[row])
    later = np.floor((pictures.start_s[usable][column] - start_s[row]) / _OFFSET_S).astype(np.int64)
    later -= later.min()
    nearest = np.full((int(later.max()) + 2, len(moments)), radius_bits)
    for shift in (0, 1):  # in two places that overlap by half
        np.minimum.at(nearest, (later + shift, moment), bits[row, column])
    enough = ((nearest < radius_bits) * lasting).sum(axis=1) >= min(_MOMENTS, math.ceil(len(moments) / 2))
    return float((radius_bits - nearest).sum(axis=1)[enough].max(initial=0.0))


def hardly_differ(one: Fingerprint, other: Fingerprint, relation: Relation) -> bool:
    """Return whether what is near one fingerprint is near the other: they show the same at the same speed, upright and in all views."""
    if min(relation.one.share, relation.other.share) < _SHARE or abs(relation.speed - 1) > _SPEED:
        return False
    return _near(one, other, relation) and _sounds_alike(one, other)


def _near(one: Fingerprint, other: Fingerprint, relation: Relation) -> bool:
    """Whether nearly all entries are. The smallest centres do not count: what an encoder leaves of so little differs in each copy."""
    there = sequences_of(other)
    found: list[int] = []
    entries = 0
    for view, sequence in sequences_of(one).items():
        if view.region is Region.CROP_CLOSEST:
            continue
        entries += len(sequence)
        if view in there:
            found += nearest_bits(sequence, there[view], relation).tolist()
    if not entries or len(found) < _NEARLY_ALL * entries:
        return False
    typical, nearly_all = np.quantile(found, (0.5, _NEARLY_ALL))
    return bool(typical <= _TYPICAL * one.algorithm.bits and nearly_all <= _AT_MOST * one.algorithm.bits)


def _sounds_alike(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether whatever is heard of one is heard in the other, at the same pitch."""
    if one.sound is None or not len(one.sound):
        return True
    heard = [each for each in heard_in(one, other, SoundConfig()) if abs(each.speed - 1) <= _SPEED and not round(each.semitones)]
    spans = union((each.query_start_s, each.query_end_s) for each in heard)
    sounding_s = one.sound.frame * FRAME_S
    return bool(length_s(spans)) and shared_s(spans, [(float(sounding_s.min()), float(sounding_s.max()))]) >= _HEARD * float(
        sounding_s.max() - sounding_s.min()
    )
