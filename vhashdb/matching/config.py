"""Everything that decides what matches, in two frozen objects with a source for each number.

`MatchingConfig`, and `SoundConfig` for sound, are handed through retrieval, alignment, evidence, verdict and reranking;
nothing in `vhashdb.matching` decides by a number that is not here. To try another value, pass
`dataclasses.replace(config, …)`; benchmarks sweep them in that way.

Distances are in bits of the algorithm at hand. `MatchingConfig.of` scales those measured with PDQ.
"""

from __future__ import annotations

import enum
import functools
import math
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Final

import numpy as np

from vhashdb.hashing.algorithms import AlgorithmId

_PDQ_BITS: Final = 256


class Basis(enum.StrEnum):
    """What the value of a field rests on."""

    CALIBRATED = "calibrated"
    """Chosen on footage; the command in ``source`` shows what another value does."""
    DERIVED = "derived"
    """Follows from other values or from a published one, as ``source`` says."""
    BOUND = "bound"
    """An engineering bound on work or memory, or a resolution; no result hangs on its exact value."""


def _value(default: Any, basis: Basis, source: str, *, distance: bool = False) -> Any:
    """A field with what its value rests on; a ``distance`` is given in bits of PDQ."""
    return field(default=default, metadata={"basis": basis, "source": source, "distance": distance})


def _calibrated(default: Any, source: str, *, distance: bool = False) -> Any:
    return _value(default, Basis.CALIBRATED, source, distance=distance)


def _derived(default: Any, source: str, *, distance: bool = False) -> Any:
    return _value(default, Basis.DERIVED, source, distance=distance)


def _bound(default: Any, source: str) -> Any:
    return _value(default, Basis.BOUND, source)


_ACCURACY: Final = "bench.accuracy: recall at no false match on `edited`, `distractors` and `hard`"
_CALIBRATE: Final = "bench.calibrate: evidence of copies, same-series and unrelated pairs"
_EVIDENCE: Final = "bench.evidence: copies above, real and drawn pairs of different videos"
_SOUND: Final = "bench.sound: edited sound, other versions of the same music, one speaker's sentences"
_SEGMENTS: Final = "bench.segments: where segments begin and end"


@dataclass(frozen=True)
class MatchingConfig:
    """The numbers that decide what matches, for one algorithm; see `describe` for what each rests on."""

    bits: int = _derived(_PDQ_BITS, "length of a hash")

    # -- retrieval: which records are compared

    radius_bits: float = _calibrated(52, _ACCURACY, distance=True)
    """Within this a hash of a record is near one of the query."""
    coarse_radius_bits: float = _calibrated(40, "bench.accuracy with effort `fast`: keyframes that resemble a record", distance=True)
    """The same for keyframes alone, which ask for the rest of the video when one is near."""
    max_candidates: int = _bound(40, "records compared in full for one query")
    max_log_only: int = _bound(4, "of these, records of a source trusted with a log line at most, where there are other sources")
    source_hash_pairs: int = _bound(1 << 29, "hash pairs compared for one remote source: a few seconds, or one record of six hours")
    must_compare_share: float = _bound(0.5, "share of the query's times near a record for leaving it out to be reported")
    max_copies: int = _bound(3, "copies of one edition that are compared: those of it that are nearest speak for the others")
    must_compare_times: int = _bound(8, "and how many times that must be")

    # -- retrieval by windows: where in the picture, at effort `thorough`

    window_radius_bits: float = _calibrated(56, "bench.geometry: copies found and costs of innocent questions", distance=True)
    """Within this a hash of a record is near a window of the query."""
    window_frames: int = _bound(6, "frames of a query that are hashed in all windows")
    window_frames_with_squares: int = _bound(16, "the same where records have squares, of which about one a second is stored")
    max_hypothesised: int = _bound(12, "records of which it is asked whether frames agree on where they lie")
    max_registered: int = _bound(6, "records registered in one query, those on whose place most frames agree")
    registered_bits: float = _calibrated(24, "bench.geometry: footage of one place, registered, is this near or nearer", distance=True)
    """Median distance of a registered still picture that is worth a person's time without motion."""

    # -- which views are compared

    probes: int = _bound(64, "query entries at which all view pairs are tried")
    probe_radius_bits: float = _calibrated(56, _ACCURACY, distance=True)
    view_pairs: int = _bound(3, "view pairs compared at every entry")

    # -- temporal alignment

    align_radius_bits: float = _calibrated(60, _ACCURACY, distance=True)
    """Within this a pair of entries votes; unrelated PDQ hashes differ in 128 ± 8 bits."""
    min_speed: float = _bound(0.5, "slowest playback looked for")
    max_speed: float = _bound(2.0, "fastest playback looked for")
    speed_steps: int = _derived(41, "a step of 3.5 % stays within the slack over 4 s; an odd number has a step at speed 1")
    normal_speed_bonus: float = _calibrated(1.12, _SEGMENTS)
    """Another speed must gather this many times the votes of normal speed: most copies are not sped up."""
    normal_speed_fit: float = _calibrated(0.9, _SEGMENTS)
    """Share of the best fit at which normal speed is taken."""
    normal_speed_tolerance: float = _calibrated(0.03, _SEGMENTS)
    """Speeds within this of 1 count as normal."""
    slack_s: float = _derived(0.15, "half the widest gap between sampled frames: how far off its line a pair may be")
    samples_per_s: float = _derived(8.0, "the densest sampling of an extraction profile")
    """Times at which both sides are compared along a temporal transform."""
    full_vote: float = _calibrated(0.5, _SEGMENTS)
    """Share of the radius up to which a time sample's vote is 1; it is 0 at the radius."""
    least_vote: float = _calibrated(-0.5, _SEGMENTS)
    """The lowest vote, so that a few samples that differ do not break a segment."""
    unseen_vote: float = _calibrated(-0.15, _SEGMENTS)
    """Vote of a time that one side does not show."""
    min_run: float = _derived(0.2, "votes that make a segment: one alike sample is enough")
    max_gap_s: float = _calibrated(2.0, _SEGMENTS)
    """Time without an alike sample that ends a segment."""
    max_segments: int = _bound(12, "segments kept for one view pair")
    vote_bin_s: float = _bound(0.1, "width of the bins that offsets vote in")
    shift_s: float = _bound(0.1, "first step of offsets when a transform is refined")
    refine_beyond: float = _bound(0.2, "how far beyond the pairs that voted its fit is looked at, as a share of their length")
    refine_step_s: float = _bound(0.25, "step within entries that last, when a transform is refined")
    reference_lag_s: float = _derived(
        0.06, "half the time between sampled frames of a reference: its entries begin that much late on average"
    )

    speed_range_reach: float = _bound(0.12, "share by which speeds may differ from the one found to be in its range")
    speed_range_steps: int = _bound(97, "speeds that are tried for the range: a quarter of a percent apart")
    speed_range_fit: float = _calibrated(0.95, _SEGMENTS)
    """Share of the best fit at which a speed is in the range: then the true one nearly always is."""
    exact_speed: float = _derived(0.02, "half the width of a range up to which its speed is said without it")

    # -- evidence, and the gates of a match

    match_evidence: float = _calibrated(1.25, _EVIDENCE)
    """Nats at which a pair is a match."""
    score_slope: float = _calibrated(3.0, _CALIBRATE)
    other_segments: float = _calibrated(0.5, _CALIBRATE)
    """What segments beyond the strongest add of their evidence: each was chosen among many, so chance favours it."""
    speed_cost: float = _calibrated(0.5, _EVIDENCE)
    """Nats that a speed other than normal costs, as forty were tried."""
    registration_cost: float = _derived(0.5, "as speed_cost: where a picture lies was looked for, too")
    """Nats by which more evidence makes a match of what was registered."""
    independent_per_s: float = _calibrated(4.0, _CALIBRATE)
    """Time samples a second that count: sampling more often does not make neighbours more independent."""
    independent_per_entry: float = _calibrated(2.0, _CALIBRATE)
    """Time samples that count for each distinct entry: a picture that stays says nothing new."""
    min_correlation: float = _calibrated(0.15, _CALIBRATE)
    """Correlation below which motion is no evidence, however long the segment."""
    min_changes: float = _calibrated(2.0, _EVIDENCE)
    """Independent changes that are no evidence: two of them coincide on some line of time."""
    change_window_s: float = _calibrated(1.5, _EVIDENCE)
    """Seconds within which changes count for how many there are."""
    lasting_samples: float = _calibrated(20, _EVIDENCE)
    """Time samples from which motion counts more, by the root of how many times as many there are …"""
    max_lasting: float = _calibrated(3.0, _EVIDENCE)
    """… up to so many."""
    max_correlation: float = _bound(0.999, "beyond this the logarithm would run away")
    min_entries: int = _calibrated(4, _ACCURACY)
    """Distinct query entries a segment needs."""
    min_matched_s: float = _calibrated(0.75, _ACCURACY)
    far_bits: float = _calibrated(72, _ACCURACY, distance=True)
    """Median distance beyond which a segment is an accident of alignment."""
    close_bits: float = _calibrated(32, "bench.calibrate: few frames of one place are nearer than 20 without being copies", distance=True)
    """Median distance under which closeness begins to count."""
    full_quality: int = _calibrated(100, _EVIDENCE)
    """Quality from which a picture is full. Under it closeness says nothing: the bits of flat pictures are alike by chance, those of
    cards of one design by design."""
    closeness_bits_per_nat: float = _calibrated(8, _CALIBRATE, distance=True)
    closeness_per_change: float = _calibrated(2.0, "bench.accuracy: copies that stay a match, drawn videos that are none")
    """Nats that closeness counts at most for each independent change beyond `min_changes`: what stays alike is the design's."""

    # -- what is worth a person's time without being a match

    possible_bits: float = _calibrated(28, _CALIBRATE, distance=True)
    """Median distance of pictures that are worth it though nothing moves, where they are full (`full_quality`) …"""
    possible_flat_bits: float = _calibrated(12, _ACCURACY, distance=True)
    """… and where there is hardly anything in them; between, in proportion. The flatter, the more bits are the design's or the place's."""
    possible_entries: int = _calibrated(3, _CALIBRATE)
    possible_quality: int = _calibrated(30, _CALIBRATE)
    """Quality under which pictures that are close are not worth it at all."""
    possible_single_bits: float = _calibrated(12, _CALIBRATE, distance=True)
    """One picture of a video this near is worth it, …"""
    possible_single_s: float = _bound(
        0.25, "… if both show it for so long: for two moments of a reference, where many views meet one by chance"
    )
    possible_still_bits: float = _derived(31, "the threshold that PDQ's authors give for pictures", distance=True)
    """The same where one side is a still picture."""
    possible_motion: float = _calibrated(1.5, _CALIBRATE)
    """Nats of information over all moments, as if each were independent, that are worth it without closeness."""
    possible_min_score: float = _derived(0.2, "scores of `possible` lie below those of a match, which begin at 0.5")
    possible_max_score: float = _derived(0.49, "as above")
    full_closeness: float = _derived(4.0, "nats of closeness at identical pictures: close_bits / closeness_bits_per_nat")
    still_change: float = _calibrated(0.02, _CALIBRATE)
    """Mean variance of the bits under which a segment shows a still picture."""

    # -- segments that claim the same time

    max_overlap: float = _calibrated(0.3, _SEGMENTS)
    """Share of a segment that a stronger one may claim as well."""
    rank_radius_bits: float = _derived(64, "half the distance of unrelated hashes: nearer entries speak for a segment", distance=True)

    # -- reranking: records against each other

    same_seconds: float = _calibrated(0.7, _ACCURACY)
    """Share of a record's matched seconds that another must explain too, to suppress it."""
    clearly_nearer_bits: float = _calibrated(6, _ACCURACY, distance=True)
    same_place: float = _bound(0.5, "share of the place in the picture that two records must have in common for one to outshine the other")
    max_videos_of_passage: int = _derived(2, "of two videos that show one passage, one may well be made of the other")
    """Different videos that may show a passage which still speaks for each."""
    min_beyond_s: float = _bound(1.0, "seconds that a record must show beyond a passage, or it is a record of the passage")
    min_beyond: float = _bound(0.2, "the same as a share of the record")
    goes_on_alike: float = _calibrated(0.5, "bench.accuracy: `natural`, whose copies share intros")
    """Share of what one record shows beyond a passage that must be in another, for the two to be variants of one video."""
    max_videos_counted: int = _bound(8, "different videos after which nobody counts further")

    # -- whether more views are looked at

    nearly_nearest: float = _bound(0.75, "share of the nearness of the nearest view from which another is looked at closer with it")
    clear_score: float = _bound(0.99, "score of a match that more views need not confirm: about twice the evidence of a match")
    clear_share: float = _bound(0.75, "share of a segment that must be alike for more views not to be asked what the rest is")
    unexplained_s: float = _bound(1.0, "seconds outside clear matches from which more views are asked, as `min_usable_s`")

    # -- whether an input shows enough to say that it matches nothing

    min_usable_s: float = _bound(1.0, "usable seconds under which a query that matches nothing is `insufficient`")
    min_usable_share: float = _bound(0.1, "or less than this share of it")

    @classmethod
    @functools.cache
    def of(cls, algorithm: AlgorithmId) -> MatchingConfig:
        """Return the configuration for an algorithm."""
        return cls()._scaled(algorithm.bits / _PDQ_BITS)

    def side_by_side(self, hashes: int) -> MatchingConfig:
        """Return the configuration for so many hashes of one moment side by side."""
        return self._scaled(hashes) if hashes > 1 else self

    def _scaled(self, times: float) -> MatchingConfig:
        distances: dict[str, Any] = {each.name: getattr(self, each.name) * times for each in fields(self) if each.metadata["distance"]}
        return replace(self, bits=round(self.bits * times), **distances)

    @property
    def speeds(self) -> tuple[float, ...]:
        """The speeds that are tried, evenly spaced on a logarithmic scale; 1 is among them."""
        return _speeds(self.min_speed, self.max_speed, self.speed_steps)

    @property
    def moves_alike(self) -> float:
        """Nats of motion evidence from which nothing suppresses a record: two variants of one video differ in distance too."""
        return self.match_evidence / 2


@functools.cache
def _speeds(slowest: float, fastest: float, steps: int) -> tuple[float, ...]:
    return tuple(np.round(np.geomspace(slowest, fastest, steps), 4).tolist())


@dataclass(frozen=True)
class SoundConfig:
    """Hold every threshold of comparing sound."""

    # -- retrieval

    asked_per_second: int = _calibrated(350, _SOUND)
    """Landmarks of a query that are looked up as they are, for each second …"""
    asked_changed_per_second: int = _calibrated(120, _SOUND)
    """… and with their neighbours, which copies at other speeds and pitches have."""
    candidate_moments: int = _calibrated(6, _SOUND)
    """Half seconds of any ten seconds whose landmarks agree about a record, from which its sound is compared …"""
    changed_moments: int = _calibrated(2, _SOUND)
    """… and how many more if they agree that speed or pitch is another."""
    max_candidates: int = _bound(8, "records whose sound is compared")
    max_copies: int = _bound(2, "copies of one edition among these: those that agree most speak for the others")
    must_compare_share: float = _bound(0.5, "share of a sound's half seconds that agree about a record for leaving it out to be reported")
    must_compare_moments: int = _bound(12, "or so many of them: twice as many as make a candidate")
    least_answered: float = _bound(0.5, "share of a sound's landmarks that is answered, under which finding nothing says nothing")

    # -- alignment

    longest_gap_s: float = _bound(4.0, "seconds without an agreeing landmark that end a stretch")
    longest_unchanged_gap_s: float = _calibrated(10.0, _SOUND)
    """The same at the same speed and pitch, where little agrees by chance: another sound can cover one for as long."""
    least_moments: int = _bound(3, "half seconds with agreeing landmarks, under which a stretch is not looked at")
    chance_unchanged: float = _calibrated(2.5, _SOUND)
    """What chance gives the best line at the same speed and pitch, however few landmarks are alike …"""
    chance_changed: float = _calibrated(8.0, _SOUND)
    """… and the best at any; more …"""
    chance_unchanged_density: float = _calibrated(0.55, _SOUND)
    """… for each pair of landmarks that is alike in a second of one sound and a second of the other, at the same speed and pitch …"""
    chance_changed_density: float = _calibrated(2.3, _SOUND)
    """… and at any; and more by the logarithm of how often two sounds hold …"""
    chance_area_s2: float = _derived(600.0, "twenty seconds beside thirty, as what the others were chosen on")
    """… so many seconds of the one beside seconds of the other."""
    least_evidence: float = _calibrated(-2.0, _SOUND)
    """Evidence under which a stretch is not reported: it would not even add to a picture on the same line of time."""

    # -- verdict

    max_overlap: float = _bound(0.3, "share of a stretch that a clearer one may claim as well")
    chosen_on_landmarks: int = _derived(70_000, "landmarks of the database that the following were chosen in")
    """Of a larger one as many times as many are alike by chance, so more evidence is needed by its logarithm (`beside`)."""
    possible_evidence: float = _calibrated(1.5, _SOUND)
    """Evidence of sound from which a record is `possible` without a picture."""
    match_evidence: float = _calibrated(20.0, _SOUND)
    """Evidence of sound from which two files without pictures are a match: other versions of the same music have less."""
    max_allowed: float = _bound(0.5, "share of a stretch in which a sound on an allow-list is heard, from which it says nothing")
    together_s: float = _bound(0.5, "seconds by which the lines of picture and sound may be apart, and be one")
    together_speed: float = _bound(0.03, "how far their speeds may be apart")
    together_share: float = _bound(0.09, "share of a hash by which pictures on a line of sound are nearer than beside it, to go with it")
    together_moments: int = _bound(3, "half seconds of sound that a picture on the same line of time needs to be confirmed")

    # -- what is said of it

    another_landmarks: int = _bound(200, "landmarks that each side has at least where sound is called another: a tenth would be evidence")
    another_moments: int = _bound(10, "half seconds of each side in which they are, at least")

    def beside(self, landmarks: int) -> SoundConfig:
        """Return the thresholds for a query that is asked about beside so many landmarks of a database."""
        more = math.log(max(1.0, landmarks / self.chosen_on_landmarks))
        return replace(self, possible_evidence=self.possible_evidence + more, match_evidence=self.match_evidence + more)


_UNITS: Final = (
    ("_bits_per_nat", "bits/nat"), ("_bits", "bits"), ("_per_second", "1/s"), ("_per_s", "1/s"), ("_s2", "s²"), ("_s", "s"),
    ("_evidence", "nats"),
)  # fmt: skip
"""What a field is in, by the end of its name; the others are numbers and shares."""


@dataclass(frozen=True)
class Threshold:
    """One number that decides, with what it rests on."""

    name: str
    """Of its field, after `matching.` or `sound.`."""
    value: float
    unit: str
    """Empty for numbers and shares."""
    basis: Basis
    source: str
    """What it follows from, or the command that shows what another value does."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a `threshold`."""
        facts = {"name": self.name, "value": self.value, "unit": self.unit, "basis": self.basis.value, "source": self.source}
        return {"type": "threshold", **facts}


def thresholds(config: MatchingConfig | SoundConfig) -> tuple[Threshold, ...]:
    """Return every number of a configuration, in its order."""
    prefix = "matching" if isinstance(config, MatchingConfig) else "sound"
    return tuple(
        Threshold(
            f"{prefix}.{each.name}", getattr(config, each.name), next((unit for end, unit in _UNITS if each.name.endswith(end)), ""),
            each.metadata["basis"], each.metadata["source"],
        )
        for each in describe(type(config))
    )  # fmt: skip


def describe(config: type[MatchingConfig | SoundConfig]) -> tuple[Field[Any], ...]:
    """Return the fields of a configuration; ``metadata`` has ``basis``, ``source`` and whether it is a ``distance``."""
    return fields(config)
