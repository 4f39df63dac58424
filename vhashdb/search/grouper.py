"""Put records among all that show the same: find what a record may be related to, relate them, and write where it belongs."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vhashdb.background import stop_hash_mask
from vhashdb.errors import DatabaseDamaged
from vhashdb.fingerprints.model import Fingerprint, is_square, spread
from vhashdb.grouping import Moments, Relation, Role, hardly_differ, likeness, relate, relate_seen
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.view_transforms import turned_bits
from vhashdb.hashing.views import Orientation
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.reranking import Compared
from vhashdb.matching.verdict import Verdict
from vhashdb.search.lying_elsewhere import AtHand, ElsewhereSearch
from vhashdb.search.matcher import Matcher
from vhashdb.search.picture_retrieval import retrieve_pictures
from vhashdb.search.results import Match, Near
from vhashdb.searcher import Searcher
from vhashdb.store import Store
from vhashdb.store.placing import Related, place, place_alone
from vhashdb.store.videos import editions_of, ungrouped, videos_by_role

_MOST_RELATED: Final = 96
"""Records that one is related to: of each edition two. Engineering bound: a compilation shows parts of dozens."""
_COPIES: Final = 2
_TIMES: Final = 12
"""Moments of a record that are looked up, or of each half minute of a longer one …"""
_LASTING_S: Final = 1.5
"""Seconds from which an entry lasts long: of a part in which nothing moves there is hardly another. Engineering bound."""
_HALF_MINUTE_S: Final = 30.0
_MOST_TIMES: Final = 240
"""… up to so many. Engineering bounds: of each of the parts of a compilation, some are looked up."""


_MANY: Final = 24
"""Entries looked up of a record from which on some of the tables tell whether anything is near. Engineering bound: a copy that differs by
31 bits, a tenth of the record long, is near at two of them."""
_VERY_NEAR: Final = 0.6
"""Share of the radius within which one near moment is enough. Measured: `bench.variants`."""
_MOST_REGISTERED: Final = 4
"""Editions that are registered in the frames of one record, the nearest. Engineering bound: on the cost of a record."""
_AT_ONCE: Final = 200
"""Records that are looked up at a time. Engineering bound."""
_EXPLAINED: Final = 2
"""Related records from which on others of their video need not be compared, unless one of them is all of it. Engineering bound."""
_IN_VAIN: Final = 6
"""Records that are compared one after the other without any being related, after which those that look less alike are not compared.
Engineering bound."""
_IN_VAIN_OF_ONE: Final = 3
"""The same of one video, after which no other record of it is: so that one that cannot be told does not hide what looks less alike.
Engineering bound."""


class _Asked(NamedTuple):
    """Entries of several records that are looked up together."""

    record: npt.NDArray[np.int64]
    """``(n,)`` the number of the record of each."""
    at_ms: npt.NDArray[np.int64]
    """``(n,)`` when it begins."""
    hashes: PackedHashes

    @classmethod
    def of(cls, references: Mapping[int, Fingerprint]) -> _Asked:
        """Return those of some records, by number, of which there is one at least."""
        rows = {number: asked_rows(reference, _TIMES) for number, reference in references.items()}
        start_s = np.concatenate([references[number].start_s[each] for number, each in rows.items()])
        return cls(
            np.repeat(np.array(list(rows), np.int64), [len(each) for each in rows.values()]),
            np.round(1000 * start_s).astype(np.int64),
            np.concatenate([references[number].hash[each] for number, each in rows.items()]),
        )

    @property
    def of_few(self) -> npt.NDArray[np.int64]:
        """The records of which few entries are looked up."""
        numbers, counts = np.unique(self.record, return_counts=True)
        return numbers[counts < _MANY]

    def only(self, entries: npt.NDArray[np.bool_]) -> _Asked:
        """Return some of the entries, given by a mask."""
        return _Asked(self.record[entries], self.at_ms[entries], self.hashes[entries])

    def turned(self, algorithm: AlgorithmId) -> _Asked:
        """Return the entries as they are and mirrored, if their bits can be turned."""
        if algorithm != Pdq.id:
            return self
        mirrored = turned_bits(self.hashes, Orientation.MIRRORED)
        return _Asked(np.tile(self.record, 2), np.tile(self.at_ms, 2), np.concatenate((self.hashes, mirrored)))


class Grouper:
    """Groups the records of one database. Safe from several threads."""

    def __init__(self, store: Store, searcher: Searcher, matcher: Matcher, config: MatchingConfig) -> None:
        self._store, self._searcher, self._matcher = store, searcher, matcher
        self._config = replace(config, max_candidates=_MOST_RELATED, max_copies=_COPIES)
        self._at_hand: dict[int, AtHand] = {}
        """What was made of records that are to be grouped next, by number."""

    def remember(self, at_hand: Mapping[int, AtHand]) -> None:
        """Take what was made of records that are about to be grouped, by number; it is forgotten then."""
        self._at_hand.update(at_hand)

    def catch_up(self, limit: int | None = None) -> int:
        """Group the records that are in no video yet, ``limit`` of them at most, oldest first; return how many.

        Most records have nothing in common with any other, which a glance into the index tells of many at a time.
        """
        with self._store.transactions.reading() as connection:
            numbers = ungrouped(connection, limit)
        grouped = 0
        for start in range(0, len(numbers), _AT_ONCE):
            references = self._readable(numbers[start : start + _AT_ONCE])
            related = self._seemingly_related(references) | (references.keys() & self._at_hand.keys())
            with self._store.transactions.writing() as connection:
                place_alone(connection, {number: each.duration_s for number, each in references.items() if number not in related})
            for number in sorted(related):
                self.group(number)
            grouped += len(references)
        self._store.unpacked.forget()
        self._at_hand.clear()
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
        """Return those of some records, by number, that look like another one that a glance into the index finds near."""
        near = self._glanced(references)
        others = self._readable(sorted({other for each in near.values() for other in each} - references.keys())) | dict(references)
        found = set[int]()
        for number, each in near.items():
            moments = Moments.of(asked_of(references[number]))
            if any(likeness(moments, others[other], self._config.radius_bits) for other in each if other in others):
                found.add(number)
        return found

    def _glanced(self, references: Mapping[int, Fingerprint]) -> dict[int, list[int]]:
        """Return, for some records by number, those that are near each at several moments, or very near at one; without those of none.

        Records of which many moments are looked up are glanced at twice: few have anything near, which some of the tables tell.
        """
        if not references:
            return {}
        asked = _Asked.of(references)
        few = np.isin(asked.record, asked.of_few)
        asked = asked.only(few | np.isin(asked.record, self._near_any(asked.only(~few))))
        asked = asked.only(~stop_hash_mask(asked.hashes, self._store.algorithm)).turned(self._store.algorithm)
        if not len(asked.record):
            return {}
        hits = self._searcher.glance(asked.hashes, round(self._config.radius_bits)).require_complete()
        others = asked.record[hits.query] != hits.record
        query, record = hits.query[others], hits.record[others]
        very_near = hits.distance[others] <= _VERY_NEAR * self._config.radius_bits
        at_moments = np.unique(np.stack([asked.record[query], record, asked.at_ms[query]]), axis=1)
        pairs, counts = np.unique(at_moments[:2], axis=1, return_counts=True)
        found: dict[int, list[int]] = {}
        near = np.concatenate((pairs[:, counts > 1], np.stack([asked.record[query], record])[:, very_near]), axis=1)
        for one, other in np.unique(near, axis=1).T.tolist():
            found.setdefault(one, []).append(other)
        return found

    def _near_any(self, asked: _Asked) -> npt.NDArray[np.int64]:
        """Return the numbers of those records of which some moment is near another record, as far as some of the tables tell."""
        asked = asked.turned(self._store.algorithm)
        if not len(asked.record):
            return asked.record
        hits = self._searcher.glance(asked.hashes, round(self._config.radius_bits), quick=True).require_complete()
        one = asked.record[hits.query]
        return np.unique(one[one != hits.record])

    def group(self, number: int) -> None:
        """Put a record that is in no video yet among all that show the same."""
        fingerprint, at_hand = self._store.fingerprints([number])[number], self._at_hand.pop(number, None)
        related = self.related(fingerprint, number) if at_hand is None else self.related_with_frames(fingerprint, at_hand, number)[0]
        self.place(number, fingerprint, related)

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
        candidates = retrieve_pictures(self._store, self._searcher, asked, self._config.radius_bits, self._config).require_complete()
        numbers = [each.record for each in candidates if each.record != number]
        if not numbers:
            return []
        with self._store.transactions.reading() as connection:
            roles = videos_by_role(connection, numbers)
            editions = editions_of(connection, numbers)
        found: list[Related] = []
        explained: Counter[int] = Counter()
        tried: set[int | None] = set()
        in_vain, in_vain_of = 0, Counter[int]()
        for other, reference in self._by_likeness(asked, numbers):
            if in_vain >= _IN_VAIN:
                break
            videos = roles.get(other, {})
            if any(explained[video] >= _EXPLAINED for video in videos) and editions.get(other) not in tried:
                continue
            if videos and all(in_vain_of[video] >= _IN_VAIN_OF_ONE for video in videos):
                continue
            relation = relate(fingerprint, reference, self._config)
            in_vain = in_vain + 1 if relation is None else 0
            if relation is None:
                in_vain_of.update(list(videos))
                continue
            stands_for = hardly_differ(fingerprint, reference, relation)
            found.append(Related(other, relation, stands_for))
            if stands_for:
                tried.clear()
            elif relation.copies:  # another copy of the same may differ less
                tried.add(editions.get(other))
            explained.update(_explaining(relation, videos))
        return found

    def related_with_frames(self, reference: Fingerprint, at_hand: AtHand, number: int | None = None) -> tuple[list[Related], list[Match]]:
        """Return the same, and what else the frames match, and all that they match beside what the stored fingerprint is related to.

        Of a crop or a tilted picture nothing is stored that lies where it does in what is stored of others: only frames at hand tell it.
        What lies between all views is registered in them, as far as it is near.

        Args:
            reference: of a record, as it is stored.
            at_hand: what was made of it.
            number: of that record, if it is stored already.
        """
        related = self.related(reference, number)
        known = {each.record for each in related} | ({number} if number is not None else set())
        found = self._matcher.known_like(at_hand.query, known, self._explained_by(related))
        related += self._recognised(reference, found.matches)
        related += self._elsewhere(reference, at_hand, found.near, related)
        return related, found.matches

    def _elsewhere(
        self, reference: Fingerprint, at_hand: AtHand, near: Sequence[tuple[int, Compared]], related: Sequence[Related]
    ) -> list[Related]:
        """Return those of some records that a view is near whose picture lies elsewhere in the frames of a record, stored like this."""
        search = ElsewhereSearch(at_hand, reference, MatchingConfig.of(reference.algorithm))
        near = [(number, each) for number, each in near if any(view.alignment.segments for view in each.comparison.view_comparisons)]
        if not near or not search.is_possible:
            return []
        with self._store.transactions.reading() as connection:
            editions = editions_of(connection, [*(number for number, _ in near), *(each.record for each in related)])
        explained, tried = self._explained_by(related), [editions.get(each.record) for each in related]
        found: list[Related] = []
        for number, each in near:
            if not explained.isdisjoint(each.videos) or editions.get(number) in tried:
                continue
            if len(tried) - len(related) == _MOST_REGISTERED:
                break
            tried.append(editions.get(number))
            if (relation := search.relation(each.comparison, each.reference)) is not None:
                found.append(Related(number, relation))
                explained = self._explained_by([*related, *found])
        return found

    def _explained_by(self, related: Sequence[Related]) -> frozenset[int]:
        """Return the numbers of the videos of which nothing more need be known of a record that is related to these."""
        with self._store.transactions.reading() as connection:
            roles = videos_by_role(connection, [each.record for each in related])
        counted: Counter[int] = Counter()
        for each in related:
            counted.update(_explaining(each.relation, roles.get(each.record, {})))
        return frozenset(video for video, count in counted.items() if count >= _EXPLAINED)

    def _recognised(self, reference: Fingerprint, found: Sequence[Match]) -> list[Related]:
        """Return those that the frames of a record, which is stored like this, match, as far as that relates them."""
        numbers = {match.record.id: self._store.number(match.record.id) for match in found if match.verdict is Verdict.MATCH}
        references = self._readable(list(numbers.values()))
        related = []
        for match in found:
            other = numbers.get(match.record.id)
            relation = relate_seen(match.judgement, reference, references[other]) if other in references else None
            if other is not None and relation is not None:
                related.append(Related(other, relation))
        return related

    def _by_likeness(self, asked: Fingerprint, numbers: Sequence[int]) -> list[tuple[int, Fingerprint]]:
        """Return those records that are alike at several moments, by number, the most alike first."""
        found: list[tuple[float, int, Fingerprint]] = []
        moments = Moments.of(asked)
        for number, reference in self._readable(numbers).items():
            if alike := likeness(moments, reference, self._config.radius_bits):
                found.append((-alike, number, reference))
        return [(number, reference) for _, number, reference in sorted(found, key=lambda each: each[:2])]


def _explaining(relation: Relation, videos: Mapping[int, Role]) -> dict[int, int]:
    """Return of which videos of a related record others say little new about what all of it, or of both, is of them, and how surely.

    What is a clip today may be told to be a part of something else tomorrow, so that one clip does not speak for its video.
    """
    if not (relation.copies or relation.one.whole):
        return {}
    return {video: _EXPLAINED if role is Role.WHOLE else 1 for video, role in videos.items() if role is not Role.PART or relation.copies}


def near_of(store: Store, related: Sequence[Related], found: Sequence[Match]) -> tuple[Near, ...]:
    """Return what a new record resembles: what shows the same, and what else its frames match or may match; the surest first."""
    records = store.by_number([each.record for each in related]) if related else {}
    near = [Near(records[each.record].id, each.relation.score, Verdict.MATCH) for each in related]
    named = {each.record for each in near}
    near += [Near(match.record.id, match.score, match.verdict) for match in found if match.record.id not in named]
    return tuple(sorted(near, key=lambda each: (each.verdict is not Verdict.MATCH, -each.score)))


def asked_of(fingerprint: Fingerprint, moments: int = _TIMES) -> Fingerprint:
    """Return the entries of a record's pictures that are looked up, at moments that are evenly spread, and those that last long."""
    return fingerprint.only(asked_rows(fingerprint, moments))


def asked_rows(fingerprint: Fingerprint, moments: int) -> npt.NDArray[np.int64]:
    """Return where in a fingerprint the entries of `asked_of` are."""
    times = min(_MOST_TIMES, moments * max(1, math.ceil(fingerprint.duration_s / _HALF_MINUTE_S)))
    usable = np.flatnonzero(fingerprint.usable & ~is_square(fingerprint))
    asked = [np.zeros(0, np.int64)]
    for view in np.flatnonzero(np.bincount(fingerprint.view[usable])):
        rows = usable[fingerprint.view[usable] == view]
        lasts_s = fingerprint.end_s[rows] - fingerprint.start_s[rows]
        lasting = rows[np.argsort(-lasts_s, kind="stable")[: min(times, int((lasts_s >= _LASTING_S).sum()))]]
        asked.append(np.union1d(spread(rows, times), lasting))
    return np.sort(np.concatenate(asked))
