"""Define `Fingerprint`, the value that everything else here makes, stores or compares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.coverage import Coverage
from vhashdb.errors import FingerprintError
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.views import SQUARES, Box, Orientation, Region, View
from vhashdb.intervals import covered
from vhashdb.sound import SoundFingerprint

USABLE_QUALITY: Final = 20
"""PDQ quality below which a hash says too little to be compared. Measured: `bench.accuracy`. PDQ's authors recommend 50 for single
pictures; a run of frames that must also change alike can do with less, and videos of small figures on black have no more."""

SHORTEST_GAP_S: Final = 0.5
"""Seconds below which an unusable span is not reported. Derived: of the order of the time between two sampled frames of a query."""
STILL_S: Final = 0.2
"""Seconds under which a video, or a track of one, counts as a still picture. Engineering bound: a few frames."""
TOUCHING_S: Final = 0.2
"""Precision, in seconds, of where a track begins. Engineering bound: well under the gap between two tracks."""
MAX_S: Final = 4_000_000.0
"""Seconds that a video may have: 46 days. Derived: milliseconds are stored in 32 bits."""
MAX_SIDE: Final = 1 << 20
"""Pixels that a side may have. Engineering bound."""
MAX_DAMAGE: Final = 300
"""Characters of a sentence about damage that are kept. Engineering bound."""
MAX_DAMAGE_LINES: Final = 20
"""Sentences about damage that are kept. Engineering bound."""

_VIEW_CODES: Final = np.zeros(1 << 16, np.bool_)
"""Whether there is a view, by code. Derived: codes have 16 bits."""
_VIEW_CODES[[View(region, orientation).code for region in Region for orientation in Orientation]] = True
_SQUARE_CODES: Final = np.zeros(1 << 16, np.bool_)
"""Whether a view is of a square, by code. Derived: codes have 16 bits."""
_SQUARE_CODES[[View(region, orientation).code for region in SQUARES for orientation in Orientation]] = True


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Hold the frame hashes of one video.

    Entry ``i`` says: from ``start_s[i]`` to ``end_s[i]`` the picture, in ``view[i]``, hashed to ``hash[i]``
    or to something nearly the same. Entries are ordered by view, then by start.
    """

    algorithm: AlgorithmId
    start_s: npt.NDArray[np.float64]
    """``(n,)`` float64, seconds since the first frame, whole milliseconds."""
    end_s: npt.NDArray[np.float64]
    """``(n,)`` float64, seconds, greater than or equal to ``start_s``."""
    hash: PackedHashes
    """``(n, algorithm.bytes)`` uint8, in the order of the hash's hexadecimal text."""
    quality: npt.NDArray[np.uint8]
    """``(n,)`` uint8, 0 (flat) … 100."""
    view: npt.NDArray[np.uint16]
    """``(n,)`` uint16, codes of `vhashdb.hashing.views.View`."""
    duration_s: float
    width: int = 0
    height: int = 0
    damage: tuple[str, ...] = field(default=())
    """What of the video could not be read, in sentences."""
    coverage: Coverage = field(default=Coverage())
    """How much of it was decoded; without tracks if nothing is known of that, as of fingerprints that others made."""
    boxes: Mapping[Region, Box] = field(default_factory=dict)
    """Where each region lay in the frame, if that was one place nearly all the time and is known. It is in no stored or exchanged form, and
    fingerprints that differ in nothing else are equal."""
    sound: SoundFingerprint | None = None
    """What was heard; None if nothing is known of that, as of what was made without sound."""

    def __post_init__(self) -> None:
        count = len(self.start_s)
        shapes_fit = self.hash.shape == (count, self.algorithm.bytes) and all(
            column.shape == (count,) for column in (self.end_s, self.quality, self.view)
        )
        if not shapes_fit:
            raise FingerprintError("the columns of the fingerprint differ in length, or its hashes in size")
        if count and not (self.start_s.min() >= 0 and (self.end_s >= self.start_s).all() and self.end_s.max() <= MAX_S):
            raise FingerprintError("the times of the fingerprint are not in order")
        if not 0 <= self.duration_s <= MAX_S or not 0 <= self.width <= MAX_SIDE or not 0 <= self.height <= MAX_SIDE:
            raise FingerprintError(f"{self.duration_s} s of {self.width} × {self.height} pixels is no video")
        if count and (self.quality.max() > 100 or not _VIEW_CODES[self.view].all()):
            raise FingerprintError("the fingerprint has a quality over 100 or a view that is not known", hint="upgrade vhashdb")
        object.__setattr__(self, "damage", tuple(line[:MAX_DAMAGE] for line in self.damage[:MAX_DAMAGE_LINES]))
        for column in (self.start_s, self.end_s, self.hash, self.quality, self.view):
            column.setflags(write=False)

    @classmethod
    def empty(cls, algorithm: AlgorithmId, duration_s: float = 0.0) -> Fingerprint:
        """Return the fingerprint of a video of which no hash is known."""
        none = np.zeros(0)
        return cls(
            algorithm,
            none,
            none.copy(),
            np.zeros((0, algorithm.bytes), np.uint8),
            np.zeros(0, np.uint8),
            np.zeros(0, np.uint16),
            duration_s,
        )

    def __len__(self) -> int:
        return len(self.start_s)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fingerprint):
            return NotImplemented
        scalars = ("algorithm", "duration_s", "width", "height", "damage", "coverage", "sound")
        columns = ("start_s", "end_s", "hash", "quality", "view")
        return all(getattr(self, name) == getattr(other, name) for name in scalars) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in columns
        )

    __hash__ = None  # type: ignore[assignment]  # compared by content, and its arrays are large

    def __repr__(self) -> str:
        return f"Fingerprint({self.algorithm}, {self.duration_s:.1f} s, {len(self)} hashes)"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that it could be compared by: neither an entry nor a landmark of the sound."""
        return not len(self) and not self.sound

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Which entries show enough to be compared: ``(n,)`` bool."""
        return np.asarray(self.quality >= USABLE_QUALITY)

    @property
    def usable_s(self) -> float:
        """Seconds of the video in which some view has a usable entry."""
        used = self.usable
        return covered(self.start_s[used], self.end_s[used])

    @property
    def shown_s(self) -> float:
        """Seconds of the video in which there are pictures: its length without gaps."""
        return min(self.duration_s, self.coverage.there_s or self.duration_s)

    @property
    def is_still(self) -> bool:
        """Whether it is of still pictures alone."""
        return self.duration_s < STILL_S or (bool(self.coverage.tracks) and all(track.seen_s < STILL_S for track in self.coverage.tracks))

    def still_at(self, time_s: float) -> bool:
        """Say whether the track at a time on the timeline is one of several and a still picture."""
        if len(self.coverage.tracks) < 2:
            return False
        at = [track for track in self.coverage.tracks if not track.unseen and track.start_s <= time_s + TOUCHING_S]
        return bool(at) and at[-1].seen_s < STILL_S

    def only(self, entries: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> Fingerprint:
        """Return some of the entries, given by a mask ``(n,)`` or by ascending positions, with the same facts about the video."""
        return Fingerprint(
            self.algorithm, self.start_s[entries], self.end_s[entries], self.hash[entries], self.quality[entries], self.view[entries],
            self.duration_s, self.width, self.height, self.damage, self.coverage, self.boxes, self.sound,
        )  # fmt: skip


def bare(fingerprint: Fingerprint) -> Fingerprint:
    """Return the hashes and their times alone.

    Notes about damage are free text, and size and codec are left out because only the hashes are to be shared. Squares are left out
    as well: without a size nobody knows where they lie, and many programs do not know them.
    """
    return replace(without_squares(fingerprint), damage=(), coverage=Coverage(), width=0, height=0, boxes={})


def bare_with_squares(fingerprint: Fingerprint) -> Fingerprint:
    """Return the hashes and their times as `bare` does, but with squares, as far as there are any, and then the shape of the picture.

    The shape is its width and height in lowest terms, such as 16 and 9, which is what squares need; it is no size.
    """
    squares = is_square(fingerprint)
    if not squares.any() or not fingerprint.width or not fingerprint.height:
        return bare(fingerprint)
    common = math.gcd(fingerprint.width, fingerprint.height)
    return replace(
        fingerprint, damage=(), coverage=Coverage(), width=fingerprint.width // common, height=fingerprint.height // common, boxes={}
    )


def is_square(fingerprint: Fingerprint) -> npt.NDArray[np.bool_]:
    """Which entries are of squares: ``(n,)`` bool."""
    return _SQUARE_CODES[fingerprint.view]


def spread(entries: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """Choose at most so many of the positions of entries, evenly spread over all of them, with the first and the last."""
    count = min(most, len(entries))
    # In whole numbers: `numpy.linspace` takes several times as long, and this is asked of every record that comes in.
    return entries[np.arange(count) * (len(entries) - 1) // max(1, count - 1)]


def without_squares(fingerprint: Fingerprint) -> Fingerprint:
    """Return a fingerprint without the entries of squares."""
    squares = is_square(fingerprint)
    return fingerprint.only(~squares) if squares.any() else fingerprint


def ordered(fingerprint: Fingerprint) -> Fingerprint:
    """Return the same entries ordered by view, then by start.

    The rest of the library relies on this order; fingerprints from outside need not have it.
    """
    f = fingerprint
    order = np.lexsort((f.start_s, f.view))
    return replace(f, start_s=f.start_s[order], end_s=f.end_s[order], hash=f.hash[order], quality=f.quality[order], view=f.view[order])


def unusable_spans(fingerprint: Fingerprint) -> list[tuple[float, float]]:
    """Return the spans of a video, in seconds, in which no view shows enough to be compared."""
    used = fingerprint.usable
    order = np.argsort(fingerprint.start_s[used], kind="stable")
    starts = np.append(fingerprint.start_s[used][order], fingerprint.duration_s)
    ends = np.concatenate(([0.0], np.maximum.accumulate(fingerprint.end_s[used][order])))
    gaps = np.flatnonzero(starts - ends >= SHORTEST_GAP_S)
    return [(float(ends[gap]), float(starts[gap])) for gap in gaps]


def milliseconds(seconds: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Round times to whole milliseconds, the resolution of every stored form."""
    return np.asarray(np.round(np.asarray(seconds, np.float64), 3), np.float64)
