"""The JSON form of a case at the desk: everything that a person needs to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vhashdb.errors import RecordNotFound
from vhashdb.forms import record_under_review_json
from vhashdb.json_values import json_value
from vhashdb.review.answers import BASES, NEEDS_REASON, QUESTIONS, VERDICTS, Answer, Ask, AvailableAction
from vhashdb.review.opened import OpenGroup

if TYPE_CHECKING:
    from vhashdb.database import Database
    from vhashdb.review.case_summary import CaseSummary
    from vhashdb.review.review_desk import OpenCase
    from vhashdb.store import Question

MOST_RECORDS: Final = 100
"""Records of one case that are described besides the first, and lines of its history. Engineering bound."""


def case_json(database: Database, case: OpenCase) -> dict[str, Any]:
    """Return a case as a `review-case`.

    The record that presses most comes with all that is known of it; others with what people said of them.
    """
    summary = case.opened.summary
    others = [record for record in case.entry.records if summary is None or record != summary.record.id]
    return {
        "type": "review-case",
        "entry": case.entry.to_json(),
        "before": list(case.opened.changed) if isinstance(case.opened, OpenGroup) else [],
        "uploads": [_upload_json(question, case) for question in case.questions],
        "record": None if summary is None else _record_json(database, summary),
        "others": [database.get(record).to_json() for record in others[:MOST_RECORDS]],
        "videos": [video.to_json() for video in _videos(database, case)],
        "actions": [action_json(action) for action in case.actions],
    }


def action_json(action: AvailableAction) -> dict[str, Any]:
    """Return what may be answered as an `available-action`."""
    asks = QUESTIONS[action.act]
    return {
        "act": action.act.value,
        "key": action.key,
        "does": action.does,
        "reasons": list(action.reasons),
        "needs_reason": action.act in NEEDS_REASON,
        "told": Answer(action.act).told,
        "verdicts": list(VERDICTS[action.act]) if Ask.VERDICT in asks else [],
        "bases": list(BASES) if Ask.BASIS in asks else [],
        "basis": action.basis if Ask.BASIS in asks else None,
    }


def _upload_json(question: Question, case: OpenCase) -> dict[str, Any]:
    """Return an upload with those of its matches that the case is about."""
    assert question.answer is not None  # it would not wait
    assert case.group is not None
    about = {one.record for one in case.group.found if one.path == question.id}
    return {
        "question": question.id,
        "name": question.name,
        "by": question.by,
        "asked_at": json_value(question.made_at),
        "kept": bool(question.file),
        "bytes": question.size,
        "file": question.answer["file"],
        "matches": [match for match in question.answer["matches"] if match["record"] in about],
    }


def _record_json(database: Database, summary: CaseSummary) -> dict[str, Any]:
    record, hits, (proposed, proposed_by) = summary.record, summary.hits, summary.proposed
    lines = [entry.to_json() for entry in database.audit(record=record.id, limit=MOST_RECORDS)]
    return record_under_review_json(database, record) | {
        "publisher": summary.publisher,
        "accepted_action": summary.accepted.action.value,
        "two_person": summary.two_person,
        "proposed": proposed,
        "proposed_by": proposed_by,
        "matched": None if hits is None else {"files": hits.count, "best": round(hits.best, 3), "last": json_value(hits.last)},
        "alike": [
            {"record": one.record, "score": round(one.score, 3), "state": one.state.value, "labels": list(one.labels)}
            for one in summary.alike
        ],
        "history": [{name: line[name] for name in ("at", "actor", "action", "details")} for line in lines],
    }


def _videos(database: Database, case: OpenCase) -> list[Any]:
    """Return the videos that the record that presses most shows; a copy may have come to one since."""
    summary = case.opened.summary
    try:
        return [] if summary is None else database.videos.of(summary.record.id)
    except RecordNotFound:
        return []
