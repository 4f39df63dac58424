"""Whether what was seen and compared is enough, to say "no match" or to look no further.

What was not looked at is never called harmless; and where something known was found, it must explain all that there is.
"""

from __future__ import annotations

from collections.abc import Sequence

from vhashdb.coverage import LEAST_RUN_S, Coverage
from vhashdb.fingerprints import Fingerprint, unusable_spans
from vhashdb.intervals import outside
from vhashdb.matching.config import MatchingConfig, SoundConfig
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.matching.witnesses import LEAST_LANDMARKS
from vhashdb.sound import SoundFingerprint


def verdict_without_matches(
    query: Fingerprint,
    left_out: int,
    damaged: int,
    config: MatchingConfig,
    common: bool = False,
    *,
    unheard: Sequence[str] = (),
    unsearched: str = "",
) -> tuple[Verdict, str]:
    """Return `NO_MATCH` or `INSUFFICIENT` for a query that matches nothing, and the reason in words.

    Args:
        query: the fingerprint that the answer rests on.
        left_out: records that look alike and were not compared.
        damaged: records that cannot be found because their fingerprints are damaged.
        config: for the algorithm of the query.
        common: whether some known videos were alike, but several different ones as much as each other.
        unheard: what of the sound was not looked up or compared, in words; pictures decide without it.
        unsearched: what of the index was not searched, in words.
    """
    if not len(query) and query.sound is not None and not query.coverage.tracks:
        return _verdict_on_sound(query, query.sound, left_out + damaged + len(unheard) + bool(unsearched))
    if not _shows_enough(query, config):
        if query.is_still:
            return Verdict.INSUFFICIENT, "the picture shows too little to compare"
        return Verdict.INSUFFICIENT, f"only {query.usable_s:.1f} of {query.shown_s:.1f} s show enough picture to compare"
    if not query.coverage.complete:
        return Verdict.INSUFFICIENT, f"nothing known in {_what_was_seen(query.coverage)}"
    if unsearched:
        return Verdict.INSUFFICIENT, f"nothing known in what was searched; {unsearched}"
    if left_out:
        return Verdict.INSUFFICIENT, "nothing known in what was compared, and not everything that looks alike could be"
    if damaged:
        return Verdict.INSUFFICIENT, "nothing known in what could be compared, and the database is damaged"
    if common:
        return Verdict.NO_MATCH, "alike only in what several different known videos show"
    return Verdict.NO_MATCH, "nothing known is alike"


def _verdict_on_sound(query: Fingerprint, sound: SoundFingerprint, not_compared: int) -> tuple[Verdict, str]:
    """The same of a file that has no pictures."""
    if len(sound) < LEAST_LANDMARKS:
        return Verdict.INSUFFICIENT, "there are no pictures, and too little is to be heard to compare"
    if not query.coverage.complete:
        return Verdict.INSUFFICIENT, f"nothing known in what could be heard; {'; '.join(query.coverage.unseen)}"
    if not_compared:
        return Verdict.INSUFFICIENT, "nothing known in what could be compared, and not everything could be"
    return Verdict.NO_MATCH, "nothing known sounds alike; there are no pictures"


def settled(seen: Fingerprint, duration_s: float, judgements: Sequence[Judgement], config: MatchingConfig) -> bool:
    """Say whether nothing is left that looking in more views could find: clear matches explain the query, and nothing else is near.

    Args:
        seen: the query in all views, at however few moments: where these show too little, there is nothing to explain.
        duration_s: of the query.
        judgements: on the records that are near in some views, in the light of each other.
        config: for the algorithm of both.
    """
    found = [judgement for judgement in judgements if judgement.found]
    if not found or any(each.verdict is not Verdict.MATCH or each.score < config.clear_score for each in found):
        return False
    segments = [segment for each in found for segment in each.segments]
    if any(segment.matched_s < config.clear_share * segment.length_s for segment in segments):
        return False
    explained = [(segment.query_start_s, segment.query_end_s) for segment in segments]
    return all(end_s - start_s < config.unexplained_s for start_s, end_s in outside([*explained, *unusable_spans(seen)], duration_s))


def can_be_found(reference: Fingerprint) -> bool:
    """Say whether a record has anything by which copies of it can be found."""
    return bool(reference.usable.any()) or (reference.sound is not None and len(reference.sound) >= LEAST_LANDMARKS)


def left_out_words(records: int) -> str:
    """Say that some records look alike and could not be compared."""
    several = "1 known video that looks" if records == 1 else f"{records:,} known videos that look"
    return f"{several} alike could not be compared: too many do, or they are too long"


def unheard_words(left_out: int, answered: float, config: SoundConfig) -> tuple[str, ...]:
    """Say what of a sound was not compared, or not looked up.

    Args:
        left_out: records that sound alike and were not compared for it.
        answered: share of its landmarks that was answered, of those that any record has.
        config: says how much that must be.
    """
    several = "1 known recording that sounds" if left_out == 1 else f"{left_out:,} known recordings that sound"
    words = (f"{several} alike could not be compared: too many do",) if left_out else ()
    if answered < config.least_answered:
        return (*words, f"only {answered:.0%} of what known recordings share with its sound could be looked up: the rest is in too many")
    return words


def damaged_words(records: int) -> str:
    """Say that some records cannot be found."""
    several = "the fingerprint of 1 record is" if records == 1 else f"the fingerprints of {records:,} records are"
    return f"{several} damaged in the database, so nothing is compared with that; a check of the database names what is damaged"


def _what_was_seen(coverage: Coverage) -> str:
    """In words, of what there is."""
    seen_s, there_s = coverage.seen_s, coverage.there_s
    if there_s - seen_s >= LEAST_RUN_S:
        return f"the {seen_s:.1f} of {there_s:.1f} s that could be looked at"
    return f"the {seen_s:.1f} s that could be looked at; {'; '.join(coverage.unseen) or 'keyframes alone say too little'}"


def _shows_enough(query: Fingerprint, config: MatchingConfig) -> bool:
    if len(query) > 1 and not query.usable_s and len(set(query.view.tolist())) < len(query):
        return False  # frames of no length, as some programs write them
    enough_s = max(min(config.min_usable_s, query.shown_s / 2), config.min_usable_share * query.shown_s)
    return bool(query.usable.any()) and query.usable_s >= enough_s
