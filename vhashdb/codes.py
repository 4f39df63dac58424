"""The codes of sources, opinions and retractions, as feeds, files and the database have them; each stands here once."""

from __future__ import annotations

from typing import Final

__all__ = ["BASES", "LOCAL", "NEGATIVE", "POSITIVE", "RETRACTION_REASONS", "VERDICTS"]

LOCAL: Final = "local"
"""The source of what people here record, and the author of what they say."""

AGREE: Final = "agree"
SEEN: Final = "seen"
DISAGREE_LABEL: Final = "disagree_label"
DISAGREE_INCLUSION: Final = "disagree_inclusion"
FALSE_POSITIVE: Final = "false_positive"
OUTDATED: Final = "outdated"
WITHDRAWN: Final = "withdrawn"
"""Takes an earlier opinion back; also a retraction's usual reason."""

VERDICTS: Final = (AGREE, SEEN, DISAGREE_LABEL, DISAGREE_INCLUSION, FALSE_POSITIVE, OUTDATED, WITHDRAWN)
"""Verdicts of opinions."""
POSITIVE: Final = frozenset({AGREE})
"""Verdicts for a record."""
NEGATIVE: Final = frozenset({DISAGREE_LABEL, DISAGREE_INCLUSION, FALSE_POSITIVE, OUTDATED})
"""Verdicts against a record; `SEEN` and `WITHDRAWN` are neither."""

METADATA: Final = "metadata"
SAW_MATCH: Final = "saw_match"
SAW_CONTENT: Final = "saw_content"
BASES: Final = (SAW_CONTENT, SAW_MATCH, METADATA)
"""Bases of opinions, from the strongest to the weakest."""

RETRACTION_REASONS: Final = ("error", "appeal", WITHDRAWN, "legal", "duplicate", "expired", "policy_change")
"""Reasons for which a record is retracted."""
