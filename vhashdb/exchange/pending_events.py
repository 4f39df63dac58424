"""Collect the events that one's own feed lacks, for `vhashdb.exchange.publisher`.

Only what originates here leaves: records whose source is ``local`` and that may be passed on, what became of them,
opinions of people here on records of others, and the allow-list of people here. The feed itself is asked what it said last,
so a publication that was interrupted is simply made again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Final

from vhashdb.codes import LOCAL, WITHDRAWN
from vhashdb.errors import EventInvalid, RecordNotFound
from vhashdb.exchange import events as e
from vhashdb.exchange import lint
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.signals import LANDMARKS, file_signals, frames_signal, sound_signal, squares_signal
from vhashdb.exchange.state import Entry, FeedState
from vhashdb.fingerprints import Fingerprint
from vhashdb.store.feed_ties import merged
from vhashdb.store.opinions import Allowed, Opinion, Opinions
from vhashdb.store.records import Record, State
from vhashdb.store.records_file import Store
from vhashdb.store.trust_state import saw_content
from vhashdb.store.withdrawals import Withdrawal, withdrawals

_SHARED: Final = frozenset({State.ACTIVE, State.DISPUTED})
"""States in which a record may leave: one that is held waits for a person here."""
_NAMED_EYES: Final = "red"
"""The TLP of what may not be passed on to anybody."""
_SIGNALS_CHARS: Final = FeedLimits().line_bytes - (64 << 10)
"""Characters that the signals of one event may have. Derived: what a line may have, less more than everything else in it can take."""


class PendingEvents:
    """Events that bring a feed, which says so much, to what the database says; to be iterated once.

    What cannot be published, because its words are of a kind that may not leave, is left out and noted in ``refused``. The sound of a
    record that is too long for one event is left out too, and noted in ``without_sound``.
    """

    def __init__(
        self,
        store: Store,
        entries: Iterable[Entry],
        *,
        squares: bool = False,
        sound: bool = True,
        now: datetime.datetime | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: the records.
            entries: everything that the feed says, from `vhashdb.exchange.publisher.Publisher.entries`.
            squares: whether records are published with their squares.
            sound: whether records and entries of the allow-list are published with the landmarks of their sound.
            now: the time that events get.
        """
        self._store, self._said, self._squares, self._sound = store, FeedState(), squares, sound
        self._opinions: dict[tuple[str, str], e.Opinion] = {}
        for seq, _, event in entries:
            self._said.apply(seq, event)
            if isinstance(event, e.Opinion):
                self._opinions[event.on.feed, event.on.rid] = event
        self._at = now or datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        self.refused: list[tuple[str, str]] = []
        """Everything left out: the id of a record, also of one that an opinion is about, or of an entry of the allow-list; and why."""
        self.without_sound: list[str] = []
        """The ids of records whose sound was left out, as no event has room for it."""

    def __iter__(self) -> Iterator[e.Written]:
        withdrawn = withdrawals(self._store)
        for record in self._store.records(source=LOCAL):
            yield from self._checked(record.id, self._record(record, withdrawn.get(record.id)))
        opinions = Opinions(self._store)
        for opinion in opinions.ours():
            yield from self._checked(opinion.on_rid, self._opinion(opinion))
        for entry in opinions.allowed(author=LOCAL, revoked=True):
            yield from self._checked(entry.rid, self._allow(entry))
        yield from self._same_videos()

    def retractions(self) -> tuple[int, int]:
        """Return how many records members would drop if the events were published, and how many the feed gives them now."""
        given = {rid for rid, said in self._said.records.items() if not said.retracted}
        if not given:
            return 0, 0
        return sum(record.id in given and _takes_back(record) for record in self._store.records(source=LOCAL)), len(given)

    def _checked(self, about: str, made: Iterator[e.Written]) -> Iterator[e.Written]:
        """Yield the events, up to one that may not leave, which is noted."""
        try:
            for event in made:
                lint.check(event)
                yield event
        except EventInvalid as error:
            self.refused.append((about, error.message))

    def _record(self, record: Record, withdrawn: Withdrawal | None) -> Iterator[e.Written]:
        said = self._said.records.get(record.id)
        if said is not None and said.erased:  # for ever
            return
        if may_leave(record):
            if said is None or record.revision > said.rev:
                yield from self._put(record)
        elif said is not None and _takes_back(record):
            why = withdrawn or Withdrawal(WITHDRAWN, erase=False, at=self._at)
            if not said.retracted or why.erase:
                yield e.Retract(record.id, max(record.revision, said.rev), why.code, why.erase, self._at)

    def _put(self, record: Record) -> Iterator[e.Put]:
        fingerprint, told = self._fingerprint(record), False
        for event in put(record, fingerprint, self._at, squares=self._squares, sound=self._sound):
            told = any(signal.alg == LANDMARKS for signal in event.signals)
            yield event
        if self._sound and fingerprint is not None and fingerprint.sound and not told:
            self.without_sound.append(record.id)

    def _fingerprint(self, record: Record) -> Fingerprint | None:
        try:
            return self._store.fingerprint(record.id)
        except RecordNotFound:
            return None

    def _opinion(self, opinion: Opinion) -> Iterator[e.Written]:
        on = e.Subject(opinion.on_feed, opinion.on_rid, opinion.on_rev)
        said = self._opinions.get((on.feed, on.rid))
        if said is None or (said.verdict, said.basis, said.reason) != (opinion.verdict, opinion.basis, opinion.reason):
            yield e.Opinion(on, opinion.verdict, opinion.basis, opinion.reason, self._at)

    def _same_videos(self) -> Iterator[e.SameVideo]:
        """Yield what people here merged, of records that the feed gives already, and what is not so any more."""
        given = {rid for rid, said in self._said.records.items() if not said.retracted}
        with self._store.transactions.reading() as connection:
            wanted = merged(connection, given)
        for rid, *other in sorted(wanted - self._said.same_video.keys()):
            yield e.SameVideo(rid, e.SharedId(*other), at=self._at)
        for rid, *other in sorted(self._said.same_video.keys() - wanted):
            yield e.SameVideo(rid, e.SharedId(*other), same=False, at=self._at)

    def _allow(self, entry: Allowed) -> Iterator[e.Written]:
        said = entry.rid in self._said.allowed
        if entry.revoked and said:
            yield e.RevokeAllow(entry.rid, self._at)
        elif not entry.revoked and not said and (signals := _signals(entry.fingerprint, entry.sha256, None, sound=self._sound)):
            yield e.Allow(entry.rid, signals, entry.duration_ms, e.Reason(text=entry.reason), self._at)


def may_leave(record: Record) -> bool:
    """Tell whether members may have a record as it stands."""
    details = record.details
    return details.source == LOCAL and details.reshare and details.tlp != _NAMED_EYES and record.state in _SHARED


def _takes_back(record: Record) -> bool:
    """Tell whether a record that was published is to be taken back: one that is held waits, and stays as it was."""
    return not may_leave(record) and record.state is not State.HELD


def put(
    record: Record, fingerprint: Fingerprint | None, at: datetime.datetime, *, squares: bool = False, sound: bool = True
) -> Iterator[e.Put]:
    """Yield a record as feeds have it; nothing if it has nothing to be recognised by.

    Raises:
        EventInvalid: the schema has no place for something it says.
    """
    signals, details = _signals(fingerprint, record.sha256, record.md5, squares=squares, sound=sound), record.details
    if not signals:
        return
    yield e.Put(
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
        share=e.Share(details.tlp, reshare=False),
        first_seen=f"{details.first_seen:%Y-%m}" if details.first_seen else None,
        review_by=details.review_by,
        expires=details.expires,
        at=at,
    )


def _signals(
    fingerprint: Fingerprint | None, sha256: str | None, md5: str | None, *, squares: bool = False, sound: bool = True
) -> tuple[e.Signal, ...]:
    frames = frames_signal(fingerprint) if fingerprint is not None else None
    grid = squares_signal(fingerprint) if fingerprint is not None and frames and squares else None
    landmarks = sound_signal(fingerprint) if fingerprint is not None and sound else None
    if sum(len(signal.data) for signal in (frames, grid, landmarks) if signal is not None) > _SIGNALS_CHARS:
        landmarks = None
    return (*filter(None, (frames, grid, landmarks)), *file_signals(sha256, md5))
