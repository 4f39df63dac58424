"""How exactly a segment says at which speed the query plays: the speeds that fit nearly as well as the one that fits best."""

from __future__ import annotations

import numpy as np

from vhashdb.hashing.bits import distances
from vhashdb.matching.alignment import AlignedSegment, instants, likeness_on
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.view_pairs import HashSequence


def speed_range(query: HashSequence, reference: HashSequence, aligned: AlignedSegment, config: MatchingConfig) -> tuple[float, float]:
    """Return the slowest and the fastest speed near that of a segment that fit what both sides show nearly as well as the best.

    A calm picture fits at many speeds, and a short one too: then the range is wide, as far as it was looked at.

    Args:
        query: the entries that the segment was aligned in.
        reference: the same of the other side.
        aligned: the segment.
        config: for the algorithm of both.
    """
    speed, reach = aligned.transform.speed, config.speed_range_reach
    shown = query.where((query.end_s >= aligned.start_s) & (query.start_s <= aligned.end_s))
    first_s, last_s = aligned.reference_s
    beyond_s = reach * (last_s - first_s) + config.shift_s * 4
    known = reference.where((reference.end_s >= first_s - beyond_s) & (reference.start_s <= last_s + beyond_s))
    time_s, asked = instants(shown, config.refine_step_s)
    within = (aligned.start_s <= time_s) & (time_s <= aligned.end_s)
    time_s, asked = time_s[within], asked[within]
    if not len(time_s) or not len(known):
        return config.min_speed, config.max_speed
    likeness = np.clip(1 - distances(shown.hash, known.hash) / np.float32(config.align_radius_bits), 0, 1).astype(np.float32)
    middle_s = float(time_s.mean())
    speeds = speed * (1 + np.linspace(-reach, reach, config.speed_range_steps))
    shifts = np.linspace(-4, 4, 17) * config.shift_s
    every, shift = np.repeat(speeds, len(shifts)), np.tile(shifts, len(speeds))
    offsets = speed * middle_s + aligned.transform.offset_s + shift - every * middle_s
    along = likeness_on(every, offsets, time_s, asked, known, likeness, config.reference_lag_s)
    fit = along.sum(axis=1).reshape(len(speeds), -1).max(axis=1)
    fits = speeds[fit >= config.speed_range_fit * fit.max()]
    return min(speed, float(fits.min())), max(speed, float(fits.max()))
