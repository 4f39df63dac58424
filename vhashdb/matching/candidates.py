"""Which records are worth comparing: those with hashes near the query's, in any view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.background import common
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.matching.pairs import PROBES, query_tracks

MAX_CANDIDATES: Final = 40
"""Records compared in full, those with most near moments first."""

_BLOCK_PAIRS: Final = 1 << 22


class Hits(Protocol):
    """What an index answers: one row per near pair."""

    @property
    def query(self) -> npt.NDArray[np.int64]: ...
    @property
    def record(self) -> npt.NDArray[np.int64]: ...
    @property
    def distance(self) -> npt.NDArray[np.int32]: ...


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


def candidates(query: Fingerprint, index: Index, radius_bits: int, among: npt.NDArray[np.bool_] | None = None) -> list[Candidate]:
    """Records with at least one usable hash within ``radius_bits`` of one of the query's, best first.

    ``among`` says by number which records count; None: all. Pictures that unrelated videos share (`vhashdb.background`) do not count.
    """
    hashes, moments = _asked(query)
    if not len(hashes):
        return []
    hits = index.search(hashes, radius_bits, among=among)
    asked = np.unique(hits.query)
    telling = np.isin(hits.query, asked[~common(hashes[asked], query.algorithm)])
    record, moment, distance = hits.record[telling], moments[hits.query[telling]], hits.distance[telling]
    if not len(record):
        return []
    pairs = np.unique(np.stack([record, moment]), axis=1)
    records, counts = np.unique(pairs[0], return_counts=True)
    nearest = np.full(int(records.max()) + 1, np.iinfo(np.int32).max, np.int64)
    np.minimum.at(nearest, record, distance)
    best = np.lexsort((nearest[records], -counts))[:MAX_CANDIDATES]
    return [Candidate(int(records[i]), int(counts[i]), int(nearest[records[i]]), _thinned(pairs[1][pairs[0] == records[i]])) for i in best]


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
    kept = ~common(hashes, query.algorithm)
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
