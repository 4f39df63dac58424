"""Align the sound of two files: stretches of one that lie on a line of time with stretches of the other, at any speed and pitch.

Two landmarks with the same shape are a *hit*; it says by how much pitch and speed would differ, were one a copy of the other. Hits
of a copy agree in both and lie on one line of time. Hits by chance lie anywhere, but some line always has a few, above all where any
speed and pitch may be tried and much is alike: so many are taken off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from vhashdb.matching.config import SoundConfig
from vhashdb.sound import FRAME_S, SoundFingerprint
from vhashdb.sound.landmarks import BANDS_PER_SEMITONE, CLASS_BITS, PARTS

_Seconds = TypeVar("_Seconds", float, npt.NDArray[np.float64])

MOMENT_S: Final = 0.5
"""Seconds in which hits count once. Derived: three peaks of one sound make many landmarks, and all of them agree or none."""
_SEMITONES: Final = 4.5
"""Semitones by which a copy may be higher or lower. Derived: what neighbouring keys reach."""
_SPEED_STEP: Final = 0.03
_SPEEDS: Final = np.arange(-9, 10) * _SPEED_STEP
"""Speeds that are tried at first, as logarithms: between two of them a line leaves its place by a few tenths of a second in `_WINDOW_S`."""
_SLOWEST, _FASTEST = 0.77, 1.3
"""Speeds of a copy, at most. Derived: what neighbouring keys reach."""
_LENGTHS: Final = 0.12
"""How far the logarithm of two landmarks' lengths may be from that of a speed. Engineering bound: a frame more or less."""
_LENGTHS_AT_FIRST: Final = 0.06
"""The same while lines are looked for. Engineering bound: most landmarks are as near, and each votes for few speeds."""
_FEWEST: Final = 3
"""Hits through which a line is fitted, at least. Engineering bound."""
_WINDOW_S: Final = 20.0
"""Seconds of the query in which a line is looked for at first. Engineering bound."""
_PLACE_S: Final = 0.6
"""Seconds within which hits support one line at first. Engineering bound."""
_NEAR_S: Final = 0.1
"""Seconds from a line within which a hit is on it. Derived: three frames."""
_ALIKE_BANDS: Final = 1.5
"""Bands from a line's pitch within which a hit is on it. Measured: `bench.sound`."""
_EXACTLY_S: Final = 1.5 * FRAME_S
"""The same where nothing but the beginning differs. Measured: nine in ten of what a copy at the same speed and pitch has in common agrees
to a frame, half a band and `_EXACT_LENGTHS`; of what is alike by chance, a third of what is within the wider bounds."""
_EXACTLY_BANDS: Final = 0.5
_EXACT_LENGTHS: Final = 0.06
_SEEDS: Final = 4
"""Lines that are followed of those that have the most support. Engineering bound."""
_EXACT_SEEDS: Final = 2
"""The same of those that change neither speed nor pitch. Engineering bound."""
_FARTHEST_BANDS: Final = 16
"""Bands that are told apart. Derived: more than `_SEMITONES`."""
_FARTHEST_PLACE: Final = 1 << 24
"""Places that are told apart. Derived: more than a file can be long."""
_ROUNDS: Final = 4
"""Times that a line is fitted to the hits on it. Engineering bound."""
_SAME_SPEED: Final = 0.012
"""How far a speed may be from 1 that is taken for it. Engineering bound: what a line through a few seconds is sure to."""
_NORMAL_SPEED_FIT: Final = 0.9
"""Share of the hits on a line at nearly normal speed at which normal speed is taken. Measured: `bench.sound`, where copies are placed: what
is heard of one under another sound is too little to fit a speed to."""
_SAME_SEMITONES: Final = 0.4
"""Semitones that are taken for none. Engineering bound: a band and a half, rounded."""
_LINES: Final = 12
"""Lines that are followed in two files. Engineering bound: pieces of a sound that was cut."""


@dataclass(frozen=True)
class SoundSegment:
    """A stretch of the query that sounds like a stretch of a reference."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    """How many times as fast as the reference the query is played."""
    semitones: float
    """By how many semitones the query is higher."""
    landmarks: int
    """Landmarks of the reference that the query has on this line."""
    moments: int
    """Half seconds of the query with such landmarks."""
    evidence: float
    """``moments · ln(1 + shapes / moments)``, less what chance gives the best of the lines that are tried; a beat of few notes is of few
    shapes, however often it is heard."""

    @property
    def length_s(self) -> float:
        """Seconds of the query."""
        return self.query_end_s - self.query_start_s

    def reference_at(self, query_s: _Seconds) -> _Seconds:
        """Return the second of the reference that is heard at one of the query's."""
        return self.reference_start_s + (query_s - self.query_start_s) * self.speed

    @property
    def other_speed(self) -> bool:
        """Whether the speed is another, as precisely as it can be measured."""
        return abs(self.speed - 1) > _SAME_SPEED

    @property
    def other_pitch(self) -> bool:
        """The same of the pitch."""
        return abs(self.semitones) > _SAME_SEMITONES

    @property
    def unchanged(self) -> bool:
        """Whether neither speed nor pitch differs."""
        return is_unchanged(self.speed, self.semitones)


def is_unchanged(speed: float, semitones: float) -> bool:
    """Return whether a speed and a difference of pitch are none, as precisely as they can be measured."""
    return abs(speed - 1) <= _SAME_SPEED and abs(semitones) <= _SAME_SEMITONES


@dataclass(frozen=True)
class _Hits:
    """Hits of two fingerprints, as columns ``(n,)``, ordered by the query's time."""

    query_s: npt.NDArray[np.float64]
    reference_s: npt.NDArray[np.float64]
    bands: npt.NDArray[np.float64]
    """By how much the query's is higher."""
    speed: npt.NDArray[np.float64]
    """The logarithm of how much longer the reference's lasts."""
    shape: npt.NDArray[np.int64]
    """Of both."""
    landmark: npt.NDArray[np.int64]
    """Which of the reference's it is."""

    def __len__(self) -> int:
        return len(self.query_s)

    def only(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> _Hits:
        return _Hits(
            self.query_s[which], self.reference_s[which], self.bands[which], self.speed[which], self.shape[which], self.landmark[which]
        )


@dataclass(frozen=True)
class _Line:
    """Where a copy of the reference would be heard."""

    speed: float
    start_s: float
    """Of the reference, when the query begins."""
    bands: float
    exact: bool = False
    """Whether neither speed nor pitch differs, so that hits have to lie closer."""

    @property
    def semitones(self) -> float:
        """By how many semitones the query is higher."""
        return self.bands / BANDS_PER_SEMITONE

    def at(self, query_s: float) -> float:
        """Return the reference's second that is heard at one of the query's."""
        return self.start_s + self.speed * query_s

    def away(self, hits: _Hits) -> npt.NDArray[np.float64]:
        """``(n,)`` seconds of the reference from the line to each hit."""
        return hits.reference_s - self.start_s - self.speed * hits.query_s

    def fits(self, hits: _Hits) -> npt.NDArray[np.bool_]:
        """``(n,)`` whether pitch and speed of each hit are the line's."""
        if self.exact:
            return (np.abs(hits.bands) <= _EXACTLY_BANDS) & (np.abs(hits.speed) <= _EXACT_LENGTHS)
        return (np.abs(hits.bands - self.bands) <= _ALIKE_BANDS) & (np.abs(hits.speed - math.log(self.speed)) <= _LENGTHS)

    def on_it(self, hits: _Hits) -> npt.NDArray[np.int64]:
        """``(n,)`` which hits are on the line."""
        return np.flatnonzero(self.fits(hits) & (np.abs(self.away(hits)) <= (_EXACTLY_S if self.exact else _NEAR_S)))


@dataclass(frozen=True)
class _Chance:
    """What chance gives the best line between two sounds."""

    unchanged: float
    changed: float

    @classmethod
    def of(cls, hits: int, area_s2: float, config: SoundConfig) -> _Chance:
        """``area_s2``: seconds of one sound times those of the other."""
        density = hits / max(area_s2, 1.0)
        larger = math.log(max(1.0, area_s2 / config.chance_area_s2))
        return cls(
            config.chance_unchanged + config.chance_unchanged_density * density + larger,
            config.chance_changed + config.chance_changed_density * density + larger,
        )

    def of_line(self, line: _Line) -> float:
        return self.unchanged if line.exact else self.changed


def align_sound(query: SoundFingerprint, reference: SoundFingerprint, config: SoundConfig) -> tuple[SoundSegment, ...]:
    """Return the stretches in which the query sounds like the reference, those with the most evidence first.

    Args:
        query: made with more detail than the reference, or with as much.
        reference: what a database holds.
        config: thresholds.
    """
    if query.spec != reference.spec:
        return ()
    hits, found = _hits_of(query, reference), []
    chance = _Chance.of(len(hits), query.duration_s * reference.duration_s, config)
    for _ in range(_LINES):
        best: tuple[SoundSegment, npt.NDArray[np.bool_]] | None = None
        for line in (*_exact_lines(hits), *(_fitted(seed, hits) for seed in _seeds(hits))):
            for segment, on_it in _stretches(line, hits, chance, config):
                if segment.evidence >= config.least_evidence and (best is None or segment.evidence > best[0].evidence):
                    best = segment, on_it
        if best is None:
            break
        found.append(best[0])
        hits = hits.only(~best[1])
    return tuple(sorted(found, key=lambda segment: -segment.evidence))


def _hits_of(query: SoundFingerprint, reference: SoundFingerprint) -> _Hits:
    shape = reference.key >> 2 * CLASS_BITS
    order = np.argsort(shape, kind="stable")
    shape = shape[order]
    asked = query.key >> 2 * CLASS_BITS
    first, stop = np.searchsorted(shape, asked, "left"), np.searchsorted(shape, asked, "right")
    count = stop - first
    of_query = np.repeat(np.arange(len(asked)), count)
    of_reference = order[np.repeat(first - (np.cumsum(count) - count), count) + np.arange(len(of_query))]
    bands = (query.pitch[of_query] - reference.pitch[of_reference]) / PARTS
    speed = np.log(reference.span[of_reference] / query.span[of_query])
    near = (np.abs(bands) <= _SEMITONES * BANDS_PER_SEMITONE) & (np.abs(speed) <= _SPEEDS[-1] + _LENGTHS)
    of_query, of_reference = of_query[near], of_reference[near]
    query_s, reference_s = query.frame[of_query] * FRAME_S, reference.frame[of_reference] * FRAME_S
    return _Hits(query_s, reference_s, bands[near], speed[near], asked[of_query], of_reference)


def _seeds(hits: _Hits) -> list[_Line]:
    """Return the lines with the most hits in some `_WINDOW_S`, roughly, and the one with the most that changes neither speed nor pitch."""
    if not len(hits):
        return []
    hit, tried = np.nonzero(np.abs(hits.speed[:, None] - _SPEEDS) <= _LENGTHS_AT_FIRST)
    if not len(hit):
        return []
    half, bands = (hits.query_s[hit] // (_WINDOW_S / 2)).astype(np.int64), np.round(hits.bands[hit]).astype(np.int64)
    shape = (int(half.max()) + 2, len(_SPEEDS), 2 * _FARTHEST_BANDS, 2 * _FARTHEST_PLACE)
    cells = []
    for window in (half, half - 1):  # each hit is in two windows, one of which has all hits of a short line
        place = (hits.reference_s[hit] - np.exp(_SPEEDS[tried]) * (hits.query_s[hit] - window * (_WINDOW_S / 2))) / _PLACE_S
        columns = (window + 1, tried, bands + _FARTHEST_BANDS, np.floor(place).astype(np.int64) + _FARTHEST_PLACE)
        cells.append(np.ravel_multi_index(columns, shape))
    cell, votes = count_values(np.concatenate(cells))
    # In two places side by side, as a line may lie at the edge of one.
    beside = np.append(np.diff(cell) == 1, False)
    votes = votes + np.where(beside, np.append(votes[1:], 0), 0)
    window, tried, bands, place = np.unravel_index(cell, shape)
    plain = np.flatnonzero((np.abs(_SPEEDS[tried]) < _SPEED_STEP / 2) & (bands == _FARTHEST_BANDS))
    best = [*np.argsort(-votes, kind="stable")[:_SEEDS].tolist(), *plain[np.argsort(-votes[plain], kind="stable")[:1]].tolist()]
    best = list(dict.fromkeys(best))
    speed = np.exp(_SPEEDS[tried[best]])
    middle = place[best] - _FARTHEST_PLACE + np.where(beside[best], 1.0, 0.5)
    start_s = middle * _PLACE_S - speed * (window[best] - 1) * (_WINDOW_S / 2)
    return [
        _Line(*values) for values in zip(speed.tolist(), start_s.tolist(), (bands[best] - float(_FARTHEST_BANDS)).tolist(), strict=True)
    ]


def _exact_lines(hits: _Hits) -> list[_Line]:
    """Return the lines at the same speed and pitch on which hits of the most half seconds of some `_WINDOW_S` lie closely."""
    near = hits.only(np.flatnonzero(_Line(1.0, 0.0, 0.0, exact=True).fits(hits)))
    if not len(near):
        return []
    later_s = near.reference_s - near.query_s
    half, place = (near.query_s // (_WINDOW_S / 2)).astype(np.int64), np.round(later_s / FRAME_S).astype(np.int64) + _FARTHEST_PLACE
    moment, shape = (near.query_s // MOMENT_S).astype(np.int64), (int(half.max()) + 2, 2 * _FARTHEST_PLACE)
    moments = int(moment.max()) + 1
    cells = [np.ravel_multi_index((window + 1, place + to), shape) * moments + moment for window in (half, half - 1) for to in (-1, 0, 1)]
    cell, votes = count_values(count_values(np.concatenate(cells))[0] // moments)
    places = dict.fromkeys((cell[np.argsort(-votes, kind="stable")[: 3 * _EXACT_SEEDS]] % (2 * _FARTHEST_PLACE)).tolist())
    lines: list[_Line] = []
    for start_s in ((each - _FARTHEST_PLACE) * FRAME_S for each in places):
        if all(abs(start_s - other.start_s) > _NEAR_S for other in lines) and len(lines) < _EXACT_SEEDS:
            on_it = np.abs(later_s - start_s) <= _EXACTLY_S
            lines.append(_Line(1.0, float(later_s[on_it].mean()), 0.0, exact=True))
    return lines


def count_values(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the different values in order, and how often there is each, as `numpy.unique` does in several times the time."""
    values = np.sort(values)
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    return values[first], np.diff(first, append=len(values))


def _fitted(line: _Line, hits: _Hits) -> _Line:
    """Fit a line to the hits on it, more closely each time."""
    hits = hits.only(np.flatnonzero(np.abs(hits.bands - line.bands) <= 2 * _ALIKE_BANDS))
    reach_s = _PLACE_S
    for _ in range(_ROUNDS):
        near = np.flatnonzero(line.fits(hits) & (np.abs(line.away(hits)) <= reach_s))
        if len(near) < _FEWEST:
            return line
        at_s, there_s = hits.query_s[near], hits.reference_s[near]
        middle_s, speed = at_s.mean(), line.speed
        spread = float(((at_s - middle_s) ** 2).sum())
        if spread > len(near) * MOMENT_S**2:
            slope = float(((at_s - middle_s) * there_s).sum()) / spread
            speed = slope if _SLOWEST <= slope <= _FASTEST else speed
        line = _Line(speed, float(there_s.mean() - speed * middle_s), float(np.median(hits.bands[near])))
        reach_s = max(_NEAR_S, reach_s / 2)
    return _at_normal_speed(line, hits) if abs(line.speed - 1) <= _SAME_SPEED else line


def _at_normal_speed(line: _Line, hits: _Hits) -> _Line:
    """Return the line at the speed that it may have but for its fit, if nearly as many hits are on it, or else the line."""
    on_line = line.on_it(hits)
    if not len(on_line):
        return line
    plain = _Line(1.0, float((hits.reference_s[on_line] - hits.query_s[on_line]).mean()), line.bands)
    return plain if len(plain.on_it(hits)) >= _NORMAL_SPEED_FIT * len(on_line) else line


def _stretches(line: _Line, hits: _Hits, chance: _Chance, config: SoundConfig) -> Iterator[tuple[SoundSegment, npt.NDArray[np.bool_]]]:
    """Yield the stretches of a line without long gaps, each with the hits on it."""
    on_line = line.on_it(hits)
    # What lies less closely belongs to it too, and is not found again.
    its = replace(line, exact=False).on_it(hits)
    longest_gap_s = config.longest_unchanged_gap_s if line.exact else config.longest_gap_s
    breaks = np.flatnonzero(np.diff(hits.query_s[on_line]) > longest_gap_s) + 1
    for part in np.split(on_line, breaks):
        moments = len(np.unique(hits.query_s[part] // MOMENT_S))
        if moments < config.least_moments:
            continue
        start_s, end_s = float(hits.query_s[part[0]]), float(hits.query_s[part[-1]]) + FRAME_S
        landmarks, shapes = len(np.unique(hits.landmark[part])), len(np.unique(hits.shape[part]))
        on_it = np.zeros(len(hits), np.bool_)
        on_it[its[(hits.query_s[its] >= start_s) & (hits.query_s[its] <= end_s)]] = True
        yield (
            SoundSegment(
                start_s, end_s, max(0.0, line.at(start_s)), max(0.0, line.at(end_s)), line.speed, line.semitones, landmarks, moments,
                moments * math.log1p(shapes / moments) - chance.of_line(line),
            ),
            on_it,
        )  # fmt: skip
