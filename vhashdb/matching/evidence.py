"""The evidence of one aligned segment: does what both sides show agree, and does it *change* alike?

A fixed camera makes different footage of one place look alike, frame by frame; what tells a copy apart is that it changes
alike. Subtract from the bits at each time their mean over the segment, on both sides, and correlate what is left. It needs
nothing but the stored hashes. Evidence has two parts:

* **Motion**: ``(c − 2) · −ln(1 − r²)``, more where it lasts. ``r`` is the correlation of the changes on both sides, so that
  ``−ln(1 − r²)`` is the log-likelihood ratio, in nats, of one pair of Gaussian variables that are correlated and of one that is not.
  ``c`` is the number of *independent changes*: a fade or a switch is one, however many moments it takes, and two of them may coincide
  on one line of time by chance. Different footage of one place has small ``r`` however alike
  its frames are, and cards of one design have small ``c``.
* **Closeness**: how far the typical distance stays under the one that frames of one place reach without being copies. It counts as
  far as there are independent changes: any two black pictures are close.

Evidence counts only if every gate is passed. A gate is computed once, here; whoever explains a verdict shows it.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vhashdb.hashing.bits import unpack
from vhashdb.hashing.outline import Outline
from vhashdb.matching.alignment import AlignedSegment
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.view_pairs import HashSequence, ViewPair


@dataclass(frozen=True)
class Motion:
    """How both sides of a segment change."""

    correlation: float
    """−1 … 1, of the bits' changes on both sides; 0 when nothing changes."""
    change: float
    """0 … 1: mean variance of the query's bits over the segment; 0 for a still picture."""
    samples: float
    """Independent time samples it was computed from, alike or not."""
    median_bits: float
    """Median distance, in bits, over these."""
    changes: float = 0.0
    """Independent changes, on the side that has fewer: 1 for a single fade or switch, however long it lasts; 0 when nothing changes."""


NO_MOTION = Motion(0.0, 0.0, 0.0, 0.0)


class GateName(enum.StrEnum):
    """What a condition is about."""

    FRAMES = "alike frames"
    SECONDS = "matched seconds"
    DISTANCE = "median distance"
    MOTION = "motion"
    CHANGES = "independent changes"
    EVIDENCE = "evidence"
    VIDEOS = "videos that show it"
    NEARER = "a nearer video"
    SOUND = "sound"


@dataclass(frozen=True)
class Gate:
    """One condition of the verdict, as `vhashdb explain` shows it."""

    name: GateName
    value: float
    threshold: float
    passed: bool
    meaning: str


@dataclass(frozen=True)
class MatchedSegment:
    """A stretch of the query that shows a stretch of a reference."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    """Reference seconds per query second."""
    views: ViewPair
    matched_s: float
    """Query seconds in which an entry agreed: the gate's, and no more than `length_s`, which is what people are told."""
    entries: int
    """Distinct query entries that agreed."""
    distances: tuple[int, ...]
    """Their distances in bits, ascending."""
    motion: Motion
    bits: int
    """Bits of one hash."""
    quality: int = 100
    """Median quality of the agreeing entries, of the side that shows less."""
    speed_range: tuple[float, float] | None = None
    """Slowest and fastest speed that fit nearly as well; None at normal speed, and where a segment is too poor to say."""
    config: MatchingConfig = field(default=MatchingConfig(), repr=False, compare=False)
    """What the gates and the evidence are computed with."""
    outline: Outline | None = None
    """Where in the file's frame the compared picture lies; None if that is not known."""
    reference_outline: Outline | None = None
    """The same of the reference."""

    def for_one_of(self, hashes: int, config: MatchingConfig) -> MatchedSegment:
        """Return the segment as that of one hash, if ``hashes`` of each moment were compared side by side: distances are their mean.

        Args:
            hashes: so many.
            config: for one of them.
        """
        motion = replace(self.motion, median_bits=self.motion.median_bits / hashes)
        distances = tuple(bits // hashes for bits in self.distances)
        return replace(self, distances=distances, motion=motion, bits=self.bits // hashes, config=config)

    @property
    def length_s(self) -> float:
        """Seconds of the query, agreeing or not."""
        return self.query_end_s - self.query_start_s

    @property
    def picture_words(self) -> tuple[str, ...]:
        """How the picture is turned and which parts of both sides were compared, in words; empty if it is all of it, as it is."""
        return (*self.views.turn(self.outline, self.reference_outline), *self.views.places(self.outline, self.reference_outline))

    @property
    def median_bits(self) -> float:
        """Median distance of all usable entries within the segment, agreeing or not."""
        return self.motion.median_bits

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """The conditions that the segment must meet by itself to count for a match."""
        config, r, changes = self.config, self.motion.correlation, self.motion.changes
        entries, matched_s, median = self.entries, self.matched_s, self.median_bits
        return (
            Gate(
                GateName.FRAMES,
                entries,
                config.min_entries,
                entries >= config.min_entries,
                "different pictures of the file on one line of time",
            ),
            Gate(
                GateName.SECONDS,
                matched_s,
                config.min_matched_s,
                matched_s >= config.min_matched_s,
                "seconds of the file in which they agree",
            ),
            Gate(
                GateName.DISTANCE,
                median,
                config.far_bits,
                median <= config.far_bits,
                "bits at most, of all usable pictures in the stretch",
            ),
            Gate(GateName.MOTION, r, config.min_correlation, r >= config.min_correlation, "correlation of the changes on both sides"),
            Gate(
                GateName.CHANGES,
                changes,
                config.min_changes,
                changes > config.min_changes,
                "more than this, as so many fades or switches may coincide by chance",
            ),
        )

    def passes(self, *names: GateName) -> bool:
        """Return whether the gates of these names are passed."""
        return all(gate.passed for gate in self.gates if gate.name in names)

    @property
    def _information(self) -> float:
        """Nats of one independent change; 0 when the correlation is too low to mean anything."""
        r = min(self.motion.correlation, self.config.max_correlation)
        return -math.log(1 - r * r) if self.passes(GateName.MOTION) else 0.0

    @property
    def information_of_moments(self) -> float:
        """Nats, if each moment were independent of the others: what is alike in one respect has much of it, a match or not."""
        return self.motion.samples * self._information

    @cached_property
    def motion_evidence(self) -> float:
        """Nats; 0 when the correlation is too low to mean anything, or too little changes."""
        config = self.config
        lasting = math.sqrt(min(config.max_lasting, max(1.0, self.motion.samples / config.lasting_samples)))
        return max(0.0, self.motion.changes - config.min_changes) * self._information * lasting

    @property
    def closeness(self) -> float:
        """Nats; 0 when frames of one place, or frames with little in them, could be as close, or nothing changes."""
        config = self.config
        if self.quality < config.full_quality:
            return 0.0
        most = config.closeness_per_change * max(0.0, self.motion.changes - config.min_changes)
        return min(most, max(0.0, (config.close_bits - self.median_bits) / config.closeness_bits_per_nat))

    @property
    def at_normal_speed(self) -> bool:
        """Whether it is played as fast as the reference."""
        return abs(self.speed - 1) <= self.config.normal_speed_tolerance

    @property
    def speed_is_exact(self) -> bool:
        """Whether no speed fits that is more than `MatchingConfig.exact_speed` away."""
        low, high = self.speed_range or (self.speed, self.speed)
        return max(high - self.speed, self.speed - low) <= self.config.exact_speed * self.speed

    @property
    def speed_words(self) -> str:
        """Its speed as people read it, with the range where that is wide."""
        if self.speed_range is None or self.speed_is_exact:
            return f"× {self.speed:.2f}"
        return "about × {:.2f} ({:.2f} to {:.2f})".format(self.speed, *self.speed_range)

    @property
    def speed_cost(self) -> float:
        """Nats; 0 at normal speed."""
        return 0.0 if self.at_normal_speed else self.config.speed_cost

    @cached_property
    def evidence(self) -> float:
        """Nats; 0 unless every gate is passed."""
        return max(0.0, self.motion_evidence + self.closeness - self.speed_cost) if all(gate.passed for gate in self.gates) else 0.0

    @cached_property
    def rank(self) -> tuple[float, float]:
        """For choosing between segments that claim the same time of the query: evidence and nearness without conditions.

        Nearness is a nat for each second in which both sides show the very same. Without it what little motion there is in a calm or
        flat picture would choose the view, and another record could look nearer than the one that the picture comes from.
        A still reference, on which nothing moves, is where it is seen for longest.
        """
        nearness = [max(0.0, (self.config.rank_radius_bits - bits) / self.bits) for bits in self.distances]
        if self.reference_start_s == self.reference_end_s:
            return self.matched_s * nearness[0], 0.0
        near_s = self.matched_s * max(0.0, 1 - self.median_bits / self.config.close_bits)
        return self.motion_evidence + self.closeness + near_s if self.passes(GateName.DISTANCE) else 0.0, sum(nearness)


def measure(
    query: HashSequence,
    reference: HashSequence,
    aligned: AlignedSegment,
    views: ViewPair,
    shown_s: tuple[float, float],
    config: MatchingConfig,
) -> MatchedSegment:
    """Measure what an aligned segment shows.

    Args:
        query: the entries it was aligned in.
        reference: the same of the other side.
        aligned: the segment.
        views: through which both sides were compared.
        shown_s: seconds of the reference that there are; the segment ends with them.
        config: for the algorithm of both.
    """
    first_s, last_s = np.clip(aligned.reference_s, *shown_s).tolist()
    alike = aligned.samples.seen & (aligned.samples.distance <= round(config.align_radius_bits))
    nearest: dict[int, int] = {}
    for entry, bits in zip(aligned.samples.query[alike].tolist(), aligned.samples.distance[alike].tolist(), strict=True):
        nearest[entry] = min(bits, nearest.get(entry, bits))
    quality = np.minimum(query.quality[aligned.samples.query[alike]], reference.quality[aligned.samples.reference[alike]])
    return MatchedSegment(
        query_start_s=aligned.start_s,
        query_end_s=aligned.end_s,
        reference_start_s=first_s,
        reference_end_s=last_s,
        speed=aligned.transform.speed,
        views=views,
        matched_s=(aligned.end_s - aligned.start_s) * float(alike.mean()),
        entries=len(nearest),
        distances=tuple(sorted(nearest.values())),
        motion=motion_of(query, reference, aligned, config),
        bits=8 * query.hash.shape[1],
        quality=int(_median(quality)) if len(quality) else 0,
        config=config,
    )


def motion_of(query: HashSequence, reference: HashSequence, aligned: AlignedSegment, config: MatchingConfig) -> Motion:
    """Compare how both sides change along a segment; *all* samples that both sides show count, not only alike ones."""
    every = max(1, round(config.samples_per_s / config.independent_per_s))
    samples = aligned.samples.within(slice(None, None, every))
    rows = samples.seen
    if not rows.any():
        return NO_MOTION
    left, right = _changes(query.hash[samples.query[rows]]), _changes(reference.hash[samples.reference[rows]])
    energy_left, energy_right = float((left**2).sum()), float((right**2).sum())
    correlation = float((left * right).sum()) / np.sqrt(energy_left * energy_right) if energy_left and energy_right else 0.0
    independent = min(int(rows.sum()), config.independent_per_entry * len(np.unique(samples.query[rows])))
    window = max(2, round(config.change_window_s * config.independent_per_s))
    changes = min(independent_changes(left, window), independent_changes(right, window))
    return Motion(float(correlation), energy_left / left.size, float(independent), _median(samples.distance[rows]), changes)


def _median(values: npt.NDArray[np.uint8] | npt.NDArray[np.int16]) -> float:
    """Return the median of some numbers, of which there are few: NumPy's own takes ten times as long for them."""
    ordered, middle = np.sort(values), len(values) // 2
    return float(ordered[middle]) if len(values) % 2 else (float(ordered[middle - 1]) + float(ordered[middle])) / 2


def independent_changes(changes: npt.NDArray[np.float32], window: int) -> float:
    """Return how many independent changes there are: the participation ratio of what changes within each of some windows.

    It is ``(Σλ)² / Σλ²`` of the eigenvalues of the Gram matrix: 1 if all changes are the same one, 0 when nothing changes, and at most
    the smaller of moments and bits. What changes from window to window only, such as the state before and after a switch, does not count.

    Args:
        changes: ``(n, bits)`` float32, bits at successive moments, less any mean.
        window: moments; what is left at the end belongs to the last window if it is less than half a one.
    """
    cuts = range(window, len(changes) - window // 2, window)
    within = np.concatenate([part - part.mean(axis=0) for part in np.split(changes, cuts)])
    side = within @ within.T if len(within) < within.shape[1] else within.T @ within
    squares = float((side**2).sum())
    return float(np.trace(side)) ** 2 / squares if squares else 0.0


def _changes(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """``(n, bits)``: each bit less its mean over all rows."""
    bits = unpack(hashes)
    return np.asarray(bits - bits.mean(axis=0))
