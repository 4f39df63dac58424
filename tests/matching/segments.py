"""Matched segments of which everything is known."""

import numpy as np

from vhashdb.matching.evidence import MatchedSegment, Motion


def segment(
    *,
    entries=20,
    correlation=0.9,
    median_bits=20.0,
    matched_s=5.0,
    speed=1.0,
    start_s=0.0,
    end_s=5.0,
    change=0.2,
    quality=100,
    changes=6.0,
    nearest=None,
):
    """A strong one, unless something says otherwise; ``nearest`` bits at best, if not all are as far as the median."""
    nearest = median_bits if nearest is None else nearest
    return MatchedSegment(
        query_start_s=start_s,
        query_end_s=end_s,
        reference_start_s=start_s,
        reference_end_s=end_s,
        speed=speed,
        views=None,
        matched_s=matched_s,
        entries=entries,
        distances=tuple(int(d) for d in np.linspace(nearest, median_bits, entries)),
        motion=Motion(correlation, change, entries, median_bits, changes),
        bits=256,
        quality=quality,
    )
