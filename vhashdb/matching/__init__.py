"""From two fingerprints, or a fingerprint and an index, to verdicts with segments and reasons. Pure: no files, no database.

``candidates`` (which records) → ``pairs`` (which hashes are alike, in which views) → ``align`` (segments) →
``motion`` (do both change alike) → ``verdict`` (score, gates).
"""

from vhashdb.matching.comparison import Comparison, compare
from vhashdb.matching.verdict import Gate, Segment, Verdict

__all__ = ["Comparison", "Gate", "Segment", "Verdict", "compare"]
