"""Where in a frame something lies, as four corners, and in words that a person understands at first reading."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.hashing.views import WHOLE_FRAME, Box, Orientation

Point = tuple[float, float]
"""x and y, in fractions of the frame, from its top left."""

WHOLE: Final = "whole picture"
"""Said of what is all of the frame."""
_WHOLE: Final = 0.97
"""Share of a side from which it counts as all of it. Engineering bound: what is missing nobody sees."""
_TOUCHING: Final = 0.07
"""Share of a side within which an edge is at the frame's. Engineering bound: people say so."""
_SAME: Final = 0.06
"""Shares that differ by less are said as one, and as a half, a third or a quarter. Engineering bound: people say so."""
_SIDE: Final = 0.36
"""Share of a side within which something that lies there is at the left, at the right, above or below. Engineering bound: a bit
over a third."""
_SAID_TILT: Final = 1.5
"""Degrees from which a tilt is said. Engineering bound: the outlines of searched regions are no more exact."""
_STRETCHED: Final = 1.15
"""Ratio of the shapes from which one is stretched. Engineering bound: the same, for a picture of half the frame."""
_ASLANT: Final = 0.05
"""How far the fourth corner is off a parallelogram's, as a share of the diagonal, from which a picture is seen from the side.
Engineering bound: less is not seen."""
_FRACTIONS: Final = ((1 / 4, "quarter"), (1 / 3, "third"), (1 / 2, "half"), (2 / 3, "two thirds"), (3 / 4, "three quarters"))


@dataclass(frozen=True)
class Outline:
    """Hold where in a frame the corners of what was compared lie.

    They are those of the picture as the other side shows it, so their order tells how it is turned and whether it is mirrored. They may
    lie beyond the frame, where only a part of the picture is in it.
    """

    corners: tuple[Point, Point, Point, Point]
    """Top left, top right, bottom right, bottom left."""
    aspect: float | None = None
    """Width of the frame divided by its height; without it the frame is taken for a square one, and nothing is said of stretching."""

    @classmethod
    def from_box(
        cls, box: Box = WHOLE_FRAME, orientation: Orientation = Orientation.UPRIGHT, *, degrees: float = 0.0, aspect: float | None = None
    ) -> Outline:
        """Return the outline of a box that was turned before it was compared.

        Args:
            box: a part of the frame.
            orientation: how it was turned to be compared.
            degrees: clockwise, by which the whole frame was rotated about its centre before the box was cut out.
            aspect: width of the frame divided by its height.
        """
        corners = []
        for x, y in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)):
            x, y = (1 - x if orientation & 1 else x), (1 - y if orientation & 2 else y)
            x, y = (y, x) if orientation & 4 else (x, y)
            x, y = box.left + x * (box.right - box.left), box.top + y * (box.bottom - box.top)
            corners.append(_rotated_back((x, y), degrees, aspect or 1.0) if degrees else (x, y))
        return cls((corners[0], corners[1], corners[2], corners[3]), aspect)

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the frame, as it is."""
        return self.words() == WHOLE

    def words(self, known: Outline | None = None) -> str:
        """Say where it lies and how it is turned, such as "lower left quarter, mirrored, tilted 12° to the right".

        Args:
            known: the outline of the same on the other side, upright; without it nothing is said of a changed shape.
        """
        turn = self.turn(known)
        place = self.place
        return ", ".join(turn if turn and place == WHOLE else [place, *turn])

    @property
    def place(self) -> str:
        """The part of the frame that it covers, in words."""
        (left, right), (top, bottom) = self._spans()
        width, height = right - left, bottom - top
        if width >= _WHOLE and height >= _WHOLE:
            return WHOLE
        if width >= _WHOLE:
            return _strip(top, bottom, ("upper", "middle", "lower"), "height")
        if height >= _WHOLE:
            return _strip(left, right, ("left", "middle", "right"), "width")
        size = _size(width, height)
        if _centred(left, right) and _centred(top, bottom):
            return f"centre {width:.0%}" if abs(width - height) < _SAME else f"centre, {size}"
        across, down = _end(left, right), _end(top, bottom)
        if across and down:  # it is in a corner
            name = f"{('upper', 'lower')[down > 0]} {('left', 'right')[across > 0]}"
            return f"{name} quarter" if _near(width, 0.5) and _near(height, 0.5) else f"{name} corner, {size}"
        return f"{_where(left, right, top, bottom)}, {size}"

    def turn(self, known: Outline | None = None) -> list[str]:
        """Say how the picture is turned, mirrored and deformed, each in words; nothing if it is as it was.

        Args:
            known: the outline of the same on the other side, upright.
        """
        top_left, top_right, bottom_right, bottom_left = self._square()
        up = (
            (top_left[0] + top_right[0] - bottom_left[0] - bottom_right[0]) / 2,
            (top_left[1] + top_right[1] - bottom_left[1] - bottom_right[1]) / 2,
        )
        degrees = math.degrees(math.atan2(up[0], -up[1]))
        quarters = round(degrees / 90)
        tilt = degrees - 90 * quarters
        mirrored = _area(self._square()) < 0
        words = []
        if mirrored and quarters % 4 == 2:
            words.append("mirrored top to bottom")
        else:
            words += ["mirrored"] if mirrored else []
            words += [("", "turned right", "upside down", "turned left")[quarters % 4]] if quarters % 4 else []
        if _off_parallelogram(self._square()) > _ASLANT:
            words.append("seen from the side")
        if abs(tilt) >= _SAID_TILT:
            words.append(f"tilted {math.floor(abs(tilt) + 0.5 + 1e-6)}° to the {'right' if tilt > 0 else 'left'}")
        return words + (self._stretch(known, turned=quarters % 2 == 1) if known else [])

    def _stretch(self, known: Outline, *, turned: bool) -> list[str]:
        """Say whether the picture has another shape than on the other side."""
        if self.aspect is None or known.aspect is None:
            return []
        shape = self._shape() / known._shape()
        if max(shape, 1 / shape) < _STRETCHED:
            return []
        return ["stretched in height" if (shape < 1) is not turned else "stretched in width"]

    def shared_with(self, other: Outline) -> float:
        """Return which share of what both cover together both cover, 0…1, by from where to where each goes."""
        mine, theirs = self._spans(), other._spans()
        both = math.prod(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a, b in zip(mine, theirs, strict=True))
        either = sum(math.prod(high - low for low, high in spans) for spans in (mine, theirs)) - both
        return both / either if either > 0 else 0.0

    def _square(self) -> list[Point]:
        """The corners in units in which pixels are square."""
        return [(x * (self.aspect or 1.0), y) for x, y in self.corners]

    def _shape(self) -> float:
        """Width divided by height, of the picture that is upright."""
        top_left, top_right, bottom_right, bottom_left = self._square()
        across = math.dist(top_left, top_right) + math.dist(bottom_left, bottom_right)
        down = math.dist(top_left, bottom_left) + math.dist(top_right, bottom_right)
        return max(across, 1e-9) / max(down, 1e-9)

    def _spans(self) -> tuple[Point, Point]:
        """From where to where it goes within the frame, across and down: between the middles of its sides, which a tilt leaves in place."""
        middles = [
            ((x1 + x2) / 2, (y1 + y2) / 2) for (x1, y1), (x2, y2) in zip(self.corners, self.corners[1:] + self.corners[:1], strict=True)
        ]
        spans = []
        for values in zip(*middles, strict=True):
            low, high = (min(1.0, max(0.0, value)) for value in (min(values), max(values)))
            spans.append((low, high))
        return spans[0], spans[1]


def _rotated_back(point: Point, degrees: float, aspect: float) -> Point:
    """Where a point of a frame rotated clockwise about its centre was before."""
    angle = math.radians(degrees)
    across, down = (point[0] - 0.5) * aspect, point[1] - 0.5
    return (
        (math.cos(angle) * across + math.sin(angle) * down) / aspect + 0.5,
        math.cos(angle) * down - math.sin(angle) * across + 0.5,
    )


def _area(points: Sequence[Point]) -> float:
    """Area by the shoelace formula, negative if the corners go round the other way than those of an upright picture."""
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True)) / 2


def _off_parallelogram(points: Sequence[Point]) -> float:
    """How far the fourth corner is from where a parallelogram has it, as a share of the diagonal."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    diagonal = max((math.dist(points[0], points[2]) + math.dist(points[1], points[3])) / 2, 1e-9)
    return math.hypot(ax + cx - bx - dx, ay + cy - by - dy) / diagonal


def _near(share: float, other: float) -> bool:
    return abs(share - other) < _SAME


def _centred(low: float, high: float) -> bool:
    return abs(low - (1 - high)) < _SAME


def _end(low: float, high: float) -> int:
    """At which end of a side it lies: -1, 1, or 0 for neither or both."""
    return int(high > 1 - _TOUCHING) - int(low < _TOUCHING)


def _strip(low: float, high: float, names: tuple[str, str, str], side: str) -> str:
    """Say which part of one side it covers, where it covers all of the other."""
    length, end = high - low, _end(low, high)
    if end:
        share, word = min(_FRACTIONS, key=lambda item: abs(item[0] - length))
        name = names[end + 1]
        return f"{name} {word}" if abs(share - length) < _SAME / 2 else f"{name} {length:.0%} of the {side}"
    if _centred(low, high):
        return f"middle {length:.0%} of the {side}"
    return f"from {low:.0%} to {high:.0%} of the {side}"


def _size(width: float, height: float) -> str:
    """Say how large it is."""
    if abs(width - height) < _SAME:
        return f"{(width + height) / 2:.0%} of each side"
    return f"{width:.0%} wide and {height:.0%} high"


def _where(left: float, right: float, top: float, bottom: float) -> str:
    """Say in which part of the frame its centre is."""
    across, down = _third((left + right) / 2), _third((top + bottom) / 2)
    if across and down:
        return f"at the {('upper', 'lower')[down > 0]} {('left', 'right')[across > 0]}"
    if across or down:
        return f"at the {('left', 'right')[across > 0] if across else ('top', 'bottom')[down > 0]}"
    return "near the centre"


def _third(centre: float) -> int:
    return int(centre > 1 - _SIDE) - int(centre < _SIDE)
