"""Hypotheses about where in the picture of a query a known picture lies, from windows that are near some of its hashes.

Each near pair of a window and a stored hash says: this part of the frame shows that part of the known picture, at these two times.
From it follows where all of the known picture lies, as a projective `Transform`. Pairs of different frames that say the same agree;
the transforms on which most frames agree are refined in `registration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.hashing.views import WHOLE_FRAME, Box, View, stored_box
from vhashdb.hashing.warping import CORNERS, Transform, boxed, mapped, quadrilateral
from vhashdb.matching.comparison import Comparison, ViewComparison
from vhashdb.matching.outlines import outlines_of

_SEEDS: Final = 24
"""Pairs that a transform is tried to be founded on. Engineering bound."""
_FOUND: Final = 2
"""Transforms that are refined. Engineering bound: on the cost of a candidate."""
_SUPPORT: Final = 5
"""Frames that a transform is refined on. Engineering bound: on the cost of a candidate."""
_ALONE_BITS: Final = 40
"""Bits within which a window is refined though no other frame agrees. Engineering bound: on what is refined in vain."""
SLOWEST: Final = 0.5
"""Slowest playback. Derived: `MatchingConfig.min_speed`."""
FASTEST: Final = 2.0
"""Fastest playback. Derived: `MatchingConfig.max_speed`."""
_SPEEDS: Final = ((1.0, 1.0, 1.0), (SLOWEST, FASTEST, 0.5))
"""Slowest and fastest speed at which pairs agree, and what their votes then count: at any speed far more pairs agree by chance."""
TIME_SLACK_S: Final = 0.4
"""Seconds by which two pairs may miss a common line of time. Engineering bound: the alignment afterwards is exact."""
_SAME_PLACE: Final = 0.2
"""Share of its size by which corners of two windows may be apart that say the same. Engineering bound: windows are off by a half of
their pitch and sizes, and what moves moves between frames."""


@dataclass(frozen=True)
class Sightings:
    """Hold windows of a query's frames: what they show, and where."""

    frame: npt.NDArray[np.int64]
    """``(n,)`` number of the frame."""
    hash: PackedHashes
    """``(n, bytes)`` uint8."""
    transform: Transform
    """``(n, 3, 3)`` from fractions of what is shown, as it was before it was mirrored, to those of the frame."""


def part_shown(view: View, reference: Fingerprint) -> Box:
    """Return the part of a known picture that one of its stored views shows; what had to be searched for is taken for all of it."""
    return stored_box(view.region, max(1, reference.height), max(1, reference.width)) or WHOLE_FRAME


@dataclass(frozen=True)
class _Pairs:
    """Near pairs of a window and a stored hash, nearest first."""

    frame: npt.NDArray[np.int64]
    entry: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int16]
    transform: Transform
    """``(n, 3, 3)`` of the whole known picture."""
    corners: npt.NDArray[np.float64]
    """``(n, 4, 2)`` of the stored part, in the frame."""


@dataclass(frozen=True)
class Hypothesis:
    """A transform on which several frames agree."""

    transform: Transform
    view: View
    frames: tuple[int, ...]
    entries: tuple[int, ...]
    """Of the reference, one for each frame."""
    transforms: Transform
    """``(k, 3, 3)`` what each frame says by itself, before it is refined."""
    votes: float


def hypotheses(sightings: Sightings, times_s: npt.NDArray[np.float64], reference: Fingerprint, radius_bits: int) -> list[Hypothesis]:
    """Find the transforms on which the windows of several frames agree, or which one says that is very near, the best first.

    Args:
        sightings: windows that may show the known picture.
        times_s: of each frame.
        reference: the known picture's fingerprint.
        radius_bits: what is near.
    """
    pairs = _near_pairs(sightings, reference, radius_bits)
    weight = (1 - pairs.distance / (radius_bits + 8.0)) ** 2
    found: list[Hypothesis] = []
    for slowest, fastest, share in _SPEEDS:
        taken = np.zeros(len(pairs.frame), bool)
        for seed in range(min(_SEEDS, len(pairs.frame))):
            if taken[seed]:
                continue
            agree = _agree(pairs, seed, times_s, reference, (slowest, fastest))
            taken |= agree
            best: dict[int, int] = {}
            for pair in np.flatnonzero(agree).tolist():  # nearest first, so the first of each frame is its best
                best.setdefault(int(pairs.frame[pair]), pair)
            if len(best) < 2 and pairs.distance[seed] > _ALONE_BITS:
                continue
            members = sorted(best.values(), key=lambda pair: int(pairs.distance[pair]))[:_SUPPORT]
            found.append(
                Hypothesis(
                    pairs.transform[seed],
                    View.from_code(int(reference.view[pairs.entry[seed]])),
                    tuple(int(pairs.frame[m]) for m in members),
                    tuple(int(pairs.entry[m]) for m in members),
                    pairs.transform[members],
                    share * float(sum(weight[m] for m in best.values())),
                )
            )
    return sorted(found, key=lambda h: -h.votes)[:_FOUND]


def hypotheses_of_views(
    comparison: Comparison, query: Fingerprint, reference: Fingerprint, times_s: npt.NDArray[np.float64], radius_bits: int
) -> list[Hypothesis]:
    """Return where the views that were compared say that a known picture lies, the best first: what is alike may lie a bit off."""
    found = [
        made
        for each in comparison.view_comparisons
        if not each.views.negated and (made := _of_views(each, query, reference, times_s, radius_bits)) is not None
    ]
    return sorted(found, key=lambda h: -h.votes)[:_FOUND]


def _of_views(
    compared: ViewComparison, query: Fingerprint, reference: Fingerprint, times_s: npt.NDArray[np.float64], radius_bits: int
) -> Hypothesis | None:
    if not compared.alignment.segments:
        return None
    views, samples = compared.views, compared.alignment.segments[0].samples
    outline, known = outlines_of(query, reference, views.query, views.reference)
    if outline is None:
        return None
    # What had to be searched for in a known picture is taken for all of it, as in `part_shown`.
    shown = quadrilateral(np.array(known.corners)) if known else np.eye(3)
    transform = quadrilateral(np.array(outline.corners)) @ np.linalg.inv(shown)
    of_view = np.flatnonzero(reference.usable & (reference.view == views.reference.code))
    alike = np.flatnonzero(samples.seen & (samples.distance <= radius_bits))
    frame_of: dict[int, int] = {}
    votes = 0.0
    for row in alike[np.argsort(samples.distance[alike], kind="stable")].tolist():  # the nearest of each frame and of each entry
        frame = int(np.argmin(np.abs(times_s - samples.time_s[row])))
        entry = int(of_view[np.argmin(np.abs(reference.start_s[of_view] - compared.reference.start_s[samples.reference[row]]))])
        if entry not in frame_of and frame not in frame_of.values() and len(frame_of) < _SUPPORT:
            frame_of[entry] = frame
            votes += (1 - float(samples.distance[row]) / (radius_bits + 8.0)) ** 2
    if not frame_of:
        return None
    alone = np.stack([transform] * len(frame_of))
    return Hypothesis(transform, views.reference, tuple(frame_of.values()), tuple(frame_of), alone, votes)


def _near_pairs(sightings: Sightings, reference: Fingerprint, radius_bits: int) -> _Pairs:
    usable = np.flatnonzero(reference.usable)
    table = distances(sightings.hash, reference.hash[usable])
    window, column = np.nonzero(table <= radius_bits)
    order = np.argsort(table[window, column], kind="stable")
    window, column = window[order], column[order]
    entry = usable[column]
    views = {int(code): np.linalg.inv(boxed(part_shown(View.from_code(int(code)), reference))) for code in np.unique(reference.view[entry])}
    stored = np.array([views[code] for code in reference.view[entry].tolist()]).reshape(-1, 3, 3)
    shown = sightings.transform[window]
    return _Pairs(sightings.frame[window], entry, table[window, column], shown @ stored, mapped(shown, CORNERS))


def _agree(
    pairs: _Pairs, seed: int, times_s: npt.NDArray[np.float64], reference: Fingerprint, speeds: tuple[float, float]
) -> npt.NDArray[np.bool_]:
    """Which pairs say the same as one of them: the place, on a line of time."""
    box = boxed(part_shown(View.from_code(int(reference.view[pairs.entry[seed]])), reference))
    corners = mapped(pairs.transform @ box, CORNERS)
    size = np.ptp(pairs.corners[seed], axis=0)
    same_place = (np.abs(corners - pairs.corners[seed]) / size).mean(axis=(1, 2)) <= _SAME_PLACE
    elapsed_s = times_s[pairs.frame] - times_s[pairs.frame[seed]]
    own, other = pairs.entry[seed], pairs.entry
    least = reference.start_s[other] - reference.end_s[own] - TIME_SLACK_S
    most = reference.end_s[other] - reference.start_s[own] + TIME_SLACK_S
    played_s = np.stack([elapsed_s * speed for speed in speeds])
    return np.asarray(same_place & (least <= played_s.max(axis=0)) & (played_s.min(axis=0) <= most))
