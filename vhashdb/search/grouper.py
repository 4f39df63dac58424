"""Put records among all that show the same: find what a record may be related to, relate them, and write where it belongs."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from vhashdb.background import stop_hash_mask
from vhashdb.errors import DatabaseDamaged
from vhashdb.fingerprints.model import Fingerprint, without_squares
from vhashdb.grouping import Moments, Role, hardly_differ, likeness, relate
from vhashdb.hashing.views import Orientation
from vhashdb.live_index import FrameReader
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.verdict import Verdict
from vhashdb.matching.view_pairs import query_sequences
from vhashdb.search.results import Match, Near
from vhashdb.store import Store
from vhashdb.store.placing import Related, place, place_alone
from vhashdb.store.videos import editions_of, ungrouped, videos_by_role

_MOST_RELATED: Final = 96
"""Records that one is related to: of each edition two. Engineering bound: a compilation shows parts of dozens."""
_COPIES: Final = 2
_TIMES: Final = 12
"""Moments of a record that are looked up, or of each half minute of a longer one …"""
_HALF_MINUTE_S: Final = 30.0
_MOST_TIMES: Final = 240
"""… up to so many. Engineering bounds: of each of the parts of a compilation, some are looked up."""


_GLANCED: Final = 8
"""The same of records that are looked up many at a time. Measured: `bench.variants`."""
_VERY_NEAR: Final = 0.6
"""Share of the radius within which one near moment is enough. Measured: `bench.variants`."""
_AT_ONCE: Final = 200
"""Records that are looked up at a time. Engineering bound."""
_IN_VAIN: Final = 3
"""Records that are compared one after the other without any being related, after which those that look less alike are not compared.
Engineering bound."""


class Grouper:
    """Groups the records of one database. Safe from several threads."""

    def __init__(self, store: Store, index_reader: FrameReader, config: MatchingConfig) -> None:
        self._store, self._index_reader = store, index_reader
        self._config = replace(config, max_candidates=_MOST_RELATED, max_copies=_COPIES)

    def catch_up(self, limit: int | None = None) -> int:
        """Group the records that are in no video yet, ``limit`` of them at most, oldest first; return how many.

        Most records have nothing in common with any other, which a glance into the index tells of many at a time.
        """
        with self._store.transactions.reading() as connection:
            numbers = ungrouped(connection, limit)
        grouped = 0
        for start in range(0, len(numbers), _AT_ONCE):
            references = self._readable(numbers[start : start + _AT_ONCE])
            related = self._seemingly_related(references)
            with self._store.transactions.writing() as connection:
                place_alone(connection, {number: each.duration_s for number, each in references.items() if number not in related})
            for number in sorted(related):
                self.group(number)
            grouped += len(references)
        return grouped

    def _readable(self, numbers: Sequence[int]) -> dict[int, Fingerprint]:
        """Return the fingerprints of records, without those that are damaged: a check of the database names them."""
        try:
            return self._store.fingerprints(numbers)
        except DatabaseDamaged:
            found: dict[int, Fingerprint] = {}
            for number in numbers:
                with contextlib.suppress(DatabaseDamaged):
                    found |= self._store.fingerprints([number])
            return found

    def _seemingly_related(self, references: Mapping[int, Fingerprint]) -> set[int]:
        """Return those of some records, by number, that are near another at several moments, or very near at one."""
        asked, moments, hashes = [], [], []
        for number, reference in references.items():
            for (view, negated), sequence in query_sequences(asked_of(reference, _GLANCED)).items():
                if not negated and view.orientation in (Orientation.UPRIGHT, Orientation.MIRRORED):
                    asked.append(np.full(len(sequence), number))
                    moments.append(np.round(1000 * sequence.start_s).astype(np.int64))
                    hashes.append(sequence.hash)
        if not hashes:
            return set()
        packed = np.concatenate(hashes)
        informative = ~stop_hash_mask(packed, self._store.algorithm)
        asking, at = np.concatenate(asked)[informative], np.concatenate(moments)[informative]
        hits = self._index_reader.glance(packed[informative], self._config.radius_bits)
        others = asking[hits.query] != hits.record
        query, record = hits.query[others], hits.record[others]
        very_near = asking[query[hits.distance[others] <= _VERY_NEAR * self._config.radius_bits]]
        at_moments = np.unique(np.stack([asking[query], record, at[query]]), axis=1)
        pairs, counts = np.unique(at_moments[:2], axis=1, return_counts=True)
        return set(very_near.tolist()) | set(pairs[0][counts > 1].tolist())

    def group(self, number: int) -> None:
        """Put a record that is in no video yet among all that show the same."""
        fingerprint = self._store.fingerprints([number])[number]
        self.place(number, fingerprint, self.related(fingerprint, number))

    def place(self, number: int, fingerprint: Fingerprint, related: Sequence[Related]) -> None:
        """Write where a record that is in no video yet belongs."""
        with self._store.transactions.writing() as connection:
            place(connection, number, fingerprint.duration_s, related, self._store.next_change(connection))

    def related(self, fingerprint: Fingerprint, number: int | None = None) -> list[Related]:
        """Return records that show something of what a fingerprint shows: as many as are needed to say which videos that is of.

        Args:
            fingerprint: of a record, as it is stored.
            number: of that record, if it is stored already.
        """
        asked = asked_of(fingerprint)
        candidates = self._index_reader.candidates(asked, self._config.radius_bits, self._config)
        numbers = [each.record for each in candidates if each.record != number]
        if not numbers:
            return []
        with self._store.transactions.reading() as connection:
            roles = videos_by_role(connection, numbers)
            editions = editions_of(connection, numbers)
        found: list[Related] = []
        explained: set[int] = set()
        tried: set[int | None] = set()
        in_vain = 0
        for other, reference in self._by_likeness(asked, numbers):
            if in_vain >= _IN_VAIN:
                break
            videos = roles.get(other, {})
            if not explained.isdisjoint(videos) and editions.get(other) not in tried:
                continue
            relation = relate(fingerprint, reference, self._config)
            in_vain = in_vain + 1 if relation is None else 0
            if relation is None:
                continue
            stands_for = hardly_differ(fingerprint, reference, relation)
            found.append(Related(other, relation, stands_for))
            if stands_for:
                tried.clear()
            elif relation.copies:  # another copy of the same may differ less
                tried.add(editions.get(other))
            if relation.copies or relation.one.whole:  # what else shows these videos says nothing new
                explained |= {video for video, role in videos.items() if role is not Role.PART or relation.copies}
        return found

    def _by_likeness(self, asked: Fingerprint, numbers: Sequence[int]) -> list[tuple[int, Fingerprint]]:
        """Return those records that are alike at several moments, by number, the most alike first."""
        found: list[tuple[float, int, Fingerprint]] = []
        moments = Moments.of(asked)
        for number, reference in self._readable(numbers).items():
            if alike := likeness(moments, reference, self._config.radius_bits):
                found.append((-alike, number, reference))
        return [(number, reference) for _, number, reference in sorted(found, key=lambda each: each[:2])]


def near_of(store: Store, related: Sequence[Related], found: Sequence[Match]) -> tuple[Near, ...]:
    """Return what a new record resembles: what shows the same, and what only a query found; the surest first."""
    records = store.by_number([each.record for each in related]) if related else {}
    near = [Near(records[each.record].id, each.relation.score, Verdict.MATCH) for each in related]
    near += [Near(match.record.id, match.score, match.verdict) for match in found]
    return tuple(sorted(near, key=lambda each: (each.verdict is not Verdict.MATCH, -each.score)))


def asked_of(fingerprint: Fingerprint, moments: int = _TIMES) -> Fingerprint:
    """Return the entries of a record's pictures that are looked up, at moments that are evenly spread."""
    pictures = without_squares(fingerprint)
    times = min(_MOST_TIMES, moments * max(1, math.ceil(pictures.duration_s / _HALF_MINUTE_S)))
    usable = np.flatnonzero(pictures.usable)
    asked: list[int] = []
    for view in np.unique(pictures.view[usable]).tolist():
        rows = usable[pictures.view[usable] == view]
        asked += rows[np.unique(np.linspace(0, len(rows) - 1, min(times, len(rows))).astype(int))].tolist()
    return pictures.only(np.array(sorted(asked), np.int64))
