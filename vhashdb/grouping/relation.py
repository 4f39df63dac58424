"""What two fingerprints have in common: where each shows the other, how much of it that is, and whether it goes on beyond.

What decides is the matcher's verdict on the pair, asked in one direction that the fingerprints themselves determine: the answer is the
same whichever of the two came first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint, without_squares
from vhashdb.hashing.bits import distances
from vhashdb.hashing.views import CELLS, HALVES, PICTURES, Region, View
from vhashdb.intervals import Spans, first_s, length_s, shared_s, union
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.pair import compare
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.matching.view_pairs import HashSequence, query_sequences, sequences_of

COPY_SHARE: Final = 0.75
"""Share of each of two records that the other must show for them to be copies of one edition. Measured: `bench.variants`."""
CLIP_SHARE: Final = 0.75
"""The same of the shorter one alone, for it to be a clip of the longer. Measured: `bench.variants`."""
EDGE_S: Final = 1.0
"""Seconds from the first or last usable picture within which a record ends. Engineering bound: a segment is found that exactly."""
_CUT_WITHIN_S: Final = 1.0
"""Seconds about an edge in which a cut is looked for. Engineering bound: a segment's edge is known that exactly."""
_CUT_SHARE: Final = 0.41
"""Share of a hash by which neighbouring pictures differ at a cut. Derived: unrelated pictures differ in half their bits with a deviation of
a thirtieth, so that four in a thousand are nearer."""
_CUT_STEP_S: Final = 0.25
"""Seconds between moments at which it is looked how frequent cuts are. Engineering bound."""
_STILL_SHARE: Final = 1 / 32
"""Share of a hash within which pictures that do not move are the same. Derived: a quarter of the threshold that PDQ's authors give for
the same picture. Measured: `bench.variants`; same-place footage and cards of one design are over twice as far apart."""
_STILL_VIEWS_SHARE: Final = 20 / 256
"""Share of a hash by which pictures that hardly move may differ in the mean of all views, each by its typical entry. Measured:
`bench.variants`; other cards of one design differ by a third more, and other moments of one place by twice as much."""
_SAME_STILL_SHARE: Final = 5 / 32
"""Share of a hash within which an entry shows what another does, in the whole picture, once two records are known to show one still
picture. Derived: an entry stands for frames that differ in as much."""
_STILL_S: Final = 2.0
"""Seconds for which they must be. Engineering bound: what is a part of a compilation."""
_STILL_VIEWS: Final = 3
"""Views that both must have for that. Engineering bound: what is stored of a video has as many at least."""
_STILL_COVERED: Final = 0.9
"""Share of one of two records that must be the same pictures where no motion confirms it. Engineering bound."""
_BESIDE_OTHERS: Final = frozenset({*PICTURES, *HALVES, *CELLS})
"""Regions with something else around them that is no border. Derived from what they are for."""
_AROUND_S: Final = 0.5
"""Seconds about an entry in which the nearest is looked for. Engineering bound: entries of a reference are that far apart."""
_LEAST_SCORE: Final = 0.5
"""Of what is the same without motion to confirm it. Derived: where scores of a match begin."""
_JOINED_S: Final = 0.75
"""Seconds between two stretches under which nothing lies between them. Engineering bound."""


@dataclass(frozen=True)
class Side:
    """What one of two related records, or editions, shows of the other."""

    spans: tuple[tuple[float, float], ...]
    """Seconds of it that the other shows, disjoint and in order."""
    share: float
    """Of its usable seconds, 0…1."""
    at_start: bool
    """Whether these begin where it begins."""
    at_end: bool
    """Whether they end where it ends."""
    goes_on: bool
    """Whether it goes on beyond what the other shows, and does so without a cut at one edge at least: then the other was cut out of it."""
    by_chance: float = 1.0
    """0…1: how probable it is that a clip of it has cuts at its edges as the other has, or 1 if it has not at each."""

    @property
    def whole(self) -> bool:
        """Whether all of it lies in the other."""
        return self.share >= CLIP_SHARE

    @property
    def length_s(self) -> float:
        """Seconds that both show."""
        return length_s(self.spans)


@dataclass(frozen=True)
class Relation:
    """What two records, or editions, have in common."""

    one: Side
    other: Side
    offset_s: float = 0.0
    speed: float = 1.0
    """A second ``t`` of the one is shown at ``offset_s + speed * t`` of the other, in the longest stretch."""
    score: float = 1.0
    """0.5…1, of the match."""

    @property
    def copies(self) -> bool:
        """Whether each is all of the other."""
        return self.one.share >= COPY_SHARE and self.other.share >= COPY_SHARE

    def turned(self) -> Relation:
        """Return the same, seen from the other."""
        return Relation(self.other, self.one, -self.offset_s / self.speed, 1 / self.speed, self.score)


def relate(one: Fingerprint, other: Fingerprint, config: MatchingConfig | None = None) -> Relation | None:
    """Relate two fingerprints; None if they do not match.

    Args:
        one: of a record.
        other: of another.
        config: for the algorithm of both.

    Raises:
        AlgorithmMismatch: they were made by different algorithms or versions.
    """
    config = config or MatchingConfig.of(one.algorithm)
    if _order(other) < _order(one):
        turned = relate(other, one, config)
        return turned and turned.turned()
    if one.is_still and other.is_still:
        return _of_pictures(one, other)
    judgement = compare(one, other, config=config).judgement
    if judgement.verdict is Verdict.MATCH and judgement.segments:
        return _relation(judgement, one, other)
    if _is_same_still(judgement, one, other, config):
        return _of_still(judgement, one, other, config)
    if not judgement.found:  # what is not even possible in one direction is not a match in the other
        return None
    judgement = compare(other, one, config=config).judgement
    if judgement.verdict is Verdict.MATCH and judgement.segments:
        return _relation(judgement, other, one).turned()
    return _of_still(judgement, other, one, config).turned() if _is_same_still(judgement, other, one, config) else None


def _is_same_still(judgement: Judgement, one: Fingerprint, other: Fingerprint, config: MatchingConfig) -> bool:
    if not judgement.segments:
        return False
    covered = max(judgement.query_coverage, judgement.reference_coverage)
    hardly_differs = judgement.median_bits <= _STILL_SHARE * config.bits and covered >= _STILL_COVERED
    return hardly_differs or _alike_in_all_views(judgement, one, other, config)


def _alike_in_all_views(judgement: Judgement, one: Fingerprint, other: Fingerprint, config: MatchingConfig) -> bool:
    """Whether every part of the pictures is alike, and not only what most of them show: cards of one design differ where the words are.

    What was searched for may lie elsewhere in each, so that it does not count in a full picture; flat ones are alike by design.
    """
    longest = max(judgement.segments, key=lambda s: s.length_s)
    if longest.length_s < _STILL_S:
        return False
    relation = _relation(judgement, one, other)
    turned = query_sequences(one)
    typical: dict[Region, float] = {}
    quality = [0.0]
    for view, there in sequences_of(other).items():
        here = turned.get((View(view.region, longest.views.query.orientation), longest.views.negated))
        if here is None:
            continue
        within = (here.end_s >= longest.query_start_s) & (here.start_s <= longest.query_end_s)
        bits = nearest_bits(here.where(within), there, relation)
        if len(bits):
            typical[view.region] = float(np.median(bits))
            quality.append(float(np.median(here.quality[within])))
    if max(quality) >= config.full_quality:
        typical.pop(Region.WITHIN_BARS, None)
    return len(typical) >= _STILL_VIEWS and float(np.mean(list(typical.values()))) <= _STILL_VIEWS_SHARE * one.algorithm.bits


def nearest_bits(sequence: HashSequence, there: HashSequence, relation: Relation) -> npt.NDArray[np.int16]:
    """Return by how many bits entries of one fingerprint differ from the nearest entry of the other about the same moment.

    Args:
        sequence: entries of the one through a view.
        there: those of the other.
        relation: where the other shows what the one shows.

    Returns:
        one number for each entry of the one at whose moment the other has any.
    """
    start_s, end_s = (relation.offset_s + relation.speed * times for times in (sequence.start_s, sequence.end_s))
    near = (there.start_s <= end_s[:, None] + _AROUND_S) & (there.end_s >= start_s[:, None] - _AROUND_S)
    bits = np.where(near, distances(sequence.hash, there.hash), np.iinfo(np.int16).max)
    return np.asarray(bits.min(axis=1, initial=np.iinfo(np.int16).max)[near.any(axis=1)], np.int16)


def _order(fingerprint: Fingerprint) -> tuple[float, int, bytes]:
    return fingerprint.duration_s, len(fingerprint), fingerprint.hash[:1].tobytes()


def _of_pictures(one: Fingerprint, other: Fingerprint) -> Relation | None:
    """Relate two pictures: they are copies if they hardly differ."""
    sides = [sequences_of(each).get(View(Region.WHOLE)) for each in (one, other)]
    if sides[0] is None or sides[1] is None:
        return None
    if distances(sides[0].hash, sides[1].hash).min() > _STILL_SHARE * one.algorithm.bits:
        return None
    whole, there = (Side(((0.0, each.duration_s),), 1.0, True, True, False) for each in (one, other))
    return Relation(whole, there)


def relate_seen(judgement: Judgement, one: Fingerprint, other: Fingerprint) -> Relation | None:
    """Relate two fingerprints by what the frames of the one match of the other, in more views than are stored; None if that says nothing.

    A picture that lies beside or over others makes what shows it no copy: it shows the others as well.

    Args:
        judgement: on the frames of the one and the other.
        one: as it is stored.
        other: as it is stored.
    """
    segments = tuple(each for each in judgement.segments if each.views.query.region not in _BESIDE_OTHERS)
    strongest = max(judgement.segments, key=lambda each: each.evidence, default=None)
    if judgement.verdict is not Verdict.MATCH or strongest not in segments:
        return None
    return _relation(replace(judgement, segments=segments), one, other)


def _of_still(judgement: Judgement, one: Fingerprint, other: Fingerprint, config: MatchingConfig) -> Relation:
    """Relate what shows the same still picture: each shows all that is near in the other, and no longer than that does.

    Where nothing moves, no line of time is better than another. In flat pictures, which are alike by design, one is kept to.
    """
    longest = max(judgement.segments, key=lambda s: s.length_s)
    here = query_sequences(one).get((View(Region.WHOLE, longest.views.query.orientation), longest.views.negated))
    there = sequences_of(other).get(View(Region.WHOLE))
    if here is None or there is None or longest.quality < config.full_quality:
        return _relation(judgement, one, other)
    near = distances(here.hash, there.hash) <= _SAME_STILL_SHARE * one.algorithm.bits
    if not near.any():
        return _relation(judgement, one, other)
    spans = _spans(here, near.any(axis=1)), _spans(there, near.any(axis=0))
    shorter_s = min(map(length_s, spans))
    offset_s = longest.reference_start_s - longest.query_start_s
    return Relation(_side(one, first_s(spans[0], shorter_s)), _side(other, first_s(spans[1], shorter_s)), offset_s, 1.0, judgement.score)


def _spans(sequence: HashSequence, entries: npt.ArrayLike) -> Spans:
    chosen = np.asarray(entries)
    return union(zip(sequence.start_s[chosen].tolist(), sequence.end_s[chosen].tolist(), strict=True))


def relate_shown(one: Fingerprint, other: Fingerprint, shown: Spans, offset_s: float) -> Relation | None:
    """Relate two fingerprints of which it is known that the one shows some seconds of the other, at normal speed; None if of none.

    Args:
        one: as it is stored.
        other: as it is stored.
        shown: seconds of the other, disjoint and in order.
        offset_s: the second of the other that is shown at 0 s of the one.
    """
    there = [(max(0.0, start_s), min(other.duration_s, end_s)) for start_s, end_s in shown]
    here = [(max(0.0, start_s - offset_s), min(one.duration_s, end_s - offset_s)) for start_s, end_s in there]
    here = [(start_s, end_s) for start_s, end_s in here if start_s < end_s]
    there = [(start_s + offset_s, end_s + offset_s) for start_s, end_s in here]
    return Relation(_side(one, here), _side(other, there), offset_s, 1.0, _LEAST_SCORE) if here else None


def _relation(judgement: Judgement, one: Fingerprint, other: Fingerprint) -> Relation:
    segments = judgement.segments
    longest = max(segments, key=lambda s: s.length_s)
    length = max(longest.query_end_s - longest.query_start_s, 1e-3)
    speed = max((longest.reference_end_s - longest.reference_start_s) / length, 1e-3)
    return Relation(
        _side(one, ((s.query_start_s, s.query_end_s) for s in segments)),
        _side(other, ((s.reference_start_s, s.reference_end_s) for s in segments)),
        longest.reference_start_s - speed * longest.query_start_s,
        speed,
        judgement.score,
    )


def _side(fingerprint: Fingerprint, found: Iterable[tuple[float, float]]) -> Side:
    usable = _usable(fingerprint)
    spans = _joined(found)
    usable_s = length_s(usable)
    share = min(1.0, shared_s(spans, usable) / usable_s) if usable_s else 0.0
    begins_s, ends_s = (usable[0][0], usable[-1][1]) if usable else (0.0, fingerprint.duration_s)
    at_start, at_end = spans[0][0] <= begins_s + EDGE_S, spans[-1][1] >= ends_s - EDGE_S
    cuts_s = _cuts_s(fingerprint)
    inner = [edge for edge, is_end in ((spans[0][0], at_start), (spans[-1][1], at_end)) if not is_end]
    on_cuts = [bool((np.abs(cuts_s - edge) <= _CUT_WITHIN_S).any()) for edge in inner]
    by_chance = _near_cuts(cuts_s, begins_s, ends_s) ** len(inner) if all(on_cuts) else 1.0
    return Side(tuple(spans), share, at_start, at_end, not all(on_cuts), by_chance)


def _joined(found: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The union of stretches, those that nearly touch made one."""
    return [(start_s, end_s - _JOINED_S) for start_s, end_s in union((start_s, end_s + _JOINED_S) for start_s, end_s in found)]


def _usable(fingerprint: Fingerprint) -> Spans:
    pictures = without_squares(fingerprint)
    usable = pictures.usable
    return union(zip(pictures.start_s[usable].tolist(), np.minimum(pictures.end_s[usable], pictures.duration_s).tolist(), strict=True))


def _cuts_s(fingerprint: Fingerprint) -> npt.NDArray[np.float64]:
    """Return the moments from which the picture is another one."""
    sequence = sequences_of(fingerprint).get(View(Region.WHOLE))
    if sequence is None or len(sequence) < 2:
        return np.zeros(0)
    changed = np.bitwise_count(sequence.hash[1:] ^ sequence.hash[:-1]).sum(axis=1)
    return np.asarray(sequence.start_s[1:][changed >= _CUT_SHARE * fingerprint.algorithm.bits])


def _near_cuts(cuts_s: npt.NDArray[np.float64], begins_s: float, ends_s: float) -> float:
    """Return the share of some seconds that are near a cut."""
    moments = np.arange(begins_s, ends_s, _CUT_STEP_S)
    return float((np.abs(moments[:, None] - cuts_s) <= _CUT_WITHIN_S).any(axis=1).mean()) if len(moments) else 1.0


def moved(side: Side, offset_s: float, speed: float) -> Side:
    """Return a side on another line of time: that of the edition whose copy it is about."""
    return replace(side, spans=tuple((offset_s + speed * start_s, offset_s + speed * end_s) for start_s, end_s in side.spans))
