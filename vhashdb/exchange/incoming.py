"""Verified events as rows for staging: what a feed says, in the terms of the records. Pure."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vhashdb.errors import FingerprintError
from vhashdb.exchange.events import Allow, Event, Malformed, Note, Opinion, Put, Redacted, Retract, RevokeAllow, SameVideo, Signal
from vhashdb.exchange.signals import SQUARES, fingerprint_of, is_known_sound, sound_of, with_squares_of
from vhashdb.fingerprints import Fingerprint, to_stored
from vhashdb.hashing.algorithms import AlgorithmId

Row = dict[str, Any]
Gate = Callable[[Sequence[Fingerprint]], Sequence[tuple[str, ...]]]
"""Why the record with each of some fingerprints must wait for a person; empty if it need not."""
_EXAMINED: Final = 64
"""Records that the gate is asked about at once. Engineering bound: on what is in memory, unpacked."""


def record_id(feed: str, rid: str) -> str:
    """Return the id here of a feed's record: the same everywhere, and no feed can take the one of another's record."""
    return hashlib.sha256(f"{feed}\n{rid}".encode()).hexdigest()[:32]


@dataclass
class Incoming:
    """Rows of one batch of one feed's events, in the order of the events; complete once `finish` was called."""

    feed: int
    feed_id: str
    algorithm: AlgorithmId
    gate: Gate
    squares: bool = False
    """Whether this database stores squares: others are passed over."""
    sound: bool = False
    """Whether it stores sound: else it is passed over."""
    records: list[Row] = field(default_factory=list)
    stubs: list[Row] = field(default_factory=list)
    opinions: list[Row] = field(default_factory=list)
    allows: list[Row] = field(default_factory=list)
    ties: list[Row] = field(default_factory=list)
    skipped: int = 0
    """Events that broke the schema, or whose hashes are none."""
    note: str | None = None
    count: int = 0
    size: int = 0
    """Events, and bytes of their fingerprints, in this batch."""
    unpacked: list[tuple[bytes, Fingerprint]] = field(default_factory=list)
    """The fingerprints of rows, as they are stored and unpacked."""
    _waiting: list[tuple[Row, Fingerprint]] = field(default_factory=list)
    """Rows that the gate has still to be asked about."""

    def finish(self) -> None:
        """Ask the gate about what it was not asked about yet."""
        if self._waiting:
            reasons = self.gate([fingerprint for _, fingerprint in self._waiting])
            for (row, fingerprint), why in zip(self._waiting, reasons, strict=True):
                row["held"] = "; ".join(why)
                self.unpacked.append((row["fingerprint"], fingerprint))
            self._waiting.clear()

    def take(self, seq: int, event: Event) -> None:
        """Add the next event."""
        self.count += 1
        match event:
            case Put():
                self._put(seq, event)
            case Retract():
                self.records.append(
                    self._empty(seq, event.rid, event.rev, event.at) | {"kind": "retract", "erase": event.erase, "reason": event.reason}
                )
            case Redacted():
                self.stubs.append({"feed": self.feed, "seq": seq, "rid": event.rid})
            case Opinion():
                self._opinion(event)
            case Allow() | RevokeAllow():
                self._allow(event)
            case SameVideo():
                on = {"on_feed": event.other.feed, "on_rid": event.other.rid}
                self.ties.append({"feed": self.feed, "rid": event.rid, **on, "same": event.same, "at": _plain(event.at)})
            case Note():
                self.note = event.text
            case Malformed():
                self.skipped += 1

    def _put(self, seq: int, event: Put) -> None:
        try:
            fingerprint = None if event.test else self._fingerprint(event.signals, event.duration_ms)
        except FingerprintError:
            self.skipped += 1
            return
        blob = to_stored(fingerprint) if fingerprint is not None else None
        self.size += len(blob or b"")
        row = self._empty(seq, event.rid, event.rev, event.at)
        row.update(
            duration_s=event.duration_ms / 1000,
            sha256=None if event.test else _file_hash(event.signals, "sha256"),
            md5=None if event.test else _file_hash(event.signals, "md5"),
            severity=event.severity,
            reason=event.reason.text,
            reason_code=event.reason.code,
            origin=event.basis.origin,
            policy=event.basis.policy,
            law=event.basis.law,
            review_method=event.review.method,
            reviewers=event.review.reviewers,
            max_action=event.handling.max_action,
            tlp=event.share.tlp,
            first_seen=f"{event.first_seen}-01" if event.first_seen else None,
            review_by=event.review_by.isoformat() if event.review_by else None,
            expires=event.expires.isoformat() if event.expires else None,
            labels=_listed(event.labels),
            algorithm=str(fingerprint.algorithm) if fingerprint is not None else None,
            fingerprint=blob,
            saw_content=event.review.saw_content,
            exceptions=_listed(event.handling.exceptions),
            test=event.test,
        )
        self.records.append(row)
        if fingerprint is not None:
            self._waiting.append((row, fingerprint))
            if len(self._waiting) >= _EXAMINED:
                self.finish()

    def _opinion(self, event: Opinion) -> None:
        on = {"on_feed": event.on.feed, "on_rid": event.on.rid, "on_rev": event.on.rev}
        said = {"verdict": event.verdict, "basis": event.basis, "reason": event.reason, "at": _plain(event.at)}
        self.opinions.append({"feed": self.feed, **on, **said})

    def _allow(self, event: Allow | RevokeAllow) -> None:
        row: Row = {"feed": self.feed, "rid": event.rid, "fingerprint": None, "sha256": None, "duration_ms": 0, "reason": ""}
        row |= {"at": _plain(event.at), "revoked": isinstance(event, RevokeAllow)}
        if isinstance(event, Allow):
            try:
                fingerprint = self._fingerprint(event.signals, event.duration_ms)
            except FingerprintError:
                self.skipped += 1
                return
            row |= {"fingerprint": to_stored(fingerprint) if fingerprint is not None else None}
            row |= {"sha256": _file_hash(event.signals, "sha256"), "duration_ms": event.duration_ms, "reason": event.reason.text}
        self.allows.append(row)

    def _fingerprint(self, signals: tuple[Signal, ...], duration_ms: int) -> Fingerprint | None:
        """Return the frame hashes and the sound that this database can compare, if there are any; other algorithms are not for us."""
        frames = self._signal(signals, self.algorithm.name)
        landmarks = next(filter(is_known_sound, signals), None) if self.sound else None
        if frames is None and landmarks is None:
            return None
        if frames is None:
            fingerprint = Fingerprint.empty(self.algorithm, duration_ms / 1000)
        else:
            fingerprint, squares = fingerprint_of(frames, duration_ms), self._signal(signals, f"{self.algorithm.name}{SQUARES}")
            fingerprint = with_squares_of(squares, fingerprint) if squares is not None and self.squares else fingerprint
        return replace(fingerprint, sound=sound_of(landmarks)) if landmarks is not None else fingerprint

    def _signal(self, signals: tuple[Signal, ...], name: str) -> Signal | None:
        ours = self.algorithm
        return next((s for s in signals if (s.alg, s.bits, s.spec) == (name, ours.bits, ours.spec)), None)

    def _empty(self, seq: int, rid: str, rev: int, at: datetime.datetime | None) -> Row:
        """Return a row in which everything that a retraction lacks is blank. Nothing imported is passed on: ``reshare`` is False."""
        return {
            **_BLANK, "feed": self.feed, "source": self.feed_id, "rid": rid, "seq": seq, "rev": rev, "at": _as_text(at),
            "id": record_id(self.feed_id, rid),
        }  # fmt: skip


_BLANK: Final[Row] = {
    "kind": "put", "erase": False, "duration_s": 0.0, "sha256": None, "md5": None, "severity": "unspecified", "reason": "",
    "reason_code": "", "origin": "own_review", "policy": "", "law": "", "review_method": "unspecified", "reviewers": 0,
    "max_action": "review", "tlp": "amber", "reshare": False, "first_seen": None, "review_by": None, "expires": None, "labels": "[]",
    "algorithm": None, "fingerprint": None, "saw_content": False, "exceptions": "[]", "test": False, "held": "",
}  # fmt: skip


@functools.lru_cache(1000)
def _listed(words: tuple[str, ...]) -> str:
    """Return words as a JSON list; the same few occur in event after event."""
    return json.dumps(words)


@functools.lru_cache(1000)
def _as_text(at: datetime.datetime | None) -> str:
    """Return a time as SQLite stores it; what is published at once has one time."""
    return _plain(at).isoformat(" ", "microseconds")


def _file_hash(signals: tuple[Signal, ...], algorithm: str) -> str | None:
    return next((signal.data for signal in signals if signal.alg == algorithm), None)


def _plain(at: datetime.datetime | None) -> datetime.datetime:
    """Return a time as the tables have it: UTC without saying so."""
    assert at is not None  # a verified event has a time
    return at.astimezone(datetime.UTC).replace(tzinfo=None)
