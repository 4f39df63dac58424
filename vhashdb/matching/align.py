"""Alignment: on which line ``reference time = speed × query time + offset`` do alike hashes agree, and where along it.

Every pair of alike entries votes for the offsets it allows, once for each speed of a grid; the offset on which most
*distinct* query entries agree wins. Along that line the agreeing entries are trimmed to runs, which become stretches.
Then the pairs that the stretch explains are taken out and the vote is repeated, so that pieces in another order or at
another speed are found too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.matching.pairs import Track

SPEEDS: Final = tuple(np.round(np.geomspace(0.5, 2.0, 41), 4).tolist())
"""Speeds tried: 0.5 to 2 in steps of 3.5 %; contains 1."""
NORMAL_SPEED_BONUS: Final = 1.12
"""Another speed must gather this many times the votes of normal speed: most copies are not sped up."""
SLACK_S: Final = 0.15
"""Half the widest gap between looks: how far off its line a pair may be."""
GAP_S: Final = 3.0
"""Query time without agreement that still belongs to one stretch."""
MIN_AGREEMENT: Final = 0.3
"""Share of the query's usable entries within a stretch that must agree."""
MAX_STRETCHES: Final = 12
_BIN_S: Final = 0.1
_MAX_BINS: Final = 200_000
_MAX_VOTES: Final = 4_000_000


@dataclass(frozen=True)
class Stretch:
    """A run of the query that lies on one line of the reference. Indices are into the tracks."""

    speed: float
    offset_s: float
    query: npt.NDArray[np.int64]
    """``(k,)`` the agreeing query entries, in order of time."""
    reference: npt.NDArray[np.int64]
    """``(k,)`` the reference entry nearest to each."""
    distance: npt.NDArray[np.int16]
    """``(k,)`` bits between them."""
    start_s: float
    end_s: float
    """Query time of the stretch."""

    def reference_time(self, query_s: float) -> float:
        """The reference second that a query second lies on."""
        return self.speed * query_s + self.offset_s


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
    """All stretches of the query that lie on the reference, strongest first.

    Args:
        query: ``n`` entries.
        reference: ``m`` entries.
        table: ``(n, m)`` distances in bits.
        radius: bits up to which two entries are alike.
    """
    rows, columns = np.nonzero(table <= radius)
    distance = table[rows, columns]
    alike = _Alike(rows, columns, distance, weight_of(distance, radius))
    stretches: list[Stretch] = []
    while len(alike.query) and len(stretches) < MAX_STRETCHES:
        line = _strongest_line(query, reference, alike)
        found = _stretches_on(line, query, reference, alike)
        if not found:
            break
        stretches += found
        taken = np.concatenate([s.query for s in found])
        alike = alike.where(~np.isin(alike.query, taken))
    stretches.sort(key=lambda s: -float(weight_of(s.distance, radius).sum()))
    return stretches[:MAX_STRETCHES]


def weight_of(distance: npt.NDArray[np.int16], radius: int) -> npt.NDArray[np.float64]:
    """What a pair's vote counts: close pairs far more, because in a calm video every pair is somewhat alike."""
    return np.asarray((1.0 - distance / (radius + 1.0)) ** 2)


def _strongest_line(query: Track, reference: Track, alike: _Alike) -> tuple[float, float]:
    """The (speed, offset) with the largest sum of weights over distinct query entries."""
    best, best_votes = (1.0, 0.0), -1.0
    # What all query entries can give at most, each with its best pair.
    most = np.zeros(len(query))
    np.maximum.at(most, alike.query, alike.weight)
    for speed in sorted(SPEEDS, key=lambda s: abs(np.log(s))):
        offset, votes = _vote(query, reference, alike, speed)
        if speed == 1.0:
            votes *= NORMAL_SPEED_BONUS
            if votes >= most.sum():  # no other speed can have more
                return _refine(query, reference, alike, speed, offset)
        if votes > best_votes + 1e-9:
            best, best_votes = (speed, offset), votes
    return _refine(query, reference, alike, *best)


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


def _refine(query: Track, reference: Track, alike: _Alike, speed: float, offset: float) -> tuple[float, float]:
    """Fit the line to the pairs near it; keep normal speed where it fits as well."""
    for _ in range(3):
        low, high = _allowed(query, reference, alike, speed)
        near = alike.where((low <= offset) & (offset <= high))
        if len(np.unique(near.query)) < 4:
            return speed, offset
        query_s = (query.start_s[near.query] + query.end_s[near.query]) / 2
        line_s = speed * query_s + offset
        reference_s = np.clip(line_s, reference.start_s[near.reference], reference.end_s[near.reference])
        # Short entries pin the time down, long ones hardly do.
        lasting = reference.end_s[near.reference] - reference.start_s[near.reference]
        weight = near.weight / (0.1 + lasting)
        if speed == 1.0:
            offset = float(np.average(reference_s - query_s, weights=weight))
            continue
        centre_q, centre_r = np.average(query_s, weights=weight), np.average(reference_s, weights=weight)
        spread = float(np.average((query_s - centre_q) ** 2, weights=weight))
        if spread < 0.25:
            return speed, offset
        slope = float(np.average((query_s - centre_q) * (reference_s - centre_r), weights=weight)) / spread
        speed = float(np.clip(slope, SPEEDS[0], SPEEDS[-1]))
        offset = float(centre_r - speed * centre_q)
    return speed, offset


def _stretches_on(line: tuple[float, float], query: Track, reference: Track, alike: _Alike) -> list[Stretch]:
    """Runs of query entries that lie on the line."""
    speed, offset = line
    low, high = _allowed(query, reference, alike, speed)
    on = alike.where((low <= offset) & (offset <= high))
    if not len(on.query):
        return []
    on = on.where(np.lexsort((on.distance, on.query)))
    on = on.where(np.concatenate(([True], on.query[1:] != on.query[:-1])))  # the nearest pair of each query entry
    breaks = np.flatnonzero(query.start_s[on.query[1:]] - query.end_s[on.query[:-1]] > GAP_S) + 1
    found = []
    for run in np.split(np.arange(len(on.query)), breaks):
        entries = on.query[run]
        within = int(entries[-1] - entries[0]) + 1
        if len(entries) < MIN_AGREEMENT * within:
            continue
        start_s, end_s = float(query.start_s[entries[0]]), float(query.end_s[entries[-1]])
        found.append(Stretch(speed, offset, entries, on.reference[run], on.distance[run], start_s, end_s))
    return found
