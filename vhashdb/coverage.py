"""Coverage: how much of an input was decoded, of what there is; every answer that says *nothing found* rests on it.

What was not decoded cannot be called harmless. Losses too short to hide a match are damage, and no reason for doubt; the
bounds are here, in one place.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

__all__ = ["Coverage", "PictureTrack", "SoundTrack"]

LEAST_RUN_S: Final = 1.0
"""Seconds lost in one piece that count. Derived: a segment must last 0.75 s to be found at all (`MatchingConfig.min_matched_s`), so a
shorter loss hides hardly anything that could have been found."""
LEAST_SHARE: Final = 0.05
"""Share of a video, lost in pieces that are each shorter, that counts if it is also `LEAST_RUN_S`. Engineering bound."""
MOST_OF_A_CLIP: Final = 0.5
"""Share that counts however short the video is. Engineering bound."""
MAX_CODEC: Final = 32
"""Characters of a codec's name that are kept. Engineering bound."""
MAX_TRACKS: Final = 64
"""Tracks that are kept. Engineering bound: what a decoder process or a stranger's fingerprint may claim."""
MAX_LANGUAGE: Final = 16
"""Characters of a language that are kept. Engineering bound: codes have two or three, and a region."""
MAX_WORDS: Final = 300
"""Characters of a reason that are kept. Engineering bound."""
MAX_REASONS: Final = 20
"""Reasons that are kept. Engineering bound."""


def counts(lost_s: float, longest_s: float, there_s: float) -> bool:
    """Say whether a loss is long enough to have hidden something.

    Args:
        lost_s: seconds lost in all.
        longest_s: seconds of the longest piece lost.
        there_s: seconds that there are.
    """
    return longest_s >= LEAST_RUN_S or lost_s >= max(LEAST_RUN_S, LEAST_SHARE * there_s) or 0 < MOST_OF_A_CLIP * there_s <= lost_s


def _seconds_of(data: dict[str, Any]) -> tuple[float, float, float]:
    """Return when a track begins, how long it is and how much of it was decoded, each a possible number of seconds.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    start_s, duration_s, seen_s = (float(data[name]) for name in ("start_s", "duration_s", "seen_s"))
    if not all(0 <= value < math.inf for value in (start_s, duration_s, seen_s)):
        raise ValueError(f"a track of {duration_s} s")
    return start_s, duration_s, seen_s


@dataclass(frozen=True)
class PictureTrack:
    """Describe one track of pictures in a file, and where it lies on the file's timeline."""

    number: int
    """Its number in the file, from 0; of a picture with a video behind it, the picture is 0."""
    codec: str = ""
    width: int = 0
    height: int = 0
    start_s: float = 0.0
    """Seconds at which it begins on the timeline, where tracks lie one after the other."""
    duration_s: float = 0.0
    """Seconds of pictures that there are, as far as is known."""
    seen_s: float = 0.0
    """Seconds of them that were decoded."""
    unseen: str = ""
    """Why none of it was decoded; empty if it was."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PictureTrack:
        """Read what `to_json` returned, with every field checked.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        start_s, duration_s, seen_s = _seconds_of(data)
        number, width, height = int(data["number"]), int(data["width"]), int(data["height"])
        return cls(number, str(data["codec"])[:MAX_CODEC], width, height, start_s, duration_s, seen_s, str(data["unseen"])[:MAX_WORDS])


@dataclass(frozen=True)
class SoundTrack:
    """Describe one track of sound in a file, and where it lies on the file's timeline."""

    number: int
    """Its number in the file, from 0, among tracks of any kind."""
    codec: str = ""
    channels: int = 0
    """Channels as the header says; all are mixed into one."""
    language: str = ""
    """What the file says that is spoken in it, as a code such as ``eng``; empty if it says nothing."""
    start_s: float = 0.0
    """Seconds at which it begins on the timeline, on which 0 is the first frame of the main track of pictures, else the first sample."""
    duration_s: float = 0.0
    """Seconds of sound that there are, as far as is known."""
    seen_s: float = 0.0
    """Seconds of them that were decoded."""
    unseen: str = ""
    """What was not decoded although something could be in it, and why; empty if there is nothing of that kind."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SoundTrack:
        """Read what `to_json` returned, with every field checked.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        start_s, duration_s, seen_s = _seconds_of(data)
        codec, language, unseen = str(data["codec"])[:MAX_CODEC], str(data["language"])[:MAX_LANGUAGE], str(data["unseen"])[:MAX_WORDS]
        return cls(int(data["number"]), codec, int(data["channels"]), language, start_s, duration_s, seen_s, unseen)


@dataclass(frozen=True)
class Coverage:
    """Say what was decoded of an input, of what there is."""

    tracks: tuple[PictureTrack, ...] = ()
    """All tracks of pictures, in order of their places on the timeline; none if nothing is known of them."""
    unseen: tuple[str, ...] = ()
    """What was not decoded although something could be in it, and why, in sentences."""
    sparse: bool = False
    """Whether only keyframes were decoded that are too far apart to stand for what lies between them."""
    sounds: tuple[SoundTrack, ...] = ()
    """All tracks of sound; none if nothing is known of them, as where sound was not asked for."""

    @property
    def complete(self) -> bool:
        """Whether nothing that matters was left out.

        Where there are pictures, an answer rests on them, so that sound that cannot be decoded does not take it back: see
        `sound_complete`. Of a file that has nothing but sound, what of that was left out is in ``unseen`` as well.
        """
        return not self.unseen and not self.sparse

    @property
    def sound_complete(self) -> bool:
        """Whether there is sound and nothing that matters of it was left out."""
        return bool(self.sounds) and not any(track.unseen for track in self.sounds)

    @property
    def seen_s(self) -> float:
        """Seconds decoded, of all tracks."""
        return sum(track.seen_s for track in self.tracks)

    @property
    def there_s(self) -> float:
        """Seconds there are, of all tracks, as far as is known; gaps in which nothing is shown do not count."""
        return sum(max(track.duration_s, track.seen_s) for track in self.tracks)

    @property
    def tracks_seen(self) -> int:
        """Number of tracks of which something was decoded."""
        return sum(not track.unseen for track in self.tracks)

    def summary(self) -> dict[str, Any]:
        """Return the ``coverage`` object of a JSON line (`docs/json.md`)."""
        return {
            "complete": self.complete,
            "seen_s": round(self.seen_s, 3),
            "there_s": round(self.there_s, 3),
            "tracks_seen": self.tracks_seen,
            "tracks_there": len(self.tracks),
            "unseen": list(self.unseen),
            "tracks": [track.to_json() for track in self.tracks],
            "sounds": [track.to_json() for track in self.sounds],
        }

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads; ``sounds`` is left out where there are none, as it was before there was sound."""
        said = {"tracks": [track.to_json() for track in self.tracks], "unseen": list(self.unseen), "sparse": self.sparse}
        return said | ({"sounds": [track.to_json() for track in self.sounds]} if self.sounds else {})

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Coverage:
        """Read what `to_json` returned, with every field checked and bounded.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            tuple(PictureTrack.from_json(track) for track in data["tracks"][:MAX_TRACKS]),
            tuple(str(reason)[:MAX_WORDS] for reason in data["unseen"][:MAX_REASONS]),
            bool(data["sparse"]),
            tuple(SoundTrack.from_json(track) for track in data.get("sounds", [])[:MAX_TRACKS]),
        )
