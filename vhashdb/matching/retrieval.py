"""Retrieval: which records are worth comparing, namely those with hashes near the query's, in any view.

The places among those that are compared are dealt out to the sources of the records in turn, people here first and then
the further trusted ones, each source's nearest records first: whoever publishes a thousand records that are near everything
takes places from nobody but itself. Among the records of one source, copies of one edition take turns in the same way with other
editions, and a few of them speak for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.background import stop_hash_mask
from vhashdb.errors import IndexUnavailable
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.hashing.views import View
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.view_pairs import query_sequences

_LOG_RANK: Final = 3
"""From this rank on a source may bring about nothing but a line in a log."""
_BLOCK_PAIRS: Final = 1 << 22
"""A bound on memory."""


class Hits(Protocol):
    """What an index answers: one row per near pair."""

    @property
    def query(self) -> npt.NDArray[np.int64]: ...
    @property
    def record(self) -> npt.NDArray[np.int64]: ...
    @property
    def distance(self) -> npt.NDArray[np.int32]: ...


class Source(Protocol):
    """Where a record comes from."""

    @property
    def name(self) -> str: ...
    @property
    def rank(self) -> int:
        """0 for people here; the further it is trusted, the lower. 3 and more may do no more than log."""
        ...


Sources = Callable[[Sequence[int]], Mapping[int, Source]]
"""The source of each of these records, by number."""
Editions = Callable[[Sequence[int]], Mapping[int, int]]
"""The edition that each of these records is a copy of, by number, as far as that is known."""


class Index(Protocol):
    """What is searched for candidates."""

    def search(self, hashes: PackedHashes, radius: int, *, times: int = 1) -> Hits: ...


@dataclass(frozen=True)
class Candidate:
    """A record with hashes near the query's."""

    record: int
    times: int
    """Distinct times of the query with a near hash."""
    nearest_bits: int
    anchors_s: tuple[float, ...] = ()
    """When they are, in seconds, `MatchingConfig.probes` of them at most: where a long video is worth comparing."""
    source: Source | None = None
    """Where it comes from; None if there was no need to ask."""
    must_compare: bool = False
    """Whether so much of the query is near it that leaving it out has to be reported."""


class ComparisonBudget:
    """Limits what comparing may cost: `MatchingConfig.source_hash_pairs` for one source that is not people here, and one query."""

    def __init__(self, query: Fingerprint, config: MatchingConfig) -> None:
        self._query, self._config = query, config
        self._spent: dict[str, int] = {}

    @cached_property
    def _probes(self) -> int:
        """Hashes of the query that a record is compared with first."""
        return sum(min(self._config.probes, len(sequence)) for sequence in query_sequences(self._query).values())

    def allows(self, source: Source | None, reference: Fingerprint) -> bool:
        """Return whether a record may still be compared; its cost is then spent."""
        if source is None or source.rank == 0:
            return True
        pairs = self._spent.get(source.name, 0) + self._probes * len(reference)
        if pairs > self._config.source_hash_pairs:
            return False
        self._spent[source.name] = pairs
        return True


@dataclass(frozen=True)
class Candidates(Sequence[Candidate]):
    """The records that are to be compared, best first."""

    chosen: tuple[Candidate, ...] = ()
    left_out: int = 0
    """Records that must be compared and have no place among these."""
    views: frozenset[View] = frozenset()
    """Of each of these, the views of the query in which it is nearest: `MatchingConfig.view_pairs` of them at most."""
    unsearched: str = ""
    """What was not searched, in words; empty: everything was."""

    def require_complete(self) -> Candidates:
        """Return these if everything was searched.

        Raises:
            IndexUnavailable: something was not.
        """
        if self.unsearched:
            raise IndexUnavailable(self.unsearched)
        return self

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.chosen)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]  # as of a tuple
        return self.chosen[place]


def retrieve(
    query: Fingerprint,
    index: Index,
    radius_bits: float,
    config: MatchingConfig,
    *,
    sources: Sources | None = None,
    editions: Editions | None = None,
) -> Candidates:
    """Find the records with at least one usable hash within ``radius_bits`` of one of the query's, best first.

    Pictures that unrelated videos share (`vhashdb.background`) do not count.

    Args:
        query: the fingerprint that is asked about.
        index: where it is searched.
        radius_bits: what is near; rounded.
        config: for the algorithm of both.
        sources: tells where records come from; None: all are of one source.
        editions: tells which records are copies of one edition; None: none are.
    """
    hashes, times_ms, view = _searched(query)
    if not len(hashes):
        return Candidates()
    moments_ms, moment = np.unique(times_ms, return_inverse=True)
    hits = index.search(hashes, round(radius_bits), times=len(moments_ms))
    if not len(hits.query):
        return Candidates()
    hit, place = np.unique(hits.query, return_inverse=True)
    informative = ~stop_hash_mask(hashes[hit], query.algorithm)[place]
    asked, record, distance = hits.query[informative], hits.record[informative], hits.distance[informative]
    if not len(record):
        return Candidates()
    of_record, near = np.divmod(np.unique(record * len(moments_ms) + moment[asked]), len(moments_ms))
    records, first, counts = np.unique(of_record, return_index=True, return_counts=True)
    nearest = np.full(len(records), np.iinfo(np.int32).max, np.int64)
    np.minimum.at(nearest, np.searchsorted(records, record), distance)
    order = np.lexsort((nearest, -counts))
    source_of = sources(records.tolist()) if sources is not None else {}
    edition_of = editions(records.tolist()) if editions is not None else {}
    origins = [(source_of.get(number), edition_of.get(number)) for number in records.tolist()]
    best = shared_out(order.tolist(), origins, config, config.max_candidates)
    must_compare = counts >= max(config.must_compare_times, config.must_compare_share * len(moments_ms))
    spoken_for = {origins[i] for i in best if origins[i][1] is not None}
    left_out = sum(origins[i] not in spoken_for for i in set(np.flatnonzero(must_compare).tolist()) - set(best))
    chosen = tuple(
        Candidate(
            int(records[i]),
            int(counts[i]),
            int(nearest[i]),
            _anchors_s(moments_ms[near[first[i] : first[i] + counts[i]]], config.probes),
            source_of.get(int(records[i])),
            bool(must_compare[i]),
        )
        for i in best
    )
    compared = np.isin(record, records[best])
    nearness = 1 + round(radius_bits) - distance[compared]
    views = _nearest_views(asked[compared], record[compared], nearness, view, config)
    return Candidates(chosen, left_out, views)


def _nearest_views(
    asked: npt.NDArray[np.int64],
    record: npt.NDArray[np.int64],
    nearness: npt.NDArray[np.int32],
    view: npt.NDArray[np.int64],
    config: MatchingConfig,
) -> frozenset[View]:
    """The views in which each record is nearest, on average over the hashes that were searched for in that view.

    Args:
        asked: ``(hits,)`` which hash of the query.
        record: ``(hits,)`` a record that has one near it.
        nearness: ``(hits,)`` the larger the nearer.
        view: ``(hashes,)`` the code of each hash's view, doubled; odd in a negative.
        config: how many views, and how near.
    """
    searched = np.bincount(view)
    order = np.lexsort((-nearness, asked, record))
    record, asked, nearness = record[order], asked[order], nearness[order]
    first = np.append(True, (np.diff(record) != 0) | (np.diff(asked) != 0))  # the nearest of the record's hashes
    found, group = np.unique(record[first] * len(searched) + view[asked[first]], return_inverse=True)
    average = np.bincount(group, nearness[first]) / searched[found % len(searched)]
    chosen: set[int] = set()
    for number in np.unique(found // len(searched)).tolist():
        of_record = np.flatnonzero(found // len(searched) == number)
        best = of_record[np.argsort(-average[of_record])[: config.view_pairs]]
        chosen |= set((found[best[average[best] >= config.nearly_nearest * average[best[0]]]] % len(searched)).tolist())
    return frozenset(View.from_code(code // 2) for code in chosen)


Origin = tuple[Source | None, int | None]
"""The source of a record, and the edition that it is a copy of; None: not known."""


def shared_out(order: Sequence[int], origins: Sequence[Origin], config: MatchingConfig, most: int) -> list[int]:
    """Return the ``most`` that are compared, of some that come nearest first: each source's first, then each one's second, and so on.

    The first of a source are one copy of each edition, then come second copies, `MatchingConfig.max_copies` of each edition at most.
    """
    copies = Counter[tuple[str, int]]()
    nearest: list[tuple[int, int, int]] = []
    for place, i in enumerate(order):
        source, edition = origins[i]
        before = 0
        if edition is not None:
            key = source.name if source else "", edition
            before = copies[key]
            copies[key] += 1
        if before < config.max_copies:
            nearest.append((before, place, i))
    turns = Counter[str]()
    places = []
    several = len({source.name if source else "" for source, _ in origins}) > 1
    for _, place, i in sorted(nearest):
        source, _ = origins[i]
        name, rank = (source.name, source.rank) if source else ("", 0)
        turn = turns[name]
        turns[name] += 1
        if turn < config.max_log_only or rank < _LOG_RANK or not several:
            places.append((turn, rank, place, i))
    return [i for _, _, _, i in sorted(places)[:most]]


def _anchors_s(times_ms: npt.NDArray[np.int64], count: int) -> tuple[float, ...]:
    chosen = np.unique(np.linspace(0, len(times_ms) - 1, min(count, len(times_ms))).astype(int))
    return tuple((times_ms[chosen] / 1000).tolist())


def _searched(query: Fingerprint) -> tuple[PackedHashes, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The hashes that are searched for, and of each the time in milliseconds and the code of the view, doubled; odd in a negative."""
    sequences = query_sequences(query)
    if not sequences:
        return np.zeros((0, query.algorithm.bytes), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64)
    hashes = np.concatenate([sequence.hash for sequence in sequences.values()])
    view = np.repeat([2 * view.code + negated for view, negated in sequences], [len(sequence) for sequence in sequences.values()])
    return hashes, np.round(np.concatenate([sequence.start_s for sequence in sequences.values()]) * 1000).astype(np.int64), view


@dataclass(frozen=True)
class RetrievalCheck:
    """Whether a search retrieves one record, and by how much it does or does not."""

    stage: str
    """Which search of a query this is about, in words."""
    times: int
    """Distinct times of the query with a near hash in the record, or whose landmarks agree about it …"""
    searched: int
    """… of so many …"""
    needed: int
    """… and so many at least have to."""
    most: int
    """How many records are compared at most."""
    radius_bits: int | None = None
    """What is near; None of sound, whose landmarks are the same or not."""
    nearest_bits: int | None = None
    """Distance of the nearest pair of hashes, near or not; None if one side has none, and of sound."""
    place: int | None = None
    """Among the records that the search retrieved, 1 for the first; None if it is not among them, or none were searched."""
    candidates: int | None = None
    """How many these are; None if none were searched."""

    @property
    def near(self) -> bool:
        """Whether so much of the query is near the record that it is retrieved, unless others are nearer."""
        return self.times >= self.needed

    @property
    def crowded_out(self) -> bool:
        """Whether it is near and yet not compared, because enough other records are near at more times."""
        return self.near and self.place is None and (self.candidates or 0) >= self.most


def check_retrieval(stage: str, query: Fingerprint, reference: Fingerprint, radius_bits: float, config: MatchingConfig) -> RetrievalCheck:
    """Measure how near a query's hashes are to one record, whether or not it is in an index."""
    hashes, times_ms, _ = _searched(query)
    kept = ~stop_hash_mask(hashes, query.algorithm)
    hashes, times_ms = hashes[kept], times_ms[kept]
    nearest = _nearest(hashes, reference.hash[reference.usable])
    near = np.unique(times_ms[nearest <= round(radius_bits)])
    closest = int(nearest.min()) if len(nearest) and reference.usable.any() else None
    searched = len(np.unique(times_ms))
    return RetrievalCheck(stage, len(near), searched, 1, config.max_candidates, round(radius_bits), closest)


def _nearest(left: PackedHashes, right: PackedHashes) -> npt.NDArray[np.int16]:
    """``(n,)`` bits from each hash of ``left`` to the nearest of ``right``, in bounded memory."""
    nearest = np.full(len(left), np.iinfo(np.int16).max, np.int16)
    step = max(1, _BLOCK_PAIRS // max(1, len(right)))
    for start in range(0, len(left) if len(right) else 0, step):
        nearest[start : start + step] = distances(left[start : start + step], right).min(axis=1)
    return nearest
