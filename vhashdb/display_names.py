"""The codes that records and opinions have, in words: the same in a report, on a terminal and in a handover."""

from __future__ import annotations

from typing import Final

__all__ = ["BASES", "OPINIONS", "ORIGINS"]

OPINIONS: Final = {
    "agree": "agrees",
    "seen": "has seen it too",
    "false_positive": "says that it shows nothing harmful",
    "disagree_inclusion": "says that it does not meet the criteria",
    "disagree_label": "says that another label fits",
    "outdated": "says that it is out of date",
    "withdrawn": "took back what it said",
}
"""Verdicts of opinions, as an organisation's statement."""
BASES: Final = {
    "saw_content": "saw the video itself",
    "saw_match": "saw what it matched",
    "metadata": "read what is written about it",
}
"""Bases of opinions."""
ORIGINS: Final = {
    "own_review": "own review",
    "user_report": "a user's report",
    "authority_request": "a request of an authority",
    "court_order": "a court order",
    "trusted_flagger": "a trusted flagger",
}
"""Origins of records."""
