"""How well reported segments meet the pieces that are truly there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.truth import Piece
from vhashdb import MatchedSegment

TOLERANCE_S = 1.0
"""How far from a piece, or from its line, a claimed second may lie without being spurious."""
SPEED_GOAL = 0.02
_ROUNDING = 0.005
"""Of true speeds, which depend on where the copy was cut."""
_STEP_S = 0.05
HEADER = (
    "edit",
    "pieces",
    "found",
    "segments per piece",
    "query ends off, median s",
    "95 %",
    "reference ends off, median s",
    "95 %",
    "speed off, 95 %",
    "speed within 2 %",
    "said exactly",
    "of these within 2 %",
    "range holds the speed",
    "spurious s",
)


@dataclass(frozen=True)
class Meeting:
    """One piece, and the segments that lie on it."""

    query: str
    piece: Piece
    segments: tuple[MatchedSegment, ...]

    @property
    def ends_off_s(self) -> tuple[float, float, float, float]:
        """Reported less true: query start and end, reference start and end, of the segments taken together."""
        return (
            min(s.query_start_s for s in self.segments) - self.piece.query_start_s,
            max(s.query_end_s for s in self.segments) - self.piece.query_end_s,
            min(s.reference_start_s for s in self.segments) - self.piece.reference_start_s,
            max(s.reference_end_s for s in self.segments) - self.piece.reference_end_s,
        )

    @property
    def longest(self) -> MatchedSegment:
        """The segment whose speed counts."""
        return max(self.segments, key=lambda s: s.query_end_s - s.query_start_s)

    @property
    def speed_off(self) -> float:
        """Share by which the speed of the longest segment is off."""
        return self.longest.speed / self.piece.speed - 1

    @property
    def range_holds(self) -> bool:
        """Whether the true speed is in the range that is given, or at most `SPEED_GOAL` from the speed where none is."""
        low, high = self.longest.speed_range or (self.longest.speed * (1 - SPEED_GOAL), self.longest.speed * (1 + SPEED_GOAL))
        return low - _ROUNDING <= self.piece.speed <= high + _ROUNDING

    @property
    def worst_s(self) -> float:
        """The largest of the four errors; infinite if the piece was not found."""
        return max(map(abs, self.ends_off_s)) if self.segments else float("inf")

    def __str__(self) -> str:
        piece = self.piece
        true = f"{piece.query_start_s:.2f}–{piece.query_end_s:.2f} ↔ {piece.reference_start_s:.2f}–{piece.reference_end_s:.2f}"
        said = "; ".join(
            f"{s.query_start_s:.2f}–{s.query_end_s:.2f} ↔ {s.reference_start_s:.2f}–{s.reference_end_s:.2f} × {s.speed:.3f}"
            for s in self.segments
        )
        return f"{self.query}: true {true} × {piece.speed:.2f}, reported {said or 'nothing'}"


def meetings(query: str, pieces: Sequence[Piece], segments: Sequence[MatchedSegment]) -> list[Meeting]:
    """Each piece with the segments that lie on it."""
    return [Meeting(query, piece, on_piece(piece, segments)) for piece in pieces]


def on_piece(piece: Piece, segments: Sequence[MatchedSegment]) -> tuple[MatchedSegment, ...]:
    """The segment that overlaps a piece for longest, on both sides, and others of which at least half lies on it."""
    by_overlap = sorted(((overlap_s(s, piece), s) for s in segments), key=lambda pair: -pair[0])
    most, others = by_overlap[:1], by_overlap[1:]
    kept = [s for overlap, s in most if overlap > 0]
    return (*kept, *(s for overlap, s in others if overlap >= 0.5 * (s.query_end_s - s.query_start_s) > 0))


def overlap_s(segment: MatchedSegment, piece: Piece) -> float:
    """Query seconds of a segment that lie on a piece, going by its query side or its reference side, whichever is less."""
    query = min(segment.query_end_s, piece.query_end_s) - max(segment.query_start_s, piece.query_start_s)
    reference = min(segment.reference_end_s, piece.reference_end_s) - max(segment.reference_start_s, piece.reference_start_s)
    return max(0.0, min(query, reference / piece.speed))


def spurious_s(pieces: Sequence[Piece], segments: Sequence[MatchedSegment]) -> float:
    """Query seconds that segments claim and that show no such thing, within `TOLERANCE_S`."""
    return sum(_STEP_S * float((~_true(segment, pieces)).sum()) for segment in segments)


def _true(segment: MatchedSegment, pieces: Sequence[Piece]) -> NDArray[np.bool_]:
    """For moments of a segment, in steps of `_STEP_S`, whether some piece is there."""
    time_s = np.arange(segment.query_start_s + _STEP_S / 2, segment.query_end_s, _STEP_S)
    known_s = segment.reference_start_s + segment.speed * (time_s - segment.query_start_s)
    right = np.zeros(len(time_s), bool)
    for piece in pieces:
        near = (piece.query_start_s - TOLERANCE_S <= time_s) & (time_s <= piece.query_end_s + TOLERANCE_S)
        line_s = piece.reference_start_s + piece.speed * (time_s - piece.query_start_s)
        right |= near & (np.abs(line_s - known_s) <= TOLERANCE_S)
    return right


def row(name: str, met: Sequence[Meeting], spurious: float) -> list[object]:
    """One row below `HEADER`."""
    found = [m for m in met if m.segments]
    if not found:
        return [name, len(met), "0.000", "", "", "", "", "", "", "", "", "", "", f"{spurious:.1f}"]
    exact = np.array([m.longest.speed_is_exact for m in found])
    off, speed_off = np.abs([m.ends_off_s for m in found]), np.abs([m.speed_off for m in found])
    return [
        name,
        len(met),
        f"{len(found) / len(met):.3f}",
        f"{np.mean([len(m.segments) for m in found]):.2f}",
        *(f"{np.percentile(side, share):.2f}" for side in (off[:, :2], off[:, 2:]) for share in (50, 95)),
        f"{np.percentile(speed_off, 95):.1%}",
        f"{np.mean(speed_off <= SPEED_GOAL):.3f}",
        f"{exact.mean():.3f}",
        f"{np.mean(speed_off[exact] <= SPEED_GOAL):.3f}" if exact.any() else "",
        f"{np.mean([m.range_holds for m in found]):.3f}",
        f"{spurious:.1f}",
    ]


def worst(met: Iterable[Meeting], number: int) -> list[Meeting]:
    """Those with the largest errors, pieces that were not found first."""
    return sorted(met, key=lambda m: -m.worst_s)[:number]
