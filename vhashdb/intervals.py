"""Compute with intervals of time, (start, end) in seconds: their union, what they leave out, what they have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Spans = Sequence[tuple[float, float]]


def union(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join intervals that touch or overlap: disjoint ones, in order."""
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_s)
        else:
            joined.append((start_s, end_s))
    return joined


def outside(spans: Spans, duration_s: float) -> list[tuple[float, float]]:
    """Return what the intervals leave of a video of this duration."""
    joined = union(spans)
    starts, ends = [0.0, *(end_s for _, end_s in joined)], [*(start_s for start_s, _ in joined), duration_s]
    return [(start_s, end_s) for start_s, end_s in zip(starts, ends, strict=True) if start_s < end_s]


def length_s(spans: Spans) -> float:
    """Add up the seconds of disjoint intervals."""
    return sum(end_s - start_s for start_s, end_s in spans)


def first_s(spans: Spans, seconds: float) -> list[tuple[float, float]]:
    """Return the first seconds of disjoint intervals in order, so many of them altogether."""
    kept: list[tuple[float, float]] = []
    for start_s, end_s in spans:
        left_s = seconds - length_s(kept)
        if left_s <= 0:
            break
        kept.append((start_s, min(end_s, start_s + left_s)))
    return kept


def shared_s(left: Spans, right: Spans) -> float:
    """Add up the seconds that two sets of disjoint intervals have in common."""
    return sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in left for b in right)


def covered(start_s: npt.NDArray[np.float64], end_s: npt.NDArray[np.float64]) -> float:
    """Return the seconds of the union of intervals that are given as two arrays ``(n,)`` of float64."""
    if not len(start_s):
        return 0.0
    order = np.argsort(start_s, kind="stable")
    start, end = start_s[order], np.maximum.accumulate(end_s[order])
    before = np.concatenate(([start[0]], end[:-1]))
    return float(np.maximum(end - np.maximum(start, before), 0).sum())
