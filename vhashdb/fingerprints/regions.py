"""Where each region of a view lies in a stretch of frames, and the hashes of what is there."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.algorithms import FrameAlgorithm, Seen
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.boxes import bars_box, framed_box, moving_box
from vhashdb.hashing.overlays import overlays
from vhashdb.hashing.painting import paint_over
from vhashdb.hashing.quality import Steps
from vhashdb.hashing.rectangles import Sides, band_box, even_band_box, even_column_box, grid_boxes, inset_boxes, spread
from vhashdb.hashing.stills import picture_boxes
from vhashdb.hashing.views import BARED, CELLS, CROPS, HALVES, INSETS, PICTURES, TILTS, WHOLE_FRAME, Box, Orientation, Region, tilt
from vhashdb.video.frames import FrameBatch

FIXED: Final = {**CROPS, **INSETS, **HALVES, **dict.fromkeys(TILTS, CROPS[Region.CROP_WIDE]), **dict.fromkeys(BARED, WHOLE_FRAME)}
"""Regions that are always there."""
_STILL_REGIONS: Final = (*PICTURES, Region.FRAMED)
"""On a still nothing moves: here go the parts that may be the picture of a screenshot."""


@dataclass(frozen=True)
class Reading:
    """How one region is read from a stretch."""

    box: Box
    covers: tuple[Box, ...] = ()
    """What is painted over first."""
    degrees: float = 0.0
    """What the picture is turned back by first, clockwise."""


class Looks:
    """A stretch of frames of one video, with what several readings of it need."""

    def __init__(self, frames: FrameBatch) -> None:
        self.frames = frames
        self.sketches: npt.NDArray[np.uint8] = np.ascontiguousarray(frames["sketch"])
        self._levels = self.sketches.astype(np.float32)
        self._steps = Steps(self.sketches)

    def __len__(self) -> int:
        return len(self.frames)

    def every(self, step: int) -> Looks:
        """Every ``step``-th of them."""
        some = copy.copy(self)
        some.frames, some.sketches, some._levels = self.frames[::step], self.sketches[::step], self._levels[::step]
        some._steps = self._steps.every(step)
        return some

    def hash(self, algorithm: FrameAlgorithm, readings: Sequence[Reading], orientations: Sequence[Orientation]) -> PackedHashes:
        """``(readings, orientations, n, bytes)`` uint8."""
        return algorithm.hash_regions(self.frames, [self._seen(reading) for reading in readings], orientations)

    def quality(self, reading: Reading) -> npt.NDArray[np.uint8]:
        """``(n,)`` uint8, 0…100."""
        if reading == Reading(WHOLE_FRAME):
            return np.asarray(self.frames["quality"])
        quality = self._steps.quality(reading.box, reading.covers)
        quality[self.frames["quality"] == 0] = 0  # damaged pictures, and flat ones
        return quality

    def _seen(self, reading: Reading) -> Seen:
        levels = self._levels
        if reading.degrees:
            size = int(self.frames["height"][0]), int(self.frames["width"][0])
            levels = tilt(levels, reading.degrees, *size)
        return Seen(levels, reading.box, tuple(paint_over(levels, cover) for cover in reading.covers))


class RegionFinder:
    """Finds the regions of stretch after stretch of one video."""

    def __init__(self, regions: Collection[Region]) -> None:
        self._regions = regions
        self._before: dict[Region, Box] = {}
        self.bars = WHOLE_FRAME
        """The box without bars of the last stretch."""

    def find(self, sketches: npt.NDArray[np.uint8], *, alone: bool = False) -> dict[Region, Reading]:
        """Every region that is there: a found one only if it differs from the simpler ones.

        Args:
            sketches: ``(n, side, side)`` uint8.
            alone: this is all there is, a still picture if it is one frame.
        """
        self.bars = bars_box(sketches, self.bars)
        readings = {Region.WHOLE: Reading(WHOLE_FRAME)}
        sides = Sides(spread(sketches))
        searched = self._searched(sketches, sides)
        if alone and len(sketches) == 1 and Region.PICTURE in self._regions:
            searched |= dict(zip(_STILL_REGIONS, picture_boxes(sketches[0]), strict=False))
        for region, box in searched.items():
            # Nearly the same box as before is the same: hashes of a steady picture stay equal.
            before = self._before.get(region, box)
            self._before[region] = steady = before if box.near(before) else box
            if steady != WHOLE_FRAME and (region is Region.BOX or steady != self.bars):
                readings[region] = Reading(steady)
        for region in FIXED.keys() & self._regions:
            # Bars are found less surely when something is drawn over them, and may be missing from the other side.
            outer = self.bars if region in INSETS or region in HALVES else WHOLE_FRAME
            readings[region] = Reading(FIXED[region].within(outer), BARED.get(region, ()), TILTS.get(region, 0.0))
        if Region.UNCOVERED in self._regions and (covers := overlays(sides)):
            readings[Region.UNCOVERED] = Reading(WHOLE_FRAME, covers)
        return readings

    def _searched(self, sketches: npt.NDArray[np.uint8], sides: Sides) -> dict[Region, Box]:
        bars = self.bars
        found = {
            Region.BOX: bars,
            Region.BOX_ROWS: replace(bars, left=0.0, right=1.0),
            Region.BOX_COLUMNS: replace(bars, top=0.0, bottom=1.0),
            Region.MOVING: moving_box(sketches, bars, self._before.get(Region.MOVING, WHOLE_FRAME)),
        }
        if Region.PICTURE in self._regions:
            found |= {Region.BAND: band_box(sides), Region.EVEN_BAND: even_band_box(sides), Region.EVEN_COLUMN: even_column_box(sides)}
            found[Region.FRAMED] = framed_box(sketches)
            found |= dict(zip(PICTURES, inset_boxes(sides, len(PICTURES)), strict=False))
            found |= dict(zip(CELLS, grid_boxes(sides, bars), strict=False))
        return found
