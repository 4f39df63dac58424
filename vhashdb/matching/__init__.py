"""Compare two fingerprints, or a fingerprint and an index: verdicts with segments and reasons. Pure: no files, no database.

``retrieval`` (which records) → ``view_pairs`` (through which views) → ``alignment`` (segments) → ``evidence`` (what they show,
and the gates) → ``verdict`` (on one pair) → ``reranking`` (records against each other). `MatchingConfig` has every number that
decides. ``reasons`` says why not, ``explanation`` keeps a pair for whoever asks.
"""

from vhashdb.matching.comparison import Comparison, ViewComparison, compare
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import Gate, MatchedSegment
from vhashdb.matching.explanation import AlikePoints, Explanation, alike_points, explain
from vhashdb.matching.reasons import Fate
from vhashdb.matching.retrieval import RetrievalCheck, check_retrieval
from vhashdb.matching.verdict import Judgement, Verdict

__all__ = [
    "AlikePoints",
    "Comparison",
    "Explanation",
    "Fate",
    "Gate",
    "Judgement",
    "MatchedSegment",
    "MatchingConfig",
    "RetrievalCheck",
    "Verdict",
    "ViewComparison",
    "alike_points",
    "check_retrieval",
    "compare",
    "explain",
]
