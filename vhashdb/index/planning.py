"""How to search: which keys to try, given how near a hash must be, how sure one wants to be, and what it may cost.

A table finds a hash if its key differs in at most as many bits as are flipped when it is looked up. Shorter keys, more
flips and more tables find more and cost more. `recall` says how many hashes at a distance are found in at least one table, exactly,
if every bit is as likely to have changed as any other; `bench.index` says what it is on real hashes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from vhashdb.index.dealing import COLUMN, MAX_TABLES, tables_of

SURE: Final = 0.995
"""Share of the hashes at the very edge of the radius that a search finds if it can afford to."""
NEAR: Final = 31 / 256
"""Share of bits within which a search finds nearly all, whatever it costs …"""
NEARLY_ALL: Final = 0.99
"""… of few hashes, such as those of a still picture or a short piece …"""
MOST: Final = 0.7
"""… and most of many: a video is found by any of its moments, in any view."""
FEW: Final = 100
WORK: Final = 2_000_000
"""What a search for few hashes may cost, in candidates looked at …"""
WORK_PER_HASH: Final = 1_500
"""… and one for many, for each of them."""
PROBE: Final = 1.0
"""Looking one key up costs as much as so many candidates …"""
SCANNED: Final = 0.06
"""… and a hash that FAISS compares, one after the other, as much as so many."""
FIRST_WORD_LOSS: Final = 1e-4
"""Share of near hashes that may be lost by looking at their first 64 bits alone."""

_WIDTHS: Final = range(8, 25)
_FLIPS: Final = range(3)
_STRIDES: Final = (1, 2, 4)
_MARKS: Final = 128
"""Roots of unity: changes that differ by so many bits are not told apart, which is as good as impossible."""


@dataclass(frozen=True)
class Keys:
    """One way to look hashes up: so many bits of key, so many of them flipped at most, in every so-many-th table."""

    width: int
    flips: int
    stride: int = 1

    @property
    def probes(self) -> int:
        """Keys tried for each hash in each table."""
        return sum(math.comb(self.width, flipped) for flipped in range(self.flips + 1))

    def in_a_table_of(self, width: int) -> Keys:
        """The same in a table whose keys have no more than ``width`` bits."""
        return replace(self, width=min(self.width, width))


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
    rated = [(way, found, sum(work(s, bits, way) for s in segments)) for way, found in _eligible(bits, radius, asked <= FEW)]
    everything = SCANNED * sum(s.rows for s in segments)
    sure = [(cost, way) for way, found, cost in rated if found >= SURE]
    affordable = WORK / max(1, asked) if asked <= FEW else WORK_PER_HASH
    cost, way = min(sure, key=lambda item: item[0], default=(math.inf, None))
    if everything <= min(cost, affordable):
        return None
    if cost <= affordable:
        return way
    within = [(found, -cost, way) for way, found, cost in rated if cost <= affordable]
    if within:
        return max(within, key=lambda item: item[:2])[2]
    return min(rated, key=lambda item: item[2])[0]


@functools.lru_cache(maxsize=256)
def _eligible(bits: int, radius: int, few: bool) -> list[tuple[Keys, float]]:
    """Ways to look up that find enough of what is near, and what they find at the radius."""
    near, enough = min(radius, round(NEAR * bits)), NEARLY_ALL if few else MOST
    strides = _STRIDES if tables_of(bits) == MAX_TABLES else _STRIDES[:1]
    ways = [Keys(width, flips, stride) for stride in strides for flips in _FLIPS for width in _WIDTHS]
    return [(way, recall(bits, way, radius)) for way in ways if recall(bits, way, near) >= enough]


def work(segment: Sized, bits: int, way: Keys) -> float:
    """What one asked hash costs in a segment, in candidates."""
    return min(_by_key(segment, bits, way), SCANNED * segment.rows)


def cheapest(segment: Sized, bits: int, way: Keys) -> Keys | None:
    """The way itself, or None if comparing with everything costs less in this segment."""
    return way if _by_key(segment, bits, way) < SCANNED * segment.rows else None


def _by_key(segment: Sized, bits: int, way: Keys) -> float:
    here = way.in_a_table_of(segment.width)
    return tables_of(bits) // here.stride * here.probes * (PROBE + segment.in_bucket(here.width))


@functools.lru_cache(maxsize=4096)
def recall(bits: int, way: Keys, distance: int) -> float:
    """Share of hashes at a distance of which some key differs in no more bits than are flipped.

    Each key is a column, or the beginning of one, and what it borrows from the beginning of the next in the ring of
    columns (`vhashdb.index.dealing`). Let every bit change with the same chance; a matrix per column then leads from the
    changed bits in its beginning to those in the next one's, over the cases in which the key between them is missed.
    Marking changed bits by a root of unity and averaging over all roots picks out those of ``distance`` changes.
    Of every other table, none borrows from another one that is used.
    """
    width, flips, chance, tables = way.width, way.flips, distance / bits, tables_of(bits)
    borrowed = max(0, width - COLUMN) if tables > 1 else 0
    own = min(width, COLUMN) - borrowed
    number = min(bits + 1, _MARKS)
    marks = np.exp(2j * np.pi * np.arange(number) / number)

    def changed(n: int) -> npt.NDArray[np.complex128]:
        """``(n + 1, marks)``: so many of n bits changed."""
        return np.array([math.comb(n, k) * (chance * marks) ** k * (1 - chance) ** (n - k) for k in range(n + 1)])

    either = changed(1).sum(axis=0)
    if way.stride > 1:
        used = tables // way.stride
        around = changed(width)[flips + 1 :].sum(axis=0) ** used * either ** (bits - used * width)
    else:
        ring = np.linalg.matrix_power(_step(changed, own, borrowed, flips), tables)
        around = np.trace(ring, axis1=1, axis2=2) * either ** (bits - tables * COLUMN)
    exactly = float((around * marks**-distance).mean().real)
    return min(1.0, max(0.0, 1.0 - exactly / math.exp(_log_binomial(bits, distance))))


def _step(changed: Callable[[int], npt.NDArray[np.complex128]], own: int, borrowed: int, flips: int) -> npt.NDArray[np.complex128]:
    """``(marks, borrowed + 1, borrowed + 1)``: from one column's changed beginning to the next one's, if the key is missed."""
    begun, inside = changed(borrowed), changed(own)
    unkeyed = changed(1).sum(axis=0) ** (COLUMN - own - borrowed)
    step = np.empty((begun.shape[1], borrowed + 1, borrowed + 1), np.complex128)
    for here in range(borrowed + 1):
        for following in range(borrowed + 1):
            missed = inside[max(0, flips + 1 - here - following) :].sum(axis=0)
            step[:, here, following] = begun[here] * missed * unkeyed
    return step


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
