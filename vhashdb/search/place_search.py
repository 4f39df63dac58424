"""Search for known pictures anywhere in the frames of a query, and register those that are found; see `registration`.

    some frames → windows → hashes near them, by record → records on whose place several frames agree → where each lies → compare

What is found through a registered view is judged as anything else is, and counts as a match only if it is one. What is possible must
move alike or be nearer than elsewhere, as registration looks for closeness, so that closeness says less.
"""

from __future__ import annotations

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
from vhashdb.hashing.warping import MIRRORING
from vhashdb.hashing.windows import MIRROR, Rectangles, Windows, windows_of
from vhashdb.matching.comparison import Comparison, compare_pictures
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import MatchedSegment
from vhashdb.matching.retrieval import Hits
from vhashdb.matching.verdict import Verdict
from vhashdb.search.hypotheses import Hypothesis, Sightings, hypotheses
from vhashdb.search.registration import Registrar, Registration
from vhashdb.video import FrameBatch

LEAST_CONTRAST: Final = 6.0
"""Luma levels, root mean square, that a window must show. Engineering bound: flat windows are alike by chance."""
_MOST_FRAMES: Final = 320
"""Frames that are read through a transform; of more, evenly spread ones. Engineering bound: on memory, 60 MB."""
_LEAST_FRAMES: Final = 3
"""Frames that are hashed in all windows, of however short a video. Engineering bound: one more than must agree."""
_FRAME_EACH_S: Final = 3.0
"""Seconds for which one frame more is. Engineering bound: on the cost of short videos."""
_FRAME_EACH_WITH_SQUARES_S: Final = 0.6
"""The same where records have squares. Engineering bound: an entry of a square stands for about half a second, and has to be met."""
_MOST_SIGHTINGS: Final = 300
"""Windows of one record that are looked at. Engineering bound: its nearest say enough."""
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

    def __init__(self, query: Fingerprint, frames: FrameBatch, config: MatchingConfig, *, squares: bool = False) -> None:
        """Take the query's fingerprint and its frames, all or some evenly spread, and whether records have squares."""
        self._query, self._config = query, config
        frames = frames[frames["quality"] > 0]
        frames = frames[:: max(1, -(-len(frames) // _MOST_FRAMES))]
        self._thumbnails, self._times_s = np.ascontiguousarray(frames["thumbnail"]), frames["time_s"].astype(np.float64)
        self._ends_s = np.append(self._times_s[1:], query.duration_s)
        self._registrar: Registrar | None = None
        self._frame: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._windows: list[Windows] = []
        self._hits: Hits | None = None
        self._hypotheses: dict[int, list[Hypothesis]] = {}
        self._aspect = 1.0
        if query.algorithm == Pdq.id and len(frames) > 1:
            self._aspect = float(frames["width"][0]) / float(frames["height"][0])
            self._scan(squares)

    def _scan(self, squares: bool) -> None:
        length_s = float(self._times_s[-1] - self._times_s[0])
        most, each_s = (
            (self._config.window_frames_with_squares, _FRAME_EACH_WITH_SQUARES_S)
            if squares
            else (self._config.window_frames, _FRAME_EACH_S)
        )
        count = min(most, _LEAST_FRAMES + int(length_s / each_s))
        chosen = np.unique(np.linspace(0, len(self._thumbnails) - 1, count + 2)[1:-1].astype(np.int64))
        rectangles = Rectangles(self._thumbnails)
        for number in chosen.tolist():
            found = windows_of(self._thumbnails[number].astype(np.float32), self._aspect, rectangles, squares=squares)
            self._windows.append(found.where(found.contrast >= LEAST_CONTRAST))
        self._frame = np.repeat(chosen, [len(w) for w in self._windows])
        self._first = np.cumsum([0, *(len(w) for w in self._windows)])

    @property
    def hashes(self) -> npt.NDArray[np.uint8]:
        """What is to be looked up: every window as it is, and then every one mirrored, ``(2 n, 32)`` uint8."""
        if not self._windows:
            return np.zeros((0, self._query.algorithm.bytes), np.uint8)
        upright = np.concatenate([w.hash for w in self._windows])
        return np.concatenate((upright, upright ^ MIRROR))

    def records(self, hits: Hits) -> list[int]:
        """Take what was found near the hashes; return the records that any frame is near, the likeliest first."""
        self._hits = hits
        if not len(hits.record):
            return []
        order = np.lexsort((hits.distance, self._frame_of(hits.query), hits.record))
        record, frame, distance = hits.record[order], self._frame_of(hits.query)[order], hits.distance[order]
        first = np.concatenate(([True], (np.diff(record) != 0) | (np.diff(frame) != 0)))  # the nearest of each frame
        weight = (1 - distance[first] / (self._config.window_radius_bits + 1)) ** 2 + 1e-3
        numbers, of_number = np.unique(record[first], return_inverse=True)
        likeliest: list[int] = numbers[np.argsort(-np.bincount(of_number, weight), kind="stable")].tolist()
        return likeliest

    def votes(self, record: int, reference: Fingerprint) -> float:
        """Return how far frames agree on where a record's picture lies; 0 if none do."""
        agreed = hypotheses(self._sightings(record), self._times_s, reference, round(self._config.window_radius_bits))
        self._hypotheses[record] = agreed
        return agreed[0].votes if agreed else 0.0

    def place(self, record: int, reference: Fingerprint) -> Place | None:
        """Register a record's picture, of which `votes` were asked for, and compare what is seen there; None if that says nothing."""
        found: list[Place] = []
        for registration in self._registrations(self._hypotheses[record], reference):
            seen = self._seen(registration)
            for comparison in self._comparisons(registration, seen, reference):
                place = Place(comparison, seen, registration.moving)
                if self._is_match(place):
                    return place
                found.append(place)
        possible = [place for place in found if self._is_possible(place)]
        return max(possible, key=lambda place: place.comparison.judgement.score, default=None)

    def _registrations(self, agreed: Sequence[Hypothesis], reference: Fingerprint) -> Iterator[Registration]:
        """Yield where the picture lies if it stays there, and then, if that is not exact, if it moves."""
        if not agreed:
            return
        registrar = self._registrar = self._registrar or Registrar(self._thumbnails, self._times_s)
        fixed = []
        for hypothesis in agreed:
            fixed.append(registrar.fixed(hypothesis, reference))
            if fixed[-1].distance <= self._config.align_radius_bits:
                yield fixed[-1]
        if fixed[0].distance > _MOVES_BITS and (moving := registrar.moving(agreed[0], reference)) is not None:
            yield moving

    def _seen(self, registration: Registration) -> Fingerprint:
        assert self._registrar is not None
        hashes, quality = self._registrar.hashes(registration)
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

    def _comparisons(self, registration: Registration, seen: Fingerprint, reference: Fingerprint) -> Iterator[Comparison]:
        """Compare the part that is seen best, and all parts that the frames hold, side by side."""
        assert self._registrar is not None
        outline = registration.outline(self._aspect)
        yield compare_pictures(seen, reference, config=self._config, query_outline=outline)
        if both := self._registrar.side_by_side(registration, self._query, reference):
            yield compare_pictures(both.query, both.reference, config=self._config, query_outline=outline, parts=both.parts)

    def _is_match(self, place: Place) -> bool:
        """Whether it is a match. What was followed about must not rest on a speed of its own: the two together fit nearly anything."""
        if place.comparison.judgement.verdict is not Verdict.MATCH:
            return False
        return not place.moving or all(s.speed_cost == 0 for s in self._registered(place) if s.evidence > 0)

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

    def _frame_of(self, query: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return self._frame[query % len(self._frame)]

    def _sightings(self, record: int) -> Sightings:
        assert self._hits is not None
        of_record = np.flatnonzero(self._hits.record == record)
        queries = self._hits.query[of_record[np.argsort(self._hits.distance[of_record], kind="stable")]]
        queries = queries[np.sort(np.unique(queries, return_index=True)[1])][:_MOST_SIGHTINGS]
        window, is_mirrored = queries % len(self._frame), queries >= len(self._frame)
        parts = np.searchsorted(self._first, window, side="right") - 1
        within = window - self._first[parts]
        places = [(self._windows[part], int(number)) for part, number in zip(parts.tolist(), within.tolist(), strict=True)]
        hashes = np.array([windows.hash[number] for windows, number in places])
        hashes[is_mirrored] ^= MIRROR
        seen = np.array([windows.transform(number) for windows, number in places])
        seen[is_mirrored] = seen[is_mirrored] @ MIRRORING
        return Sightings(self._frame[window], hashes, seen)
