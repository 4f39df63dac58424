"""Records and everything that is said about them, in one SQLite file; every write is a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.store.api_keys import ApiKey, ApiKeys, Scope
    from vhashdb.store.assessments import Assessments, FileCase
    from vhashdb.store.audit import AuditEntry, acting_as
    from vhashdb.store.banks import Bank, BankExists, BankNames, BankNotFound, Banks
    from vhashdb.store.cache import FingerprintCache
    from vhashdb.store.claims import Claim, RecordClaims
    from vhashdb.store.clock import now_utc
    from vhashdb.store.federations import Federations
    from vhashdb.store.feeds import Feed, Feeds
    from vhashdb.store.figures import read_figures
    from vhashdb.store.history import decided
    from vhashdb.store.hits import CaseDecision, CaseState
    from vhashdb.store.moderation import Moderation
    from vhashdb.store.opinions import CANARY, Allowed, Opinion, Opinions
    from vhashdb.store.periods import By, Period
    from vhashdb.store.questions import AlreadyClaimed, Question, Questions, QuestionState, no_question
    from vhashdb.store.queue import Case, Cause, Filter, recently
    from vhashdb.store.record_list import ChangedRecord, records_after, records_changed_since, records_with_ids
    from vhashdb.store.records import (
        MAX_ACTIONS,
        ORIGINS,
        REVIEW_METHODS,
        SEVERITIES,
        TLP,
        Details,
        NewRecord,
        Record,
        RecordChanged,
        Selection,
        State,
        check_label,
    )
    from vhashdb.store.records_file import Store
    from vhashdb.store.replies import Replies, Reply, RequestUnderWay
    from vhashdb.store.reviews import Decision, Reviews
    from vhashdb.store.statistics import made_on, read_statistics
    from vhashdb.store.video_list import Video, VideoRecord, Videos
    from vhashdb.store.webhooks import Webhook, Webhooks
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "api_keys": "ApiKey ApiKeys Scope",
            "questions": "AlreadyClaimed Question QuestionState Questions no_question",
            "replies": "Replies Reply RequestUnderWay",
            "webhooks": "Webhook Webhooks",
            "assessments": "Assessments FileCase",
            "audit": "AuditEntry acting_as",
            "banks": "Bank BankExists BankNames BankNotFound Banks",
            "cache": "FingerprintCache",
            "claims": "Claim RecordClaims",
            "clock": "now_utc",
            "federations": "Federations",
            "feeds": "Feed Feeds",
            "figures": "read_figures",
            "history": "decided",
            "hits": "CaseDecision CaseState",
            "moderation": "Moderation",
            "opinions": "Allowed CANARY Opinion Opinions",
            "periods": "By Period",
            "queue": "Case Cause Filter recently",
            "record_list": "ChangedRecord records_after records_changed_since records_with_ids",
            "records": "Details MAX_ACTIONS NewRecord ORIGINS REVIEW_METHODS Record RecordChanged SEVERITIES Selection State TLP "
            "check_label",
            "records_file": "Store",
            "reviews": "Decision Reviews",
            "statistics": "made_on read_statistics",
            "video_list": "Video VideoRecord Videos",
        },
    )

__all__ = [
    "CANARY",
    "MAX_ACTIONS",
    "ORIGINS",
    "REVIEW_METHODS",
    "SEVERITIES",
    "TLP",
    "Allowed",
    "AlreadyClaimed",
    "ApiKey",
    "ApiKeys",
    "Assessments",
    "AuditEntry",
    "Bank",
    "BankExists",
    "BankNames",
    "BankNotFound",
    "Banks",
    "By",
    "Case",
    "CaseDecision",
    "CaseState",
    "Cause",
    "ChangedRecord",
    "Claim",
    "Decision",
    "Details",
    "Federations",
    "Feed",
    "Feeds",
    "FileCase",
    "Filter",
    "FingerprintCache",
    "Moderation",
    "NewRecord",
    "Opinion",
    "Opinions",
    "Period",
    "Question",
    "QuestionState",
    "Questions",
    "Record",
    "RecordChanged",
    "RecordClaims",
    "Replies",
    "Reply",
    "RequestUnderWay",
    "Reviews",
    "Scope",
    "Selection",
    "State",
    "Store",
    "Video",
    "VideoRecord",
    "Videos",
    "Webhook",
    "Webhooks",
    "acting_as",
    "check_label",
    "decided",
    "made_on",
    "no_question",
    "now_utc",
    "read_figures",
    "read_statistics",
    "recently",
    "records_after",
    "records_changed_since",
    "records_with_ids",
]
