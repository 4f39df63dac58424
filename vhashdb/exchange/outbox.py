"""What a feed of one's own does not say yet: events for `vhashdb.exchange.publisher`, oldest things first.

Only what originates here leaves: records whose source is ``local`` and that may be passed on, what became of them,
opinions of people here on records of others, and the allow-list of people here. The feed itself is asked what it said last,
so a publication that was interrupted is simply made again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from vhashdb.errors import RecordNotFound
from vhashdb.exchange import events as e
from vhashdb.exchange.signals import file_signals, frames_signal
from vhashdb.exchange.state import FeedState
from vhashdb.fingerprints import Fingerprint
from vhashdb.store.opinions import LOCAL, Allowed, Opinion, Opinions
from vhashdb.store.records import Record, State
from vhashdb.store.standing import saw_content
from vhashdb.store.store import Store
from vhashdb.store.withdrawals import Withdrawal, withdrawals

_SHARED: frozenset[State] = frozenset({State.ACTIVE, State.DISPUTED})
"""What is held waits for a person here, so it does not leave."""


def outbox(store: Store, said: FeedState, *, now: datetime.datetime | None = None) -> Iterator[e.Written]:
    """Events that bring a feed, which said this much, to what the database says."""
    at = now or datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    yield from _records(store, said, at)
    opinions = Opinions(store)
    for opinion in opinions.ours():
        event = _opinion(opinion, at)
        before = said.opinions.get((opinion.on_feed, opinion.on_rid))
        if before is None or (before[2].verdict, before[2].basis, before[2].reason) != (event.verdict, event.basis, event.reason):
            yield event
    for entry in opinions.allowed(author=LOCAL, revoked=True):
        if entry.revoked and entry.rid in said.allowed:
            yield e.RevokeAllow(entry.rid, at)
        elif not entry.revoked and entry.rid not in said.allowed and (signals := _signals(entry.fingerprint, entry.sha256, None)):
            yield _allow(entry, signals, at)


def _records(store: Store, said: FeedState, at: datetime.datetime) -> Iterator[e.Written]:
    withdrawn = withdrawals(store)
    for record in store.records(source=LOCAL):
        before = said.said_of(record.id)
        if record.details.reshare and record.state in _SHARED:
            if before is None or record.revision > before.rev:
                event = put(record, _fingerprint(store, record), at)
                if event is not None:
                    yield event
        elif isinstance(before, e.Put) and record.state is not State.HELD:
            why = withdrawn.get(record.id, Withdrawal("withdrawn", erase=False, at=at))
            yield e.Retract(record.id, max(record.revision, before.rev), why.code, why.erase, at)
        elif isinstance(before, e.Retract) and not before.erase and (later := withdrawn.get(record.id)) and later.erase:
            yield e.Retract(record.id, max(record.revision, before.rev), later.code, erase=True, at=at)


def put(record: Record, fingerprint: Fingerprint | None, at: datetime.datetime) -> e.Put | None:
    """A record as feeds have it; None if it has nothing to be recognised by."""
    signals, details = _signals(fingerprint, record.sha256, record.md5), record.details
    if not signals:
        return None
    return e.Put(
        rid=record.id,
        rev=record.revision,
        signals=signals,
        duration_ms=round(record.duration_s * 1000),
        labels=record.labels,
        severity=details.severity,
        reason=e.Reason(details.reason_code, details.reason),
        basis=e.Basis(details.origin, details.policy, details.law),
        review=e.Review(details.review_method, details.reviewers, saw_content=saw_content(details.review_method, details.reviewers)),
        handling=e.Handling(details.max_action),
        share=e.Share(details.tlp, details.reshare),
        first_seen=f"{details.first_seen:%Y-%m}" if details.first_seen else None,
        review_by=details.review_by,
        expires=details.expires,
        at=at,
    )


def _fingerprint(store: Store, record: Record) -> Fingerprint | None:
    try:
        return store.fingerprint(record.id)
    except RecordNotFound:
        return None


def _signals(fingerprint: Fingerprint | None, sha256: str | None, md5: str | None) -> tuple[e.Signal, ...]:
    frames = frames_signal(fingerprint) if fingerprint is not None else None
    return (*((frames,) if frames else ()), *file_signals(sha256, md5))


def _opinion(opinion: Opinion, at: datetime.datetime) -> e.Opinion:
    return e.Opinion(e.Subject(opinion.on_feed, opinion.on_rid, opinion.on_rev), opinion.verdict, opinion.basis, opinion.reason, at)


def _allow(entry: Allowed, signals: tuple[e.Signal, ...], at: datetime.datetime) -> e.Allow:
    return e.Allow(entry.rid, signals, entry.duration_ms, e.Reason(text=entry.reason), at)
