"""One query against one reference: view pairs tried, segments aligned and measured, and a verdict on the pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from vhashdb.background import stop_hash_mask
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import distances
from vhashdb.hashing.outline import Outline
from vhashdb.intervals import Spans
from vhashdb.matching.alignment import AlignedSegment, Alignment, align
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import GateName, MatchedSegment, measure
from vhashdb.matching.outlines import outlines_of
from vhashdb.matching.reasons import Fate, fates, near_miss
from vhashdb.matching.speed_range import speed_range
from vhashdb.matching.verdict import Judgement, Verdict, judge, strongest, without_overlaps
from vhashdb.matching.view_pairs import HashSequence, ViewPair, best_view_pairs, query_sequences, reference_sequences


@dataclass(frozen=True, eq=False)
class ViewComparison:
    """What comparing both sides at every entry through one view pair gave."""

    views: ViewPair
    query: HashSequence
    reference: HashSequence
    """The entries that were compared, each of one side with each of the other."""
    shown_s: tuple[float, float]
    """Seconds of the reference that there are."""
    alignment: Alignment
    config: MatchingConfig
    """For one hash."""
    outline: Outline | None = None
    """Where in the query's frame its view lies; None if that is not known."""
    reference_outline: Outline | None = None
    """The same of the reference."""
    parts: int = 1
    """Hashes side by side that were compared at each moment."""

    @cached_property
    def segments(self) -> tuple[MatchedSegment, ...]:
        """All of them, chosen or not, strongest first."""
        return self._measured(self.alignment.segments)

    def outside(self, spans: Spans) -> tuple[MatchedSegment, ...]:
        """Return what is left of the segments outside some spans of the query, measured again but not aligned again."""
        radius_bits = round(self.config.side_by_side(self.parts).align_radius_bits)
        return self._measured(piece for segment in self.alignment.segments for piece in segment.outside(spans, radius_bits))

    def _measured(self, aligned: Iterable[AlignedSegment]) -> tuple[MatchedSegment, ...]:
        return tuple(self._measure(each) for each in aligned)

    def _measure(self, aligned: AlignedSegment) -> MatchedSegment:
        config = self.config.side_by_side(self.parts)
        measured = measure(self.query, self.reference, aligned, self.views, self.shown_s, config)
        worth_it = not measured.at_normal_speed and measured.passes(GateName.FRAMES, GateName.SECONDS, GateName.DISTANCE)
        found = speed_range(self.query, self.reference, aligned, config) if worth_it else None
        measured = replace(measured, outline=self.outline, reference_outline=self.reference_outline, speed_range=found)
        return measured.for_one_of(self.parts, self.config) if self.parts > 1 else measured


@dataclass(frozen=True)
class Comparison:
    """What was found between a query and one reference."""

    judgement: Judgement
    views_tried: tuple[tuple[ViewPair, int], ...]
    """View pairs with alike probes, best first, and how many distinct probes were alike."""
    view_comparisons: tuple[ViewComparison, ...]
    """The best of these, compared at every entry."""
    config: MatchingConfig
    """What it was compared with."""

    @property
    def segments(self) -> tuple[MatchedSegment, ...]:
        """Matched segments, in order of query time."""
        return self.judgement.segments

    @property
    def views_compared(self) -> tuple[ViewPair, ...]:
        """The view pairs of `view_comparisons`."""
        return tuple(each.views for each in self.view_comparisons)

    @property
    def found(self) -> tuple[tuple[MatchedSegment, Fate], ...]:
        """All segments, in the order of `view_comparisons`, each with whether it was chosen, or else why not."""
        return tuple(zip(self._all, fates(self._all, self.judgement, self.config), strict=True))

    @property
    def strongest(self) -> MatchedSegment | None:
        """The segment that the gates and `near_miss` are about; None if there is none."""
        return strongest(without_overlaps(self._all, self.config))

    @property
    def near_miss(self) -> str:
        """Why it is not a match, in a sentence; empty for a match and where too little is shown to say anything."""
        return near_miss(self.judgement, self.strongest, alike_somewhere=bool(self.views_tried), compared=bool(self.view_comparisons))

    def outside(self, spans: Spans, query: Fingerprint, reference: Fingerprint) -> Judgement:
        """Judge again what was found outside some spans of the query: its segments are cut and measured, not aligned again.

        Args:
            spans: in seconds of the query, disjoint and in order.
            query: the query without what it shows there.
            reference: the one that was compared.
        """
        found = [segment for each in self.view_comparisons for segment in each.outside(spans)]
        return judge(found, query, reference, self.config)

    @property
    def _all(self) -> list[MatchedSegment]:
        return [segment for each in self.view_comparisons for segment in each.segments]


def compare_pictures(
    query: Fingerprint,
    reference: Fingerprint,
    *,
    config: MatchingConfig | None = None,
    anchors_s: Sequence[float] = (),
    query_outline: Outline | None = None,
    parts: int = 1,
) -> Comparison:
    """Compare the pictures of two fingerprints.

    Args:
        query: the fingerprint that is asked about.
        reference: the recorded one.
        config: what decides; None: the one of their algorithm.
        anchors_s: seconds of the query at which a search found the two near, if there was one; helps with long videos.
        query_outline: where in its frame lies what the query shows, if its views do not say.
        parts: of so many hashes side by side each hash of theirs consists; ``config`` is for one of them.

    Raises:
        AlgorithmMismatch: they were made by different algorithms or versions.
    """
    reference.algorithm.require(query.algorithm)
    config = config or MatchingConfig.of(query.algorithm)
    wide = config.side_by_side(parts)
    queries, references = query_sequences(query), reference_sequences(reference, query)
    shown_s = (0.0, reference.duration_s)
    if reference.is_still and len(reference):
        shown_s = (float(reference.start_s[0]), float(reference.end_s.max()))
        references = {view: sequence.lasting(query.duration_s) for view, sequence in references.items()}
    tried = best_view_pairs(queries, references, wide, anchors_s)
    compared: list[ViewComparison] = []
    for views, _ in tried[: config.view_pairs]:
        sequence = informative(queries[views.query, views.negated], query.algorithm)
        if len(sequence):
            other = references[views.reference]
            alignment = align(sequence, other, distances(sequence.hash, other.hash), wide)
            asked, known = outlines_of(query, reference, views.query, views.reference)
            outlines = query_outline or asked, known
            compared.append(ViewComparison(views, sequence, other, shown_s, alignment, config, *outlines, parts))
    if not query.usable.any() or not reference.usable.any():
        which = "the known video" if query.usable.any() else "the file"
        return Comparison(Judgement(Verdict.INSUFFICIENT, 0.0, (), (), f"{which} shows too little picture to compare"), (), (), config)
    found = [segment for each in compared for segment in each.segments]
    return Comparison(judge(found, query, reference, config), tuple(tried), tuple(compared), config)


def informative(sequence: HashSequence, algorithm: AlgorithmId) -> HashSequence:
    """Return the entries of a query that not just any video could show; see `vhashdb.background`."""
    return sequence.where(~stop_hash_mask(sequence.hash, algorithm))
