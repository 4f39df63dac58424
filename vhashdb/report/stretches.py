"""One matched stretch as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.hashing.views import Orientation
from vhashdb.matching.evidence import MatchedSegment
from vhashdb.matching.view_pairs import ViewPair
from vhashdb.text import MOMENT_S, SAID_SPEED, brief_clock, span

_ORIENTATIONS: Final = {
    Orientation.MIRRORED: "mirrored",
    Orientation.FLIPPED: "mirrored top to bottom",
    Orientation.TURNED_180: "upside down",
    Orientation.TRANSPOSED: "turned by a quarter and mirrored",
    Orientation.TURNED_RIGHT: "turned by a quarter",
    Orientation.TURNED_LEFT: "turned by a quarter",
    Orientation.TRANSVERSED: "turned by a quarter and mirrored",
}


@dataclass(frozen=True)
class Stretch:
    """Where the file shows the known video, and what speaks for it."""

    query_s: tuple[float, float]
    reference_s: tuple[float, float]
    speed: float = 1.0
    """Known seconds per second of the file."""
    change: str = ""
    """Orientation of the file's picture, in words; empty if it is upright."""
    parts: str = ""
    """Which parts of the pictures were compared, in words; empty if all of both was."""
    agreed_s: float = 0.0
    median_bits: float = 0.0
    bits: int = 0
    """Of one hash."""
    motion: float = 0.0
    closeness: float = 0.0
    speed_cost: float = 0.0
    weight: float = 0.0
    """Nats: motion and closeness less what the speed costs, if the stretch counts."""

    @property
    def length_s(self) -> float:
        """Seconds of the file."""
        return self.query_s[1] - self.query_s[0]

    @property
    def still(self) -> bool:
        """Whether it is one picture."""
        return self.length_s <= MOMENT_S

    @property
    def other_speed(self) -> bool:
        """Whether its speed is worth saying."""
        return not self.still and abs(self.speed - 1) > SAID_SPEED

    @property
    def query_words(self) -> str:
        """Its times in the file."""
        return "the picture" if self.still else span(*self.query_s, brief_clock)

    @property
    def reference_words(self) -> str:
        """Its times in the known video."""
        return span(*self.reference_s, brief_clock)

    @property
    def picture_words(self) -> str:
        """Orientation and parts in which its picture shows the reference, in words."""
        return "; ".join(part for part in (self.change, self.parts) if part) or "as it is"

    @property
    def speed_words(self) -> str:
        """Speed at which the file goes through the reference, in words."""
        if self.still:
            return "a still picture"
        if not self.other_speed:
            return "the same"
        return f"{self.speed:.2f} × as fast" if self.speed > 1 else f"slowed to {self.speed:.2f} ×"

    @property
    def sentence(self) -> str:
        """All of it in one sentence, without a full stop."""
        words = [f"{self.query_words} of the file shows {self.reference_words} of the known video"]
        if self.change:
            words.append(self.change)
        if self.other_speed:
            words.append(self.speed_words)
        return ", ".join(words) + (f"; compared: {self.parts}" if self.parts else "")


def stretches_of(segments: Sequence[MatchedSegment]) -> tuple[Stretch, ...]:
    """Return the stretches of one match, in order of the file's time."""
    return tuple(
        Stretch(
            (s.query_start_s, s.query_end_s),
            (s.reference_start_s, s.reference_end_s),
            s.speed,
            change_words(s.views),
            s.views.parts,
            min(s.matched_s, s.query_end_s - s.query_start_s),
            s.median_bits,
            s.bits,
            s.motion_evidence,
            s.closeness,
            s.speed_cost,
            s.evidence,
        )
        for s in segments
    )


def change_words(views: ViewPair) -> str:
    """Say a view pair as what was done to the file."""
    words = [_ORIENTATIONS[views.query.orientation]] if views.query.orientation in _ORIENTATIONS else []
    return ", ".join([*words, "as a negative"] if views.negated else words)
