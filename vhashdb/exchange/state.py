"""Replay a sequence of events. Pure: the reference for everyone who applies a feed to a database.

The rules, in the order of the sequence numbers:

* a `Put` counts if its ``rev`` is higher than what was said of its ``rid`` before, also after a retraction;
* a `Retract` counts if its ``rev`` is not lower; with ``erase`` it always counts and closes the ``rid`` for ever;
* of opinions on one record, the latest counts; `RevokeAllow` takes an `Allow` away, and a `SameVideo` that is not so an earlier one;
* everything else changes nothing.

So a state is a set of lines, and a snapshot is nothing but these lines: read in order, they give the same state. A state
holds their numbers only, so that the largest feed fits into memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from vhashdb.exchange.events import Allow, Event, Opinion, Put, Retract, RevokeAllow, SameVideo

Entry: TypeAlias = tuple[int, bytes, Event]
"""Sequence number, line without its newline, and event."""


@dataclass(frozen=True)
class RecordState:
    """Latest statement about a record."""

    seq: int
    """The event that says it."""
    rev: int
    retracted: bool = False
    erased: bool = False
    """Closed for ever."""


@dataclass
class FeedState:
    """The numbers of the events that count, by what they are about."""

    records: dict[str, RecordState] = field(default_factory=dict)
    """By ``rid``."""
    opinions: dict[tuple[str, str], int] = field(default_factory=dict)
    """By feed and ``rid``."""
    allowed: dict[str, int] = field(default_factory=dict)
    """By ``rid``."""
    same_video: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """By ``rid``, and feed and ``rid`` of the other record."""

    def apply(self, seq: int, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Put():
                before = self.records.get(event.rid)
                if before is None or (event.rev > before.rev and not before.erased):
                    self.records[event.rid] = RecordState(seq, event.rev)
            case Retract():
                before = self.records.get(event.rid)
                if before is None or (not before.erased and (event.erase or event.rev >= before.rev)):
                    self.records[event.rid] = RecordState(seq, event.rev, retracted=True, erased=event.erase)
            case Opinion():
                self.opinions[event.on.feed, event.on.rid] = seq
            case Allow():
                self.allowed[event.rid] = seq
            case SameVideo(rid=rid, other=other, same=True):
                self.same_video[rid, other.feed, other.rid] = seq
            case SameVideo(rid=rid, other=other):
                self.same_video.pop((rid, other.feed, other.rid), None)
            case RevokeAllow():
                self.allowed.pop(event.rid, None)

    def counting(self) -> frozenset[int]:
        """Return the numbers of all events that count: a snapshot is their lines."""
        return frozenset(
            (*(said.seq for said in self.records.values()), *self.opinions.values(), *self.allowed.values(), *self.same_video.values())
        )


def replay(entries: Iterable[Entry], state: FeedState | None = None) -> FeedState:
    """Return the state that events lead to, from nothing or from an earlier state, which is changed."""
    state = FeedState() if state is None else state
    for seq, _, event in entries:
        state.apply(seq, event)
    return state
