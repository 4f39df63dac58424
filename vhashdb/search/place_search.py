"""Register known pictures in the frames of one query, from hypotheses on where they lie, and compare what is seen there.

A hypothesis comes from windows anywhere in the frames (`window_search`), or from views that are near and no match. What is found through
a registered view is judged as anything else is, and counts as a match only if it is one. What is possible must move alike or be nearer
than elsewhere, as registration looks for closeness, so that closeness says less.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.build import select_entries
from vhashdb.fingerprints.model import milliseconds
from vhashdb.fingerprints.profiles import QUERY_PROFILE
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Region, View
from vhashdb.matching.comparison import Comparison, compare_pictures
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import MatchedSegment
from vhashdb.matching.verdict import Verdict
from vhashdb.search.held_parts import HeldEntries, nearest
from vhashdb.search.hypotheses import Hypothesis, hypotheses_of_views
from vhashdb.search.registration import Registrar, Registration
from vhashdb.search.window_search import WindowSearch
from vhashdb.video import FrameBatch

_MOST_FRAMES: Final = 320
"""Frames that are read through a transform; of more, evenly spread ones. Engineering bound: on memory, 60 MB."""
_MOVES_BITS: Final = 32
"""Mean bits of a fixed transform under which the picture is not taken to move. Measured: what does not move is registered to 12 to 28."""


@dataclass(frozen=True)
class Place:
    """A known picture found in a query, and where."""

    comparison: Comparison
    """Of what the query shows there, and of nothing else."""
    seen: Fingerprint
    """What the query shows there."""
    moving: bool
    """Whether it was followed from moment to moment."""


class PlaceSearch:
    """Looks for known pictures in the frames of one query."""

    def __init__(self, query: Fingerprint, frames: FrameBatch, config: MatchingConfig) -> None:
        """Take the query's fingerprint, and its frames, all or some evenly spread."""
        self._query = query
        self._config = replace(config, match_evidence=config.match_evidence + config.registration_cost)
        frames = frames[frames["quality"] > 0]
        frames = frames[:: max(1, -(-len(frames) // _MOST_FRAMES))]
        self._thumbnails, self._times_s = np.ascontiguousarray(frames["thumbnail"]), frames["time_s"].astype(np.float64)
        self._ends_s = np.append(self._times_s[1:], query.duration_s)
        self._aspect = float(frames["width"][0]) / float(frames["height"][0]) if len(frames) else 1.0

    @property
    def is_possible(self) -> bool:
        """Whether there is anything to search: two frames, hashed by PDQ."""
        return self._query.algorithm == Pdq.id and len(self._times_s) > 1

    def windows(self, *, squares: bool) -> WindowSearch:
        """Return the windows of some of the frames; ``squares``: whether records have them."""
        return WindowSearch(self._thumbnails, self._times_s, self._aspect, self._config, squares=squares)

    def place(self, agreed: Sequence[Hypothesis], reference: Fingerprint) -> Place | None:
        """Register a known picture, and compare what is seen there; None if that says nothing."""
        return self._place(agreed, reference, self._config.bits)

    def place_of_views(self, comparison: Comparison, reference: Fingerprint) -> Place | None:
        """Register a known picture that was compared, from the views that are near.

        Where these show it as it lies, registering tells nothing new, so it has to bring it nearer for all parts to be compared: else a
        design with other words would count the more, the more of its parts are without words.
        """
        return self._place(self.hypotheses(comparison, reference), reference, self._nearer_than(comparison))

    def _nearer_than(self, comparison: Comparison) -> float:
        seen = comparison.strongest
        return seen.median_bits - self._config.clearly_nearer_bits if seen else self._config.bits

    def hypotheses(self, comparison: Comparison, reference: Fingerprint) -> list[Hypothesis]:
        """Return where the views that are near say that a known picture lies that was compared."""
        return hypotheses_of_views(comparison, self._query, reference, self._times_s, round(self._config.align_radius_bits))

    def fixed(self, hypothesis: Hypothesis, reference: Fingerprint) -> Registration | None:
        """Register a known picture if it stays in its place; None if it is not near there."""
        registration = self._registering.fixed(hypothesis, reference)
        return registration if registration.distance <= self._config.align_radius_bits else None

    def held(self, registration: Registration, reference: Fingerprint, speeds: Sequence[float]) -> HeldEntries | None:
        """Return the entries of a known picture that the frames hold where it lies; None if they hold no part of it."""
        return self._registering.held(registration, reference, speeds)

    def has_frames_at(self, query_s: npt.NDArray[np.float64], within_s: float) -> bool:
        """Say whether there is a frame about each of some times."""
        return bool((np.abs(self._times_s[nearest(self._times_s, query_s)] - query_s) <= within_s).all())

    def matching(self, registration: Registration, reference: Fingerprint, before: Comparison) -> Iterator[Comparison]:
        """Yield what is a match where a known picture lies that was compared before; see `place_of_views`."""
        seen = self._seen(registration)
        for comparison in self._comparisons(registration, seen, reference, self._nearer_than(before)):
            if self._is_match(Place(comparison, seen, registration.moving)):
                yield comparison

    def _place(self, agreed: Sequence[Hypothesis], reference: Fingerprint, nearer_than: float) -> Place | None:
        found: list[Place] = []
        for registration in self._registrations(agreed, reference):
            seen = self._seen(registration)
            for comparison in self._comparisons(registration, seen, reference, nearer_than):
                place = Place(comparison, seen, registration.moving)
                if self._is_match(place):
                    return place
                found.append(place)
        possible = [place for place in found if self._is_possible(place)]
        return max(possible, key=lambda place: place.comparison.judgement.score, default=None)

    @functools.cached_property
    def _registering(self) -> Registrar:
        """Made when it is first needed: it smooths all frames."""
        return Registrar(self._thumbnails, self._times_s)

    def _registrations(self, agreed: Sequence[Hypothesis], reference: Fingerprint) -> Iterator[Registration]:
        """Yield where the picture lies if it stays there, and then, if that is not exact, if it moves."""
        if not agreed:
            return
        registrar = self._registering
        fixed = []
        for hypothesis in agreed:
            fixed.append(registrar.fixed(hypothesis, reference))
            if fixed[-1].distance <= self._config.align_radius_bits:
                yield fixed[-1]
        if fixed[0].distance > _MOVES_BITS and (moving := registrar.moving(agreed[0], reference)) is not None:
            yield moving

    def _seen(self, registration: Registration) -> Fingerprint:
        hashes, quality = self._registering.hashes(registration)
        kept = select_entries(QUERY_PROFILE.selection, hashes, self._times_s, self._ends_s, self._query.duration_s)
        last = np.append(kept[1:], len(hashes)) - 1
        start_s = milliseconds(self._times_s[kept])
        # Alone: what was found by looking for this picture is compared with parts of it that other views are not.
        return replace(
            self._query,
            start_s=start_s,
            end_s=np.maximum(start_s, milliseconds(self._ends_s[last])),
            hash=hashes[kept],
            quality=quality[kept],
            view=np.full(len(kept), View(Region.REGISTERED).code, np.uint16),
        )

    def _comparisons(
        self, registration: Registration, seen: Fingerprint, reference: Fingerprint, nearer_than: float
    ) -> Iterator[Comparison]:
        """Compare the part that is seen best, and if that is near enough all parts that the frames hold, side by side."""
        outline = registration.outline(self._aspect)
        alone = compare_pictures(seen, reference, config=self._config, query_outline=outline)
        yield alone
        if nearer_than < self._config.bits and (alone.strongest is None or alone.strongest.median_bits > nearer_than):
            return
        if both := self._registering.side_by_side(registration, self._query, reference):
            yield compare_pictures(both.query, both.reference, config=self._config, query_outline=outline, parts=both.parts)

    def _is_match(self, place: Place) -> bool:
        """Whether it is a match.

        What was followed about must not rest on a speed of its own: the two together fit nearly anything. In a still picture the few
        bits that compression changes are no motion, however many parts are read.
        """
        if place.comparison.judgement.verdict is not Verdict.MATCH:
            return False
        evident = [s for s in self._registered(place) if s.evidence > 0]
        moves = any(s.motion.change >= self._config.still_change for s in evident)
        return moves and (not place.moving or all(s.speed_cost == 0 for s in evident))

    def _is_possible(self, place: Place) -> bool:
        """Whether what is only possible moves alike where it was registered, or is very near without being followed about."""
        config = self._config
        if place.comparison.judgement.verdict is not Verdict.POSSIBLE:
            return False
        if place.moving:
            return any(s.information_of_moments >= config.possible_motion and s.speed_cost == 0 for s in self._registered(place))
        return any(s.information_of_moments >= config.possible_motion or self._is_near(s) for s in self._registered(place))

    def _is_near(self, segment: MatchedSegment) -> bool:
        """Whether closeness alone is worth reporting: at normal speed, and for most of what there is to see."""
        long = segment.matched_s >= self._query.shown_s / 2
        return long and segment.speed_cost == 0 and segment.median_bits <= self._config.registered_bits

    @staticmethod
    def _registered(place: Place) -> list[MatchedSegment]:
        return [s for s in place.comparison.segments if s.views.query.region is Region.REGISTERED]
