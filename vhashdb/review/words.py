"""Codes of the database in the words that a moderator reads about a case."""

from __future__ import annotations

from typing import Final

VERDICT_WORDS: Final = {
    "agree": "it belongs here",
    "seen": "we have seen it too, and say nothing about whether it belongs here",
    "false_positive": "it shows nothing harmful",
    "disagree_inclusion": "it does not meet the criteria",
    "disagree_label": "it belongs here, but under another label",
    "outdated": "it was right once and is not any more",
}
"""Verdicts as a person gives them, in the first person."""

CAUSE_WORDS: Final = {
    "held": "held",
    "disputed": "disputed",
    "due": "to be looked at again",
    "expired": "past its last day",
    "proposed": "waits for a second person",
    "matched": "matched lately",
    "escalated": "passed on",
}
"""Why a case waits."""

METHOD_WORDS: Final = {
    "unspecified": "nobody says how it was looked at",
    "human": "looked at by {people}",
    "human_assisted": "looked at by {people}, with help of a program",
    "automatic": "decided by a program alone",
}
"""How a record was reviewed; ``{people}`` is how many did."""

DONE_WORDS: Final = {
    "accept": ("accepted", "accepted"),
    "reject": ("rejected", "rejected"),
    "agree": ("opinion given", "with an opinion"),
    "dispute": ("opinion given", "with an opinion"),
    "not this": ("marked as not this record", "marked as not this"),
    "looked at": ("noted that somebody looked", "looked at"),
    "yes": ("noted as right", "right"),
    "yes, seen": ("noted as right, by somebody who saw it", "right"),
    "no": ("noted as wrong: never matched again", "wrong"),
    "pass on": ("passed on to somebody else", "passed on"),
}
"""Of each act: what is said when it is done, and how it is counted at the end."""
