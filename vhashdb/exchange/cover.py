"""Which files bring a consumer to the head for the fewest bytes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from vhashdb.errors import FeedGap
from vhashdb.exchange.listing import File, Listing


@dataclass(frozen=True)
class Cover:
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


def cheapest(listing: Listing, since: int) -> Cover:
    """The cheapest way from event ``since`` to the head: segments, or a snapshot and the segments after it.

    Raises:
        FeedGap: the files that are listed do not lead to the head.
    """
    ways = [cover for cover in (_way(listing, since, None), *(_way(listing, s.custom.last, s) for s in listing.snapshots)) if cover]
    if not ways:
        raise FeedGap(f"the feed lists no files that lead from event {since} to its head, event {listing.seq}")
    return min(ways, key=lambda cover: cover.length)


def _way(listing: Listing, since: int, snapshot: File | None) -> Cover | None:
    """The cheapest segments from an event to the head; None if there are none, or the snapshot is older than the consumer."""
    segments = listing.segments
    ends = sorted({s.custom.last for s in segments} | {since}, reverse=True)
    best: dict[int, tuple[int, tuple[File, ...]]] = {listing.seq: (0, ())}
    for at in ends:
        if at >= listing.seq:
            continue
        onward = [
            (segment.length + best[segment.custom.last][0], (segment, *best[segment.custom.last][1]))
            for segment in segments
            if segment.custom.first <= at + 1 <= segment.custom.last and segment.custom.last in best
        ]
        if onward:
            best[at] = min(onward, key=lambda way: way[0])
    return Cover(snapshot, best[since][1]) if since in best else None
