"""Which records are worth comparing: those with hashes near the query's, in any view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.background import common
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.matching.pairs import query_tracks

MAX_CANDIDATES: Final = 40
"""Records compared in full, those with most near moments first."""

_NEGATED_REGIONS: Final = frozenset({Region.WHOLE, Region.BOX})


class Hits(Protocol):
    """What an index answers: one row per near pair."""

    @property
    def query(self) -> npt.NDArray[np.int64]: ...
    @property
    def record(self) -> npt.NDArray[np.int32]: ...
    @property
    def distance(self) -> npt.NDArray[np.int32]: ...


class Index(Protocol):
    """What candidates are searched in."""

    def search(self, hashes: PackedHashes, radius: int) -> Hits: ...


@dataclass(frozen=True)
class Candidate:
    """A record with hashes near the query's."""

    record: int
    moments: int
    """Distinct moments of the query with a near hash."""
    nearest_bits: int


def candidates(query: Fingerprint, index: Index, radius_bits: int) -> list[Candidate]:
    """Records with at least one usable hash within ``radius_bits`` of one of the query's, best first.

    Pictures that unrelated videos share (`vhashdb.background`) do not count.
    """
    tracks = {key: track for key, track in query_tracks(query).items() if _worth_searching(*key)}
    if not tracks:
        return []
    hashes = np.concatenate([track.hash for track in tracks.values()])
    moments = np.round(np.concatenate([track.start_s for track in tracks.values()]) * 1000).astype(np.int64)
    hits = index.search(hashes, radius_bits)
    asked = np.unique(hits.query)
    telling = np.isin(hits.query, asked[~common(hashes[asked], query.algorithm)])
    record, moment, distance = hits.record[telling].astype(np.int64), moments[hits.query[telling]], hits.distance[telling]
    if not len(record):
        return []
    pairs = np.unique(np.stack([record, moment]), axis=1)
    records, counts = np.unique(pairs[0], return_counts=True)
    nearest = np.full(int(records.max()) + 1, np.iinfo(np.int32).max, np.int64)
    np.minimum.at(nearest, record, distance)
    found = [Candidate(int(r), int(c), int(nearest[r])) for r, c in zip(records, counts, strict=True)]
    return sorted(found, key=lambda c: (-c.moments, c.nearest_bits))[:MAX_CANDIDATES]


def _worth_searching(view: View, negated: bool) -> bool:
    """Whether a view can find records that simpler ones miss; the others only make a comparison closer."""
    if negated:
        return view.region in _NEGATED_REGIONS and view.orientation is Orientation.UPRIGHT
    return True
