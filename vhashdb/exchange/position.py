"""Where a consumer stands in a feed's history, and how it goes on from there. Pure: a database keeps the positions.

The rules, each with its error:

* an older epoch, a lower sequence number or an older root than before: `FeedRollback`;
* the same sequence number with another chain, or a chain that does not end at the signed one: `FeedFork`;
* an epoch that the root of trust does not allow (looked at by the client, when it reads the root): `FeedFork`;
* a sequence number that is not the next: `FeedGap`;
* an erased line whose retraction does not follow: `FeedIllegalStub`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from vhashdb.errors import FeedFork, FeedGap, FeedIllegalStub, FeedMalformed, FeedRollback
from vhashdb.exchange import chain as chains
from vhashdb.exchange import events
from vhashdb.exchange.state import Entry


@dataclass(frozen=True)
class Position:
    """Up to where a history was accepted. All of it is to be stored, in the transaction that applies the events."""

    feed: str
    epoch: int
    seq: int
    chain: bytes
    """32 bytes."""
    root_version: int


class Course(enum.StrEnum):
    """Course that a consumer takes after it has seen a head."""

    UNCHANGED = "unchanged"
    AHEAD = "ahead"
    """There are events after the position."""
    ANEW = "anew"
    """The first contact, or a new epoch: fetch from 0, and what the feed does not say any more is retracted."""


def course(position: Position | None, head: Position) -> Course:
    """Compare a signed head with what was accepted before.

    Raises:
        FeedRollback: it is older.
        FeedFork: it is another history, or another feed.
    """
    if position is None:
        return Course.ANEW
    if head.feed != position.feed:
        raise FeedFork(f"the feed calls itself {head.feed}; it was {position.feed} before")
    if head.root_version < position.root_version:
        raise FeedRollback(f"the root of trust has version {head.root_version}; {position.root_version} was seen before")
    if head.epoch < position.epoch:
        raise FeedRollback(f"the feed shows epoch {head.epoch}; {position.epoch} was seen before")
    if head.epoch > position.epoch:
        return Course.ANEW
    if head.seq < position.seq:
        raise FeedRollback(f"the feed ends at event {head.seq}; {position.seq} was seen before")
    if head.seq == position.seq:
        if head.chain != position.chain:
            raise FeedFork(f"event {head.seq} is the last as before, but the history up to it is another one")
        return Course.UNCHANGED
    return Course.AHEAD


@dataclass
class HistoryVerifier:
    """Goes along a history, line by line, and stops where a rule is broken."""

    seq: int
    chain: bytes
    stubs: dict[str, int] = field(default_factory=dict)
    """Erased records whose retraction has not come yet, with the line that was erased last."""

    def along(self, lines: Iterable[bytes], first: int) -> Iterator[Entry]:
        """Yield the events of a segment that begins at ``first``; those that were known already are passed over."""
        expected = first
        for line in lines:
            seq, event = events.decode(line)
            if seq != expected:
                raise FeedGap(f"event {seq} stands where {expected} should be")
            expected += 1
            if seq > self.seq:
                self._step(seq, line, event)
                yield seq, line, event

    def _step(self, seq: int, line: bytes, event: events.Event) -> None:
        if seq != self.seq + 1:
            raise FeedGap(f"event {seq} follows on {self.seq}")
        self.seq, self.chain = seq, chains.extend(self.chain, chains.leaf(line, event))
        if isinstance(event, events.Redacted):
            self.stubs[event.rid] = seq
        elif isinstance(event, events.Retract) and event.erase:
            self.stubs.pop(event.rid, None)

    def expect(self, seq: int, chain: bytes) -> None:
        """Compare with what is signed.

        Raises:
            FeedGap: this is not the event that should be the last here.
            FeedFork: the lines that led here are not those that were signed, or not those that were seen before.
        """
        if self.seq != seq:
            raise FeedGap(f"the history ends at event {self.seq}; {seq} is signed")
        if self.chain != chain:
            raise FeedFork(f"the history up to event {seq} is not the one that was signed, or not the one that was seen before")

    def finish(self) -> None:
        """End at the head: nothing may be left open.

        Raises:
            FeedIllegalStub: a line was erased and its retraction is missing.
        """
        for rid, seq in self.stubs.items():
            raise FeedIllegalStub(f"event {seq} about {rid} was erased, but no later event allows it")


def state_lines(lines: Iterable[bytes], last: int, count: int) -> Iterator[Entry]:
    """Yield the events of a snapshot at ``last``: in order, none later, as many as signed, and none erased."""
    before = seen = 0
    for line in lines:
        seq, event = events.decode(line)
        if not before < seq <= last:
            raise FeedGap(f"event {seq} follows on {before} in a snapshot of {last} events")
        if isinstance(event, events.Redacted):
            raise FeedIllegalStub(f"event {seq} is erased in a snapshot, which has no place for it")
        before, seen = seq, seen + 1
        yield seq, line, event
    if seen != count:
        raise FeedMalformed(f"a snapshot of {seen} lines; {count} are signed")
