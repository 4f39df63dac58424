"""Views: regions of a frame in several orientations, with the numbers that are stored and the words that people read.

A view is a *region* of the frame (whole picture, content box, centre crops) in an *orientation* (upright, mirrored,
rotated …). How a picture is hashed through one is in `view_transforms`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

NEAR: Final = 0.02
"""Share of the frame's side within which two edges are taken for one. Engineering bound: two and a half points of the thumbnail."""


class Region(enum.IntEnum):
    """Name the part of the frame that a view shows. Numbers are stored in view codes and never change."""

    WHOLE = 0
    WITHIN_BARS = 1
    """The content box within letterbox and pillarbox bars."""
    WITHIN_STATIC_BORDER = 2
    """The content box within static surroundings."""
    CROP_WIDE = 3
    """Of fingerprints that were stored before there was `CROP_CLOSEST`."""
    CROP_CLOSE = 4
    WITHIN_LETTERBOX = 5
    """The content with bars removed above and below only."""
    WITHIN_PILLARBOX = 6
    """The content with bars removed at the sides only."""
    INSET_2 = 7
    """A centre of queries; so are the others, the larger the number the smaller."""
    INSET_4 = 8
    INSET_5 = 9
    INSET_6 = 10
    TILT_LEFT = 11
    TILT_RIGHT = 12
    PICTURE = 13
    """A picture drawn over another."""
    BETWEEN_BANDS = 14
    """The content between lines drawn across the whole frame."""
    TILT_FAR_LEFT = 15
    TILT_FAR_RIGHT = 16
    LEFT_HALF = 17
    RIGHT_HALF = 18
    UPPER_HALF = 19
    LOWER_HALF = 20
    MASKED_TOP_LEFT = 21
    """The whole picture with its top left corner masked and inpainted; so are the next ones."""
    MASKED_TOP_RIGHT = 22
    MASKED_BOTTOM_LEFT = 23
    MASKED_BOTTOM_RIGHT = 24
    MASKED_CORNERS = 25
    MASKED_TOP = 26
    MASKED_BOTTOM = 27
    MASKED_OVERLAYS = 28
    """The whole picture with what was found drawn over it masked and inpainted."""
    INSET_1 = 30
    INSET_3 = 31
    BETWEEN_SYMMETRIC_COLUMNS = 29
    """The content between two lines down the frame, such as the edges of a blurred fill. A missing line is the other one mirrored."""
    PICTURE_SECOND = 32
    PICTURE_THIRD = 33
    WITHIN_DRAWN_BORDER = 34
    """The content box within margins of one colour that have something drawn in their middle."""
    BETWEEN_SYMMETRIC_BANDS = 35
    """The content between lines above and below, such as the edges of a blurred fill. A missing line is the other one mirrored."""
    CELL_1 = 36
    """One of four pictures of a grid, two above two, row by row; so are the next ones."""
    CELL_2 = 37
    CELL_3 = 38
    CELL_4 = 39
    SQUARE_1 = 40
    """One of 16 squares of a staggered grid (`stored_box`), row by row; so are the next ones."""
    SQUARE_2 = 41
    SQUARE_3 = 42
    SQUARE_4 = 43
    SQUARE_5 = 44
    SQUARE_6 = 45
    SQUARE_7 = 46
    SQUARE_8 = 47
    SQUARE_9 = 48
    SQUARE_10 = 49
    SQUARE_11 = 50
    SQUARE_12 = 51
    SQUARE_13 = 52
    SQUARE_14 = 53
    SQUARE_15 = 54
    SQUARE_16 = 55
    INSET_7 = 56
    CROP_CLOSEST = 57
    CUT_ACROSS = 58
    """A centre as high as it was before the picture was cut at its sides."""
    CUT_DOWN = 59
    """A centre as wide as it was before the picture was cut above and below."""
    REGISTERED = 60
    """Where a known picture was found to lie in the frame, by registration. Of queries alone, and for one known picture alone."""
    TILT_LEFT_CLEAR = 61
    """Tilted, and then cropped until no empty corner was left; so are the next ones."""
    TILT_RIGHT_CLEAR = 62
    TILT_FAR_LEFT_CLEAR = 63
    TILT_FAR_RIGHT_CLEAR = 64
    FRAME_INSET_WIDE = 65
    """A centre of the whole frame where bars were found, which need not be any; so is the next one."""
    FRAME_INSET_CLOSE = 66
    INSET_8 = 67

    @property
    def label(self) -> str:
        """What people read of a region."""
        return _REGION_LABELS[self]


class Orientation(enum.IntEnum):
    """Name how a query's picture is turned before it is compared: bit 0 mirrors, bit 1 flips, bit 2 transposes first."""

    UPRIGHT = 0
    MIRRORED = 1
    FLIPPED = 2
    TURNED_180 = 3
    TRANSPOSED = 4
    TURNED_RIGHT = 5
    TURNED_LEFT = 6
    TRANSVERSED = 7


@dataclass(frozen=True)
class View:
    """Name one region in one orientation; ``code`` is its number in stored fingerprints."""

    region: Region
    orientation: Orientation = Orientation.UPRIGHT

    @property
    def code(self) -> int:
        return self.region << 3 | self.orientation

    @classmethod
    def from_code(cls, code: int) -> View:
        """Return the view that a stored number stands for.

        Raises:
            ValueError: no view has this code.
        """
        return cls(Region(code >> 3), Orientation(code & 7))


@dataclass(frozen=True)
class Box:
    """Hold a rectangle in fractions of the frame's width and height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def near(self, other: Box, tolerance: float = NEAR) -> bool:
        """Say whether no edge is further than ``tolerance`` from the other's."""
        edges = ((self.left, other.left), (self.top, other.top), (self.right, other.right), (self.bottom, other.bottom))
        return max(abs(a - b) for a, b in edges) < tolerance

    def within(self, outer: Box) -> Box:
        """Turn this box, given in fractions of ``outer``, into fractions of the frame."""
        width, height = outer.right - outer.left, outer.bottom - outer.top
        return Box(
            outer.left + self.left * width, outer.top + self.top * height, outer.left + self.right * width, outer.top + self.bottom * height
        )

    @classmethod
    def centred(cls, side: float) -> Box:
        """Return the centre ``side`` (0…1) of both axes."""
        margin = (1 - side) / 2
        return cls(margin, margin, 1 - margin, 1 - margin)


WHOLE_FRAME: Final = Box()
CROPS: Final = {Region.CROP_CLOSE: Box.centred(0.7125), Region.CROP_CLOSEST: Box.centred(0.5)}
"""Centre crops stored for references: a crop cannot be undone on the query's side. Derived: equal ratios of one to the next, with the whole
picture. Measured: `bench.accuracy`, together with `INSETS`."""
ONCE_STORED: Final = {Region.CROP_WIDE: Box.centred(0.88)}
"""Centre crops that references of older databases hold. Given by those."""
_INSET_RATIO: Final = 1.04
"""Ratio of the sides of two insets. Measured: a side that is 2 % off changes about 22 of 256 bits, one that is 4 % off 40."""
INSETS: Final = {
    region: Box.centred(_INSET_RATIO**-number)
    for number, region in enumerate(
        (
            Region.INSET_1,
            Region.INSET_2,
            Region.INSET_3,
            Region.INSET_4,
            Region.INSET_5,
            Region.INSET_6,
            Region.INSET_7,
            Region.INSET_8,
        ),
        1,
    )
}
"""Centres of queries, which meet the stored ones half-way: a centre crop to any side from 1 to 0.5 has one that lies as a stored one
does. Derived: their number from the ratio of the stored ones. Measured: `bench.accuracy` shows the effect."""
FRAME_INSETS: Final = {
    Region.FRAME_INSET_WIDE: INSETS[Region.INSET_5],
    Region.FRAME_INSET_CLOSE: INSETS[Region.INSET_6],
}
"""The same of the whole frame, where the others are of what is within bars: dark edges are taken for bars, and what is cut of a picture
with bars has narrower ones. Measured: `bench.accuracy`, in the edits with crops of a tenth."""
CUTS: Final = {
    Region.CUT_ACROSS: Box(0.0556, 0.25, 0.9444, 0.75),
    Region.CUT_DOWN: Box(0.25, 0.0556, 0.75, 0.9444),
}
"""The smallest stored centre in what was cut from 16:9 to a square. Derived: 0.5 by 0.5625."""
CENTRES: Final = frozenset({Region.WHOLE, *CROPS, *ONCE_STORED, *INSETS, *FRAME_INSETS, *CUTS})
"""Regions that lie about the middle of what is within bars, or of the frame."""
PICTURES: Final = (Region.PICTURE, Region.PICTURE_SECOND, Region.PICTURE_THIRD)
"""Rectangles that may be a picture drawn over another, the strongest first."""
CELLS: Final = (Region.CELL_1, Region.CELL_2, Region.CELL_3, Region.CELL_4)
"""The pictures of a grid, row by row."""
SQUARES: Final = tuple(Region(Region.SQUARE_1 + number) for number in range(16))
"""Squares stored for references of databases that want them, row by row: an off-centre crop cannot be undone on the query's side.
Their number is derived from `SQUARE_SIDE`."""
SQUARE_SIDE: Final = 0.35
"""Side of a square, as a share of the frame's shorter side. Derived, by `tests/hashing/test_squares.py`: squares of 0.4 are held by fewer
crops, whatever their arrangement."""
_SQUARES_ALONG: Final = 4
"""Squares along each side of the frame. Derived, with the margins: the fewest with which every crop to a quarter of the area holds one."""
_ACROSS_MARGIN: Final = 0.22
"""Where the first row of squares lies, as a share of what a square can move across the shorter side. The crop to a quarter of the area in a
corner holds it up to 0.23. Derived from `SQUARE_SIDE`: (0.5 − 0.35) / (1 − 0.35)."""
_ALONG_MARGIN: Final = 0.10
"""Where the first square of all rows lies, as a share of what a square can move along the longer side. A cut to 9:16 at the side of a
picture of 2.39:1 holds it up to 0.104. Derived from `SQUARE_SIDE`: (0.5625 − 0.35) / (2.39 − 0.35)."""
_STAGGER: Final = (0, 2, 1, 3)
"""How far each row is shifted, in quarters of the distance between its squares, so that no two squares are at the same place along the
longer side, and neighbouring rows differ most. Derived from that."""
TILTS: Final = {
    Region.TILT_FAR_LEFT: -6.5,
    Region.TILT_LEFT: -3.0,
    Region.TILT_RIGHT: 3.0,
    Region.TILT_FAR_RIGHT: 6.5,
    Region.TILT_FAR_LEFT_CLEAR: -6.5,
    Region.TILT_LEFT_CLEAR: -3.0,
    Region.TILT_RIGHT_CLEAR: 3.0,
    Region.TILT_FAR_RIGHT_CLEAR: 6.5,
}
"""Degrees, clockwise, by which a query's picture is rotated back before it is read (`TILTED`). Measured: two degrees off change
about 21 of 256 bits, so these cover up to 8°; `bench.accuracy` shows the effect."""
TILTED: Final = {
    **dict.fromkeys(TILTS, WHOLE_FRAME),
    **dict.fromkeys((Region.TILT_LEFT_CLEAR, Region.TILT_RIGHT_CLEAR), Box.centred(0.78)),
    **dict.fromkeys((Region.TILT_FAR_LEFT_CLEAR, Region.TILT_FAR_RIGHT_CLEAR), Box.centred(0.87)),
}
"""Parts that are read of a picture turned back: all of it, and where the wider stored centre lies in a picture of 16:9 that was cropped
after it was tilted, until it had no empty corners. Derived: 0.7125 by 0.916 of both sides for 3°, and by 0.82 for 6.5° to 8°. Measured:
`bench.accuracy`, and `bench.graphics`: videos of one design differ in what lies around a centre."""
HALVES: Final = {
    Region.LEFT_HALF: Box(right=0.5),
    Region.RIGHT_HALF: Box(left=0.5),
    Region.UPPER_HALF: Box(bottom=0.5),
    Region.LOWER_HALF: Box(top=0.5),
}
"""Halves of the frame, for two videos side by side or one above the other. Derived from that."""
_CORNER_WIDTH: Final = 0.34
"""Width of a masked corner, as a share of the frame's. Measured: `bench.accuracy`, in the edits with logos."""
_CORNER_HEIGHT: Final = 0.24
"""Height of a masked corner, as a share of the frame's. Measured: `bench.accuracy`, in the edits with logos."""
_STRIP: Final = 0.24
"""Height of a masked strip, as a share of the frame's. Measured: `bench.accuracy`, in the edits with captions."""
_TOP_LEFT: Final = Box(right=_CORNER_WIDTH, bottom=_CORNER_HEIGHT)
"""Derived from the sizes of corners."""
_TOP_RIGHT: Final = Box(left=1 - _CORNER_WIDTH, bottom=_CORNER_HEIGHT)
"""Derived from the sizes of corners."""
_BOTTOM_LEFT: Final = Box(right=_CORNER_WIDTH, top=1 - _CORNER_HEIGHT)
"""Derived from the sizes of corners."""
_BOTTOM_RIGHT: Final = Box(left=1 - _CORNER_WIDTH, top=1 - _CORNER_HEIGHT)
"""Derived from the sizes of corners."""
MASKED_REGIONS: Final = {
    Region.MASKED_TOP_LEFT: (_TOP_LEFT,),
    Region.MASKED_TOP_RIGHT: (_TOP_RIGHT,),
    Region.MASKED_BOTTOM_LEFT: (_BOTTOM_LEFT,),
    Region.MASKED_BOTTOM_RIGHT: (_BOTTOM_RIGHT,),
    Region.MASKED_CORNERS: (_TOP_LEFT, _TOP_RIGHT, _BOTTOM_LEFT, _BOTTOM_RIGHT),
    Region.MASKED_TOP: (Box(bottom=_STRIP),),
    Region.MASKED_BOTTOM: (Box(top=1 - _STRIP),),
}
"""Where logos and captions are usually drawn, by region. What is drawn there changes a hash far more than what is missing there
(`vhashdb.hashing.inpainting`). Derived from the sizes of corners and strips."""
_REGION_LABELS: Final = {
    Region.WHOLE: "whole picture",
    Region.WITHIN_BARS: "letterbox removed",
    Region.WITHIN_LETTERBOX: "letterbox above and below removed",
    Region.WITHIN_PILLARBOX: "letterbox at the sides removed",
    Region.WITHIN_STATIC_BORDER: "border removed",
    **dict.fromkeys(PICTURES, "inset picture"),
    **{region: f"picture {number} of a grid" for number, region in enumerate(CELLS, 1)},
    **{region: f"square {number} of {len(SQUARES)}" for number, region in enumerate(SQUARES, 1)},
    Region.WITHIN_DRAWN_BORDER: "drawn border removed",
    **dict.fromkeys((Region.BETWEEN_BANDS, Region.BETWEEN_SYMMETRIC_BANDS), "border above and below removed"),
    Region.BETWEEN_SYMMETRIC_COLUMNS: "border at the sides removed",
    **{region: f"centre {box.right - box.left:.0%}" for region, box in (CROPS | ONCE_STORED | INSETS).items()},
    **{region: f"centre {box.right - box.left:.0%} of the frame" for region, box in FRAME_INSETS.items()},
    **dict.fromkeys(CUTS, "centre of a cut picture"),
    **{region: f"turned by {degrees:+.1f}°" for region, degrees in TILTS.items()},
    **{region: region.name.replace("_", " ").lower() for region in HALVES},
    **{
        region: f"logo or caption at the {region.name.removeprefix('MASKED_').replace('_', ' ').lower()} ignored"
        for region in MASKED_REGIONS
    },
    Region.MASKED_OVERLAYS: "logo or caption ignored",
    Region.REGISTERED: "found place",
}


def stored_box(region: Region, height: int, width: int) -> Box | None:
    """Return where a region of a stored fingerprint lies in a frame, or ``None`` for one that has to be searched for in the pictures.

    Squares have the same number of pixels on both sides, so their boxes depend on the shape of the frame.

    Args:
        region: what the fingerprint says.
        height: rows of the frame, more than 0.
        width: columns of the frame, more than 0.
    """
    if region in SQUARES:
        return square_box(region, height, width)
    return WHOLE_FRAME if region is Region.WHOLE else (CROPS | ONCE_STORED).get(region)


def square_box(square: Region, height: int, width: int) -> Box:
    """Return the box of one of `SQUARES` in a frame. The grid has its rows along the longer side, the first above or at the left."""
    if height > width:
        turned = square_box(square, width, height)
        return Box(turned.top, turned.left, turned.bottom, turned.right)
    row, column = divmod(square - Region.SQUARE_1, _SQUARES_ALONG)
    step = column * _SQUARES_ALONG + _STAGGER[row]
    along, across = SQUARE_SIDE * height / width, SQUARE_SIDE
    left = (1 - along) * (_ALONG_MARGIN + (1 - 2 * _ALONG_MARGIN) * step / (len(SQUARES) - 1))
    top = (1 - across) * (_ACROSS_MARGIN + (1 - 2 * _ACROSS_MARGIN) * row / (_SQUARES_ALONG - 1))
    return Box(left, top, left + along, top + across)
