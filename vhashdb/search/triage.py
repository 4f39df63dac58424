"""The order in which people look at files: what presses most comes first, in every form of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from vhashdb.matching.verdict import Verdict
from vhashdb.store.records import SEVERITIES

ORDER: Final = "by verdict, then severity, label, share of the file that matched, and time of checking"
"""The order in words."""
_VERDICTS: Final = {verdict: place for place, verdict in enumerate(Verdict)}
_SEVERITIES: Final = {severity: place for place, severity in enumerate(reversed(SEVERITIES))}
_LAST: Final = "\U0010ffff"
"""Where a label would be, so that what has none comes after what has one."""


class Urgency(NamedTuple):
    """Place of a match or of a file in that order; the least is looked at first. Files alike in it come in the order of checking."""

    verdict: int
    """0 for a match, 1 for a possible one, and so on as in `Verdict`."""
    severity: int
    """0 for the gravest."""
    label: str
    """The first of the record's labels."""
    share: float
    """Of the file, from -1 (all of it matched) to 0."""

    def to_json(self) -> list[Any]:
        """Return it as a list that sorts as it does."""
        return [self.verdict, self.severity, self.label if self.label != _LAST else "~", round(self.share, 3) + 0.0]


def urgency(verdict: Verdict | str, severity: str = "", labels: Sequence[str] = (), share: float = 0.0) -> Urgency:
    """Return the place of a match, or without a record that of a file in which nothing was found.

    Args:
        verdict: of the match.
        severity: of the record.
        labels: of the record.
        share: part of the file that matched, 0…1.
    """
    return Urgency(_VERDICTS[Verdict(verdict)], _SEVERITIES.get(severity, len(_SEVERITIES)), min(labels, default=_LAST), -share)
