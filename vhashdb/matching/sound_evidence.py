"""Weigh what was heard beside what was seen: two witnesses that agree confirm each other, and sound alone is never more than possible.

Sound goes with a picture where both lie on one line of time: the same second of the one with the same second of the other, at the same
speed. Where hardly anything moves, a picture is alike at many seconds, and what counts is that it is so at those of the sound. Two files
without pictures are compared by sound alone, and can match.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.intervals import covered
from vhashdb.matching.comparison import Comparison, ViewComparison
from vhashdb.matching.config import MatchingConfig, SoundConfig
from vhashdb.matching.evidence import Gate, GateName
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.verdict import Judgement, Verdict

_BESIDE_S: Final = (-7.0, -4.0, -2.0, 2.0, 4.0, 7.0)
"""Seconds from a line of sound at which the pictures are compared with those on it. Engineering bound: other scenes, as a rule."""


@dataclass(frozen=True)
class Hearing:
    """What a query and a record show and sound like."""

    query: Fingerprint
    reference: Fingerprint
    comparison: Comparison
    """Of the pictures."""
    heard: Sequence[SoundSegment]
    config: SoundConfig

    def judge(self) -> Judgement:
        """Return the judgement on what was seen in the light of what was heard."""
        seen = self.comparison.judgement
        if not seen.found:
            return self._by_sound(seen, self._clear(self.heard))
        together = [one for one in self.heard if one.moments >= self.config.together_moments and self._goes_with_pictures(one)]
        # Music repeats itself: of two lines at one time the one counts that goes with the pictures, or else the clearer one.
        together = without_overlaps(together, self.config)
        alone = self._clear(self.heard, together)
        if seen.verdict is Verdict.MATCH:
            return replace(seen, sounds=_in_order([*together, *alone]))
        return self._confirmed(seen, together) if together else self._by_sound(seen, alone)

    def _clear(self, heard: Sequence[SoundSegment], chosen: Sequence[SoundSegment] = ()) -> list[SoundSegment]:
        """Return the stretches that say something by themselves, beside those that are chosen already."""
        return [one for one in without_overlaps(heard, self.config, chosen) if one.evidence >= self.config.possible_evidence]

    def _confirmed(self, seen: Judgement, together: Sequence[SoundSegment]) -> Judgement:
        """Return a match: the pictures were possible, and the sound goes with them."""
        best = max(one.evidence for one in together)
        gate = Gate(GateName.SOUND, best, self.config.least_evidence, True, "on the same line of time as the pictures")
        reason = "the same pictures, and the same sound at the same time"
        score = _score(best - self.config.least_evidence, self.comparison.config, self.config)
        return replace(
            seen, verdict=Verdict.MATCH, score=score, gates=(*seen.gates, gate), reason=reason, sounds=_in_order(together)
        )  # fmt: skip

    def _by_sound(self, seen: Judgement, alone: Sequence[SoundSegment]) -> Judgement:
        """Return what sound alone allows to say."""
        if not alone:
            return seen
        config, best = self.comparison.config, max(one.evidence for one in alone)
        gate = Gate(GateName.SOUND, best, self.config.possible_evidence, True, "by itself: what agrees on one line of time, beyond chance")
        score = config.possible_min_score + (config.possible_max_score - config.possible_min_score) * min(
            1.0, best / self.config.match_evidence
        )
        found = replace(seen, gates=(*seen.gates, gate), sounds=_in_order(alone))
        if seen.verdict is Verdict.POSSIBLE:
            return replace(found, score=max(score, seen.score), reason=f"{seen.reason}; the same sound, at another time")
        found = self._with_seconds(replace(found, segments=()), alone)
        query_shows, reference_shows = bool(len(self.query)), bool(len(self.reference))
        if not query_shows and not reference_shows and best >= self.config.match_evidence:
            score = _score(best - self.config.match_evidence, config, self.config)
            return replace(found, verdict=Verdict.MATCH, score=score, reason="the same sound; neither has pictures")
        reason = "the sound of the known video under other pictures"
        if not reference_shows:
            reason = "the sound of the known recording, which has no pictures to compare"
        elif not query_shows:
            reason = "the sound of the known video, without its pictures"
        return replace(found, verdict=Verdict.POSSIBLE, score=score, reason=reason)

    def _goes_with_pictures(self, one: SoundSegment) -> bool:
        """Whether the pictures are alike on the line of time of a stretch of sound."""
        for segment in self.comparison.segments:
            start_s, end_s = max(one.query_start_s, segment.query_start_s), min(one.query_end_s, segment.query_end_s)
            if end_s <= start_s:
                continue
            if self.query.is_still or self.reference.is_still:
                return True
            middle_s = (start_s + end_s) / 2
            seen_s = segment.reference_start_s + (middle_s - segment.query_start_s) * segment.speed
            apart_s, faster = abs(seen_s - one.reference_at(middle_s)), abs(one.speed / segment.speed - 1)
            if apart_s <= self.config.together_s and faster <= self.config.together_speed:
                return True
            views = [each for each in self.comparison.view_comparisons if each.views == segment.views]
            if any(self._bits_along(one, each) <= segment.median_bits + self.comparison.config.clearly_nearer_bits for each in views):
                return True
        return any(self._nearer_there(one, each) for each in self.comparison.view_comparisons)

    def _nearer_there(self, one: SoundSegment, each: ViewComparison) -> bool:
        """Whether the pictures are clearly nearer on the line of a stretch of sound than some seconds beside it, as those of a copy are."""
        beside = [self._bits_along(one, each, shift_s) for shift_s in _BESIDE_S]
        beside = [bits for bits in beside if bits < math.inf]
        nearer_bits = self.config.together_share * self.comparison.config.bits
        return bool(beside) and self._bits_along(one, each) <= float(np.median(beside)) - nearer_bits

    def _bits_along(self, one: SoundSegment, each: ViewComparison, shift_s: float = 0.0) -> float:
        """Return the median distance of the pictures on the line of a stretch of sound, or beside it; infinite if there are none."""
        at_s = (each.query.start_s + each.query.end_s) / 2
        there = (at_s >= one.query_start_s) & (at_s <= one.query_end_s)
        heard_s = one.reference_at(at_s[there]) + shift_s
        entry = np.searchsorted(each.reference.start_s, heard_s, "right") - 1
        shown = (entry >= 0) & (heard_s <= each.reference.end_s[np.maximum(entry, 0)])
        if not shown.any():
            return math.inf
        differing = each.query.hash[there][shown] ^ each.reference.hash[entry[shown]]
        return float(np.median(np.bitwise_count(differing).sum(axis=1))) / each.parts

    def _with_seconds(self, found: Judgement, heard: Sequence[SoundSegment]) -> Judgement:
        """Return the judgement with its seconds counted as those of sound."""
        lengths_s = self.query.duration_s, self.reference.duration_s
        query_s = min(lengths_s[0], covered(*np.array([(one.query_start_s, one.query_end_s) for one in heard]).T))
        reference_s = min(lengths_s[1], covered(*np.array([(one.reference_start_s, one.reference_end_s) for one in heard]).T))
        return replace(
            found, matched_query_s=query_s, matched_reference_s=reference_s,
            query_coverage=min(1.0, query_s / lengths_s[0]) if lengths_s[0] else 0.0,
            reference_coverage=min(1.0, reference_s / lengths_s[1]) if lengths_s[1] else 0.0,
        )  # fmt: skip


def without_overlaps(heard: Iterable[SoundSegment], config: SoundConfig, chosen: Sequence[SoundSegment] = ()) -> list[SoundSegment]:
    """Return the clearest stretches that do not claim the same time of the query as each other, or as some that are chosen already."""
    kept: list[SoundSegment] = []
    for one in sorted(heard, key=lambda one: -one.evidence):
        others = ((max(one.query_start_s, other.query_start_s), min(one.query_end_s, other.query_end_s)) for other in (*chosen, *kept))
        if all(end_s - start_s <= config.max_overlap * one.length_s for start_s, end_s in others):
            kept.append(one)
    return kept


def _in_order(heard: Iterable[SoundSegment]) -> tuple[SoundSegment, ...]:
    return tuple(sorted(heard, key=lambda one: (one.query_start_s, one.reference_start_s)))


def _score(beyond: float, config: MatchingConfig, sound: SoundConfig) -> float:
    """Return the score of evidence beyond what a match takes."""
    return 1 / (1 + math.exp(-config.score_slope * max(0.0, beyond) / sound.match_evidence))
