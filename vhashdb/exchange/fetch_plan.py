"""Which files bring a consumer to the head for the fewest bytes. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from vhashdb.errors import FeedGap
from vhashdb.exchange.listing import File, Listing


@dataclass(frozen=True)
class FetchPlan:
    """Files to read one after the other."""

    snapshot: File | None
    """The state to begin with; what it does not say any more is retracted."""
    segments: tuple[File, ...]

    @property
    def files(self) -> tuple[File, ...]:
        """All of them, in the order of reading."""
        return (*((self.snapshot,) if self.snapshot else ()), *self.segments)

    @property
    def length(self) -> int:
        """Compressed bytes."""
        return sum(file.length for file in self.files)


@dataclass(frozen=True)
class _Step:
    """The cheapest way from one event to the head."""

    length: int
    segment: File | None
    """The first segment of it; None at the head."""


def cheapest_plan(listing: Listing, since: int) -> FetchPlan:
    """Return the cheapest way from event ``since`` to the head: segments, or a snapshot and the segments after it.

    Raises:
        FeedGap: the files that are listed do not lead to the head.
    """
    steps = _steps(listing, since)
    ways: list[tuple[int, int, File | None]] = [(steps[since].length, since, None)] if since in steps else []
    for snapshot in listing.snapshots:
        at = snapshot.custom.last
        if at in steps:
            ways.append((snapshot.length + steps[at].length, at, snapshot))
    if not ways:
        raise FeedGap(f"the feed lists no files that lead from event {since} to its head, event {listing.seq}")
    _, at, begin = min(ways, key=lambda way: way[0])
    return FetchPlan(begin, _segments(steps, at))


def _steps(listing: Listing, since: int) -> dict[int, _Step]:
    """Find the first step to the head from each event. It goes from the head backwards, so each file is looked at once."""
    head = listing.seq
    steps = {head: _Step(0, None)}
    places = {file.custom.last for file in listing.files if file.custom.kind != "taxonomy"} | {since}
    ending: dict[int, list[File]] = {}
    for segment in listing.segments:
        ending.setdefault(segment.custom.last, []).append(segment)
    open_: list[tuple[int, int, str, File]] = []
    for at in sorted((place for place in places | {head} if place <= head), reverse=True):
        while open_ and open_[0][1] > at + 1:  # begins too late, here and for every earlier place
            heapq.heappop(open_)
        if at != head and open_:
            steps[at] = _Step(open_[0][0], open_[0][3])
        if at in steps:
            for segment in ending.get(at, ()):
                heapq.heappush(open_, (segment.length + steps[at].length, segment.custom.first, segment.path, segment))
    return steps


def _segments(steps: Mapping[int, _Step], at: int) -> tuple[File, ...]:
    way = []
    while (segment := steps[at].segment) is not None:
        way.append(segment)
        at = segment.custom.last
    return tuple(way)
