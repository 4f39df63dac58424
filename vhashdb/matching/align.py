"""Alignment: on which line ``reference time = speed × query time + offset`` do alike hashes agree, and where along it.

Every pair of alike entries votes for the offsets it allows, once for each speed of a grid; the offset on which most
*distinct* query entries agree wins. Along that line both sides are then read on a clock: moments that are alike speak
for it, moments that are not speak against it, and the runs with the highest sums become stretches, so that they begin
and end where the likeness does. Then the pairs that the stretches explain are taken out and the vote is repeated, so
that pieces in another order or at another speed are found too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import paired_distances
from vhashdb.matching.pairs import Track

SPEEDS: Final = tuple(np.round(np.geomspace(0.5, 2.0, 41), 4).tolist())
"""Speeds tried: 0.5 to 2 in steps of 3.5 %; contains 1."""
NORMAL_SPEED_BONUS: Final = 1.12
"""Another speed must gather this many times the votes of normal speed: most copies are not sped up."""
SLACK_S: Final = 0.15
"""Half the widest gap between looks: how far off its line a pair may be."""
MOMENTS_PER_S: Final = 8.0
"""How often both sides are read along a line."""
MIN_RUN: Final = 0.2
"""Sum of the moments' votes that makes a stretch; one alike moment is enough."""
_FULL_VOTE: Final = 0.5
"""Share of the radius up to which a moment's vote is 1; from there it falls, is 0 at the radius …"""
_LEAST_VOTE: Final = -0.5
"""… and not less than this beyond, so that a few moments that differ do not break a stretch."""
GAP_S: Final = 2.0
"""Time without an alike moment that ends a stretch."""
_UNSEEN: Final = -0.15
"""Vote of a moment that one side does not show."""
MAX_STRETCHES: Final = 12
_BIN_S: Final = 0.1
_SHIFT_S: Final = 0.1
_SHARPER: Final = (1.0, 0.5, 0.25)
"""A line is sharpened in rounds, each finer than the one before."""
_BEYOND: Final = 0.2
"""How far beyond the pairs that voted for a line its fit is looked at, as a share of their length."""
_NORMAL_FITS: Final = 0.9
"""Share of the best fit at which normal speed fits as well."""
_STEP_S: Final = 0.25
_MAX_STEPS: Final = 40
_EARLY_S: Final = 0.06
"""Half the time between the looks at a reference: its entries begin that much late on average."""
_MAX_BINS: Final = 200_000
_MAX_VOTES: Final = 4_000_000


@dataclass(frozen=True)
class Line:
    """``reference time = speed × query time + offset``."""

    speed: float
    offset_s: float

    def reference_time(self, query_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The reference seconds that query seconds lie on."""
        return self.speed * query_s + self.offset_s


@dataclass(frozen=True)
class Moments:
    """Both sides of a line, read on a clock. Indices are into the tracks; −1 where a side shows nothing usable."""

    time_s: npt.NDArray[np.float64]
    """``(k,)`` query time."""
    query: npt.NDArray[np.int64]
    """``(k,)`` the query entry shown at that time."""
    reference: npt.NDArray[np.int64]
    """``(k,)`` the nearest reference entry within the slack of the line."""
    distance: npt.NDArray[np.int16]
    """``(k,)`` bits between them."""

    def within(self, rows: slice) -> Moments:
        """Some consecutive ones."""
        return Moments(self.time_s[rows], self.query[rows], self.reference[rows], self.distance[rows])

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """``(k,)`` which of them both sides show."""
        return np.asarray((self.query >= 0) & (self.reference >= 0))


@dataclass(frozen=True)
class Stretch:
    """A run of the query that lies on one line of the reference."""

    line: Line
    start_s: float
    end_s: float
    """Query time of the stretch."""
    moments: Moments
    """All of them, alike or not."""
    weight: float
    """Sum of their votes."""

    @property
    def reference_s(self) -> tuple[float, float]:
        """Reference time of the stretch."""
        first, last = self.line.reference_time(np.array([self.start_s, self.end_s])).tolist()
        return first, last


@dataclass(frozen=True)
class Alignment:
    """What was found between two tracks, and how much there was to find it in."""

    stretches: tuple[Stretch, ...]
    """Strongest first."""
    alike: int
    """Pairs of entries that are alike, on a line or not."""
    votes: float
    """What the strongest line has: for each query entry that agrees on it, the weight of its best pair there, at most 1."""
    most_votes: float
    """What a line could have if every query entry with an alike pair agreed on it."""


@dataclass(frozen=True)
class _Alike:
    """Alike pairs, one row each."""

    query: npt.NDArray[np.int64]
    reference: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int16]
    weight: npt.NDArray[np.float64]

    def where(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> _Alike:
        return _Alike(self.query[rows], self.reference[rows], self.distance[rows], self.weight[rows])


def align(query: Track, reference: Track, table: npt.NDArray[np.int16], radius: int) -> list[Stretch]:
    """All stretches of the query that lie on the reference, strongest first; the arguments are those of `alignment`."""
    return list(alignment(query, reference, table, radius).stretches)


def alignment(query: Track, reference: Track, table: npt.NDArray[np.int16], radius: int) -> Alignment:
    """All stretches of the query that lie on the reference, and what they were found in.

    Args:
        query: ``n`` entries.
        reference: ``m`` entries.
        table: ``(n, m)`` distances in bits.
        radius: bits up to which two entries are alike.
    """
    rows, columns = np.nonzero(table <= radius)
    distance = table[rows, columns]
    alike = _Alike(rows, columns, distance, weight_of(distance, radius))
    likeness = np.clip(1 - table / np.float32(radius), 0, 1).astype(np.float32)
    stretches: list[Stretch] = []
    strongest, most_votes = 0.0, float(_most_votes(query, alike))
    while len(alike.query) and len(stretches) < MAX_STRETCHES:
        line, votes = _strongest_line(query, reference, alike)
        line = _sharpen(line, query, reference, alike, likeness)
        strongest = max(strongest, votes)
        found = _stretches_on(line, query, reference, radius, stretches)
        if not found:
            break
        stretches += found
        middle = (query.start_s[alike.query] + query.end_s[alike.query]) / 2
        alike = alike.where(~np.logical_or.reduce([(s.start_s <= middle) & (middle <= s.end_s) for s in found]))
    ordered = tuple(sorted(stretches, key=lambda s: -s.weight)[:MAX_STRETCHES])
    return Alignment(ordered, len(rows), strongest, most_votes)


def weight_of(distance: npt.NDArray[np.int16], radius: int) -> npt.NDArray[np.float64]:
    """What a pair's vote counts: close pairs far more, because in a calm video every pair is somewhat alike."""
    return np.asarray((1.0 - distance / (radius + 1.0)) ** 2)


def _most_votes(query: Track, alike: _Alike) -> float:
    """What all query entries can give at most, each with its best pair."""
    most = np.zeros(len(query))
    np.maximum.at(most, alike.query, alike.weight)
    return float(most.sum())


def _strongest_line(query: Track, reference: Track, alike: _Alike) -> tuple[Line, float]:
    """The line with the largest sum of weights over distinct query entries, and that sum."""
    best, best_votes, agreed = (1.0, 0.0), -1.0, 0.0
    most = _most_votes(query, alike)
    for speed in sorted(SPEEDS, key=lambda s: abs(np.log(s))):
        offset, sum_of_weights = _vote(query, reference, alike, speed)
        votes = sum_of_weights
        if speed == 1.0:
            votes *= NORMAL_SPEED_BONUS
            if votes >= most:  # no other speed can have more
                return Line(speed, offset), sum_of_weights
        if votes > best_votes + 1e-9:
            best, best_votes, agreed = (speed, offset), votes, sum_of_weights
    return Line(*best), agreed


def _allowed(query: Track, reference: Track, alike: _Alike, speed: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each pair, the lowest and highest offset at which its two entries overlap in time."""
    low = reference.start_s[alike.reference] - speed * query.end_s[alike.query] - SLACK_S
    high = reference.end_s[alike.reference] - speed * query.start_s[alike.query] + SLACK_S
    return low, high


def _vote(query: Track, reference: Track, alike: _Alike, speed: float) -> tuple[float, float]:
    """The most agreed offset at one speed, and the weight that agrees on it."""
    low, high = _allowed(query, reference, alike, speed)
    origin = float(low.min())
    width = max(_BIN_S, (float(high.max()) - origin) / _MAX_BINS)
    first = ((low - origin) / width).astype(np.int64)
    count = ((high - origin) / width).astype(np.int64) - first + 1
    if int(count.sum()) > _MAX_VOTES:  # very many long entries: vote with every k-th pair
        keep = np.arange(0, len(first), int(np.ceil(count.sum() / _MAX_VOTES)))
        first, count, alike = first[keep], count[keep], alike.where(np.isin(np.arange(len(alike.query)), keep))
    bins = np.repeat(first - np.concatenate(([0], np.cumsum(count)[:-1])), count) + np.arange(int(count.sum()))
    voters, weights = np.repeat(alike.query, count), np.repeat(alike.weight, count)
    # A query entry votes once per bin, with its best pair.
    total = int(bins.max()) + 1
    key = voters * total + bins
    order = np.lexsort((-weights, key))
    key, weights = key[order], weights[order]
    distinct = np.concatenate(([True], key[1:] != key[:-1]))
    votes = np.bincount(key[distinct] % total, weights=weights[distinct], minlength=total)
    top = float(votes.max())
    # The middle of the winning plateau: entries that last long allow many offsets.
    plateau = np.flatnonzero(votes >= top - 1e-9)
    first_run = plateau[: int(np.argmax(np.append(np.diff(plateau) > 1, True))) + 1]
    return origin + (float(first_run.mean()) + 0.5) * width, top


def _sharpen(line: Line, query: Track, reference: Track, alike: _Alike, likeness: npt.NDArray[np.float32]) -> Line:
    """The line through a neighbourhood of one that fits best, from all speeds at first; normal speed if it fits as well.

    ``likeness`` ``(n, m)`` is 0…1. What counts is the likeness of what both sides show at each entry's start, and at
    steps within entries that last, so nothing has to be looked up but the table.
    """
    low, high = _allowed(query, reference, alike, line.speed)
    on = alike.query[(low <= line.offset_s + _BIN_S) & (line.offset_s - _BIN_S <= high)]
    if not len(on):  # very long videos are voted on in wider bins
        return line
    first_s, last_s = float(query.start_s[on].min()), float(query.end_s[on].max())
    beyond_s = _BEYOND * (last_s - first_s)
    time_s, asked = _instants(query)
    near = (first_s - beyond_s <= time_s) & (time_s <= last_s + beyond_s)
    time_s, asked = time_s[near], asked[near]
    middle_s = float(np.average(time_s, weights=_likeness_on([line.speed], [line.offset_s], time_s, asked, reference, likeness)[1] + 1e-9))
    anchor_s = line.speed * middle_s + line.offset_s
    speeds, shifts = np.array(SPEEDS), np.arange(-2, 3) * _SHIFT_S
    best, best_fit, normal_fit = (line.speed, 0.0), -1.0, -1.0
    for reach in _SHARPER:
        speed, shift = (grid.ravel() for grid in np.meshgrid(speeds, shifts, indexing="ij"))
        fit = _likeness_on(speed, anchor_s + shift - speed * middle_s, time_s, asked, reference, likeness)[0]
        top = int(np.argmax(fit))
        if fit[top] > best_fit:
            best, best_fit = (float(speed[top]), float(shift[top])), float(fit[top])
        if (normal := np.flatnonzero(np.abs(speed - 1) < 1e-6)).size:
            normal_fit = max(normal_fit, float(fit[normal].max()))
        speeds = np.clip(best[0] + np.append(np.arange(-4, 5) * 0.01 * reach, 1 - best[0]), SPEEDS[0], SPEEDS[-1])
        shifts = best[1] + np.arange(-4, 5) * _SHIFT_S / 2 * reach
    if best[0] != 1.0 and normal_fit >= _NORMAL_FITS * best_fit:
        shifts = np.arange(-20, 21) * _SHIFT_S / 5
        fit = _likeness_on(np.ones(len(shifts)), anchor_s + shifts - middle_s, time_s, asked, reference, likeness)[0]
        best = 1.0, float(shifts[int(np.argmax(fit))])
    return Line(best[0], anchor_s + best[1] - best[0] * middle_s)


def _instants(query: Track) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Times at which the query's picture is known, and the entries shown then: starts, and steps within entries that last."""
    steps = np.clip(((query.end_s - query.start_s) / _STEP_S).astype(np.int64), 1, _MAX_STEPS)
    entry = np.repeat(np.arange(len(query)), steps)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(steps) - steps, steps)
    return query.start_s[entry] + within * (query.end_s - query.start_s)[entry] / steps[entry], entry


def _likeness_on(
    speed: npt.ArrayLike,
    offset_s: npt.ArrayLike,
    time_s: npt.NDArray[np.float64],
    asked: npt.NDArray[np.int64],
    reference: Track,
    likeness: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of some lines: the sum of the likeness along each ``(lines,)``, and its mean over the lines at each time ``(k,)``."""
    known_s = np.asarray(speed)[:, None] * time_s[None, :] + np.asarray(offset_s)[:, None]
    entry = np.clip(np.searchsorted(reference.start_s, known_s + _EARLY_S, side="right") - 1, 0, len(reference) - 1)
    shown = (reference.start_s[entry] <= known_s + _EARLY_S) & (known_s <= reference.end_s[entry] + _EARLY_S)
    values = np.where(shown, likeness[asked[None, :], entry], 0.0)
    return values.sum(axis=1), values.mean(axis=0)


def moments_on(line: Line, query: Track, reference: Track, start_s: float, end_s: float, per_s: float = MOMENTS_PER_S) -> Moments:
    """Read both sides of a line from one query time to another, at least once."""
    count = max(1, round((end_s - start_s) * per_s))
    time_s = start_s + (np.arange(count) + 0.5) * (end_s - start_s) / count
    asked = np.searchsorted(query.start_s, time_s, side="right") - 1
    # An entry lasts to its end; the period after the last look is not measured exactly.
    asked[(asked < 0) | (query.end_s[asked] + SLACK_S < time_s)] = -1
    known_s = line.reference_time(time_s)
    at = np.searchsorted(reference.start_s, known_s, side="right") - 1
    known, distance = np.full(count, -1, np.int64), np.full(count, np.iinfo(np.int16).max, np.int16)
    # Looks on both sides are not in step: of the entry shown then and its neighbours the nearest within the slack counts.
    for shift in (0, -1, 1):
        entry = np.clip(at + shift, 0, len(reference) - 1)
        shown = (reference.start_s[entry] - SLACK_S <= known_s) & (known_s <= reference.end_s[entry] + SLACK_S)
        bits = paired_distances(query.hash[asked], reference.hash[entry])
        better = shown & (bits < distance) & (asked >= 0)
        known[better], distance[better] = entry[better], bits[better]
    return Moments(time_s, asked, known, distance)


def _stretches_on(line: Line, query: Track, reference: Track, radius: int, taken: list[Stretch]) -> list[Stretch]:
    """The runs along a line in which moments are alike, outside the stretches that are there already."""
    ends_s = (np.array([reference.start_s[0] - SLACK_S, reference.end_s[-1] + SLACK_S]) - line.offset_s) / line.speed
    start_s, end_s = max(float(query.start_s[0]), float(ends_s[0])), min(float(query.end_s[-1]), float(ends_s[1]))
    moments = moments_on(line, query, reference, start_s, max(start_s, end_s))
    votes = np.where(moments.seen, np.clip((radius - moments.distance) / ((1 - _FULL_VOTE) * radius), _LEAST_VOTE, 1), _UNSEEN)
    step_s = (max(start_s, end_s) - start_s) / len(votes)
    votes[_long_gaps(votes, round(GAP_S * MOMENTS_PER_S))] = -np.inf
    for stretch in taken:
        votes[(stretch.start_s <= moments.time_s) & (moments.time_s <= stretch.end_s)] = -np.inf
    found = []
    for first, last, weight in _best_runs(votes):
        begin_s, finish_s = start_s + first * step_s, start_s + last * step_s
        found.append(Stretch(line, begin_s, finish_s, moments.within(slice(first, last)), weight))
    return found


def _long_gaps(votes: npt.NDArray[np.float64], least: int) -> npt.NDArray[np.bool_]:
    """``(k,)`` the moments in runs of at least ``least`` without a vote for the line."""
    against = np.concatenate(([0], votes <= 0, [0])).astype(np.int8)
    first, last = np.flatnonzero(np.diff(against) == 1), np.flatnonzero(np.diff(against) == -1)
    gaps = np.zeros(len(votes), np.bool_)
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        gaps[begin:end] = end - begin >= least
    return gaps


def _best_runs(votes: npt.NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """The runs with the highest sums, disjoint, as (first, past-the-last, sum), of `MIN_RUN` and more; `MAX_STRETCHES` at most."""
    runs: list[tuple[int, int, float]] = []
    open_parts = [(0, len(votes))]
    while open_parts and len(runs) < MAX_STRETCHES:
        first, last = open_parts.pop(0)
        if last <= first:
            continue
        # Infinitely bad moments would leave sums that cannot be compared.
        sums = np.concatenate(([0.0], np.cumsum(np.maximum(votes[first:last], -1e6))))
        gains = sums - np.minimum.accumulate(sums)
        end = int(np.argmax(gains))
        if gains[end] < MIN_RUN:
            continue
        begin = int(np.argmin(sums[: end + 1]))
        runs.append((first + begin, first + end, float(gains[end])))
        open_parts += [(first, first + begin), (first + end, last)]
    return runs
