"""What of one's own records the feed has not said yet, as events. Knows values only: records, fingerprints, a feed's state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from vhashdb.errors import EventInvalid
from vhashdb.exchange import lint
from vhashdb.exchange.events import Basis, Handling, Put, Reason, Retract, Review, Share, Signal, Written
from vhashdb.exchange.signals import file_signals, frames_signal
from vhashdb.exchange.state import FeedState
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.store.records import Record, State

_WITHHELD: Final = (State.HELD,)
"""States that wait for a person, so nothing is said yet."""


class Outbox:
    """Events that bring a feed up to date with one's records; iterated once.

    Only records that originate here, may be passed on and are not for named eyes only (TLP red) are told. A record whose
    words may not be published is left out and noted in ``refused``.
    """

    def __init__(
        self,
        records: Iterable[Record],
        fingerprint_of: Callable[[str], Fingerprint],
        state: FeedState,
        *,
        erase: frozenset[str] = frozenset(),
        reason: str = "withdrawn",
    ) -> None:
        """Prepare.

        Args:
            records: of the database, in any order.
            fingerprint_of: gives the fingerprint of the record with an id.
            state: what the feed says so far.
            erase: ids of records that are to be taken out of the feed's files as well.
            reason: of every retraction here, one of `RETRACTION_REASONS`.
        """
        self._records, self._fingerprint_of, self._state = records, fingerprint_of, state
        self._erase, self._reason = erase, reason
        self.refused: list[tuple[str, str]] = []
        """Ids of records that cannot be published, each with why."""

    def __iter__(self) -> Iterator[Written]:
        for rid in sorted(self._erase):
            said = self._state.records.get(rid)
            if said is not None and not said.erased:
                yield Retract(rid, said.rev + 1, self._reason, erase=True)
        for record in self._records:
            if record.id in self._erase or not _may_leave(record):
                continue
            said = self._state.records.get(record.id)
            if record.state is State.RETRACTED:
                if said is not None and not said.retracted:
                    yield Retract(record.id, max(record.revision, said.rev), self._reason)
            elif said is None or (not said.erased and said.rev < record.revision):
                yield from self._put(record)

    def _put(self, record: Record) -> Iterator[Put]:
        try:
            event = put_of(record, self._fingerprint_of(record.id))
            lint.check(event)
        except EventInvalid as error:
            self.refused.append((record.id, error.message))
        else:
            yield event


def put_of(record: Record, fingerprint: Fingerprint) -> Put:
    """A record as the event that tells it.

    Raises:
        EventInvalid: the schema has no place for something it says.
    """
    details, frames = record.details, frames_signal(fingerprint)
    signals: tuple[Signal, ...] = file_signals(record.sha256, record.md5)
    return Put(
        rid=record.id,
        rev=record.revision,
        signals=(frames, *signals) if frames else signals,
        duration_ms=round(record.duration_s * 1000),
        labels=details.labels,
        severity=details.severity,
        reason=Reason(details.reason_code, details.reason),
        basis=Basis(details.origin, details.policy, details.law),
        review=Review(details.review_method, details.reviewers),
        handling=Handling(details.max_action),
        share=Share(details.tlp, reshare=False),
        first_seen=details.first_seen.strftime("%Y-%m") if details.first_seen else None,
        review_by=details.review_by,
        expires=details.expires,
    )


def _may_leave(record: Record) -> bool:
    details = record.details
    return details.source == "local" and details.reshare and details.tlp != "red" and record.state not in _WITHHELD
