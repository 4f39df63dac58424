"""Compare two fingerprints, or a fingerprint and an index: verdicts with segments and reasons. Pure: no files, no database.

``retrieval`` (which records) → ``view_pairs`` (through which views) → ``alignment`` (segments) → ``evidence`` (what they show,
and the gates) → ``verdict`` (on one pair) → ``reranking`` (records against each other). `MatchingConfig` has every number that
decides. ``outlines`` says where in both frames it lies, ``reasons`` why not, ``witnesses`` what a verdict rests on, ``pair`` compares two
files by all that they have, ``explanation`` keeps a pair for whoever asks.
"""

from vhashdb.matching.comparison import Comparison, ViewComparison
from vhashdb.matching.config import MatchingConfig, SoundConfig, Threshold, thresholds
from vhashdb.matching.evidence import Gate, MatchedSegment
from vhashdb.matching.explanation import AlikePoints, Explanation, alike_points
from vhashdb.matching.pair import compare, explain
from vhashdb.matching.reasons import Fate
from vhashdb.matching.retrieval import RetrievalCheck, check_retrieval
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.sound_words import change_words, finding_words
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.matching.witnesses import RestsOn, SoundFinding, rests_on, sound_finding

__all__ = [
    "AlikePoints",
    "Comparison",
    "Explanation",
    "Fate",
    "Gate",
    "Judgement",
    "MatchedSegment",
    "MatchingConfig",
    "RestsOn",
    "RetrievalCheck",
    "SoundConfig",
    "SoundFinding",
    "SoundSegment",
    "Threshold",
    "Verdict",
    "ViewComparison",
    "alike_points",
    "change_words",
    "check_retrieval",
    "compare",
    "explain",
    "finding_words",
    "rests_on",
    "sound_finding",
    "thresholds",
]
