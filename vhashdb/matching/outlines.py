"""Outlines: where in both frames lies what a view pair compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.fingerprints.regions import FIXED_BOXES, WITHIN_BARS_TOO
from vhashdb.hashing.outline import Outline
from vhashdb.hashing.views import CENTRES, SQUARES, TILTS, WHOLE_FRAME, Box, Region, View, stored_box
from vhashdb.hashing.warping import CORNERS, mapped, quadrilateral

_LYING_FIXED: Final = {
    Region.WHOLE: WHOLE_FRAME,
    **{region: box for region, box in FIXED_BOXES.items() if region not in WITHIN_BARS_TOO},
}
"""Boxes that are the same in every video: insets and halves are those of what is within bars."""


def outlines_of(query: Fingerprint, reference: Fingerprint, asked_view: View, known_view: View) -> tuple[Outline | None, Outline | None]:
    """Return what both show through two views that are compared, in the frame of either; None where that is not known.

    Centres were chosen to be compared, and say no more of a cut than where one lies in the other, so both are grown until one of them has
    reached the end of its picture.
    """
    asked, known = _box_of(query, asked_view), _box_of(reference, known_view)
    if asked and known and asked_view.region in CENTRES and known_view.region in CENTRES:
        within_bars = asked_view.region in WITHIN_BARS_TOO
        outer = query.boxes.get(Region.WITHIN_BARS, WHOLE_FRAME) if within_bars else WHOLE_FRAME
        turned = bool(asked_view.orientation & 4)
        asked_sizes, known_sizes = _sizes(asked), _sizes(known)
        growth = [
            min(most / size, 1 / other)
            for most, size, other in zip(_sizes(outer), asked_sizes, known_sizes[:: -1 if turned else 1], strict=True)
        ]
        asked, known = _grown(asked, growth), _grown(known, growth[:: -1 if turned else 1])
    return _outline(query, asked_view, asked), _outline(reference, known_view, known)


def whole_known(asked: Outline | None, known: Outline | None) -> Outline:
    """Return where all of the known picture would lie in the frame of the other, by what of both was compared; all of it if unknown."""
    if asked is None:
        return Outline.from_box()
    if known is None:
        return asked
    seen, stored = (quadrilateral(np.array(outline.corners)) for outline in (asked, known))
    first, second, third, fourth = ((x, y) for x, y in mapped(seen @ np.linalg.inv(stored), CORNERS).tolist())
    return Outline((first, second, third, fourth), asked.aspect)


def _outline(fingerprint: Fingerprint, view: View, box: Box | None) -> Outline | None:
    if box is None:
        return None
    aspect = fingerprint.width / fingerprint.height if fingerprint.width and fingerprint.height else None
    return Outline.from_box(box, view.orientation, degrees=TILTS.get(view.region, 0.0), aspect=aspect)


def _box_of(fingerprint: Fingerprint, view: View) -> Box | None:
    if view.region in SQUARES and fingerprint.width and fingerprint.height:
        return stored_box(view.region, fingerprint.height, fingerprint.width)
    return fingerprint.boxes.get(view.region, _LYING_FIXED.get(view.region))


def _sizes(box: Box) -> tuple[float, float]:
    return box.right - box.left, box.bottom - box.top


def _grown(box: Box, growth: Sequence[float]) -> Box:
    """Return a box so many times as wide and as high, about its centre."""
    width, height = ((factor - 1) / 2 * size for factor, size in zip(growth, _sizes(box), strict=True))
    return Box(box.left - width, box.top - height, box.right + width, box.bottom + height)
