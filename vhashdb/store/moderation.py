"""Moderation of one database: its reviews, opinions and allow-lists, and the action cap that follows from them.

What decides is pure and in `vhashdb.moderation`; the facts are read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vhashdb.codes import LOCAL
from vhashdb.fingerprints import Fingerprint
from vhashdb.moderation import policy
from vhashdb.moderation.allow_list import AllowList, Canaries
from vhashdb.moderation.import_gate import ImportGate, Neighbours
from vhashdb.moderation.policy import Action, ActionCap, FeedTrust
from vhashdb.store.assessments import Assessments
from vhashdb.store.feeds import Feed, Feeds
from vhashdb.store.opinions import CANARY, Opinions
from vhashdb.store.records import Record
from vhashdb.store.records_file import Store
from vhashdb.store.reviews import Reviews
from vhashdb.store.settings import read_rules
from vhashdb.store.trust_state import feed_trust, trust_states


class Moderation:
    """Moderation of one database: decisions about records, and the action cap of a match. Made by `Database.moderation`."""

    def __init__(self, store: Store) -> None:
        self._store, self._algorithm = store, store.algorithm
        self._allow_list: tuple[object, AllowList] | None = None
        self._canaries: tuple[object, Canaries] | None = None
        self.opinions = Opinions(store)
        """The opinions on records, and the entries of allow-lists."""
        self.reviews = Reviews(store)
        """The records that wait for a person, and the decisions about them."""
        self.assessments = Assessments(store)
        """Assessments by people here who looked at a record or a match."""

    def action_caps(
        self,
        records: Sequence[Record],
        query: Fingerprint | None = None,
        stretches: Sequence[Sequence[tuple[float, float]]] = (),
        sha256: str | None = None,
        possible: Sequence[bool] = (),
    ) -> list[ActionCap]:
        """Compute the most that a match with each record may lead to without a person.

        Args:
            records: the records that were matched.
            query: the query, to be looked up in the allow-lists.
            stretches: for each record, the seconds of the query that matched it.
            sha256: of the query's file.
            possible: for each record, whether the match is only possible.
        """
        if not records:
            return []
        now = self._store.now()
        with self._store.transactions.reading() as connection:
            found, rules = trust_states(connection, records, now), read_rules(connection)
        allow_list = self.allow_list()
        caps = []
        for place, record in enumerate(records):
            state = replace(found[record.id], possible=bool(possible) and possible[place])
            if query is not None:
                spans = stretches[place] if stretches else [(0.0, query.duration_s)]
                state = replace(state, allowed=allow_list.against(query, spans, sha256))
            caps.append(policy.action_cap(state, today=now.date(), quorum=rules.quorum, seen_here=rules.seen_here))
        return caps

    def accepted_cap(self, record: Record) -> ActionCap:
        """Compute the action cap that a record would have once a person here had accepted it."""
        now = self._store.now()
        with self._store.transactions.reading() as connection:
            state, rules = trust_states(connection, [record], now)[record.id], read_rules(connection)
        endorsements = replace(state.endorsements, seen_here=True)
        review_by = None if record.details.source == LOCAL else state.review_by
        accepted = replace(state, held="", endorsements=endorsements, review_by=review_by)
        return policy.action_cap(accepted, today=now.date(), quorum=rules.quorum, seen_here=rules.seen_here)

    def feed_trust(self, feed: Feed) -> FeedTrust:
        """Return how far a feed can be relied upon now."""
        with self._store.transactions.reading() as connection:
            return feed_trust(connection, feed, self._store.now())

    def import_gate(self, neighbours: Neighbours | None) -> ImportGate:
        """Make the import gate for one sync or one file of others; with ``neighbours`` it looks for the same pictures in other records."""
        canaries, listed = self.canaries(), self.allow_list()
        heard_in = listed.heard_in if listed.sounds else None
        return ImportGate(listed.benign, canaries.matched if len(canaries) else None, neighbours, heard_in)

    def allow_list(self) -> AllowList:
        """Return everything that must never act automatically, of people here and of feeds whose objections count."""
        version = self.opinions.allow_version()
        if self._allow_list is None or self._allow_list[0] != version:
            self._allow_list = version, self._read_allow_list()
        return self._allow_list[1]

    def canaries(self) -> Canaries:
        """Return the innocent videos of people here, which no record of others should match."""
        version = self.opinions.allow_version()
        if self._canaries is None or self._canaries[0] != version:
            entries = self.opinions.allowed(author=CANARY)
            self._canaries = version, Canaries([e.fingerprint for e in entries if e.fingerprint is not None], self._algorithm)
        return self._canaries[1]

    def _read_allow_list(self) -> AllowList:
        trusted = {LOCAL} | {feed.id for feed in Feeds(self._store).all() if policy.counts(Action.REVIEW, Action(feed.trust))}
        entries = [entry for entry in self.opinions.allowed() if entry.author in trusted]
        prints = (entry.fingerprint for entry in entries if entry.fingerprint is not None)
        return AllowList.of(prints, (entry.sha256 for entry in entries if entry.sha256), self._algorithm)
