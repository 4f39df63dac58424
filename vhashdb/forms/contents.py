"""JSON forms of what a database holds, where more than one value has a part in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vhashdb.errors import RecordNotFound
from vhashdb.json_values import json_value
from vhashdb.text import decoded

if TYPE_CHECKING:
    from vhashdb.database import Database
    from vhashdb.moderation import FeedTrust
    from vhashdb.searcher import IndexState
    from vhashdb.store import Feed, Opinion, Record


def record_with_history_json(database: Database, record: Record) -> dict[str, Any]:
    """Return a record, how many hashes it has and what was done with it, oldest first, as a `record-with-history`."""
    try:
        hashes = len(database.fingerprint(record.id))
    except RecordNotFound:  # it was erased, or came without
        hashes = 0
    lines = [entry.to_json() for entry in database.audit(record=record.id)]
    history = [{name: line[name] for name in ("at", "actor", "action", "details")} for line in lines]
    return record.to_json() | {"hashes": hashes, "audit": history}


def record_under_review_json(database: Database, record: Record) -> dict[str, Any]:
    """Return a record, what it may lead to, and what is known for and against it, as a `record-under-review`."""
    moderation = database.moderation
    (cap,) = moderation.action_caps([record])
    return record.to_json() | {
        "action": cap.action.value,
        "action_reasons": list(cap.reasons),
        "agree": cap.agree,
        "dispute": cap.dispute,
        "published": moderation.opinions.subject(record).to_json(),
        "cases": [case.to_json() for case in moderation.reviews.queue(record=record.id)],
        "opinions": [opinion.to_json() for opinion in moderation.opinions.about(record)],
    }


def given_opinion_json(record: Record, opinion: Opinion) -> dict[str, Any]:
    """Return an opinion that was just given, with the state of its record from now on, as an `opinion`."""
    return {"type": "opinion", "record": record.id, "state": record.state.value} | opinion.to_json()


def followed_json(feed: Feed, trust: FeedTrust) -> dict[str, Any]:
    """Return a feed with its standing now, as `Moderation.feed_trust` has it, as a `followed-in-detail`."""
    return feed.to_json() | {"status": trust.status.value, "why": trust.why, "evidence": json.loads(feed.evidence)}


def info_json(database: Database) -> dict[str, Any]:
    """Return what a database holds, as an `info`."""
    searcher = database.searcher
    (pictures, sound), (problem, sound_problem), sizes = searcher.states(), searcher.problems(), searcher.sizes()
    indexes = _index_facts("", "hashes", problem, pictures) | _index_facts("sound_", "landmarks", sound_problem, sound)
    hashes, video_s = sizes.hashes, database.store.known_s()
    return {
        "type": "info",
        "database": decoded(database.place),
        "records": len(database),
        "states": {state.value: count for state, count in database.store.counts().items()},
        "video_s": round(video_s, 3),
        "hashes": hashes,
        "hashes_per_s": round(hashes / video_s, 2) if video_s else None,
        "algorithm": str(database.algorithm),
        "squares": database.squares,
        "sound": database.sound,
        "schema_version": database.store.schema_version,
        "bytes": sum(file.stat().st_size for file in database.path.rglob("*") if file.is_file()),
        "updated_at": json_value(database.store.updated_at()),
        "landmarks": sizes.landmarks,
        **indexes,
    }


def _index_facts(prefix: str, rows: str, problem: str | None, state: IndexState) -> dict[str, Any]:
    """The fields of one index: ``prefix`` is what their names begin with, ``rows`` what it is of."""
    facts = {
        "index": "ok" if problem is None else "rebuilt",
        "index_problem": problem,
        "index_generation": state.manifest,
        "index_segments": state.segments,
        f"index_{rows}": state.rows,
        "index_removed": state.deleted,
        "index_bytes": state.bytes,
        "index_recent": state.memtable,
        "index_behind": state.lag,
    }
    return {f"{prefix}{name}": value for name, value in facts.items()}
