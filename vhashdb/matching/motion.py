"""Motion evidence: do both sides *change* alike along the line on which they were aligned?

A fixed camera makes different footage of one place look alike, frame by frame; what tells a copy apart is that it
changes alike. Subtract from each frame's bits their mean over the stretch, on both sides, and correlate what is left.
It needs nothing but the stored hashes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vhashdb.hashing.bits import distances, unpack
from vhashdb.matching.align import SLACK_S, Stretch
from vhashdb.matching.pairs import Track


@dataclass(frozen=True)
class Motion:
    """What a stretch's changes say."""

    correlation: float
    """−1 … 1, of the bits' changes on both sides; 0 when nothing changes."""
    change: float
    """0 … 1: mean variance of the query's bits over the stretch; 0 for a still picture."""
    entries: int
    """Query entries it was computed from, agreeing or not."""
    median_bits: float
    """Median distance, in bits, of all of these entries to the reference at their time."""


NO_MOTION = Motion(0.0, 0.0, 0, 0.0)


def motion_of(query: Track, reference: Track, stretch: Stretch) -> Motion:
    """Compare how both sides change along a stretch; *all* usable query entries within it count, not only alike ones."""
    middle = (query.start_s + query.end_s) / 2
    inside = np.flatnonzero((middle >= stretch.start_s) & (middle <= stretch.end_s))
    times = stretch.speed * middle[inside] + stretch.offset_s
    # At each time the nearest of the reference entries within the slack of it: looks on both sides are not in step.
    first = np.searchsorted(reference.end_s, times - SLACK_S)
    last = np.searchsorted(reference.start_s, times + SLACK_S, side="right")
    chosen = []
    for row, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        if low < high:
            bits = distances(query.hash[inside[row]][None], reference.hash[low:high])[0]
            chosen.append((inside[row], low + int(np.argmin(bits)), int(bits.min())))
    if not chosen:
        return NO_MOTION
    queries, references, bits = (np.array(column) for column in zip(*chosen, strict=True))
    left, right = unpack(query.hash[queries]), unpack(reference.hash[references])
    left, right = left - left.mean(axis=0), right - right.mean(axis=0)
    energy_left, energy_right = float((left**2).sum()), float((right**2).sum())
    correlation = float((left * right).sum()) / np.sqrt(energy_left * energy_right) if energy_left and energy_right else 0.0
    return Motion(float(correlation), energy_left / left.size, len(queries), float(np.median(bits)))
