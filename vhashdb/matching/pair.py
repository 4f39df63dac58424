"""Compare two fingerprints by all that they have, pictures and sound; no database is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.outline import Outline
from vhashdb.matching.comparison import Comparison, compare_pictures
from vhashdb.matching.config import MatchingConfig, SoundConfig
from vhashdb.matching.explanation import Explanation
from vhashdb.matching.retrieval import RetrievalCheck
from vhashdb.matching.sound_alignment import SoundSegment, align_sound
from vhashdb.matching.sound_evidence import Hearing
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.matching.witnesses import LEAST_LANDMARKS


def compare(
    query: Fingerprint,
    reference: Fingerprint,
    *,
    config: MatchingConfig | None = None,
    anchors_s: Sequence[float] = (),
    query_outline: Outline | None = None,
) -> Comparison:
    """Compare two fingerprints: their pictures, and their sound where both have it.

    Args:
        query: the fingerprint that is asked about.
        reference: the recorded one.
        config: what decides about pictures; None: the one of their algorithm.
        anchors_s: seconds of the query at which a search found the two near, if there was one; helps with long videos.
        query_outline: where in its frame lies what the query shows, if its views do not say.

    Raises:
        AlgorithmMismatch: they were made by different algorithms or versions.
    """
    seen = compare_pictures(query, reference, config=config, anchors_s=anchors_s, query_outline=query_outline)
    heard = heard_in(query, reference, SoundConfig())
    return replace(seen, judgement=with_sound(query, reference, seen, heard, SoundConfig()))


def explain(
    query: Fingerprint, reference: Fingerprint, retrieval: tuple[RetrievalCheck, ...] = (), *, listened: bool = True
) -> Explanation:
    """Compare two fingerprints and keep them.

    Args:
        query: the fingerprint that is asked about.
        reference: the recorded one.
        retrieval: whether a search retrieves the reference.
        listened: whether a query without sound is of a file without it, as opposed to one that was not listened to.

    Raises:
        AlgorithmMismatch: they were made by different algorithms or versions.
    """
    found = compare(query, reference)
    return Explanation(
        found.judgement, found.views_tried, found.view_comparisons, found.config, query, reference, retrieval, listened=listened
    )


def with_sound(
    query: Fingerprint, reference: Fingerprint, seen: Comparison, heard: Sequence[SoundSegment], config: SoundConfig
) -> Judgement:
    """Return the judgement on a pair in the light of what was heard, which may be nothing."""
    if heard:
        return Hearing(query, reference, seen, heard, config).judge()
    without = [words for words, side in (("the file", query), ("the known one", reference)) if not len(side)]
    enough = all(side.sound is not None and len(side.sound) >= LEAST_LANDMARKS for side in (query, reference))
    if seen.judgement.verdict is not Verdict.INSUFFICIENT or not without:
        return seen.judgement
    which = "neither has" if len(without) > 1 else f"{without[0]} has no"
    if not enough:
        return replace(seen.judgement, reason=f"{which} pictures, and too little is to be heard to compare")
    return Judgement(Verdict.NO_MATCH, 0.0, (), seen.judgement.gates, f"the two do not sound alike; {which} pictures")


def heard_in(query: Fingerprint, reference: Fingerprint, config: SoundConfig) -> tuple[SoundSegment, ...]:
    """Return where a query sounds like a record; nothing where one of them has no sound."""
    if query.sound is None or reference.sound is None:
        return ()
    return align_sound(query.sound, reference.sound, config)
