"""How to search: which keys to try, given how near a hash must be, how sure one wants to be, and what it may cost.

A table finds a hash if its key differs in at most as many bits as are flipped when it is looked up. Shorter keys and
more flips find more and cost more. `recall` says how many hashes at a distance are found in at least one table, exactly,
if every bit is as likely to have changed as any other; `bench.index` says what it is on real hashes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.index.dealing import COLUMN, tables_of

SURE: Final = 0.995
"""Share of the hashes at the very edge of the radius that a search finds if it can afford to."""
NEAR: Final = 31 / 256
"""Share of bits within which …"""
NEARLY_ALL: Final = 0.99
"""… a search finds so many, whatever it costs."""
WORK: Final = 2_000_000
WORK_PER_HASH: Final = 2_500
"""What a search may cost, in candidates looked at: so much, or so much for every hash asked about if that is more."""
PROBE: Final = 1.0
"""Looking one key up costs as much as so many candidates …"""
SCANNED: Final = 0.06
"""… and a hash that FAISS compares, one after the other, as much as so many."""
FIRST_WORD_LOSS: Final = 1e-4
"""Share of near hashes that may be lost by looking at their first 64 bits alone."""

_WIDTHS: Final = range(8, 25)
_FLIPS: Final = range(3)


@dataclass(frozen=True)
class Keys:
    """One way to look hashes up: so many bits of key, so many of them flipped at most."""

    width: int
    flips: int

    @property
    def probes(self) -> int:
        """Keys tried for each hash in each table."""
        return sum(math.comb(self.width, flipped) for flipped in range(self.flips + 1))

    def in_a_table_of(self, width: int) -> Keys:
        """The same in a table whose keys have no more than ``width`` bits."""
        return Keys(min(self.width, width), self.flips)


class Sized(Protocol):
    """What planning needs to know about a segment."""

    @property
    def rows(self) -> int: ...
    @property
    def width(self) -> int: ...

    def in_bucket(self, width: int) -> float:
        """Hashes that share a key of ``width`` bits with a stored one, on average."""
        ...


def plan(segments: Sequence[Sized], bits: int, radius: int, asked: int) -> Keys | None:
    """The cheapest keys that are `SURE`, or else the surest that the search can afford; None: compare with everything."""
    near = min(radius, round(NEAR * bits))
    ways = [Keys(width, flips) for flips in _FLIPS for width in _WIDTHS if recall(bits, width, flips, near) >= NEARLY_ALL]
    rated = [(way, recall(bits, way.width, way.flips, radius), sum(work(s, bits, way) for s in segments)) for way in ways]
    everything = SCANNED * sum(s.rows for s in segments)
    sure = [(cost, way) for way, found, cost in rated if found >= SURE]
    affordable = max(WORK_PER_HASH, WORK / max(1, asked))
    cost, way = min(sure, key=lambda item: item[0], default=(math.inf, None))
    if everything <= min(cost, affordable):
        return None
    if cost <= affordable:
        return way
    within = [(found, -cost, way) for way, found, cost in rated if cost <= affordable]
    if within:
        return max(within, key=lambda item: item[:2])[2]
    return min(rated, key=lambda item: item[2])[0]


def work(segment: Sized, bits: int, way: Keys) -> float:
    """What one asked hash costs in a segment, in candidates."""
    return min(_by_key(segment, bits, way), SCANNED * segment.rows)


def cheapest(segment: Sized, bits: int, way: Keys) -> Keys | None:
    """The way itself, or None if comparing with everything costs less in this segment."""
    return way if _by_key(segment, bits, way) < SCANNED * segment.rows else None


def _by_key(segment: Sized, bits: int, way: Keys) -> float:
    here = way.in_a_table_of(segment.width)
    return tables_of(bits) * here.probes * (PROBE + segment.in_bucket(here.width))


@functools.lru_cache(maxsize=4096)
def recall(bits: int, width: int, flips: int, distance: int) -> float:
    """Share of hashes at a distance of which some key differs in at most ``flips`` bits.

    Each key is a column, or the beginning of one, and what it borrows from the beginning of the next in the ring of
    columns (`vhashdb.index.dealing`). Let every bit change with the same chance; a matrix per column then leads from the
    changed bits in its beginning to those in the next one's, over the cases in which the key between them is missed.
    Marking changed bits by a root of unity and averaging over all roots picks out those of ``distance`` changes.
    """
    tables, chance = tables_of(bits), distance / bits
    borrowed = max(0, width - COLUMN) if tables > 1 else 0
    own = min(width, COLUMN) - borrowed
    marks = np.exp(2j * np.pi * np.arange(bits + 1) / (bits + 1))

    def changed(n: int) -> npt.NDArray[np.complex128]:
        """``(n + 1, marks)``: so many of n bits changed."""
        return np.array([math.comb(n, k) * (chance * marks) ** k * (1 - chance) ** (n - k) for k in range(n + 1)])

    begun, inside = changed(borrowed), changed(own)
    unkeyed = changed(1).sum(axis=0) ** (COLUMN - own - borrowed)
    step = np.empty((len(marks), borrowed + 1, borrowed + 1), np.complex128)
    for here in range(borrowed + 1):
        for following in range(borrowed + 1):
            missed = inside[max(0, flips + 1 - here - following) :].sum(axis=0)
            step[:, here, following] = begun[here] * missed * unkeyed
    around = np.trace(np.linalg.matrix_power(step, tables), axis1=1, axis2=2) * changed(1).sum(axis=0) ** (bits - tables * COLUMN)
    exactly = float((around * marks**-distance).mean().real)
    return min(1.0, max(0.0, 1.0 - exactly / math.exp(_log_binomial(bits, distance))))


def _log_binomial(bits: int, distance: int) -> float:
    """Logarithm of the chance that so many bits change if each does so with the chance that makes this the likeliest."""
    changed = distance * math.log(distance / bits) if distance else 0.0
    kept = (bits - distance) * math.log(1 - distance / bits) if distance < bits else 0.0
    return math.log(math.comb(bits, distance)) + changed + kept


@functools.lru_cache(maxsize=4096)
def first_word_limit(bits: int, radius: int) -> int:
    """Changed bits in the first 64 of a hash, at most, for all but `FIRST_WORD_LOSS` of the hashes at a distance of ``radius``."""
    first = min(64, bits)
    total, beyond = math.comb(bits, radius), 0
    for limit in range(min(first, radius), 0, -1):
        beyond += math.comb(first, limit) * math.comb(bits - first, radius - limit)
        if beyond / total > FIRST_WORD_LOSS:
            return limit
    return 0
