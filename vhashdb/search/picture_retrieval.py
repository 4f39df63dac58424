"""Retrieve the records that a query's pictures may be a copy of: what a searcher finds near, and what the store says of these records."""

from __future__ import annotations

import functools

from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.bits import PackedHashes
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import Candidates, retrieve
from vhashdb.searcher import NearHashes, Searcher
from vhashdb.store import Selection, Store
from vhashdb.store.sources import sources
from vhashdb.store.videos import editions_by_number


class _Asked:
    """A searcher as `retrieve` asks it, with what it could not search."""

    def __init__(self, searcher: Searcher, where: Selection | None) -> None:
        self._searcher, self._where = searcher, where
        self.unsearched = ""

    def search(self, hashes: PackedHashes, radius: int, *, times: int = 1) -> NearHashes:
        found = self._searcher.near(hashes, radius, times=times, where=self._where)
        self.unsearched = found.unsearched
        return found


def retrieve_pictures(
    store: Store, searcher: Searcher, query: Fingerprint, radius_bits: float, config: MatchingConfig, where: Selection | None = None
) -> Candidates:
    """Find records with a hash near the query's, best first.

    Args:
        store: says where records come from, and which are copies of one edition.
        searcher: finds hashes.
        query: what is searched for.
        radius_bits: bits within which a hash is near.
        config: thresholds of matching.
        where: which records may be found; None: all.
    """
    asked = _Asked(searcher, where)
    found = retrieve(
        query, asked, radius_bits, config,
        sources=functools.partial(sources, store), editions=functools.partial(editions_by_number, store.transactions),
    )  # fmt: skip
    return Candidates(found.chosen, found.left_out, found.views, asked.unsearched)
