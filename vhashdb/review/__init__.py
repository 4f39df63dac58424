"""Review what waits for a person, one case after the other.

The session itself (`session`) is pure: lines that a person typed go in, what is to be done comes out. What a case shows
(`case_summary`), what a reviewer may decide (`available_actions`), the matches of an earlier run (`found`), which of them
one answer does for (`grouping`), and what is handed
to the next shift (`handover`) are values; `executor` alone writes to the database. Where several people decide at the same time
about uploads that are kept, `queue` is what waits, and `review_desk` where they look, claim, decide and take back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.review.answers import (
        BASES,
        MOST_REASONS,
        NEEDS_REASON,
        QUESTIONS,
        REASONS,
        VERDICTS,
        Act,
        Answer,
        Ask,
        AvailableAction,
        answer_of,
    )
    from vhashdb.review.available_actions import group_actions, record_actions
    from vhashdb.review.case_form import action_json, case_json
    from vhashdb.review.case_summary import CaseSummary, summarise_case
    from vhashdb.review.decisions import ANSWERS, Decisions
    from vhashdb.review.executor import DecisionExecutor, Done
    from vhashdb.review.found import FoundMatch, found_in, read_matches
    from vhashdb.review.grouping import By, Group, groups
    from vhashdb.review.handover import FORMS, Handover, ReviewedMatch
    from vhashdb.review.opened import Desk, Gone, OpenGroup, OpenRecord, file_cases, together
    from vhashdb.review.queue import DIMENSIONS, Claimed, Kind, QueueEntry, QueuePage, page_of
    from vhashdb.review.review_desk import CaseChanged, Chosen, Decided, NotYours, OpenCase, ReviewDesk
    from vhashdb.review.session import Effect, ReviewSession, Undo, WrittenAnswer
    from vhashdb.review.words import CAUSE_WORDS, DONE_WORDS, METHOD_WORDS, VERDICT_WORDS
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "answers": "Act Answer Ask AvailableAction BASES MOST_REASONS NEEDS_REASON QUESTIONS REASONS VERDICTS answer_of",
            "available_actions": "group_actions record_actions",
            "case_form": "action_json case_json",
            "case_summary": "CaseSummary summarise_case",
            "decisions": "ANSWERS Decisions",
            "executor": "DecisionExecutor Done",
            "found": "FoundMatch found_in read_matches",
            "grouping": "By Group groups",
            "handover": "FORMS Handover ReviewedMatch",
            "opened": "Desk Gone OpenGroup OpenRecord file_cases together",
            "queue": "Claimed DIMENSIONS Kind QueueEntry QueuePage page_of",
            "review_desk": "CaseChanged Chosen Decided NotYours OpenCase ReviewDesk",
            "session": "Effect ReviewSession Undo WrittenAnswer",
            "words": "CAUSE_WORDS DONE_WORDS METHOD_WORDS VERDICT_WORDS",
        },
    )

__all__ = [
    "ANSWERS",
    "BASES",
    "CAUSE_WORDS",
    "DIMENSIONS",
    "DONE_WORDS",
    "FORMS",
    "METHOD_WORDS",
    "MOST_REASONS",
    "NEEDS_REASON",
    "QUESTIONS",
    "REASONS",
    "VERDICTS",
    "VERDICT_WORDS",
    "Act",
    "Answer",
    "Ask",
    "AvailableAction",
    "By",
    "CaseChanged",
    "CaseSummary",
    "Chosen",
    "Claimed",
    "Decided",
    "DecisionExecutor",
    "Decisions",
    "Desk",
    "Done",
    "Effect",
    "FoundMatch",
    "Gone",
    "Group",
    "Handover",
    "Kind",
    "NotYours",
    "OpenCase",
    "OpenGroup",
    "OpenRecord",
    "QueueEntry",
    "QueuePage",
    "ReviewDesk",
    "ReviewSession",
    "ReviewedMatch",
    "Undo",
    "WrittenAnswer",
    "action_json",
    "answer_of",
    "case_json",
    "file_cases",
    "found_in",
    "group_actions",
    "groups",
    "page_of",
    "read_matches",
    "record_actions",
    "summarise_case",
    "together",
]
