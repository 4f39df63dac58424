"""Review what waits for a person, one case after the other.

The session itself (`session`) is pure: lines that a person typed go in, what is to be done comes out. What a case shows
(`case_summary`), what a reviewer may decide (`available_actions`), the matches of an earlier run (`found`), which of them
one answer does for (`grouping`), and what is handed
to the next shift (`handover`) are values; `executor` alone writes to the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.review.answers import BASES, MOST_REASONS, NEEDS_REASON, REASONS, VERDICTS, Act, Answer, Ask, AvailableAction
    from vhashdb.review.available_actions import group_actions, record_actions
    from vhashdb.review.case_summary import CaseSummary, summarise_case
    from vhashdb.review.executor import DecisionExecutor, Done
    from vhashdb.review.found import FoundMatch, read_matches
    from vhashdb.review.grouping import By, Group, groups
    from vhashdb.review.handover import FORMS, Handover, ReviewedMatch
    from vhashdb.review.session import Effect, ReviewSession, Undo, WrittenAnswer
    from vhashdb.review.words import CAUSE_WORDS, DONE_WORDS, METHOD_WORDS, VERDICT_WORDS
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "answers": "Act Answer Ask AvailableAction BASES MOST_REASONS NEEDS_REASON REASONS VERDICTS",
            "available_actions": "group_actions record_actions",
            "case_summary": "CaseSummary summarise_case",
            "executor": "DecisionExecutor Done",
            "found": "FoundMatch read_matches",
            "grouping": "By Group groups",
            "handover": "FORMS Handover ReviewedMatch",
            "session": "Effect ReviewSession Undo WrittenAnswer",
            "words": "CAUSE_WORDS DONE_WORDS METHOD_WORDS VERDICT_WORDS",
        },
    )

__all__ = [
    "BASES",
    "CAUSE_WORDS",
    "DONE_WORDS",
    "FORMS",
    "METHOD_WORDS",
    "MOST_REASONS",
    "NEEDS_REASON",
    "REASONS",
    "VERDICTS",
    "VERDICT_WORDS",
    "Act",
    "Answer",
    "Ask",
    "AvailableAction",
    "By",
    "CaseSummary",
    "DecisionExecutor",
    "Done",
    "Effect",
    "FoundMatch",
    "Group",
    "Handover",
    "ReviewSession",
    "ReviewedMatch",
    "Undo",
    "WrittenAnswer",
    "group_actions",
    "groups",
    "read_matches",
    "record_actions",
    "summarise_case",
]
