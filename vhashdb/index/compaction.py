"""Decide how large memtable and segments grow, and which segments to merge next: size-tiered compaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vhashdb.index.layers import Layer

MEMTABLE_ROWS: Final = 1 << 13
"""Rows at which the memtable is flushed. Engineering bound: what a search may scan linearly beside the tables."""
MAX_LAG: Final = 512
"""Changes of the store that a manifest may lag behind. Engineering bound: every reader replays them when it opens the index."""
FANOUT: Final = 4
"""Segments of like size that are merged into one. Engineering bound: each row is written once for every fourfold growth."""
MAX_DELETED_SHARE: Final = 0.2
"""Share of a segment's rows that may be deleted before it is rewritten. Engineering bound: on the disk space that is wasted."""
MAX_SEGMENT_ROWS: Final = 1 << 24
"""Rows of a segment. Engineering bound: on the time and the disk space that one merge takes."""


def next_merge(layers: Sequence[Layer]) -> list[Layer]:
    """Choose the segments to merge next, of `MAX_SEGMENT_ROWS` live rows at most; none if no merge is due.

    A segment alone is rewritten without its deleted records.
    """
    for layer in layers:
        if layer.rows < (1 - MAX_DELETED_SHARE) * layer.segment.rows:
            return [layer]
    tiers: dict[int, list[Layer]] = {}
    for layer in sorted(layers, key=lambda each: each.rows):
        tiers.setdefault(_tier(layer.rows), []).append(layer)
    for tier in sorted(tiers):
        chosen: list[Layer] = []
        rows = 0
        for layer in tiers[tier][:FANOUT]:
            if rows + layer.rows <= MAX_SEGMENT_ROWS:
                chosen, rows = [*chosen, layer], rows + layer.rows
        if len(chosen) >= (2 if tier >= _tier(MAX_SEGMENT_ROWS // 2) else FANOUT):
            return chosen
    return []


def _tier(rows: int) -> int:
    """Count the merges of `FANOUT` segments that it takes to make one of ``rows`` rows out of the smallest."""
    tier = 0
    while rows >= MEMTABLE_ROWS * FANOUT ** (tier + 1):
        tier += 1
    return tier
