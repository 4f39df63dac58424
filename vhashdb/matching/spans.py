"""Stretches of time as (start, end) in seconds: together, apart, in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Spans = Sequence[tuple[float, float]]


def union(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same time as disjoint spans, in order."""
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_s)
        else:
            joined.append((start_s, end_s))
    return joined


def outside(spans: Spans, duration_s: float) -> list[tuple[float, float]]:
    """What is left of a video of this duration."""
    joined = union(spans)
    starts, ends = [0.0, *(end_s for _, end_s in joined)], [*(start_s for start_s, _ in joined), duration_s]
    return [(start_s, end_s) for start_s, end_s in zip(starts, ends, strict=True) if start_s < end_s]


def length_s(spans: Spans) -> float:
    """Seconds that disjoint spans cover."""
    return sum(end_s - start_s for start_s, end_s in spans)


def shared_s(left: Spans, right: Spans) -> float:
    """Seconds that two sets of spans have in common, each of them disjoint."""
    return sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in left for b in right)
