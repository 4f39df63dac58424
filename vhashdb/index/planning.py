"""Choose the strategy of a search: linear scan, or the probe parameters that reach a recall at the lowest cost.

A table finds a stored hash if their keys differ in at most as many bits as are flipped to probe it. Shorter keys, more flips
and more tables find more and cost more. Norouzi, Punjani and Fleet (2012) guarantee that multi-index hashing finds
everything within a radius; here a search finds a share of it, which `recall` computes exactly for bits that change
independently. `bench.index` measures it on real hashes.

Costs are in candidates: 1 is the cost of comparing one candidate that a probe has found.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.index.permutation import MAX_TABLES, SUBSTRING_BITS, tables_of

TARGET_RECALL: Final = 0.995
"""Recall that a search is to reach if it can afford it: at the edge of the radius for few query hashes, within `NEAR_SHARE` for many.
Engineering bound.
"""
NEAR_TIMES: Final = 3
"""Times of a query at which a copy is near, so that finding one of them is enough. Engineering bound: a piece of one second has as many."""
NEAR_SHARE: Final = 31 / 256
"""Share of bits within which a minimum recall holds at any cost. Derived: 31 of 256 are what PDQ's authors take for the same picture."""
MIN_RECALL_FEW: Final = 0.99
"""Minimum recall within `NEAR_SHARE` for few query hashes, as of a still picture. Engineering bound: each has to be found."""
MIN_RECALL_MANY: Final = 0.7
"""Minimum recall within `NEAR_SHARE` for many query hashes where more costs too much. Measured in a trial that is not in the repository
(docs/design.md): a video is found by any of its moments, in any view. `bench.scale` and `bench.index` show the effect.
"""
FEW_HASHES: Final = 100
"""Maximum number of query hashes that count as few. Engineering bound: about those of a still picture or a short piece."""
MAX_COST: Final = 2_000_000
"""Maximum cost of a search for few hashes. Engineering bound: on the time of an answer, which `bench.index` measures."""
MAX_COST_PER_HASH: Final = 1_500
"""Maximum cost of each hash of a search for many. Engineering bound: on the time of an answer, which `bench.index` measures."""
SCANNED_COST: Final = 1_000
"""Cost of a scan for each hash up to which everything is compared, whatever probing costs. Engineering bound: some milliseconds of a
question. A small index then finds all that is near, and finds the same if it is divided among shards.
"""
PROBE_COST: Final = 1.0
"""Cost of looking up one key. Engineering bound: an estimate that only orders strategies; `bench.index` shows the effect."""
SCAN_COST: Final = 0.06
"""Cost of each hash in a linear scan by FAISS. Engineering bound: an estimate; `bench.index` times scans and searches."""
MAX_WORD_LOSS: Final = 1e-4
"""Maximum share of near hashes lost by comparing 64 of their bits alone. Engineering bound: small beside 1 - `TARGET_RECALL`."""

KEY_WIDTHS: Final = range(8, 25)
"""Widths of table keys in bits. Engineering bound: at 24 bits the starts of the buckets take 64 MB a table."""
_NFLIPS: Final = range(3)
"""Numbers of flipped bits tried. Engineering bound: three flips of a key of 24 bits would be 2,325 probes."""
_STRIDES: Final = (1, 2, 4)
"""Strides tried over the tables. Engineering bound: four of the sixteen tables are probed at least."""
_ROOTS: Final = 128
"""Roots of unity that `recall` averages over. Engineering bound: numbers of changes that differ by 128 are confounded, which is as
good as impossible.
"""


@dataclass(frozen=True)
class ProbeParams:
    """Say how tables are probed for a hash: width of the key, bits flipped, tables used."""

    width: int
    """Bits of the key."""
    nflip: int
    """Maximum number of its bits that are flipped."""
    stride: int = 1
    """Every ``stride``-th table is probed."""

    @property
    def probes(self) -> int:
        """The number of keys looked up for each hash in each table."""
        return _probes(self.width, self.nflip)

    def limited_to(self, width: int) -> ProbeParams:
        """Return the same parameters for a table whose keys have no more than ``width`` bits."""
        return replace(self, width=min(self.width, width))


Strategy = ProbeParams | None
"""How a search is done: by probing tables with these parameters, or by a linear scan (None)."""


GLANCE: Final = ProbeParams(KEY_WIDTHS.stop - 1, 0)
"""How tables are probed for tens of thousands of hashes of which few need be found: the bucket of the whole key in every table, no more.

Engineering bound: 16 candidates or so for each hash. With keys of 16 bits that finds 88 % at 31 bits and 51 % at 45 (`recall`).
"""

QUICK_GLANCE: Final = replace(GLANCE, stride=4)
"""The same in every fourth table, for records of which many hashes are looked up: whatever is near any of them is glanced at again.

Engineering bound: a quarter of the candidates. It finds 41 % at 31 bits and 16 % at 45, of each hash (`recall`).
"""


class SegmentStatistics(Hashable, Protocol):
    """What the cost of a search in a segment depends on."""

    @property
    def rows(self) -> int: ...
    @property
    def width(self) -> int: ...

    def bucket_size(self, width: int) -> float:
        """Return the mean number of hashes that share a key of ``width`` bits with a stored one."""
        ...


def target_recall(times: int) -> float:
    """Compute the recall of each hash with which a search misses a copy as rarely as `TARGET_RECALL` says.

    What is near a still picture is near it once; what is near a video is so at several ``times``, and found by any of them.
    """
    return 1 - math.pow(1 - TARGET_RECALL, 1 / max(1, min(times, NEAR_TIMES)))


def choose_strategy(
    segments: Sequence[SegmentStatistics], bits: int, radius: int, queries: int, times: int = 1, budget: float = 1.0
) -> Strategy:
    """Choose the cheapest strategy that reaches `target_recall`, or else the one of highest recall that is affordable.

    Few hashes are to be found up to the edge of the radius, many within `NEAR_SHARE`: there are so many because the same moments are
    asked about in many views, and what is a copy in one of them is nearer in another, or at another moment.

    Args:
        segments: what is searched.
        bits: bits of a hash.
        radius: bits within which a hash is to be found.
        queries: number of query hashes.
        times: number of times that they are of.
        budget: share of `MAX_COST` and `MAX_COST_PER_HASH` that may be spent here: where several indexes are searched for one
            question, they share it.
    """
    few, wanted = queries <= FEW_HASHES, target_recall(times)
    rated = _rated(tuple(segments), bits, radius, few)
    affordable = budget * (MAX_COST / max(1, queries) if few else MAX_COST_PER_HASH)
    sure = _cheapest(each for each in rated if each.found >= wanted)
    if SCAN_COST * sum(s.rows for s in segments) <= max(budget * SCANNED_COST, min(sure.price if sure else math.inf, affordable)):
        return None
    enough = sure if few else _cheapest(each for each in rated if each.found_near >= wanted)
    if enough and enough.price <= affordable:
        return enough.params
    within = [each for each in rated if each.price <= affordable]
    best = max(within, key=lambda each: (each.found, -each.price)) if within else min(rated, key=lambda each: each.price)
    return best.params


@dataclass(frozen=True)
class _Rated:
    """Probe parameters that may be used, with what they find and cost."""

    params: ProbeParams
    found: float
    """Recall at the edge of the radius …"""
    found_near: float
    """… and within `NEAR_SHARE`."""
    price: float
    """Cost of one query hash in all segments."""


def _cheapest(some: Iterable[_Rated]) -> _Rated | None:
    return min(some, key=lambda each: each.price, default=None)


@functools.lru_cache(maxsize=64)
def _rated(segments: tuple[SegmentStatistics, ...], bits: int, radius: int, few: bool) -> list[_Rated]:
    """Rate the probe parameters that reach the minimum recall of near hashes."""
    near, minimum = min(radius, round(NEAR_SHARE * bits)), MIN_RECALL_FEW if few else MIN_RECALL_MANY
    strides = _STRIDES if tables_of(bits) == MAX_TABLES else _STRIDES[:1]
    every = [ProbeParams(width, nflip, stride) for stride in strides for nflip in _NFLIPS for width in KEY_WIDTHS]
    return [
        _Rated(params, recall(bits, params, radius), recall(bits, params, near), sum(cost(s, bits, params) for s in segments))
        for params in every
        if recall(bits, params, near) >= minimum
    ]


def cost(segment: SegmentStatistics, bits: int, params: ProbeParams) -> float:
    """Estimate the cost of one query hash in a segment, by probes or by a scan, whichever is cheaper."""
    return min(_probe_cost(segment, bits, params), SCAN_COST * segment.rows)


def strategy_in(segment: SegmentStatistics, bits: int, params: ProbeParams) -> Strategy:
    """Return the parameters, or None if a linear scan of this segment costs less."""
    return params if _probe_cost(segment, bits, params) < SCAN_COST * segment.rows else None


def _probe_cost(segment: SegmentStatistics, bits: int, params: ProbeParams) -> float:
    width = min(params.width, segment.width)
    return tables_of(bits) // params.stride * _probes(width, params.nflip) * (PROBE_COST + segment.bucket_size(width))


@functools.cache
def _probes(width: int, nflip: int) -> int:
    """Count the keys of ``width`` bits that differ from one in at most ``nflip``."""
    return sum(math.comb(width, flipped) for flipped in range(nflip + 1))


@functools.lru_cache(maxsize=4096)
def recall(bits: int, params: ProbeParams, distance: int) -> float:
    """Compute the share of hashes at a distance that probing finds: those of which some key differs in at most `nflip` bits.

    Each key is a substring, or the beginning of one, and what it borrows from the beginning of the next in the ring of
    substrings (`vhashdb.index.permutation`). Let every bit change with the same probability. A transfer matrix for each
    substring then leads from the number of changed bits in its beginning to that in the next one's, over the cases in which
    the key between them is missed. Marking changed bits by a root of unity and averaging over all roots selects the cases of
    exactly ``distance`` changes. With a stride of more than 1, no key borrows from a substring that keys another table in use.
    """
    width, nflip, chance, tables = params.width, params.nflip, distance / bits, tables_of(bits)
    borrowed = max(0, width - SUBSTRING_BITS) if tables > 1 else 0
    own = min(width, SUBSTRING_BITS) - borrowed
    number = min(bits + 1, _ROOTS)
    marks = np.exp(2j * np.pi * np.arange(number) / number)

    def changed(n: int) -> npt.NDArray[np.complex128]:
        """Return the weights ``(n + 1, marks)`` of 0 to n changed bits among n."""
        return np.array([math.comb(n, k) * (chance * marks) ** k * (1 - chance) ** (n - k) for k in range(n + 1)])

    either = changed(1).sum(axis=0)
    if params.stride > 1:
        used = tables // params.stride
        around = changed(width)[nflip + 1 :].sum(axis=0) ** used * either ** (bits - used * width)
    else:
        ring = np.linalg.matrix_power(_step(changed, own, borrowed, nflip), tables)
        around = np.trace(ring, axis1=1, axis2=2) * either ** (bits - tables * SUBSTRING_BITS)
    exactly = float((around * marks**-distance).mean().real)
    return min(1.0, max(0.0, 1.0 - exactly / math.exp(_log_binomial(bits, distance))))


def _step(changed: Callable[[int], npt.NDArray[np.complex128]], own: int, borrowed: int, nflip: int) -> npt.NDArray[np.complex128]:
    """Compute the transfer matrices ``(marks, borrowed + 1, borrowed + 1)`` between changed beginnings, if the key is missed."""
    begun, inside = changed(borrowed), changed(own)
    unkeyed = changed(1).sum(axis=0) ** (SUBSTRING_BITS - own - borrowed)
    step = np.empty((begun.shape[1], borrowed + 1, borrowed + 1), np.complex128)
    for here in range(borrowed + 1):
        for following in range(borrowed + 1):
            missed = inside[max(0, nflip + 1 - here - following) :].sum(axis=0)
            step[:, here, following] = begun[here] * missed * unkeyed
    return step


def _log_binomial(bits: int, distance: int) -> float:
    """Compute the log-probability that ``distance`` of ``bits`` bits change, if each does with probability ``distance / bits``."""
    changed = distance * math.log(distance / bits) if distance else 0.0
    kept = (bits - distance) * math.log(1 - distance / bits) if distance < bits else 0.0
    return math.log(math.comb(bits, distance)) + changed + kept


@functools.lru_cache(maxsize=4096)
def word_limit(bits: int, radius: int) -> int:
    """Compute how many of 64 bits may differ at a distance of ``radius``, for all but `MAX_WORD_LOSS` of the hashes."""
    word = min(64, bits)
    total, beyond = math.comb(bits, radius), 0
    for limit in range(min(word, radius), 0, -1):
        beyond += math.comb(word, limit) * math.comb(bits - word, radius - limit)
        if beyond / total > MAX_WORD_LOSS:
            return limit
    return 0
