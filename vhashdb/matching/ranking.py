"""Several records against each other: what one of them says about the others.

Each pair is judged by itself first. Then:

* a stretch that **several records** show, in different surroundings, says little about any of them: an intro, a test
  card. Variants of one video go on alike before and after, so they count as one; two are reported in full, of more
  each gets its share of the evidence;
* what is only **possible** is set aside when another record explains the same seconds clearly better: different footage
  of one place looks alike, and the nearer one is where the picture comes from.

Both say less about a record when they come from sources that are trusted less than its own: all records of such a source
count as one, and none of them sets anything aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.matching.candidates import Source
from vhashdb.matching.comparison import compare
from vhashdb.matching.verdict import FULL_WEIGHT_CONTEXTS, MATCH_EVIDENCE, Judgement, Verdict

MAX_CONTEXTS: Final = 8
"""Different videos after which nobody counts further."""
_SAME_SECONDS: Final = 0.7
"""Share of a record's matched seconds that another one must explain too."""
_SAME_VIDEO: Final = 0.5
"""Share of a record that must be found in another one for the two to be variants of one video."""
_CLEARLY_NEARER_BITS: Final = 6 / 256
_MOVES_ALIKE: Final = MATCH_EVIDENCE / 2
"""Nats of motion evidence from which nothing else can outshine a record: two variants of one video differ in distance too."""


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


def weigh(query: Fingerprint, known: Sequence[Known]) -> list[Judgement]:
    """The judgements on some records in the light of each other, in the same order; what is set aside is `NO_MATCH`."""
    variants = _Variants()
    weighed = [
        _with_common_stretches(query, one, [other for other in known if other is not one and other.judgement.found], variants)
        for one in known
    ]
    by_equals = [[weighed[j] for j, other in enumerate(known) if i != j and not other.weaker_than(one)] for i, one in enumerate(known)]
    return [_unless_outshone(one, others) for one, others in zip(weighed, by_equals, strict=True)]


def _with_common_stretches(query: Fingerprint, one: Known, others: Sequence[Known], variants: _Variants) -> Judgement:
    """The judgement again, with less weight if too many different videos show the same seconds of the query."""
    if not one.judgement.found or one.judgement.reference_coverage >= _SAME_VIDEO:
        return one.judgement
    same = [other for other in others if _shared_s(one.judgement, other.judgement) >= _SAME_SECONDS * one.judgement.matched_query_s]
    weaker = {other.source: other for other in reversed(same) if other.weaker_than(one)}
    crowd = [other.reference for other in same if not other.weaker_than(one) or weaker[other.source] is other]
    if len(crowd) < FULL_WEIGHT_CONTEXTS:
        return one.judgement
    contexts = _contexts([one.reference, *crowd], variants)
    if contexts <= FULL_WEIGHT_CONTEXTS:
        return one.judgement
    return compare(query, one.reference, near_s=one.near_s, contexts=contexts).judgement


class _Variants:
    """Which records are variants of one video; each pair is compared once, as popular videos have many."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bool] = {}

    def are(self, one: Fingerprint, other: Fingerprint) -> bool:
        """Whether much of one is in the other."""
        pair = id(one), id(other)
        if pair not in self._known:
            self._known[pair] = compare(one, other).judgement.query_coverage >= _SAME_VIDEO
        return self._known[pair]


def _contexts(references: Sequence[Fingerprint], variants: _Variants) -> int:
    """How many different videos some records are, variants of one video counted once; `MAX_CONTEXTS` at most."""
    different: list[Fingerprint] = []
    for reference in references:
        if len(different) >= MAX_CONTEXTS:
            break
        if not any(variants.are(reference, other) for other in different):
            different.append(reference)
    return len(different)


def _unless_outshone(one: Judgement, others: Sequence[Judgement]) -> Judgement:
    if one.verdict is not Verdict.POSSIBLE or any(s.motion_evidence >= _MOVES_ALIKE for s in one.segments):
        return one
    for other in others:
        nearer = other.found and other.median_bits + _CLEARLY_NEARER_BITS * other.bits <= one.median_bits
        if nearer and _shared_s(one, other) >= _SAME_SECONDS * one.matched_query_s:
            return one.set_aside("another record explains the same seconds better")
    return one


def _shared_s(one: Judgement, other: Judgement) -> float:
    """Seconds of the query that both claim."""
    return sum(
        max(0.0, min(a.query_end_s, b.query_end_s) - max(a.query_start_s, b.query_start_s)) for a in one.segments for b in other.segments
    )
