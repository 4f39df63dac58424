"""Translate the verdict of an opinion from and into the words of other exchanges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vhashdb.codes import AGREE, DISAGREE_INCLUSION, DISAGREE_LABEL, FALSE_POSITIVE, OUTDATED, SEEN, WITHDRAWN

THREATEXCHANGE: Final[Mapping[str, str]] = {
    "HELPFUL": AGREE,
    "SAW_THIS_TOO": SEEN,
    "DISAGREE_WITH_TAGS": DISAGREE_LABEL,
    "NON_MALICIOUS": FALSE_POSITIVE,
    "OUTDATED": OUTDATED,
}
"""Reactions. Those that only acknowledge receipt say nothing about the content."""

THREATEXCHANGE_STATUS: Final[Mapping[str, str]] = {
    "MALICIOUS": AGREE,
    "SUSPICIOUS": SEEN,
    "NON_MALICIOUS": FALSE_POSITIVE,
}
"""Status of a descriptor, which is the opinion of its owner."""

DATASET: Final[Mapping[str, str]] = {
    "POSITIVE_CLASS": AGREE,
    "INVESTIGATION_SEED": SEEN,
    "NEGATIVE_CLASS": FALSE_POSITIVE,
}
"""Categories of `threatexchange dataset`; ``DISPUTED`` is a state of the record, not one opinion."""

STOPNCII: Final[Mapping[str, str]] = {"Blocked": AGREE, "PendingReview": SEEN, "NotBlocked": FALSE_POSITIVE}

MISP_SIGHTING: Final[Mapping[str, str]] = {"0": SEEN, "1": FALSE_POSITIVE, "2": OUTDATED}

STIX: Final[Mapping[str, str]] = {
    "strongly-agree": AGREE,
    "agree": AGREE,
    "neutral": SEEN,
    "disagree": DISAGREE_LABEL,
    "strongly-disagree": FALSE_POSITIVE,
}

TO_STIX: Final[Mapping[str, str]] = {
    AGREE: "strongly-agree",
    SEEN: "neutral",
    DISAGREE_LABEL: "disagree",
    DISAGREE_INCLUSION: "strongly-disagree",
    FALSE_POSITIVE: "strongly-disagree",
    OUTDATED: "disagree",
    WITHDRAWN: "strongly-disagree",
}
"""Several of our verdicts share one of STIX's; the exact one travels in the extension."""

TO_MISP_SIGHTING: Final[Mapping[str, str]] = {SEEN: "0", AGREE: "0", FALSE_POSITIVE: "1", DISAGREE_INCLUSION: "1", OUTDATED: "2"}
