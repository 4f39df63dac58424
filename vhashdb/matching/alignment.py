"""Temporal alignment: on which transform ``reference time = speed × query time + offset`` alike hashes agree, and where along it.

Every pair of alike entries votes for the offsets it allows, once for each speed of a grid; the offset on which most *distinct*
query entries agree wins (temporal Hough voting: Douze, Jégou & Schmid, "An image-based approach to video copy detection with
spatio-temporal post-filtering", IEEE Transactions on Multimedia, 2010). Along that transform both sides are then sampled on a
clock: samples that are alike speak for it, samples that are not speak against it, and the runs with the highest sums become
segments, so that they begin and end where the likeness does (maximum-scoring subsequences, in the sense of Ruzzo & Tompa,
ISMB 1999, cut out one after the other). Then the pairs that the segments explain are taken out and the vote is repeated, so that
pieces in another order or at another speed are found too.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import paired_distances
from vhashdb.intervals import Spans
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.view_pairs import HashSequence

_SHARPER: Final = (1.0, 0.5, 0.25)
"""A transform is refined in rounds, each finer than the one before; a bound on work."""
_SPEED_STEP: Final = 0.01
"""A resolution."""
_MAX_STEPS: Final = 40
"""Steps within one entry that lasts, when a transform is refined; a bound on work."""
_MAX_BINS: Final = 200_000
_MAX_VOTES: Final = 4_000_000
"""Bounds on memory: of more votes every k-th counts."""


@dataclass(frozen=True)
class TemporalTransform:
    """``reference time = speed × query time + offset``."""

    speed: float
    offset_s: float

    def reference_time(self, query_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the reference seconds that query seconds lie on."""
        return self.speed * query_s + self.offset_s


@dataclass(frozen=True)
class TimeSamples:
    """Both sides of a temporal transform, sampled on a clock. Indices are into the tracks; −1 where a side shows nothing usable."""

    time_s: npt.NDArray[np.float64]
    """``(k,)`` query time."""
    query: npt.NDArray[np.int64]
    """``(k,)`` the query entry shown at that time."""
    reference: npt.NDArray[np.int64]
    """``(k,)`` the nearest reference entry within the slack."""
    distance: npt.NDArray[np.int16]
    """``(k,)`` bits between them."""

    def within(self, rows: slice) -> TimeSamples:
        """Return some consecutive samples."""
        return TimeSamples(self.time_s[rows], self.query[rows], self.reference[rows], self.distance[rows])

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """``(k,)`` which of them both sides show."""
        return np.asarray((self.query >= 0) & (self.reference >= 0))


@dataclass(frozen=True)
class AlignedSegment:
    """A run of the query that lies on one temporal transform to the reference, before its evidence is measured."""

    transform: TemporalTransform
    start_s: float
    end_s: float
    """Query time of the segment."""
    samples: TimeSamples
    """All of them, alike or not."""
    weight: float
    """Sum of their votes."""

    @property
    def reference_s(self) -> tuple[float, float]:
        """Reference time of the segment."""
        first, last = self.transform.reference_time(np.array([self.start_s, self.end_s])).tolist()
        return first, last

    def outside(self, spans: Spans, radius_bits: int) -> list[AlignedSegment]:
        """Return what is left of it outside some spans of the query; each piece begins and ends with an alike sample."""
        time_s, samples = self.samples.time_s, self.samples
        left = ~np.any([(start_s <= time_s) & (time_s <= end_s) for start_s, end_s in spans], axis=0)
        alike = samples.seen & (samples.distance <= radius_bits)
        step_s = (self.end_s - self.start_s) / len(time_s)
        pieces = []
        for rows in _runs(left):
            if (kept := np.flatnonzero(alike[rows])).size:
                first, last = rows.start + int(kept[0]), rows.start + int(kept[-1]) + 1
                start_s, end_s = self.start_s + first * step_s, self.start_s + last * step_s
                pieces.append(AlignedSegment(self.transform, start_s, end_s, samples.within(slice(first, last)), self.weight))
        return pieces


@dataclass(frozen=True)
class Alignment:
    """What was found between two tracks, and how much there was to find it in."""

    segments: tuple[AlignedSegment, ...]
    """Strongest first."""
    alike: int
    """Pairs of entries that are alike, on a transform or not."""
    votes: float
    """What the strongest transform has: for each query entry that agrees on it, the weight of its best pair there, at most 1."""
    most_votes: float
    """What a transform could have if every query entry with an alike pair agreed on it."""


@dataclass(frozen=True)
class _Alike:
    """Alike pairs, one row each."""

    query: npt.NDArray[np.int64]
    reference: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int16]
    weight: npt.NDArray[np.float64]

    def where(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> _Alike:
        return _Alike(self.query[rows], self.reference[rows], self.distance[rows], self.weight[rows])


def align(query: HashSequence, reference: HashSequence, table: npt.NDArray[np.int16], config: MatchingConfig) -> Alignment:
    """Find all segments of the query that lie on the reference.

    Args:
        query: ``n`` entries.
        reference: ``m`` entries.
        table: ``(n, m)`` distances in bits.
        config: for the algorithm of both.
    """
    radius = round(config.align_radius_bits)
    rows, columns = np.nonzero(table <= radius)
    distance = table[rows, columns]
    alike = _Alike(rows, columns, distance, weight_of(distance, radius))
    likeness = np.clip(1 - table / np.float32(radius), 0, 1).astype(np.float32)
    segments: list[AlignedSegment] = []
    strongest, most_votes = 0.0, float(_most_votes(query, alike))
    while len(alike.query) and len(segments) < config.max_segments:
        transform, votes = _strongest(query, reference, alike, config)
        transform = _refined(transform, query, reference, alike, likeness, config)
        strongest = max(strongest, votes)
        found = _segments_on(transform, query, reference, segments, config)
        if not found:
            break
        segments += found
        middle = (query.start_s[alike.query] + query.end_s[alike.query]) / 2
        alike = alike.where(~np.logical_or.reduce([(s.start_s <= middle) & (middle <= s.end_s) for s in found]))
    ordered = tuple(sorted(segments, key=lambda s: -s.weight)[: config.max_segments])
    return Alignment(ordered, len(rows), strongest, most_votes)


def weight_of(distance: npt.NDArray[np.int16], radius: int) -> npt.NDArray[np.float64]:
    """Weigh the vote of a pair: close pairs count far more, because in a calm video every pair is somewhat alike."""
    return np.asarray((1.0 - distance / (radius + 1.0)) ** 2)


def _most_votes(query: HashSequence, alike: _Alike) -> float:
    """What all query entries can give at most, each with its best pair."""
    most = np.zeros(len(query))
    np.maximum.at(most, alike.query, alike.weight)
    return float(most.sum())


def _strongest(query: HashSequence, reference: HashSequence, alike: _Alike, config: MatchingConfig) -> tuple[TemporalTransform, float]:
    """The transform with the largest sum of weights over distinct query entries, and that sum."""
    best, best_votes, agreed = (1.0, 0.0), -1.0, 0.0
    most = _most_votes(query, alike)
    for speed in _nearest_normal_first(config.speeds):
        offset, sum_of_weights = _vote(query, reference, alike, speed, config)
        votes = sum_of_weights
        if speed == 1.0:
            votes *= config.normal_speed_bonus
            if votes >= most:  # no other speed can have more
                return TemporalTransform(speed, offset), sum_of_weights
        if votes > best_votes + 1e-9:
            best, best_votes, agreed = (speed, offset), votes, sum_of_weights
    return TemporalTransform(*best), agreed


@functools.cache
def _nearest_normal_first(speeds: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(speeds, key=lambda speed: abs(np.log(speed))))


def _allowed(
    query: HashSequence, reference: HashSequence, alike: _Alike, speed: float, slack_s: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each pair, the lowest and highest offset at which its two entries overlap in time."""
    low = reference.start_s[alike.reference] - speed * query.end_s[alike.query] - slack_s
    high = reference.end_s[alike.reference] - speed * query.start_s[alike.query] + slack_s
    return low, high


def _vote(query: HashSequence, reference: HashSequence, alike: _Alike, speed: float, config: MatchingConfig) -> tuple[float, float]:
    """The most agreed offset at one speed, and the weight that agrees on it."""
    low, high = _allowed(query, reference, alike, speed, config.slack_s)
    origin = float(low.min())
    width = max(config.vote_bin_s, (float(high.max()) - origin) / _MAX_BINS)
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


def _refined(
    transform: TemporalTransform,
    query: HashSequence,
    reference: HashSequence,
    alike: _Alike,
    likeness: npt.NDArray[np.float32],
    config: MatchingConfig,
) -> TemporalTransform:
    """The transform in the neighbourhood of one that fits best, from all speeds at first; normal speed if it fits as well.

    ``likeness`` ``(n, m)`` is 0…1. What counts is the likeness of what both sides show at each entry's start, and at
    steps within entries that last, so nothing has to be looked up but the table.
    """
    low, high = _allowed(query, reference, alike, transform.speed, config.slack_s)
    bin_s, shift_s = config.vote_bin_s, config.shift_s
    on = alike.query[(low <= transform.offset_s + bin_s) & (transform.offset_s - bin_s <= high)]
    if not len(on):  # very long videos are voted on in wider bins
        return transform
    first_s, last_s = float(query.start_s[on].min()), float(query.end_s[on].max())
    beyond_s = config.refine_beyond * (last_s - first_s)
    time_s, asked = instants(query, config.refine_step_s)
    near = (first_s - beyond_s <= time_s) & (time_s <= last_s + beyond_s)
    time_s, asked = time_s[near], asked[near]
    lag_s = config.reference_lag_s
    (weights,) = likeness_on([transform.speed], [transform.offset_s], time_s, asked, reference, likeness, lag_s)
    middle_s = float(np.average(time_s, weights=weights + 1e-9))
    anchor_s = transform.speed * middle_s + transform.offset_s
    speeds, shifts = np.array(config.speeds), np.arange(-2, 3) * shift_s
    best, best_fit, normal_fit = (transform.speed, 0.0), -1.0, -1.0
    for reach in _SHARPER:
        speed, shift = np.repeat(speeds, len(shifts)), np.tile(shifts, len(speeds))
        fit = likeness_on(speed, anchor_s + shift - speed * middle_s, time_s, asked, reference, likeness, lag_s).sum(axis=1)
        top = int(np.argmax(fit))
        if fit[top] > best_fit:
            best, best_fit = (float(speed[top]), float(shift[top])), float(fit[top])
        if (normal := np.flatnonzero(np.abs(speed - 1) < 1e-6)).size:
            normal_fit = max(normal_fit, float(fit[normal].max()))
        nearby = np.append(best[0] + np.arange(-4, 5) * _SPEED_STEP * reach, 1.0)
        speeds = np.clip(nearby, config.min_speed, config.max_speed)
        shifts = best[1] + np.arange(-4, 5) * shift_s / 2 * reach
    if best[0] != 1.0 and normal_fit >= config.normal_speed_fit * best_fit:
        shifts = np.arange(-20, 21) * shift_s / 5
        fit = likeness_on(np.ones(len(shifts)), anchor_s + shifts - middle_s, time_s, asked, reference, likeness, lag_s).sum(axis=1)
        best = 1.0, float(shifts[int(np.argmax(fit))])
    return TemporalTransform(best[0], anchor_s + best[1] - best[0] * middle_s)


def instants(query: HashSequence, step_s: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return times at which the query's picture is known, and the entries shown then: starts, and steps within entries that last."""
    steps = np.clip(((query.end_s - query.start_s) / step_s).astype(np.int64), 1, _MAX_STEPS)
    entry = np.repeat(np.arange(len(query)), steps)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(steps) - steps, steps)
    return query.start_s[entry] + within * (query.end_s - query.start_s)[entry] / steps[entry], entry


def likeness_on(
    speed: npt.ArrayLike,
    offset_s: npt.ArrayLike,
    time_s: npt.NDArray[np.float64],
    asked: npt.NDArray[np.int64],
    reference: HashSequence,
    likeness: npt.NDArray[np.float32],
    lag_s: float,
) -> npt.NDArray[np.float32]:
    """Return the likeness along some transforms, at each time ``(transforms, k)``."""
    known_s = np.asarray(speed)[:, None] * time_s[None, :] + np.asarray(offset_s)[:, None]
    entry = np.searchsorted(reference.start_s, known_s + lag_s, side="right") - 1
    shown = (entry >= 0) & (known_s <= (reference.end_s + lag_s)[entry])
    entry += asked * len(reference)
    values: npt.NDArray[np.float32] = likeness.ravel().take(entry)  # whatever it is before the first entry, where it does not count
    values[~shown] = 0
    return values


def samples_along(
    transform: TemporalTransform, query: HashSequence, reference: HashSequence, start_s: float, end_s: float, config: MatchingConfig
) -> TimeSamples:
    """Sample both sides of a transform from one query time to another, at least once."""
    slack_s = config.slack_s
    count = max(1, round((end_s - start_s) * config.samples_per_s))
    time_s = start_s + (np.arange(count) + 0.5) * (end_s - start_s) / count
    asked = np.searchsorted(query.start_s, time_s, side="right") - 1
    # An entry lasts to its end; the period after the last sampled frame is not measured exactly.
    asked[(asked < 0) | (query.end_s[asked] + slack_s < time_s)] = -1
    known_s = transform.reference_time(time_s)
    at = np.searchsorted(reference.start_s, known_s, side="right") - 1
    known, distance = np.full(count, -1, np.int64), np.full(count, np.iinfo(np.int16).max, np.int16)
    # Both sides are not sampled at the same times: of the entry shown then and its neighbours the nearest within the slack counts.
    for shift in (0, -1, 1):
        entry = np.clip(at + shift, 0, len(reference) - 1)
        shown = (reference.start_s[entry] - slack_s <= known_s) & (known_s <= reference.end_s[entry] + slack_s)
        bits = paired_distances(query.hash[asked], reference.hash[entry])
        better = shown & (bits < distance) & (asked >= 0)
        known[better], distance[better] = entry[better], bits[better]
    return TimeSamples(time_s, asked, known, distance)


def _segments_on(
    transform: TemporalTransform, query: HashSequence, reference: HashSequence, taken: list[AlignedSegment], config: MatchingConfig
) -> list[AlignedSegment]:
    """The runs along a transform in which samples are alike, outside the segments that are there already."""
    slack_s, radius = config.slack_s, round(config.align_radius_bits)
    ends_s = (np.array([reference.start_s[0] - slack_s, reference.end_s[-1] + slack_s]) - transform.offset_s) / transform.speed
    start_s, end_s = max(float(query.start_s[0]), float(ends_s[0])), min(float(query.end_s[-1]), float(ends_s[1]))
    samples = samples_along(transform, query, reference, start_s, max(start_s, end_s), config)
    alike = np.clip((radius - samples.distance) / ((1 - config.full_vote) * radius), config.least_vote, 1)
    votes = np.where(samples.seen, alike, config.unseen_vote)
    step_s = (max(start_s, end_s) - start_s) / len(votes)
    votes[_long_gaps(votes, round(config.max_gap_s * config.samples_per_s))] = -np.inf
    for segment in taken:
        votes[(segment.start_s <= samples.time_s) & (samples.time_s <= segment.end_s)] = -np.inf
    found = []
    for first, last, weight in _best_runs(votes, config):
        begin_s, finish_s = start_s + first * step_s, start_s + last * step_s
        found.append(AlignedSegment(transform, begin_s, finish_s, samples.within(slice(first, last)), weight))
    return found


def _long_gaps(votes: npt.NDArray[np.float64], least: int) -> npt.NDArray[np.bool_]:
    """``(k,)`` the samples in runs of at least ``least`` without a vote for the transform."""
    gaps = np.zeros(len(votes), np.bool_)
    for rows in _runs(votes <= 0):
        gaps[rows] = rows.stop - rows.start >= least
    return gaps


def _runs(true: npt.NDArray[np.bool_]) -> list[slice]:
    """The runs of consecutive rows that are true."""
    edges = np.diff(np.concatenate(([0], true, [0])).astype(np.int8))
    return [
        slice(first, last) for first, last in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    ]


def _best_runs(votes: npt.NDArray[np.float64], config: MatchingConfig) -> list[tuple[int, int, float]]:
    """The runs with the highest sums, disjoint, as (first, past-the-last, sum)."""
    runs: list[tuple[int, int, float]] = []
    open_parts = [(0, len(votes))]
    while open_parts and len(runs) < config.max_segments:
        first, last = open_parts.pop(0)
        if last <= first:
            continue
        # Infinitely bad samples would leave sums that cannot be compared.
        sums = np.concatenate(([0.0], np.cumsum(np.maximum(votes[first:last], -1e6))))
        gains = sums - np.minimum.accumulate(sums)
        end = int(np.argmax(gains))
        if gains[end] < config.min_run:
            continue
        begin = int(np.argmin(sums[: end + 1]))
        runs.append((first + begin, first + end, float(gains[end])))
        open_parts += [(first, first + begin), (first + end, last)]
    return runs
