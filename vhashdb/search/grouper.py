"""Put records among all that show the same: find what a record may be related to, relate them, and write where it belongs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from vhashdb.errors import DatabaseDamaged
from vhashdb.fingerprints.model import Fingerprint, without_squares
from vhashdb.grouping import Role, hardly_differ, likeness, relate
from vhashdb.live_index import FrameReader
from vhashdb.matching.config import MatchingConfig
from vhashdb.store import Store
from vhashdb.store.videos import Related, editions_of, place, ungrouped, videos_by_role

_MOST_RELATED: Final = 96
"""Records that one is related to: of each edition two. Engineering bound: a compilation shows parts of dozens."""
_COPIES: Final = 2
_TIMES: Final = 12
"""Moments of a record that are looked up, or of each half minute of a longer one …"""
_HALF_MINUTE_S: Final = 30.0
_MOST_TIMES: Final = 240
"""… up to so many. Engineering bounds: of each of the parts of a compilation, some are looked up."""


_IN_VAIN: Final = 3
"""Records that are compared one after the other without any being related, after which those that look less alike are not compared.
Engineering bound."""


class Grouper:
    """Groups the records of one database. Safe from several threads."""

    def __init__(self, store: Store, index_reader: FrameReader, config: MatchingConfig) -> None:
        self._store, self._index_reader = store, index_reader
        self._config = replace(config, max_candidates=_MOST_RELATED, max_copies=_COPIES)

    def catch_up(self, limit: int | None = None) -> int:
        """Group the records that are in no video yet, ``limit`` of them at most, oldest first; return how many."""
        with self._store.transactions.reading() as connection:
            numbers = ungrouped(connection, limit)
        for number in numbers:
            self.group(number)
        return len(numbers)

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
        for number in numbers:
            try:
                reference = self._store.fingerprints([number])[number]
            except DatabaseDamaged:  # a check of the database names it
                continue
            if alike := likeness(asked, reference, self._config.radius_bits):
                found.append((-alike, number, reference))
        return [(number, reference) for _, number, reference in sorted(found, key=lambda each: each[:2])]


def asked_of(fingerprint: Fingerprint) -> Fingerprint:
    """Return the entries of a record's pictures that are looked up, at moments that are evenly spread."""
    pictures = without_squares(fingerprint)
    times = min(_MOST_TIMES, _TIMES * max(1, math.ceil(pictures.duration_s / _HALF_MINUTE_S)))
    usable = np.flatnonzero(pictures.usable)
    asked: list[int] = []
    for view in np.unique(pictures.view[usable]).tolist():
        rows = usable[pictures.view[usable] == view]
        asked += rows[np.unique(np.linspace(0, len(rows) - 1, min(times, len(rows))).astype(int))].tolist()
    return pictures.only(np.array(sorted(asked), np.int64))
