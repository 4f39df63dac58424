"""What a sequence of events adds up to. Pure: the reference for everyone who applies a feed to a database.

The rules, in the order of the sequence numbers:

* a `Put` counts if its ``rev`` is higher than what was said of its ``rid`` before, also after a retraction;
* a `Retract` counts if its ``rev`` is not lower; with ``erase`` it always counts and closes the ``rid`` for ever;
* of opinions on one record, the latest counts; `RevokeAllow` takes an `Allow` away;
* everything else changes nothing.

So a state is a set of lines, and a snapshot is nothing but these lines: read in order, they give the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from vhashdb.exchange.events import Allow, Event, Opinion, Put, Retract, RevokeAllow

Entry: TypeAlias = tuple[int, bytes, Event]
"""Sequence number, line without its newline, event."""


@dataclass
class FeedState:
    """The lines that count, by what they are about."""

    records: dict[str, tuple[int, bytes, Put | Retract]] = field(default_factory=dict)
    """By ``rid``: what was last said of each record."""
    opinions: dict[tuple[str, str], tuple[int, bytes, Opinion]] = field(default_factory=dict)
    """By feed and ``rid``."""
    allowed: dict[str, tuple[int, bytes, Allow]] = field(default_factory=dict)

    def apply(self, seq: int, line: bytes, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Put():
                before = self.said_of(event.rid)
                if before is None or (event.rev > before.rev and not (isinstance(before, Retract) and before.erase)):
                    self.records[event.rid] = (seq, line, event)
            case Retract():
                before = self.said_of(event.rid)
                closed = isinstance(before, Retract) and before.erase
                if not closed and (before is None or event.erase or event.rev >= before.rev):
                    self.records[event.rid] = (seq, line, event)
            case Opinion():
                self.opinions[event.on.feed, event.on.rid] = (seq, line, event)
            case Allow():
                self.allowed[event.rid] = (seq, line, event)
            case RevokeAllow():
                self.allowed.pop(event.rid, None)

    def said_of(self, rid: str) -> Put | Retract | None:
        """What was last said of a record."""
        entry = self.records.get(rid)
        return None if entry is None else entry[2]

    def entries(self) -> Iterator[Entry]:
        """The lines that count, in order: the content of a snapshot."""
        kept: list[Entry] = [*self.records.values(), *self.opinions.values(), *self.allowed.values()]
        yield from sorted(kept, key=lambda entry: entry[0])


def replay(entries: Iterable[Entry], state: FeedState | None = None) -> FeedState:
    """The state that events lead to, from nothing or from an earlier state."""
    state = FeedState() if state is None else state
    for seq, line, event in entries:
        state.apply(seq, line, event)
    return state
