"""From two fingerprints, or a fingerprint and an index, to verdicts with segments and reasons. Pure: no files, no database.

``candidates`` (which records) → ``pairs`` (which hashes are alike, in which views) → ``align`` (segments) →
``motion`` (do both change alike) → ``verdict`` (score, gates) → ``ranking`` (records against each other).
``reasons`` says why not, ``explanation`` keeps a pair for whoever asks.
"""

from vhashdb.matching.candidates import Candidacy
from vhashdb.matching.comparison import Comparison, Look, compare
from vhashdb.matching.explanation import AlikePoints, Explanation, alike_points, explain
from vhashdb.matching.reasons import Fate
from vhashdb.matching.verdict import Gate, Segment, Verdict

__all__ = [
    "AlikePoints",
    "Candidacy",
    "Comparison",
    "Explanation",
    "Fate",
    "Gate",
    "Look",
    "Segment",
    "Verdict",
    "alike_points",
    "compare",
    "explain",
]
