"""Where a known picture lies in a frame, as its outline."""

from __future__ import annotations

from dataclasses import dataclass

Corner = tuple[float, float]
"""x and y in fractions of the frame's width and height; beyond 0…1 if it is cut off."""


@dataclass(frozen=True)
class Outline:
    """Hold the four corners of a known picture in the frame of a query.

    They are in the order of the known picture's own top left, top right, bottom right and bottom left, so that a mirrored or turned
    picture shows.
    """

    corners: tuple[Corner, Corner, Corner, Corner]
