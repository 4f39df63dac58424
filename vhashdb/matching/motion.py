"""Motion evidence: do both sides *change* alike along the line on which they were aligned?

A fixed camera makes different footage of one place look alike, frame by frame; what tells a copy apart is that it
changes alike. Subtract from each moment's bits their mean over the stretch, on both sides, and correlate what is left.
It needs nothing but the stored hashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vhashdb.hashing.bits import unpack
from vhashdb.matching.align import MOMENTS_PER_S, Stretch
from vhashdb.matching.pairs import Track

_INDEPENDENT_PER_S: Final = 4.0
"""Moments a second that count: looking more often does not make neighbouring ones more independent."""
_MOMENTS_PER_ENTRY: Final = 2.0
"""Moments that count for each distinct entry: a picture that stays says nothing new."""


@dataclass(frozen=True)
class Motion:
    """What a stretch's changes say."""

    correlation: float
    """−1 … 1, of the bits' changes on both sides; 0 when nothing changes."""
    change: float
    """0 … 1: mean variance of the query's bits over the stretch; 0 for a still picture."""
    moments: float
    """Independent moments it was computed from, alike or not."""
    median_bits: float
    """Median distance, in bits, over these moments."""


NO_MOTION = Motion(0.0, 0.0, 0.0, 0.0)


def motion_of(query: Track, reference: Track, stretch: Stretch) -> Motion:
    """Compare how both sides change along a stretch; *all* moments within it that both sides show count, not only alike ones."""
    moments = stretch.moments.within(slice(None, None, max(1, round(MOMENTS_PER_S / _INDEPENDENT_PER_S))))
    rows = moments.seen
    if not rows.any():
        return NO_MOTION
    asked, known = moments.query[rows], moments.reference[rows]
    left, right = unpack(query.hash[asked]), unpack(reference.hash[known])
    left, right = left - left.mean(axis=0), right - right.mean(axis=0)
    energy_left, energy_right = float((left**2).sum()), float((right**2).sum())
    correlation = float((left * right).sum()) / np.sqrt(energy_left * energy_right) if energy_left and energy_right else 0.0
    independent = min(len(asked), _MOMENTS_PER_ENTRY * len(np.unique(asked)))
    return Motion(float(correlation), energy_left / left.size, float(independent), float(np.median(moments.distance[rows])))
