"""One opinion in the words of each exchange: the table of section 7 of the design, both ways where we write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

THREATEXCHANGE: Final[Mapping[str, str]] = {
    "HELPFUL": "agree",
    "SAW_THIS_TOO": "seen",
    "DISAGREE_WITH_TAGS": "disagree_label",
    "NON_MALICIOUS": "false_positive",
    "OUTDATED": "outdated",
}
"""Reactions. Those that only acknowledge receipt say nothing about the content."""

THREATEXCHANGE_STATUS: Final[Mapping[str, str]] = {
    "MALICIOUS": "agree",
    "SUSPICIOUS": "seen",
    "NON_MALICIOUS": "false_positive",
}
"""Status of a descriptor, which is the opinion of its owner."""

DATASET: Final[Mapping[str, str]] = {
    "POSITIVE_CLASS": "agree",
    "INVESTIGATION_SEED": "seen",
    "NEGATIVE_CLASS": "false_positive",
}
"""Categories of `threatexchange dataset`; ``DISPUTED`` is a state of the record, not one opinion."""

STOPNCII: Final[Mapping[str, str]] = {"Blocked": "agree", "PendingReview": "seen", "NotBlocked": "false_positive"}

MISP_SIGHTING: Final[Mapping[str, str]] = {"0": "seen", "1": "false_positive", "2": "outdated"}

STIX: Final[Mapping[str, str]] = {
    "strongly-agree": "agree",
    "agree": "agree",
    "neutral": "seen",
    "disagree": "disagree_label",
    "strongly-disagree": "false_positive",
}

TO_STIX: Final[Mapping[str, str]] = {
    "agree": "strongly-agree",
    "seen": "neutral",
    "disagree_label": "disagree",
    "disagree_inclusion": "strongly-disagree",
    "false_positive": "strongly-disagree",
    "outdated": "disagree",
    "withdrawn": "strongly-disagree",
}
"""Several of our verdicts share one of STIX's; the exact one travels in the extension."""

TO_MISP_SIGHTING: Final[Mapping[str, str]] = {"seen": "0", "agree": "0", "false_positive": "1", "disagree_inclusion": "1", "outdated": "2"}
