"""One query against one reference: views tried, lines found, and the evidence of each stretch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vhashdb.background import common
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.bits import distances
from vhashdb.matching.align import Stretch, align
from vhashdb.matching.motion import motion_of
from vhashdb.matching.pairs import VIEW_PAIRS, Track, ViewPair, best_view_pairs, query_tracks, tracks_of
from vhashdb.matching.verdict import Judgement, Segment, Verdict, judge

ALIGN_RADIUS: Final = 60 / 256
"""Share of bits that may differ for a pair to vote. Unrelated 256-bit hashes differ in 128 ± 8 bits."""


@dataclass(frozen=True)
class Comparison:
    """What was found between a query and one reference."""

    judgement: Judgement
    views_tried: tuple[tuple[ViewPair, int], ...]
    """View pairs with alike probes, best first, and how many distinct probes were alike."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Matched stretches, in order of query time."""
        return self.judgement.segments


def compare(query: Fingerprint, reference: Fingerprint, *, contexts: int = 1) -> Comparison:
    """Compare two fingerprints.

    Args:
        query: the asked side.
        reference: the known side.
        contexts: how many different known videos show the same; see `vhashdb.matching.ranking`.

    Raises:
        AlgorithmMismatch: they were made by different algorithms or versions.
    """
    reference.algorithm.require(query.algorithm)
    bits = query.algorithm.bits
    radius = round(ALIGN_RADIUS * bits)
    queries, references = query_tracks(query), tracks_of(reference)
    tried = best_view_pairs(queries, references, bits)
    segments: list[Segment] = []
    for pair, _ in tried[:VIEW_PAIRS]:
        track, known = queries[pair.query, pair.negated], references[pair.reference]
        track = track.where(~common(track.hash, query.algorithm))
        if not len(track):
            continue
        table = distances(track.hash, known.hash)
        stretches = align(track, known, table, radius)
        segments += [_segment(track, known, stretch, pair, reference.duration_s, radius) for stretch in stretches]
    if not query.usable.any() or not reference.usable.any():
        which = "the known video" if query.usable.any() else "the file"
        return Comparison(Judgement(Verdict.INSUFFICIENT, 0.0, (), (), f"{which} shows too little picture to compare"), ())
    return Comparison(judge(segments, query, reference, contexts), tuple(tried))


def _segment(query: Track, reference: Track, stretch: Stretch, pair: ViewPair, duration_s: float, radius: int) -> Segment:
    first, last = stretch.reference_s
    alike = stretch.moments.seen & (stretch.moments.distance <= radius)
    nearest: dict[int, int] = {}
    for entry, bits in zip(stretch.moments.query[alike].tolist(), stretch.moments.distance[alike].tolist(), strict=True):
        nearest[entry] = min(bits, nearest.get(entry, bits))
    shown = np.minimum(query.quality[stretch.moments.query[alike]], reference.quality[stretch.moments.reference[alike]])
    return Segment(
        query_start_s=stretch.start_s,
        query_end_s=stretch.end_s,
        reference_start_s=min(max(0.0, first), duration_s),
        reference_end_s=min(max(0.0, last), duration_s),
        speed=stretch.line.speed,
        views=pair,
        matched_s=(stretch.end_s - stretch.start_s) * float(alike.mean()),
        entries=len(nearest),
        distances=tuple(sorted(nearest.values())),
        motion=motion_of(query, reference, stretch),
        bits=8 * query.hash.shape[1],
        quality=int(np.median(shown)) if len(shown) else 0,
    )
