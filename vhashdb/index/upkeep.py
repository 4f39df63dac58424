"""When what came last becomes a segment, and which segments become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vhashdb.index.frames import Layer
from vhashdb.index.segment import MAX_ROWS

RECENT_HASHES: Final = 1 << 13
"""What came last becomes a segment when it has so many hashes."""
RECENT_CHANGES: Final = 512
"""Changes of the store that a new generation may lag behind: whoever opens the index has to read them again."""
TOGETHER: Final = 4
"""Segments of like size that are merged into one: each hash is written once for every fourfold growth."""
REMOVED_SHARE: Final = 0.2
"""Share of removed hashes at which a segment is written anew without them."""


def due(layers: Sequence[Layer]) -> list[Layer]:
    """The layers to merge next, at most `MAX_ROWS` hashes of them; one alone is to lose what was removed; none: all is well."""
    for layer in layers:
        if layer.rows < (1 - REMOVED_SHARE) * layer.segment.rows:
            return [layer]
    tiers: dict[int, list[Layer]] = {}
    for layer in sorted(layers, key=lambda each: each.rows):
        tiers.setdefault(_tier(layer.rows), []).append(layer)
    for tier in sorted(tiers):
        some: list[Layer] = []
        rows = 0
        for layer in tiers[tier][:TOGETHER]:
            if rows + layer.rows <= MAX_ROWS:
                some, rows = [*some, layer], rows + layer.rows
        if len(some) >= (2 if tier >= _tier(MAX_ROWS // 2) else TOGETHER):
            return some
    return []


def _tier(rows: int) -> int:
    """How often `TOGETHER` of the smallest segments were merged to make one of so many hashes."""
    tier = 0
    while rows >= RECENT_HASHES * TOGETHER ** (tier + 1):
        tier += 1
    return tier
