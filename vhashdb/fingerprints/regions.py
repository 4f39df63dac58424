"""Where each region lies in a frame window, and the hashes of what it shows."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.algorithms import FrameAlgorithm, RegionPixels
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.content_box import within_bars, within_drawn_border, within_static_border
from vhashdb.hashing.inpainting import Patch, inpaint
from vhashdb.hashing.overlays import overlays
from vhashdb.hashing.quality import Steps
from vhashdb.hashing.rectangles import (
    Sides,
    between_bands,
    between_symmetric_bands,
    between_symmetric_columns,
    edge_box,
    grid_boxes,
    inset_boxes,
    spread,
)
from vhashdb.hashing.stills import picture_boxes
from vhashdb.hashing.view_transforms import tilt
from vhashdb.hashing.views import (
    CELLS,
    CROPS,
    CUTS,
    FRAME_INSETS,
    HALVES,
    INSETS,
    MASKED_REGIONS,
    ONCE_STORED,
    PICTURES,
    SQUARES,
    TILTED,
    TILTS,
    WHOLE_FRAME,
    Box,
    Orientation,
    Region,
    square_box,
)
from vhashdb.video.frames import FrameBatch

FIXED_BOXES: Final = {
    **CROPS,
    **ONCE_STORED,
    **INSETS,
    **FRAME_INSETS,
    **CUTS,
    **HALVES,
    **TILTED,
    **dict.fromkeys(MASKED_REGIONS, WHOLE_FRAME),
}
"""Boxes of the regions that need not be searched for."""
WITHIN_BARS_TOO: Final = frozenset({*INSETS, *CUTS, *HALVES})
"""Those of them that are parts of what is within bars."""
_BETWEEN: Final = {
    Region.BETWEEN_BANDS: between_bands,
    Region.BETWEEN_SYMMETRIC_BANDS: between_symmetric_bands,
    Region.BETWEEN_SYMMETRIC_COLUMNS: between_symmetric_columns,
}
"""What finds the regions between lines across the frame."""
_STILL_REGIONS: Final = (*PICTURES, Region.WITHIN_DRAWN_BORDER)
"""Regions that take the candidates for the picture within a screenshot: on a still they cannot be found by motion."""


@dataclass(frozen=True)
class RegionSpec:
    """Say how one region is cut from the thumbnails of a frame window."""

    box: Box
    masks: tuple[Box, ...] = ()
    """Parts that are inpainted first."""
    degrees: float = 0.0
    """Degrees, clockwise, by which the picture is rotated first."""


class FrameWindow:
    """Hold some successive frames of one video, with what several region specs need of them."""

    def __init__(self, frames: FrameBatch) -> None:
        self.frames = frames
        self.thumbnails: npt.NDArray[np.uint8] = np.ascontiguousarray(frames["thumbnail"])
        """``(n, 128, 128)`` uint8."""
        self._levels = self.thumbnails.astype(np.float32)
        self._steps = Steps(self.thumbnails)
        self._patches: dict[Box, Patch] = {}

    def __len__(self) -> int:
        return len(self.frames)

    def every(self, step: int) -> FrameWindow:
        """Return a window of every ``step``-th frame."""
        some = copy.copy(self)
        some.frames, some.thumbnails, some._levels = self.frames[::step], self.thumbnails[::step], self._levels[::step]
        some._steps, some._patches = self._steps.every(step), {}
        return some

    def hash(self, algorithm: FrameAlgorithm, specs: Sequence[RegionSpec], orientations: Sequence[Orientation]) -> PackedHashes:
        """Hash some regions in some orientations: ``(specs, orientations, n, bytes)`` uint8."""
        return algorithm.hash_regions(self.frames, [self._pixels(spec) for spec in specs], orientations)

    def quality(self, spec: RegionSpec) -> npt.NDArray[np.uint8]:
        """Return the PDQ quality of a region in each frame: ``(n,)`` uint8, 0…100."""
        if spec == RegionSpec(WHOLE_FRAME):
            return np.asarray(self.frames["quality"])
        quality = self._steps.quality(spec.box, spec.masks)
        quality[self.frames["quality"] == 0] = 0  # damaged frames and flat ones
        return quality

    def _pixels(self, spec: RegionSpec) -> RegionPixels:
        levels = self._levels
        if spec.degrees:
            size = int(self.frames["height"][0]), int(self.frames["width"][0])
            levels = tilt(levels, spec.degrees, *size)
            return RegionPixels(levels, spec.box, tuple(inpaint(levels, mask) for mask in spec.masks), is_turned=True)
        for mask in set(spec.masks) - self._patches.keys():  # corners are masked one by one and together
            self._patches[mask] = inpaint(levels, mask)
        return RegionPixels(levels, spec.box, tuple(self._patches[mask] for mask in spec.masks))


class RegionFinder:
    """Find the regions of one frame window of a video after the other."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self._regions = frozenset(regions)
        self._before: dict[Region, Box] = {}
        self.bars = WHOLE_FRAME
        """The content box within the bars of the last window."""

    def find(self, thumbnails: npt.NDArray[np.uint8], *, alone: bool = False, height: int = 1, width: int = 1) -> dict[Region, RegionSpec]:
        """Return the spec of every region that is there; one that was searched for only if it differs from the simpler ones.

        Args:
            thumbnails: ``(n, side, side)`` uint8.
            alone: whether the video has no other frames; if there is one, it is a still picture.
            height: rows of the pictures that the thumbnails were made of.
            width: columns of those pictures.
        """
        self.bars = within_bars(thumbnails, self.bars)
        specs = {Region.WHOLE: RegionSpec(WHOLE_FRAME)}
        sides = Sides(spread(thumbnails))
        searched = self._searched(thumbnails, sides)
        if alone and len(thumbnails) == 1 and not self._regions.isdisjoint(_STILL_REGIONS):
            searched |= dict(zip(_STILL_REGIONS, picture_boxes(thumbnails[0]), strict=False))
        for region, box in searched.items():
            # A box that is nearly the one before is taken to be that one, so that hashes of a steady picture stay equal.
            before = self._before.get(region, box)
            self._before[region] = steady = before if box.near(before) else box
            if steady != WHOLE_FRAME and (region is Region.WITHIN_BARS or steady != self.bars):
                specs[region] = RegionSpec(steady)
        for region in FIXED_BOXES.keys() & self._regions:
            if region in FRAME_INSETS and self.bars == WHOLE_FRAME:
                continue  # the same as `INSETS`
            # Crops and masks refer to the whole frame: bars are found less reliably when something is drawn over them, and
            # the other video need not have any.
            outer = self.bars if region in WITHIN_BARS_TOO else WHOLE_FRAME
            specs[region] = RegionSpec(FIXED_BOXES[region].within(outer), MASKED_REGIONS.get(region, ()), TILTS.get(region, 0.0))
        for region in set(SQUARES) & set(self._regions):
            specs[region] = RegionSpec(square_box(region, height, width))
        if Region.MASKED_OVERLAYS in self._regions and (masks := overlays(sides)):
            specs[Region.MASKED_OVERLAYS] = RegionSpec(WHOLE_FRAME, masks)
        return specs

    def _searched(self, thumbnails: npt.NDArray[np.uint8], sides: Sides) -> dict[Region, Box]:
        """Search for the regions that are wanted; what finds several at once runs if one of them is."""
        bars, wanted = self.bars, self._regions
        found = {
            Region.WITHIN_BARS: bars,
            Region.WITHIN_LETTERBOX: replace(bars, left=0.0, right=1.0),
            Region.WITHIN_PILLARBOX: replace(bars, top=0.0, bottom=1.0),
        }
        if Region.WITHIN_STATIC_BORDER in wanted:
            before = self._before.get(Region.WITHIN_STATIC_BORDER, WHOLE_FRAME)
            found[Region.WITHIN_STATIC_BORDER] = within_static_border(thumbnails, bars, before)
        for region, between in _BETWEEN.items():
            if region in wanted:
                found[region] = between(sides)
        if Region.WITHIN_DRAWN_BORDER in wanted:
            found[Region.WITHIN_DRAWN_BORDER] = within_drawn_border(thumbnails)
        if not wanted.isdisjoint(PICTURES):
            boxes = inset_boxes(sides, len(PICTURES))
            at_edge = edge_box(sides) if len(boxes) < len(PICTURES) else None
            found |= dict(zip(PICTURES, [*boxes, *([at_edge] if at_edge else [])], strict=False))
        if not wanted.isdisjoint(CELLS):
            found |= dict(zip(CELLS, grid_boxes(sides, bars), strict=False))
        return found
