"""Which records are worth comparing: those with hashes near the query's, in any view.

The places among those that are compared are dealt out to the sources of the records in turn, people here first and then
the further trusted ones, each source's nearest records first: whoever publishes a thousand records that are near everything
takes places from nobody but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.background import stop_hash_mask
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.matching.pairs import PROBES, query_tracks

MAX_CANDIDATES: Final = 40
"""Records compared in full, those with most near moments first."""

FEW: Final = 4
"""Of these, at most, records of a source that may bring about nothing but a line in a log, when there are other sources."""
SOURCE_PAIRS: Final = 1 << 29
"""Pairs of hashes that are compared for one source in one question, at most: a few seconds, and a record of six hours."""
COULD_MATTER: Final = 0.5
"""Share of the query's moments that must be near a record for it to be missed when it is not compared …"""
COULD_MATTER_MOMENTS: Final = 8
"""… and how many they must be."""

_LOG_RANK: Final = 3
_BLOCK_PAIRS: Final = 1 << 22


class Hits(Protocol):
    """What an index answers: one row per near pair."""

    @property
    def query(self) -> npt.NDArray[np.int64]: ...
    @property
    def record(self) -> npt.NDArray[np.int64]: ...
    @property
    def distance(self) -> npt.NDArray[np.int32]: ...


class Source(Protocol):
    """Whom a record comes from."""

    @property
    def name(self) -> str: ...
    @property
    def rank(self) -> int:
        """0 for people here; the further it is trusted, the lower. 3 and more may do no more than log."""
        ...


Sources = Callable[[Sequence[int]], Mapping[int, Source]]
"""The source of each of these records, by number."""


class Index(Protocol):
    """What candidates are searched in."""

    def search(self, hashes: PackedHashes, radius: int, *, among: npt.NDArray[np.bool_] | None = None) -> Hits: ...


@dataclass(frozen=True)
class Candidate:
    """A record with hashes near the query's."""

    record: int
    moments: int
    """Distinct moments of the query with a near hash."""
    nearest_bits: int
    near_s: tuple[float, ...] = ()
    """When they are, in seconds, evenly thinned to `PROBES`: where a long video is worth comparing."""
    source: Source | None = None
    """Whom it comes from; None if there was no need to ask."""
    could_matter: bool = False
    """Whether it is near enough to be missed when it is not compared."""


class Budget:
    """What comparing may cost: a source that is not people here may use no more than `SOURCE_PAIRS` in one question."""

    def __init__(self, query: Fingerprint) -> None:
        self._probes = sum(min(PROBES, len(track)) for track in query_tracks(query).values())
        self._spent: dict[str, int] = {}

    def allows(self, source: Source | None, reference: Fingerprint) -> bool:
        """Whether a record may still be compared; it then is."""
        if source is None or source.rank == 0:
            return True
        pairs = self._spent.get(source.name, 0) + self._probes * len(reference)
        if pairs > SOURCE_PAIRS:
            return False
        self._spent[source.name] = pairs
        return True


@dataclass(frozen=True)
class Candidates(Sequence[Candidate]):
    """The records that are to be compared, best first."""

    chosen: tuple[Candidate, ...] = ()
    left_out: int = 0
    """Records that are near enough to be missed, and have no place among these."""

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.chosen)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]  # as of a tuple
        return self.chosen[place]


def candidates(
    query: Fingerprint, index: Index, radius_bits: int, among: npt.NDArray[np.bool_] | None = None, sources: Sources | None = None
) -> Candidates:
    """Records with at least one usable hash within ``radius_bits`` of one of the query's, best first.

    Pictures that unrelated videos share (`vhashdb.background`) do not count.

    Args:
        query: what is asked.
        index: where it is searched.
        radius_bits: what is near.
        among: says by number which records count; None: all.
        sources: tells whom records come from, where there are more than can be compared; None: all are of one source.
    """
    hashes, moments = _asked(query)
    if not len(hashes):
        return Candidates()
    hits = index.search(hashes, radius_bits, among=among)
    asked = np.unique(hits.query)
    telling = np.isin(hits.query, asked[~stop_hash_mask(hashes[asked], query.algorithm)])
    record, moment, distance = hits.record[telling], moments[hits.query[telling]], hits.distance[telling]
    if not len(record):
        return Candidates()
    pairs = np.unique(np.stack([record, moment]), axis=1)
    records, counts = np.unique(pairs[0], return_counts=True)
    nearest = np.full(int(records.max()) + 1, np.iinfo(np.int32).max, np.int64)
    np.minimum.at(nearest, record, distance)
    order = np.lexsort((nearest[records], -counts))
    whose = sources(records.tolist()) if sources is not None else {}
    best = _dealt(order.tolist(), [whose.get(number) for number in records.tolist()])
    could_matter = counts >= max(COULD_MATTER_MOMENTS, COULD_MATTER * len(np.unique(moments)))
    chosen = tuple(
        Candidate(
            int(records[i]),
            int(counts[i]),
            int(nearest[records[i]]),
            _thinned(pairs[1][pairs[0] == records[i]]),
            whose.get(int(records[i])),
            bool(could_matter[i]),
        )
        for i in best
    )
    return Candidates(chosen, int(could_matter.sum() - could_matter[best].sum()))


def _dealt(order: Sequence[int], whose: Sequence[Source | None]) -> list[int]:
    """At most `MAX_CANDIDATES` of these, which come nearest first: each source's first one, then each one's second, and so on."""
    turns: dict[str, int] = {}
    dealt = []
    several = len({source.name if source else "" for source in whose}) > 1
    for place, i in enumerate(order):
        source = whose[i]
        name, rank = (source.name, source.rank) if source else ("", 0)
        turn = turns[name] = turns.get(name, -1) + 1
        if turn < FEW or rank < _LOG_RANK or not several:
            dealt.append((turn, rank, place, i))
    chosen = sorted(dealt)[:MAX_CANDIDATES]
    return [i for _, _, _, i in chosen]


def _thinned(moments_ms: npt.NDArray[np.int64]) -> tuple[float, ...]:
    chosen = np.unique(np.linspace(0, len(moments_ms) - 1, min(PROBES, len(moments_ms))).astype(int))
    return tuple((moments_ms[chosen] / 1000).tolist())


def _asked(query: Fingerprint) -> tuple[PackedHashes, npt.NDArray[np.int64]]:
    """The hashes that are searched for, and the moment of each in milliseconds."""
    tracks = query_tracks(query)
    if not tracks:
        return np.zeros((0, query.algorithm.bytes), np.uint8), np.zeros(0, np.int64)
    hashes = np.concatenate([track.hash for track in tracks.values()])
    return hashes, np.round(np.concatenate([track.start_s for track in tracks.values()]) * 1000).astype(np.int64)


@dataclass(frozen=True)
class Candidacy:
    """Whether a search comes upon one record, and by how much it does or does not."""

    look: str
    """Which look at the file this is about, in words."""
    radius_bits: int
    """What is near."""
    moments: int
    """Distinct moments of the query with a near hash in the record …"""
    asked: int
    """… of so many."""
    nearest_bits: int | None
    """Distance of the nearest pair of hashes, near or not; None if one side has none."""
    place: int | None
    """Among the records that the look came upon, 1 for the first; None if it is not among them, or none were searched."""
    candidates: int | None
    """How many these are; None if none were searched."""

    @property
    def crowded_out(self) -> bool:
        """Whether it is near and yet not compared, because enough other records have more near moments."""
        return self.moments > 0 and self.place is None and (self.candidates or 0) >= MAX_CANDIDATES


def candidacy(look: str, query: Fingerprint, reference: Fingerprint, radius_bits: int) -> Candidacy:
    """How near a query's moments are to one record, whether or not it is in an index."""
    hashes, moments = _asked(query)
    kept = ~stop_hash_mask(hashes, query.algorithm)
    hashes, moments = hashes[kept], moments[kept]
    nearest = _nearest(hashes, reference.hash[reference.usable])
    near = np.unique(moments[nearest <= radius_bits])
    closest = int(nearest.min()) if len(nearest) and reference.usable.any() else None
    return Candidacy(look, radius_bits, len(near), len(np.unique(moments)), closest, None, None)


def _nearest(left: PackedHashes, right: PackedHashes) -> npt.NDArray[np.int16]:
    """``(n,)`` bits from each hash of ``left`` to the nearest of ``right``, in bounded memory."""
    nearest = np.full(len(left), np.iinfo(np.int16).max, np.int16)
    step = max(1, _BLOCK_PAIRS // max(1, len(right)))
    for start in range(0, len(left) if len(right) else 0, step):
        nearest[start : start + step] = distances(left[start : start + step], right).min(axis=1)
    return nearest
