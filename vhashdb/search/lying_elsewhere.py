"""Tell whether a video whose frames are at hand shows a record whose picture lies elsewhere in it: of a crop, or the reverse.

Views that are near say about where. Registered there, either what is seen is a match, or nothing moves, and all stored parts of the
picture that the frames hold are so near that it is the same picture. In a still picture that says enough only because it lies elsewhere:
other footage of one place, and other words in one design, lie where they lie in the record, and there what is stored was compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vhashdb.fingerprints import Fingerprint
from vhashdb.grouping import Relation, relate_seen, relate_shown
from vhashdb.hashing.views import Region, View
from vhashdb.hashing.warping import CORNERS, Transform, mapped
from vhashdb.intervals import Spans, union
from vhashdb.matching.comparison import Comparison
from vhashdb.matching.config import MatchingConfig
from vhashdb.search.held_parts import HeldEntries
from vhashdb.search.place_search import PlaceSearch
from vhashdb.search.registration import Registration
from vhashdb.video import FrameBatch

MOST_FRAMES: Final = 96
"""Frames that are kept of a video until it is grouped. Engineering bound: on memory, 1.7 MB; as many as are read to find a line of time."""
_ELSEWHERE: Final = 0.02
"""Share of the frame by which corners lie elsewhere on average. Measured: drawings of `bench.graphics` that are alike come within that of
where they lay when they are registered, but for some that are too flat."""
_ALIKE_BITS: Final = 20
"""Bits by which pictures that hardly move may differ in the mean of all parts, each by its typical entry. Given by what `relate` takes for
pictures that lie where they lay. Measured: crops of `bench.variants` differ by 6 to 21, other moments of one place by 27 and more."""
_PART_BITS: Final = 28
"""The same of one part. Measured: crops of `bench.variants`."""
_NEAR_BITS: Final = 40
"""Bits within which an entry shows the same. Derived: twice the typical distance."""
_NEARLY_ALL: Final = 0.9
"""Share of the entries that must be. Engineering bound."""
_FLAT: Final = 50
"""PDQ quality under which a part tells nothing by being alike. Given: what PDQ's authors recommend."""
_PARTS: Final = 2
"""Parts that the frames must hold. Engineering bound: one small part may be alike in other videos of one place."""
_FRAME_WITHIN_S: Final = 0.5
"""Seconds from an entry's beginning within which there must be a frame. Engineering bound: of long videos few frames are kept."""
_NORMAL: Final = (1.0,)
"""Speeds at which pictures that hardly move are the same: they fit any."""


@dataclass(frozen=True)
class AtHand:
    """What was made of a video, while it is being recorded."""

    query: Fingerprint
    """In more views than are stored."""
    frames: FrameBatch | None = None
    """Some of its frames, evenly spread; None if there are none at hand."""


class ElsewhereSearch:
    """Relates one video whose frames are at hand to records that a view of it is near."""

    def __init__(self, at_hand: AtHand, stored: Fingerprint, config: MatchingConfig) -> None:
        """Take what was made of the video, and how it is stored."""
        self._stored = stored
        self._search = None if at_hand.frames is None else PlaceSearch(at_hand.query, at_hand.frames, config)

    @property
    def is_possible(self) -> bool:
        """Whether there are frames that anything can be registered in."""
        return self._search is not None and self._search.is_possible and not self._stored.is_still

    def relation(self, comparison: Comparison, reference: Fingerprint) -> Relation | None:
        """Relate the video to a record that it was compared with; None if that lies nowhere else in it, or cannot be told to.

        Args:
            comparison: of the video's frames with it.
            reference: the record.
        """
        assert self._search is not None
        for hypothesis in self._search.hypotheses(_of_known_places(comparison), reference):
            registration = self._search.fixed(hypothesis, reference) if _is_elsewhere(hypothesis.transform) else None
            if registration is None or not _is_elsewhere(registration.transforms[0]):
                continue
            shown = self._still_shown(registration, reference)
            if shown is not None:
                return relate_shown(self._stored, reference, *shown)
            for matching in self._search.matching(registration, reference, comparison):
                if (relation := relate_seen(matching.judgement, self._stored, reference)) is not None:
                    return relation
        return None

    def _still_shown(self, registration: Registration, reference: Fingerprint) -> tuple[Spans, float] | None:
        """Return the seconds of a record whose picture is the same in all parts that the frames hold, and which of them is at 0 s."""
        assert self._search is not None
        whole = reference.only(~np.isin(reference.view, _SEARCHED_FOR)) if _has_whole(reference) else reference
        held = self._search.held(registration, whole, _NORMAL)
        if held is None or not _is_same_picture(held, whole) or not self._search.has_frames_at(held.query_s, _FRAME_WITHIN_S):
            return None
        near = held.entry[held.bits <= _NEAR_BITS]
        return union(zip(whole.start_s[near].tolist(), whole.end_s[near].tolist(), strict=True)), held.offset_s


_SEARCHED_FOR: Final = [View(Region.WITHIN_BARS).code]
"""Stored views of which it is not known where they lie."""


def _has_whole(reference: Fingerprint) -> bool:
    return bool((reference.view == View(Region.WHOLE).code).any())


def _of_known_places(comparison: Comparison) -> Comparison:
    """Return a comparison without the views of a record of which it is not known where they lie."""
    known = tuple(each for each in comparison.view_comparisons if each.views.reference.code not in _SEARCHED_FOR)
    return replace(comparison, view_comparisons=known)


def _is_elsewhere(transform: Transform) -> bool:
    """Whether a picture lies not as it lay in what is stored, however it is turned or mirrored."""
    corners = mapped(transform, CORNERS)
    away = np.abs(corners[:, None] - CORNERS).mean(axis=2).min(axis=1)
    return bool(away.mean() >= _ELSEWHERE)


def _is_same_picture(held: HeldEntries, reference: Fingerprint) -> bool:
    """Whether all parts are, and one at least is not flat: flat pictures are alike by design."""
    if not len(held.bits) or (held.bits <= _NEAR_BITS).mean() < _NEARLY_ALL:
        return False
    parts = list(_parts(held, reference))
    bits = [float(np.median(held.bits[rows])) for rows in parts]
    fullest = max(float(np.median(reference.quality[held.entry[rows]])) for rows in parts)
    alike = float(np.mean(bits)) <= _ALIKE_BITS and max(bits) <= _PART_BITS
    return len(parts) >= _PARTS and alike and fullest >= _FLAT


def _parts(held: HeldEntries, reference: Fingerprint) -> Iterator[np.ndarray]:
    codes = reference.view[held.entry]
    for code in np.unique(codes):
        yield np.flatnonzero(codes == code)
