"""One matched stretch as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.hashing.views import Orientation
from vhashdb.matching.pairs import ViewPair
from vhashdb.matching.verdict import Segment
from vhashdb.text import brief_clock

STILL_S: Final = 0.11
"""A stretch of the file no longer than this is one picture; a GIF of one has 0.1 s."""
USUAL_SPEED: Final = 0.01
"""How far from 1 a speed is not worth saying."""
_SHORT_S: Final = 60.0
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
    known_s: tuple[float, float]
    speed: float = 1.0
    """Known seconds per second of the file."""
    view: str = ""
    """How the file's picture is changed, in words; empty if it is not."""
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
        return self.length_s <= STILL_S

    @property
    def query_words(self) -> str:
        """Its times in the file."""
        return "the picture" if self.still else span_words(self.query_s)

    @property
    def known_words(self) -> str:
        """Its times in the known video."""
        return span_words(self.known_s)

    @property
    def speed_words(self) -> str:
        """How fast the file goes through the known video."""
        if self.still:
            return "a still picture"
        if abs(self.speed - 1) <= USUAL_SPEED:
            return "the same"
        return f"{self.speed:.2f} × as fast" if self.speed > 1 else f"slowed to {self.speed:.2f} ×"

    @property
    def sentence(self) -> str:
        """All of it in one sentence, without a full stop."""
        words = [f"{self.query_words} of the file shows {self.known_words} of the known video"]
        if self.view:
            words.append(self.view)
        if not self.still and abs(self.speed - 1) > USUAL_SPEED:
            words.append(self.speed_words)
        return ", ".join(words)


def stretches_of(segments: Sequence[Segment]) -> tuple[Stretch, ...]:
    """The stretches of one match, in order of the file's time."""
    return tuple(
        Stretch(
            (s.query_start_s, s.query_end_s),
            (s.reference_start_s, s.reference_end_s),
            s.speed,
            view_words(s.views),
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


def view_words(views: ViewPair) -> str:
    """A way of looking, as what was done to the file."""
    words = [_ORIENTATIONS[views.query.orientation]] if views.query.orientation in _ORIENTATIONS else []
    if views.negated:
        words.append("as a negative")
    if views.query.region:
        words.append(f"{views.query.region.label} of the file")
    if views.reference.region:
        words.append(f"{views.reference.region.label} of the known video")
    return ", ".join(words)


def span_words(span_s: tuple[float, float]) -> str:
    """``0:04.0 – 1:02.5``; one time for a single picture."""
    start_s, end_s = span_s
    tenths = end_s - start_s < _SHORT_S
    if end_s - start_s <= STILL_S:
        return brief_clock(start_s, tenths)
    return f"{brief_clock(start_s, tenths)} – {brief_clock(end_s, tenths)}"
