"""Find the four sides of a picture that lies aslant in its frame, with a margin of one colour around it, in each frame by itself.

A picture that was rotated, seen from the side, or filmed from a screen in the dark leaves corners without content. What is not margin is
then the part of a quadrilateral that the frame shows: the edges of its convex hull that are not the frame's are sides of the picture, and
where they meet, perhaps beyond the frame, are its corners. As every frame is looked at by itself, a shaking hand does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.warping import CORNERS, Transform, quadrilateral

_MARGIN_LEVELS: Final = 10.0
"""Luma levels within which a point has the margin's colour. Given by what bars are told by."""
_PATCH: Final = 4
"""Points along each side of a corner that are looked at first. Engineering bound: smaller corners hide no more than a hash bears."""
_LEAST_CORNERS: Final = 2
"""Corners that must be margin. Derived: a picture that lies aslant and shows all its corners but two leaves two."""
_LEAST_CONTENT: Final = 0.25
"""Least share of the frame that is content. Engineering bound, as of insets."""
_AT_FRAME: Final = 1.5
"""Points within which an edge is the frame's. Derived: half a point of rounding at each end of it, and one that is mixed."""
_DIRECTIONS: Final = np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
"""``(4, 2)``: where the upper, right, lower and left sides look. Derived: of the unit square."""
_TURNED: Final = 40.0
"""Degrees by which a side may look elsewhere. Engineering bound: beyond 45° it is the next side."""
_STRAIGHT: Final = 4.0
"""Degrees within which edges are one side. Engineering bound: a point's rounding, along a seventh of the thumbnail's side."""
_BLURRED: Final = 0.9
"""Points of a side that are not margin any more, and not yet picture. Measured: pictures rotated by known angles."""
_LEAST_SIDE: Final = 0.12
"""Share of the frame that must be seen of a side. Engineering bound: a shorter one has no certain direction."""
_LEAST_SIDES: Final = 2
"""Sides that must be seen; the frame's stand for the others. Derived: of one alone, bars are told better."""
_LEAST_ASLANT: Final = 1.5
"""Degrees by which one side at least must be aslant. Engineering bound: else it is a picture within bars."""
_MOSTLY: Final = 0.6
"""Share of the frames in which the sides must be found; the others have those of the frame before. Engineering bound."""
_GLANCED_AT: Final = 3
"""Frames that are looked at first. Engineering bound: on the cost of videos whose corners are dark."""
_FARTHEST: Final = 0.6
"""Fractions of the frame by which corners may lie beyond it. Engineering bound: farther, and little of the picture is there."""

Points = npt.NDArray[np.float64]
Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Top left, top right, bottom right and bottom left, each x and y in fractions of the frame."""


def straightened(thumbnails: npt.NDArray[np.uint8]) -> Transform | None:
    """Return the transforms that see the picture within a margin straight, one for each frame; ``None`` if none lies aslant.

    Args:
        thumbnails: ``(n, side, side)`` uint8, successive frames of one video.

    Returns:
        ``(n, 3, 3)`` float64.
    """
    margin = _margin_levels(thumbnails)
    if np.isfinite(margin).mean() < _MOSTLY:
        return None
    looked_at = np.unique(np.linspace(0, len(thumbnails) - 1, min(_GLANCED_AT, len(thumbnails))).round().astype(int))
    glanced = [_corners_of(thumbnails[number], margin[number]) is not None for number in looked_at.tolist()]
    if np.mean(glanced) < _MOSTLY:  # most videos with dark corners do not cost more than this
        return None
    found = [_corners_of(picture, level) for picture, level in zip(thumbnails, margin.tolist(), strict=True)]
    there = [number for number, corners in enumerate(found) if corners is not None]
    if len(there) < _MOSTLY * len(found):
        return None
    nearest = np.searchsorted(there, np.arange(len(found)), side="right") - 1
    return quadrilateral(np.stack([corners for place in nearest.tolist() if (corners := found[there[max(0, place)]]) is not None]))


def mean_corners(corners: Points) -> Corners:
    """Return where corners ``(n, 4, 2)`` are on average."""
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners.mean(axis=0))
    return first, second, third, fourth


def _margin_levels(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the colour of the margin in each frame: of corners that are uniform and of one colour; NaN where there are too few."""
    ends = (slice(None, _PATCH), slice(-_PATCH, None))
    patches = np.stack([thumbnails[:, rows, columns].reshape(len(thumbnails), -1) for rows in ends for columns in ends], axis=1)
    uniform = np.ptp(patches, axis=2) < _MARGIN_LEVELS
    colour = patches.mean(axis=2, dtype=np.float32)
    alike = (np.abs(colour[:, :, None] - colour[:, None, :]) < _MARGIN_LEVELS) & uniform[:, None, :] & uniform[:, :, None]
    most = alike.sum(axis=2).argmax(axis=1)
    rows = np.arange(len(thumbnails))
    enough = alike[rows, most].sum(axis=1) >= _LEAST_CORNERS
    return np.where(enough, colour[rows, most], np.float32(np.nan))


def _corners_of(picture: npt.NDArray[np.uint8], margin: float) -> Points | None:
    return _corners(np.abs(picture - np.float32(margin)) >= _MARGIN_LEVELS) if np.isfinite(margin) else None


def _corners(content: npt.NDArray[np.bool_]) -> Points | None:
    """Return the corners of a picture ``(4, 2)``, in fractions of the frame and the order of `CORNERS`, or ``None`` if it is not aslant."""
    side = len(content)
    if content.mean() < _LEAST_CONTENT:
        return None
    rows = np.flatnonzero(content.any(axis=1))
    first, last = content[rows].argmax(axis=1), side - content[rows][:, ::-1].argmax(axis=1)
    above, below = rows.astype(float), rows + 1.0
    ends = [np.stack((x.astype(float), y), axis=1) for x in (first, last) for y in (above, below)]
    hull = _hull(np.concatenate(ends))
    sides, seen, aslant = [], 0, 0.0
    for direction, frame_at in zip(_DIRECTIONS, (0.0, side, side, 0.0), strict=True):
        line = _side(hull, direction, side)
        if line is None:
            line = np.array([*np.abs(direction), frame_at])
        else:
            seen += 1
            aslant = max(aslant, float(np.degrees(np.arccos(min(1.0, abs(float(line[:2] @ direction)))))))
        sides.append(line)
    if seen < _LEAST_SIDES or aslant < _LEAST_ASLANT:
        return None
    top, right, bottom, left = sides
    meeting: list[Points | None] = [_meeting(one, other) for one, other in ((top, left), (top, right), (bottom, right), (bottom, left))]
    corners = np.array([each for each in meeting if each is not None]) / side
    fits = len(corners) == len(CORNERS) and bool((np.abs(corners - CORNERS) <= _FARTHEST).all()) and _convex(corners)
    return corners if fits else None


def _side(hull: Points, direction: npt.NDArray[np.float64], side: int) -> Points | None:
    """Return the line ``(a, b, c)``, ``a x + b y = c``, of the side that looks in a direction; ``None`` if it is not seen."""
    edges = np.roll(hull, -1, axis=0) - hull
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    normals = np.stack((edges[:, 1], -edges[:, 0]), axis=1) / np.maximum(lengths, 1e-9)[:, None]
    ends = np.stack((hull, np.roll(hull, -1, axis=0)), axis=1)
    low, high = (ends < _AT_FRAME).all(axis=1), (ends > side - _AT_FRAME).all(axis=1)
    at_frame = np.asarray(low | high).any(axis=1)
    candidates = np.flatnonzero(~at_frame & (normals @ direction >= np.cos(np.radians(_TURNED))) & (lengths > 0))
    if not len(candidates):
        return None
    alike = normals[candidates] @ normals[candidates].T >= np.cos(np.radians(_STRAIGHT))
    together = alike @ lengths[candidates]
    best = int(together.argmax())
    if together[best] < _LEAST_SIDE * side:
        return None
    chosen = candidates[alike[best]]
    normal = (normals[chosen] * lengths[chosen, None]).sum(axis=0)
    normal /= np.hypot(*normal)
    middles = ends[chosen].mean(axis=1)
    return np.array([*normal, float(np.average(middles @ normal, weights=lengths[chosen])) - _BLURRED])


def _meeting(one: Points, other: Points) -> Points | None:
    across = one[0] * other[1] - one[1] * other[0]
    if abs(across) < 1e-6:
        return None
    return np.asarray(np.array([one[2] * other[1] - one[1] * other[2], one[0] * other[2] - one[2] * other[0]]) / across)


def _convex(corners: Points) -> bool:
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    return bool((edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0] > 0.05).all())


def _hull(points: Points) -> Points:
    """Return the convex hull, turning right where y grows downwards, from the leftmost point on."""
    ordered = sorted(set(map(tuple, points.tolist())))
    upper = _chain(ordered)
    lower = _chain(ordered[::-1])
    return np.array(upper[:-1] + lower[:-1])


def _chain(points: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    chain: list[tuple[float, ...]] = []
    for point in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(one: tuple[float, ...], two: tuple[float, ...], three: tuple[float, ...]) -> float:
    return (two[0] - one[0]) * (three[1] - one[1]) - (two[1] - one[1]) * (three[0] - one[0])
