"""Reranking: what several records that a query was compared with say about each other.

Each pair is judged by itself first. Then:

* what is only **possible** is suppressed when another record explains the same seconds clearly better: different footage
  of one place looks alike, and the nearer one is where the picture comes from. It is suppressed too when more than two
  different videos look as near there, as those of one design do: then being near says nothing about any of them;
* a **match** that a different video outshines is possible at most: that lies in the same place of the picture at the same time and is
  clearly nearer, so it is where the picture comes from, and what the other shares with it is a design, a countdown or a background;
* what rests on **sound** that more than two different videos have is worth less in the same way: the sound of a template, a jingle
  or a popular song confirms no picture, and by itself finds none of them; a record without pictures is about its sound, and stays;
* a **passage** that more than two different videos show, such as an intro or a test card, speaks for the passage and for
  none of them: a record that nothing else speaks for is possible at most. Variants of one video go on alike before and
  after, so they count as one. Where most of the records are variants of one video, the passage is taken for a piece of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.outline import Outline
from vhashdb.intervals import Spans, length_s, outside, shared_s, union
from vhashdb.matching.comparison import Comparison, compare_pictures
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.outlines import whole_known
from vhashdb.matching.retrieval import Source
from vhashdb.matching.verdict import Judgement, Verdict, held_back, outshone, strongest, suppressed


@dataclass(frozen=True)
class Compared:
    """A record that a query was compared with."""

    reference: Fingerprint
    comparison: Comparison
    judgement: Judgement
    """At first the one of the comparison; what other records say about it changes it."""
    source: Source | None = None
    videos: frozenset[int] = frozenset()
    """The videos that the record belongs to; none if it is not grouped."""

    def weaker_than(self, other: Compared) -> bool:
        """Return whether it comes from a source that is trusted less than the other's."""
        return self.source is not None and other.source is not None and self.source.rank > other.source.rank

    @property
    def place(self) -> Outline:
        """Where its picture lies in the query's, by the strongest of its segments."""
        best = strongest(self.judgement.segments)
        return whole_known(best.outline, best.reference_outline) if best else Outline.from_box()

    @property
    def shown(self) -> Spans:
        """Where the query shows it."""
        return union((s.query_start_s, s.query_end_s) for s in self.judgement.segments)

    @property
    def beyond(self) -> Spans:
        """What of it the query does not show."""
        return outside([(s.reference_start_s, s.reference_end_s) for s in self.judgement.segments], self.reference.duration_s)


def rerank(query: Fingerprint, compared: Sequence[Compared], config: MatchingConfig) -> list[Judgement]:
    """Return the judgements on some records in the light of each other, in the same order; a suppressed one is `NO_MATCH`."""
    equals = [[other for other in compared if other is not one and not other.weaker_than(one)] for one in compared]
    nearest = [replace(one, judgement=_unless_suppressed(one, others, config)) for one, others in zip(compared, equals, strict=True)]
    nearest = [replace(one, judgement=_unless_common(one, others, config)) for one, others in zip(nearest, equals, strict=True)]
    nearest = [replace(one, judgement=_unless_outshone(one, others, config)) for one, others in zip(nearest, equals, strict=True)]
    nearest = [replace(one, judgement=_unless_common_sound(number, nearest, config)) for number, one in enumerate(nearest)]
    passages = _passages(nearest, config)
    return [_unless_passage(query, one, [p for p in passages if number in p.records], config) for number, one in enumerate(nearest)]


def _unless_suppressed(one: Compared, others: Sequence[Compared], config: MatchingConfig) -> Judgement:
    judgement = one.judgement
    if judgement.verdict is not Verdict.POSSIBLE or any(s.motion_evidence >= config.moves_alike for s in judgement.segments):
        return judgement
    for other in (each.judgement for each in others):
        nearer = other.found and other.median_bits + config.clearly_nearer_bits <= judgement.median_bits
        if nearer and _claims(other, judgement, config):
            return suppressed(judgement, "another record explains the same seconds better")
    return judgement


def _unless_common(one: Compared, others: Sequence[Compared], config: MatchingConfig) -> Judgement:
    """The judgement on one record, or `NO_MATCH` where it is possible at most and too many different videos look as near.

    ``others`` are as they were judged by themselves: what a nearer record outshines shows all the same that many look like this.
    """
    if one.judgement.verdict is not Verdict.POSSIBLE:
        return one.judgement
    crowd = [one, *(other for other in others if _as_near(other, one, config))]
    most = config.max_videos_of_passage
    if len(crowd) <= most or len(set(_videos(crowd, _matches, config))) <= most:
        return one.judgement
    return suppressed(one.judgement, "several known videos look as much like it as this one", common=True)


def _unless_outshone(one: Compared, others: Sequence[Compared], config: MatchingConfig) -> Judgement:
    """The judgement on one record, or `POSSIBLE` where it is a match and a different video is a clearly nearer one there."""
    if one.judgement.verdict is not Verdict.MATCH:
        return one.judgement
    for other in others:
        nearer_bits = one.judgement.median_bits - other.judgement.median_bits
        if other.judgement.verdict is not Verdict.MATCH or nearer_bits < config.clearly_nearer_bits:
            continue
        there = _claims(other.judgement, one.judgement, config) and other.place.shared_with(one.place) >= config.same_place
        if there and one.videos.isdisjoint(other.videos):
            return outshone(one.judgement, nearer_bits, config)
    return one.judgement


def _unless_common_sound(number: int, compared: Sequence[Compared], config: MatchingConfig) -> Judgement:
    """The judgement on one record, without what it owes to a sound that too many different videos have."""
    one = compared[number]
    if not one.judgement.needs_sound or not len(one.reference):
        return one.judgement
    heard = [(each.query_start_s, each.query_end_s) for each in one.judgement.sounds]
    crowd = [one]
    for n, other in enumerate(compared):
        spans = union((each.query_start_s, each.query_end_s) for each in other.judgement.sounds)
        if n != number and not other.weaker_than(one) and shared_s(union(heard), spans) >= config.same_seconds * length_s(union(heard)):
            crowd.append(other)
    videos = len(set(_videos(crowd, _variants, config)))
    if videos <= config.max_videos_of_passage:
        return one.judgement
    if one.judgement.by_sound:
        return suppressed(one.judgement, f"{videos} different known videos have this sound", common=True)
    return held_back(one.judgement, videos, config, "the same pictures, confirmed by nothing but a sound that {} known videos have")


def _as_near(other: Compared, one: Compared, config: MatchingConfig) -> bool:
    """Whether another record may show the same seconds as well, and looks about as near."""
    if not other.judgement.found:
        return False
    near = other.judgement.median_bits <= one.judgement.median_bits + config.clearly_nearer_bits
    return near and _claims(other.judgement, one.judgement, config)


def _claims(one: Judgement, seconds_of: Judgement, config: MatchingConfig) -> bool:
    """Whether a judgement claims most of the seconds of the query that another does."""
    spans = ([(s.query_start_s, s.query_end_s) for s in judgement.segments] for judgement in (one, seconds_of))
    return shared_s(*spans) >= config.same_seconds * seconds_of.matched_query_s


@dataclass(frozen=True)
class _Passage:
    """A stretch of a query that too many different videos show to speak for one of them."""

    span: tuple[float, float]
    records: frozenset[int]
    """Those that it does not speak for, by position."""
    videos: int
    """How many different ones show it."""


def _passages(compared: Sequence[Compared], config: MatchingConfig) -> list[_Passage]:
    """The passages among the stretches that the query shows of some records, in order of time."""
    most = config.max_videos_of_passage
    shown = {n: one.shown for n, one in enumerate(compared) if one.judgement.found and _goes_on(one, config)}
    edges = sorted({edge for spans in shown.values() for span in spans for edge in span})
    crowds = [(span, [n for n, spans in shown.items() if shared_s([span], spans)]) for span in pairwise(edges)]
    crowds = [(span, crowd) for span, crowd in crowds if len(crowd) > most]
    if length_s([span for span, _ in crowds]) < config.min_matched_s:
        return []
    crowded = sorted({n for _, crowd in crowds for n in crowd})
    video_of = dict(zip(crowded, _videos([compared[n] for n in crowded], _variants, config), strict=True))
    passages = []
    for span, crowd in crowds:
        heard = {n: Counter(video_of[m] for m in _heard(compared, n, crowd)) for n in crowd}
        common = {n: len(variants) for n, variants in heard.items() if len(variants) > most}
        records = frozenset(n for n in common if heard[n][video_of[n]] <= heard[n].total() / 2)
        if records:
            passages.append(_Passage(span, records, max(common.values())))
    return passages


def _heard(compared: Sequence[Compared], number: int, crowd: Sequence[int]) -> list[int]:
    """Those of a crowd that count against one of it: of each source that is trusted less, one record."""
    one = compared[number]
    weaker = {compared[n].source: n for n in reversed(crowd) if compared[n].weaker_than(one)}
    return [n for n in crowd if not compared[n].weaker_than(one) or weaker[compared[n].source] == n]


def _goes_on(one: Compared, config: MatchingConfig) -> bool:
    """Whether a record shows more than what the query shows of it."""
    return length_s(one.beyond) >= max(config.min_beyond_s, config.min_beyond * one.reference.duration_s)


def _unless_passage(query: Fingerprint, one: Compared, passages: Sequence[_Passage], config: MatchingConfig) -> Judgement:
    """The judgement, or `POSSIBLE` where it is a match by nothing but passages."""
    if one.judgement.verdict is not Verdict.MATCH or not passages:
        return one.judgement
    spans = union(passage.span for passage in passages)
    middle_s = (query.start_s + query.end_s) / 2
    rest = query.only(~np.logical_or.reduce([(start_s <= middle_s) & (middle_s <= end_s) for start_s, end_s in spans]))
    if one.comparison.outside(spans, rest, one.reference).verdict is Verdict.MATCH:
        return one.judgement
    return held_back(one.judgement, max(passage.videos for passage in passages), config)


_Same = Callable[[Compared, Compared, MatchingConfig], bool]
"""Whether two records are of one video."""


def _videos(records: Sequence[Compared], same: _Same, config: MatchingConfig) -> list[int]:
    """The number of the video that each record is of.

    Each is compared with the first record of each video; beyond `MatchingConfig.max_videos_counted` a record that is of none of these
    is taken for a video of its own. Records that are grouped as one video are not compared again.
    """
    numbers: list[int] = []
    firsts: list[int] = []
    for position, record in enumerate(records):
        grouped = (first for first in firsts if not record.videos.isdisjoint(records[first].videos))
        first = next(grouped, None)
        if first is None:
            first = next((first for first in firsts if same(record, records[first], config)), None)
        if first is None and len(firsts) < config.max_videos_counted:
            firsts.append(position)
        numbers.append(position if first is None else first)
    return numbers


def _matches(one: Compared, other: Compared, config: MatchingConfig) -> bool:
    """Whether two records match each other, or one is a still picture, which cannot.

    That they look alike is not enough where the question is how many different videos do.
    """
    if one.reference.is_still or other.reference.is_still:
        return True
    return compare_pictures(one.reference, other.reference, config=config).judgement.verdict is Verdict.MATCH


def _variants(one: Compared, other: Compared, config: MatchingConfig) -> bool:
    """Whether two records are a copy, a cut or a compilation of one video.

    A passage that both have, such as an intro, does not make them that: they must also go on alike beyond it.
    """
    segments = compare_pictures(one.reference, other.reference, config=config).segments
    return any(
        shared_s(union(found), side.beyond) >= config.goes_on_alike * length_s(side.beyond)
        for found, side in (
            ([(s.query_start_s, s.query_end_s) for s in segments], one),
            ([(s.reference_start_s, s.reference_end_s) for s in segments], other),
        )
    )
