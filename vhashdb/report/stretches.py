"""One matched stretch as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vhashdb.hashing.outline import Outline
from vhashdb.matching.evidence import MatchedSegment
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.sound_words import change_words
from vhashdb.text import MOMENT_S, SAID_SPEED, brief_clock, span


@dataclass(frozen=True)
class Stretch:
    """Where the file shows the known video, and what speaks for it."""

    query_s: tuple[float, float]
    reference_s: tuple[float, float]
    speed: float = 1.0
    """Known seconds per second of the file."""
    change: str = ""
    """How the file's picture is turned and changed, in words; empty if it is as in the known video."""
    parts: str = ""
    """Which parts of the pictures were compared, in words; empty if all of both was."""
    median_bits: float = 0.0
    bits: int = 0
    """Of one hash."""
    motion: float = 0.0
    closeness: float = 0.0
    speed_cost: float = 0.0
    weight: float = 0.0
    """Nats: motion and closeness less what the speed costs, if the stretch counts."""
    speed_range: tuple[float, float] | None = None
    """Slowest and fastest that it may be, where that is worth saying."""
    outline: Outline | None = None
    """Where in the file's frame the compared picture lies, if that is known."""
    reference_outline: Outline | None = None
    """The same of the known video."""

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
        about, within = ("about ", " ({:.2f} to {:.2f})".format(*self.speed_range)) if self.speed_range else ("", "")
        return f"{about}{self.speed:.2f} × as fast{within}" if self.speed > 1 else f"slowed to {about}{self.speed:.2f} ×{within}"

    @property
    def sentence(self) -> str:
        """All of it in one sentence, without a full stop."""
        words = [f"{self.query_words} of the file shows {self.reference_words} of the known video"]
        if self.change:
            words.append(self.change)
        if self.other_speed:
            words.append(self.speed_words)
        return ", ".join(words) + (f"; compared: {self.parts}" if self.parts else "")


@dataclass(frozen=True)
class SoundStretch:
    """Where the file sounds like the known video."""

    query_s: tuple[float, float]
    reference_s: tuple[float, float]
    speed: float
    """Known seconds per second of the file."""
    other_speed: bool
    """Whether its speed is worth saying."""
    change: str
    """How the file's sound differs in pitch and speed, in words; empty if in neither."""
    moments: int
    """Half seconds that agree."""
    weight: float
    """Evidence beyond chance."""

    @property
    def length_s(self) -> float:
        """Seconds of the file."""
        return self.query_s[1] - self.query_s[0]

    @property
    def still(self) -> bool:
        """Whether it is one picture, which a sound never is."""
        return False

    @property
    def query_words(self) -> str:
        """Its times in the file."""
        return span(*self.query_s, brief_clock)

    @property
    def reference_words(self) -> str:
        """Its times in the known video."""
        return span(*self.reference_s, brief_clock)

    @property
    def sentence(self) -> str:
        """All of it in one sentence, without a full stop."""
        return f"{self.query_words} of the file sounds like {self.reference_words} of the known video{self.change and f', {self.change}'}"


def sound_stretches_of(sounds: Sequence[SoundSegment]) -> tuple[SoundStretch, ...]:
    """Return the stretches of one match that sound alike, in order of the file's time."""
    return tuple(
        SoundStretch(
            (s.query_start_s, s.query_end_s), (s.reference_start_s, s.reference_end_s), s.speed, s.other_speed,
            ", ".join(change_words(s)), s.moments, s.evidence,
        )
        for s in sounds
    )  # fmt: skip


def stretches_of(segments: Sequence[MatchedSegment]) -> tuple[Stretch, ...]:
    """Return the stretches of one match, in order of the file's time."""
    return tuple(
        Stretch(
            (s.query_start_s, s.query_end_s),
            (s.reference_start_s, s.reference_end_s),
            s.speed,
            ", ".join(s.views.turn(s.outline, s.reference_outline)),
            ", ".join(s.views.places(s.outline, s.reference_outline)),
            s.median_bits,
            s.bits,
            s.motion_evidence,
            s.closeness,
            s.speed_cost,
            s.evidence,
            None if s.speed_is_exact else s.speed_range,
            s.outline,
            s.reference_outline,
        )
        for s in segments
    )
