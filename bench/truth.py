"""What is truly where: the pieces of a source that an edited copy shows, series of videos, and the two halves of the sources."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

MAX_S: Final = 30.0
"""The makers of the copies take no more than this of a source."""
INSERT_AT_S: Final = 8.0
"""Where the piece begins in an ``insert`` copy."""
_SPEEDS: Final = {"speed125": 1.25, "slow80": 0.8}
WITH_PIECES: Final = ("clip", "insert", "reorder", *_SPEEDS)
"""Edits whose copies do not simply show the source from beginning to end."""
HALVES: Final = ("A", "B")


@dataclass(frozen=True)
class Piece:
    """A stretch of a copy that shows a stretch of its source."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float

    @property
    def speed(self) -> float:
        """Reference seconds per query second."""
        return (self.reference_end_s - self.reference_start_s) / (self.query_end_s - self.query_start_s)


def pieces_of(edit: str, source_s: float) -> tuple[Piece, ...]:
    """What a copy shows of a source that lasts ``source_s``, in order of query time; nothing for edits not in `WITH_PIECES`."""
    length = min(source_s, MAX_S)
    if edit == "clip":
        start = 0.3 * length
        return (_at(0.0, start, min(start + max(0.4 * length, 2.0), source_s)),)
    if edit == "insert":
        start = 0.3 * length
        return (_at(INSERT_AT_S, start, min(start + max(min(0.4 * length, 8.0), 2.0), source_s)),)
    if edit == "reorder":
        return _at(0.0, length / 2, length), _at(length / 2, 0.0, length / 2)
    if edit in _SPEEDS:
        return (Piece(0.0, length / _SPEEDS[edit], 0.0, length),)
    return ()


def _at(query_start_s: float, reference_start_s: float, reference_end_s: float) -> Piece:
    """A piece at normal speed."""
    return Piece(query_start_s, query_start_s + reference_end_s - reference_start_s, reference_start_s, reference_end_s)


def shown(piece: Piece, usable_s: Sequence[tuple[float, float]]) -> Piece | None:
    """A piece without its ends at which the source shows too little to be compared, such as black; None if it all is so.

    Args:
        piece: the whole of it.
        usable_s: stretches of the source that show enough.
    """
    inside = [(start, end) for start, end in usable_s if start < piece.reference_end_s and end > piece.reference_start_s]
    if not inside:
        return None
    start_s = max(piece.reference_start_s, min(start for start, _ in inside))
    end_s = min(piece.reference_end_s, max(end for _, end in inside))
    cut_s, left_s = (start_s - piece.reference_start_s) / piece.speed, (piece.reference_end_s - end_s) / piece.speed
    return Piece(piece.query_start_s + cut_s, piece.query_end_s - left_s, start_s, end_s)


def series_of(name: str) -> str:
    """What the names of videos of one series have in common.

    What stands before the last underscore, or before the digits at the end: ``curtain_number`` of ``curtain_number_08.mp4``.
    """
    stem = PurePath(name).stem
    return stem.rsplit("_", 1)[0] if "_" in stem else re.sub(r"\d+$", "", stem) or stem


def first_of(name: str) -> str:
    """The name of the video that a file of ``natural`` is a version of: what stands before ``__``."""
    return PurePath(name).stem.split("__")[0]


def half_of(name: str) -> str:
    """``A`` or ``B``, by a hash of the series' name, so that no series is in both. A is looked at when tuning, B is not."""
    return HALVES[hashlib.sha256(series_of(name).encode()).digest()[0] % 2]
