"""Entries of a known picture whose parts the frames of a query hold, each beside the frame that shows it, on one line of time.

A crop holds one stored part of a known picture or several, and of a small part there is an entry only now and then. Read through a
transform, every frame says how near it is to every entry; the line of time on which most are near says which frame shows which. Along
it the parts are compared *side by side*: of each the entry that came last, on both sides the same, as one wide hash. What changes in
any part counts then, and closeness is the mean over all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint, milliseconds
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.hashing.views import Region, View
from vhashdb.hashing.warping import CORNERS, Transform, Warper, boxed, mapped
from vhashdb.search.hypotheses import FASTEST, SLOWEST, part_shown

_BEYOND: Final = 0.03
"""Share of the frame by which a part may lie beyond it. Engineering bound: half of a step of the windows."""
_HELD_SHARE: Final = 0.9
"""Share of the frames that hold a part. Engineering bound: a hand that shakes moves it out of some."""
_MOST_PARTS: Final = 6
"""Parts that are read, those with the most entries. Engineering bound: on the cost of a candidate."""
_MOST_FRAMES: Final = 96
"""Frames that are read to find the line of time. Engineering bound: on the cost of a candidate; twelve seconds of a reference."""
NEAR_BITS: Final = 60
"""Bits, of 256, within which a moment or an entry counts as found. Derived: `MatchingConfig.align_radius_bits`."""
_STEP_S: Final = 0.125
"""Seconds within which pairs are on one line of time. Derived: from the rate of a reference."""
_MOST_PAIRS: Final = 1 << 17
"""Pairs of frames and entries that vote. Engineering bound: on the cost of a candidate of some hours."""
_SLACK_S: Final = 0.25
"""Seconds by which an entry may lie beyond the query. Derived: two steps."""
SPEEDS: Final = tuple(np.geomspace(SLOWEST, FASTEST, 17).tolist())
"""Speeds that are tried; 1 is among them. Engineering bound: 9 % from one to the next shift an entry by half a second in ten."""
_NORMAL_BONUS: Final = 1.15
"""What normal speed counts more, as there are many others. Engineering bound."""
_LASTS_S: Final = 2.0
"""Seconds for which an entry stands for its part, until there is another. Engineering bound: squares have about one a second."""
_LASTS_AFTER_S: Final = 0.5
"""Seconds for which the last entries stand. Engineering bound: half of the distance of two entries of a square."""
_LEAST_ENTRIES: Final = 4
"""Entries under which nothing is compared. Derived: `MatchingConfig.min_entries`."""
_LEAST_JOINT: Final = 0.85
"""Share of the moments that are left when another part joins. Engineering bound: a part that is seldom there hides the others."""
POINTS: Final = 32
"""Samples along each side while looking and climbing. Engineering bound: the finest frequency has four to a period."""


@dataclass(frozen=True)
class HeldEntries:
    """Entries of a known picture, each with the frame that shows it."""

    entry: npt.NDArray[np.int64]
    """``(n,)`` of the reference."""
    frame: npt.NDArray[np.int64]
    """``(n,)`` number of the frame."""
    bits: npt.NDArray[np.int64]
    """``(n,)`` distance, estimated."""
    query_s: npt.NDArray[np.float64]
    """``(n,)`` seconds of the query at which the entry begins."""
    votes: float
    """How near the entries are, together."""
    offset_s: float
    """Seconds of the reference at 0 s of the query, on the line of time on which they are."""

    @property
    def are_near(self) -> bool:
        """Whether most of them are near: then the transform and the line of time are as good as found."""
        return len(self.bits) >= _LEAST_ENTRIES and float(np.median(self.bits)) <= NEAR_BITS


@dataclass(frozen=True)
class SideBySide:
    """Hold both sides of a comparison of several parts at once, as fingerprints of wide hashes."""

    query: Fingerprint
    reference: Fingerprint
    parts: int
    """Hashes that one wide hash consists of."""


def held_entries(
    warper: Warper,
    times_s: npt.NDArray[np.float64],
    transforms: Transform,
    reference: Fingerprint,
    speeds: Sequence[float] = SPEEDS,
) -> HeldEntries | None:
    """Find the entries that frames hold, and the line of time on which most of them are near; None if they hold no part.

    Args:
        warper: of the frames.
        times_s: ``(n,)`` of the frames, ascending, two at least.
        transforms: ``(n, 3, 3)`` from fractions of the whole known picture to those of each frame.
        reference: the known picture's fingerprint.
        speeds: that are tried.
    """
    codes = _held(transforms, reference)
    if not codes:
        return None
    frames = np.unique(np.linspace(0, len(times_s) - 1, _MOST_FRAMES).astype(np.int64))
    tables, entries = [], []
    for code in codes:
        of_part = np.flatnonzero(reference.usable & (reference.view == code))
        seen = warper.coefficients(frames, transforms[frames] @ boxed(part_shown(View.from_code(code), reference)), POINTS)
        tables.append(distances(pdq.bits_of(seen), reference.hash[of_part]))
        entries.append(of_part)
    return _on_best_line(np.concatenate(tables, axis=1), np.concatenate(entries), frames, times_s[frames], reference, speeds)


def _held(transforms: Transform, reference: Fingerprint) -> list[int]:
    """The codes of the stored views that lie within the frames, those with the most entries first."""
    codes, counts = np.unique(reference.view[reference.usable], return_counts=True)
    held = []
    for code in codes[np.argsort(-counts, kind="stable")].tolist():
        corners = mapped(transforms @ boxed(part_shown(View.from_code(code), reference)), CORNERS)
        if ((corners >= -_BEYOND) & (corners <= 1 + _BEYOND)).all(axis=(1, 2)).mean() >= _HELD_SHARE:
            held.append(code)
    return held[:_MOST_PARTS]


def _on_best_line(
    table: npt.NDArray[np.int16],
    entry: npt.NDArray[np.int64],
    frames: npt.NDArray[np.int64],
    times_s: npt.NDArray[np.float64],
    reference: Fingerprint,
    speeds: Sequence[float],
) -> HeldEntries:
    """Try lines of time; ``table`` ``(frames, entries)`` is in bits."""
    likeness = np.clip(1 - table / NEAR_BITS, 0, 1) ** 2
    row, column = _nearest_pairs(likeness)
    start_s, weight = reference.start_s[entry], likeness[row, column]
    best_votes, speed, offset_s = 0.0, 1.0, 0.0
    for tried in speeds:
        width_s = max(_STEP_S, tried * float(np.median(np.diff(times_s))))
        offsets_s = start_s[column] - tried * times_s[row]
        votes, at_s = _most_agreed(offsets_s, weight, width_s)
        votes *= _NORMAL_BONUS if abs(tried - 1) < 1e-6 else 1
        if votes > best_votes:
            best_votes, speed, offset_s = votes, tried, at_s
    of_entry_s = (start_s - offset_s) / speed
    shown = np.flatnonzero((of_entry_s >= times_s[0] - _SLACK_S) & (of_entry_s <= times_s[-1] + _SLACK_S))
    frame = nearest(times_s, of_entry_s[shown])
    return HeldEntries(entry[shown], frames[frame], table[frame, shown].astype(np.int64), of_entry_s[shown], best_votes, offset_s)


def _nearest_pairs(likeness: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows and columns of what is alike at all, or of the most alike of very many."""
    row, column = np.nonzero(likeness)
    if len(row) > _MOST_PAIRS:
        kept = np.argpartition(-likeness[row, column], _MOST_PAIRS)[:_MOST_PAIRS]
        row, column = row[kept], column[kept]
    return row, column


def _most_agreed(offsets_s: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], width_s: float) -> tuple[float, float]:
    """The largest weight of offsets within about ``width_s``, and their mean; bins are half as wide and taken two by two."""
    if not len(offsets_s):
        return 0.0, 0.0
    place = np.floor((offsets_s - offsets_s.min()) / (width_s / 2)).astype(np.int64)
    weights = np.bincount(place, weight, int(place.max()) + 2)
    both = weights[:-1] + weights[1:]
    top = int(np.argmax(both))
    there = (place == top) | (place == top + 1)
    return float(both[top]), float(np.average(offsets_s[there], weights=weight[there]))


def nearest(times_s: npt.NDArray[np.float64], at_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return which of some ascending times, two at least, is nearest to each of others."""
    after = np.clip(np.searchsorted(times_s, at_s), 1, len(times_s) - 1)
    return np.where(at_s - times_s[after - 1] < times_s[after] - at_s, after - 1, after)


def side_by_side(
    held: HeldEntries, hashes: PackedHashes, quality: npt.NDArray[np.uint8], query: Fingerprint, reference: Fingerprint, view: View
) -> SideBySide | None:
    """Lay the parts side by side, each at every time that any of them has a new entry; None if there are too few such times.

    Args:
        held: the entries.
        hashes: ``(n, 32)`` what their frames show.
        quality: ``(n,)`` of that.
        query: the facts about the query.
        reference: the known picture's fingerprint.
        view: the stored view that stands for all of them where people read of it.
    """
    code_of, start_s = reference.view[held.entry], reference.start_s[held.entry]
    times_s = np.unique(start_s)
    codes, counts = np.unique(code_of, return_counts=True)
    joined: list[npt.NDArray[np.int64]] = []
    there, most = np.ones(len(times_s), np.bool_), 0
    for code in codes[np.argsort(-counts, kind="stable")].tolist():
        rows = _latest(np.flatnonzero(code_of == code), start_s, times_s)
        left = there & (rows >= 0)
        if not joined or left.sum() >= _LEAST_JOINT * most:
            joined.append(rows)
            there, most = left, max(most, int(left.sum()))
    if there.sum() < _LEAST_ENTRIES:
        return None
    rows = np.stack(joined, axis=1)[there]
    newest = rows[np.arange(len(rows)), np.argmax(start_s[rows], axis=1)]
    algorithm = AlgorithmId(Pdq.id.name, Pdq.id.bits * len(joined), Pdq.id.spec)
    known_s, asked_s = times_s[there], np.maximum(milliseconds(held.query_s[newest]), 0)
    return SideBySide(
        _wide(query, algorithm, asked_s, hashes[rows], quality[rows], View(Region.REGISTERED).code),
        _wide(reference, algorithm, known_s, reference.hash[held.entry][rows], reference.quality[held.entry][rows], view.code),
        len(joined),
    )


def _latest(of_part: npt.NDArray[np.int64], start_s: npt.NDArray[np.float64], times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The entry of a part that came last at each time; −1 if that is too long ago."""
    of_part = of_part[np.argsort(start_s[of_part], kind="stable")]
    place = np.searchsorted(start_s[of_part], times_s, side="right") - 1
    latest = of_part[np.maximum(place, 0)]
    return np.where((place >= 0) & (times_s - start_s[latest] <= _LASTS_S), latest, -1)


def _wide(
    of: Fingerprint,
    algorithm: AlgorithmId,
    start_s: npt.NDArray[np.float64],
    hashes: PackedHashes,
    quality: npt.NDArray[np.uint8],
    code: int,
) -> Fingerprint:
    """A fingerprint of hashes ``(n, parts, 32)`` side by side, with their mean quality."""
    end_s = np.minimum(np.append(start_s[1:], start_s[-1] + _LASTS_AFTER_S), start_s + _LASTS_S / 2)
    return replace(
        of,
        algorithm=algorithm,
        start_s=start_s,
        end_s=np.maximum(start_s, milliseconds(end_s)),
        hash=hashes.reshape(len(hashes), -1),
        quality=quality.mean(axis=1).astype(np.uint8),
        view=np.full(len(start_s), code, np.uint16),
    )
