"""Where in the pictures a match lies: two frames in their true shapes, and in each the outline of what was compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.hashing.outline import Outline
from vhashdb.report.stretches import Stretch

HEIGHT: Final = 96.0
"""Of a frame, in pixels of the page."""
WIDEST: Final = 216.0
"""Width that a frame has at most; one that is wider is less high."""
MOST: Final = 3
"""Drawings for one match."""
MARGIN: Final = 8.0
"""Pixels around a frame, so that what lies beyond it is seen."""


@dataclass(frozen=True)
class Frame:
    """One side."""

    name: str
    width: float
    height: float
    """Pixels of the page."""
    points: tuple[tuple[float, float], ...]
    """The corners of what was compared: top left, top right, bottom right, bottom left, in pixels from the frame's top left."""
    words: str
    """Where that is."""


@dataclass(frozen=True)
class OutlinePair:
    """Both sides of some stretches."""

    numbers: tuple[int, ...]
    """Of the stretches it is of, from 1."""
    frames: tuple[Frame, Frame]


def outline_pairs(stretches: Sequence[Stretch]) -> tuple[OutlinePair, ...]:
    """Return the drawings of a match, `MOST` at most; none if all was compared as it is, or if it is not known where a part lies."""
    numbers: dict[tuple[Outline, Outline], list[int]] = {}
    for number, stretch in enumerate(stretches, 1):
        if stretch.outline and stretch.reference_outline and not (stretch.outline.is_whole and stretch.reference_outline.is_whole):
            numbers.setdefault((stretch.outline, stretch.reference_outline), []).append(number)
    return tuple(
        OutlinePair(tuple(some), (frame_of("submitted file", here, there), frame_of("known video", there)))
        for (here, there), some in list(numbers.items())[:MOST]
    )


def frame_of(name: str, outline: Outline, other: Outline | None = None) -> Frame:
    """Return one side as it is drawn, in its true shape if that is known; ``other`` is the outline on the other side."""
    aspect = outline.aspect or 1.0
    width, height = (HEIGHT * aspect, HEIGHT) if HEIGHT * aspect <= WIDEST else (WIDEST, WIDEST / aspect)
    # What lies far beyond the frame is cut off, but the frame stays.
    points = tuple((min(2.0, max(-1.0, x)) * width, min(2.0, max(-1.0, y)) * height) for x, y in outline.corners)
    return Frame(name, width, height, points, _words(outline, other))


def _words(outline: Outline, other: Outline | None) -> str:
    """Say where it is, with the place before how it is turned, as it stands in the middle of a sentence."""
    return ", ".join([outline.place, *outline.turn(other)])
