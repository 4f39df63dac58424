"""Several records against each other: what one of them says about the others.

Each pair is judged by itself first. Then:

* what is only **possible** is set aside when another record explains the same seconds clearly better: different footage
  of one place looks alike, and the nearer one is where the picture comes from;
* a **passage** that more than two different videos show, such as an intro or a test card, speaks for the passage and for
  none of them: a record that nothing else speaks for is possible at most. Variants of one video go on alike before and
  after, so they count as one. Where most of the records are variants of one video, the passage is taken for a piece of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.matching.candidates import Source
from vhashdb.matching.comparison import compare
from vhashdb.matching.spans import Spans, length_s, outside, shared_s, union
from vhashdb.matching.variants import Surrounded, videos
from vhashdb.matching.verdict import FULL_WEIGHT_VIDEOS, MATCH_EVIDENCE, MIN_MATCHED_S, Judgement, Verdict

_SAME_SECONDS: Final = 0.7
"""Share of a record's matched seconds that another one must explain too."""
_CLEARLY_NEARER_BITS: Final = 6 / 256
_MOVES_ALIKE: Final = MATCH_EVIDENCE / 2
"""Nats of motion evidence from which nothing else can outshine a record: two variants of one video differ in distance too."""
_LEAST_BEYOND_S: Final = 1.0
_LEAST_BEYOND: Final = 0.2
"""Seconds, and share of a record, that it must show beyond what matched: otherwise it is a record of that itself."""


@dataclass(frozen=True)
class Known:
    """A record that a query was compared with."""

    reference: Fingerprint
    judgement: Judgement
    near_s: tuple[float, ...] = ()
    """Seconds of the query at which the search found it near."""
    source: Source | None = None

    def weaker_than(self, other: Known) -> bool:
        """Whether it comes from a source that is trusted less than the other's."""
        return self.source is not None and other.source is not None and self.source.rank > other.source.rank

    @property
    def shown(self) -> Spans:
        """Where the query shows it."""
        return union((s.query_start_s, s.query_end_s) for s in self.judgement.segments)

    @property
    def beyond(self) -> Spans:
        """What of it the query does not show."""
        return outside([(s.reference_start_s, s.reference_end_s) for s in self.judgement.segments], self.reference.duration_s)


def weigh(query: Fingerprint, known: Sequence[Known]) -> list[Judgement]:
    """The judgements on some records in the light of each other, in the same order; what is set aside is `NO_MATCH`."""
    equals = [[other.judgement for other in known if other is not one and not other.weaker_than(one)] for one in known]
    nearest = [replace(one, judgement=_unless_outshone(one, others)) for one, others in zip(known, equals, strict=True)]
    passages = _passages(nearest)
    return [_unless_passage(query, one, [p for p in passages if number in p.records]) for number, one in enumerate(nearest)]


def _unless_outshone(one: Known, others: Sequence[Judgement]) -> Judgement:
    judgement = one.judgement
    if judgement.verdict is not Verdict.POSSIBLE or any(s.motion_evidence >= _MOVES_ALIKE for s in judgement.segments):
        return judgement
    for other in others:
        nearer = other.found and other.median_bits + _CLEARLY_NEARER_BITS * other.bits <= judgement.median_bits
        if nearer and _claimed_s(judgement, other) >= _SAME_SECONDS * judgement.matched_query_s:
            return judgement.set_aside("another record explains the same seconds better")
    return judgement


def _claimed_s(one: Judgement, other: Judgement) -> float:
    """Seconds of the query that both claim."""
    return shared_s(*([(s.query_start_s, s.query_end_s) for s in judgement.segments] for judgement in (one, other)))


@dataclass(frozen=True)
class _Passage:
    """A stretch of a query that too many different videos show to speak for one of them."""

    span: tuple[float, float]
    records: frozenset[int]
    """Those that it does not speak for, by position."""
    videos: int
    """How many different ones show it."""


def _passages(known: Sequence[Known]) -> list[_Passage]:
    """The passages among the stretches that the query shows of some records, in order of time."""
    shown = {n: one.shown for n, one in enumerate(known) if one.judgement.found and _goes_on(one)}
    edges = sorted({edge for spans in shown.values() for span in spans for edge in span})
    crowds = [(span, [n for n, spans in shown.items() if shared_s([span], spans)]) for span in pairwise(edges)]
    crowds = [(span, crowd) for span, crowd in crowds if len(crowd) > FULL_WEIGHT_VIDEOS]
    if length_s([span for span, _ in crowds]) < MIN_MATCHED_S:
        return []
    crowded = sorted({n for _, crowd in crowds for n in crowd})
    video_of = dict(zip(crowded, videos([Surrounded(known[n].reference, known[n].beyond) for n in crowded]), strict=True))
    passages = []
    for span, crowd in crowds:
        heard = {n: Counter(video_of[m] for m in _heard(known, n, crowd)) for n in crowd}
        common = {n: len(variants) for n, variants in heard.items() if len(variants) > FULL_WEIGHT_VIDEOS}
        records = frozenset(n for n in common if heard[n][video_of[n]] <= heard[n].total() / 2)
        if records:
            passages.append(_Passage(span, records, max(common.values())))
    return passages


def _heard(known: Sequence[Known], number: int, crowd: Sequence[int]) -> list[int]:
    """Those of a crowd that count against one of it: of each source that is trusted less, one record."""
    one = known[number]
    weaker = {known[n].source: n for n in reversed(crowd) if known[n].weaker_than(one)}
    return [n for n in crowd if not known[n].weaker_than(one) or weaker[known[n].source] == n]


def _goes_on(one: Known) -> bool:
    """Whether a record shows more than what the query shows of it."""
    return length_s(one.beyond) >= max(_LEAST_BEYOND_S, _LEAST_BEYOND * one.reference.duration_s)


def _unless_passage(query: Fingerprint, one: Known, passages: Sequence[_Passage]) -> Judgement:
    """The judgement, or `POSSIBLE` where it is a match by nothing but passages."""
    if one.judgement.verdict is not Verdict.MATCH or not passages:
        return one.judgement
    spans = union(passage.span for passage in passages)
    middle_s = (query.start_s + query.end_s) / 2
    rest = query.only(~np.logical_or.reduce([(start_s <= middle_s) & (middle_s <= end_s) for start_s, end_s in spans]))
    near_s = tuple(at_s for at_s in one.near_s if not any(start_s <= at_s <= end_s for start_s, end_s in spans))
    if compare(rest, one.reference, near_s=near_s).judgement.verdict is Verdict.MATCH:
        return one.judgement
    return one.judgement.held_back(max(passage.videos for passage in passages))
