"""One query against one reference: views tried, lines found, and the evidence of each stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vhashdb.background import stop_hash_mask
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import distances
from vhashdb.matching.align import Alignment, Stretch, alignment
from vhashdb.matching.motion import motion_of
from vhashdb.matching.pairs import VIEW_PAIRS, Track, ViewPair, best_view_pairs, query_tracks, tracks_of
from vhashdb.matching.reasons import Fate, fates, near_miss
from vhashdb.matching.verdict import Judgement, Segment, Verdict, judge, strongest, without_overlaps

ALIGN_RADIUS: Final = 60 / 256
"""Share of bits that may differ for a pair to vote. Unrelated 256-bit hashes differ in 128 ± 8 bits."""


@dataclass(frozen=True)
class Look:
    """What comparing both sides in full through one view pair gave."""

    views: ViewPair
    query_entries: int
    reference_entries: int
    """Entries that were compared, each of one side with each of the other."""
    alike: int
    """Pairs of entries that were alike."""
    votes: float
    """Of the strongest line of time; a query entry on it gives 1 when it is the very same picture, and less when it is not."""
    most_votes: float
    """What it could have if all query entries with an alike one agreed on it."""
    segments: tuple[Segment, ...]
    """All stretches, chosen or not, strongest first."""


@dataclass(frozen=True)
class Comparison:
    """What was found between a query and one reference."""

    judgement: Judgement
    views_tried: tuple[tuple[ViewPair, int], ...]
    """View pairs with alike probes, best first, and how many distinct probes were alike."""
    looks: tuple[Look, ...]
    """The best of these, compared in full."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Matched stretches, in order of query time."""
        return self.judgement.segments

    @property
    def views_compared(self) -> tuple[ViewPair, ...]:
        """The view pairs of `looks`."""
        return tuple(look.views for look in self.looks)

    @property
    def found(self) -> tuple[tuple[Segment, Fate], ...]:
        """All stretches, in the order of `looks`, each with whether it was chosen, or else why not."""
        segments = [segment for look in self.looks for segment in look.segments]
        return tuple(zip(segments, fates(segments, self.judgement), strict=True))

    @property
    def strongest(self) -> Segment | None:
        """The stretch that the gates and `near_miss` are about; None if there is none."""
        return strongest(without_overlaps([segment for look in self.looks for segment in look.segments]))

    @property
    def near_miss(self) -> str:
        """Why it is not a match, in a sentence; empty for a match and where too little is shown to say anything."""
        segments = [segment for look in self.looks for segment in look.segments]
        return near_miss(self.judgement, segments, alike_somewhere=bool(self.views_tried), compared=bool(self.looks))


def compare(query: Fingerprint, reference: Fingerprint, *, near_s: Sequence[float] = ()) -> Comparison:
    """Compare two fingerprints.

    Args:
        query: the asked side.
        reference: the known side.
        near_s: seconds of the query at which a search found the two near, if there was one; helps with long videos.

    Raises:
        AlgorithmMismatch: they were made by different algorithms or versions.
    """
    reference.algorithm.require(query.algorithm)
    bits = query.algorithm.bits
    radius = align_radius(bits)
    queries, references = query_tracks(query), tracks_of(reference)
    shown_s = (0.0, reference.duration_s)
    if reference.is_still and len(reference):
        shown_s = (float(reference.start_s[0]), float(reference.end_s.max()))
        references = {view: track.lasting(query.duration_s) for view, track in references.items()}
    tried = best_view_pairs(queries, references, bits, near_s)
    looks: list[Look] = []
    for pair, _ in tried[:VIEW_PAIRS]:
        track, known = queries[pair.query, pair.negated], references[pair.reference]
        track = telling(track, query.algorithm)
        if not len(track):
            continue
        aligned = alignment(track, known, distances(track.hash, known.hash), radius)
        segments = [_segment(track, known, stretch, pair, shown_s, radius) for stretch in aligned.stretches]
        looks.append(_look(pair, track, known, aligned, segments))
    if not query.usable.any() or not reference.usable.any():
        which = "the known video" if query.usable.any() else "the file"
        return Comparison(Judgement(Verdict.INSUFFICIENT, 0.0, (), (), f"{which} shows too little picture to compare"), (), ())
    found = [segment for look in looks for segment in look.segments]
    return Comparison(judge(found, query, reference), tuple(tried), tuple(looks))


def align_radius(bits: int) -> int:
    """Bits up to which entries are alike, for hashes of ``bits`` bits."""
    return round(ALIGN_RADIUS * bits)


def telling(track: Track, algorithm: AlgorithmId) -> Track:
    """The entries of a query that not just any video could show."""
    return track.where(~stop_hash_mask(track.hash, algorithm))


def _look(pair: ViewPair, query: Track, reference: Track, aligned: Alignment, segments: list[Segment]) -> Look:
    return Look(pair, len(query), len(reference), aligned.alike, aligned.votes, aligned.most_votes, tuple(segments))


def _segment(query: Track, reference: Track, stretch: Stretch, pair: ViewPair, shown_s: tuple[float, float], radius: int) -> Segment:
    first, last = np.clip(stretch.reference_s, *shown_s).tolist()
    alike = stretch.moments.seen & (stretch.moments.distance <= radius)
    nearest: dict[int, int] = {}
    for entry, bits in zip(stretch.moments.query[alike].tolist(), stretch.moments.distance[alike].tolist(), strict=True):
        nearest[entry] = min(bits, nearest.get(entry, bits))
    shown = np.minimum(query.quality[stretch.moments.query[alike]], reference.quality[stretch.moments.reference[alike]])
    return Segment(
        query_start_s=stretch.start_s,
        query_end_s=stretch.end_s,
        reference_start_s=first,
        reference_end_s=last,
        speed=stretch.line.speed,
        views=pair,
        matched_s=(stretch.end_s - stretch.start_s) * float(alike.mean()),
        entries=len(nearest),
        distances=tuple(sorted(nearest.values())),
        motion=motion_of(query, reference, stretch),
        bits=8 * query.hash.shape[1],
        quality=int(np.median(shown)) if len(shown) else 0,
    )
