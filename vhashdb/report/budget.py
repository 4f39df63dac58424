"""Choose how much of each match a page shows, so that it opens quickly whatever it is about."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 9_500_000
"""Of one page."""


class Part(enum.IntEnum):
    """A part of a match that can be left out; the first ones are left out last."""

    DETAILS = 0
    MAP = 1


@dataclass(frozen=True)
class Piece:
    """A part of one match, and what it costs."""

    key: str
    rank: int
    """Of the match among those of its file, 0 for the best."""
    part: Part
    cost_bytes: int


def affordable(pieces: Iterable[Piece], budget_bytes: int) -> set[tuple[str, Part]]:
    """Choose what fits: the best match of every file first, then its map, then the second best of every file, and so on.

    A map comes with the details only. Among equals the first ones win.
    """
    chosen: set[tuple[str, Part]] = set()
    left = budget_bytes
    for piece in sorted(pieces, key=lambda piece: (piece.rank, piece.part)):
        dangling = piece.part is Part.MAP and (piece.key, Part.DETAILS) not in chosen
        if piece.cost_bytes <= left and not dangling:
            chosen.add((piece.key, piece.part))
            left -= piece.cost_bytes
    return chosen
