"""The import gate: which incoming records wait for a person, and why. Pure: hashes in, reasons out.

A record that is held matches, but never leads to more than a review. The gate knows nothing about content; it knows what
hashes of real footage look like, and what one wrong entry in a shared bank does to everybody's lawful posts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.background import common
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.bits import PackedHashes

Neighbours = Callable[[PackedHashes, int], Iterable[int]]
"""Numbers of other records with a hash within so many bits of these hashes ``(n, bytes)``."""
Benign = Callable[[PackedHashes, AlgorithmId], npt.NDArray[np.bool_]]
"""Which of these hashes ``(n, bytes)`` are near a picture known to be harmless: ``(n,)`` bool."""


@dataclass(frozen=True)
class GateLimits:
    """What an incoming record may look like before somebody has to look at it."""

    set_bits: int = 128
    """Bits of 256 that are set in a PDQ hash: it compares with the median, so half of them …"""
    far_bits: int = 24
    """… and no real picture that shows enough to compare is further from that."""
    far_share: float = 0.05
    """Share of such hashes that is still believed."""
    quality: int = 50
    """PDQ quality under which its authors advise against matching a picture …"""
    low_share: float = 0.5
    """… and the share of such pictures at which a record is held."""
    benign_share: float = 0.2
    """Share of a record's pictures that may be near a harmless one …"""
    benign_sampled: int = 48
    """… of so many, evenly spread, that are looked at."""
    unrelated: int = 5
    """Other records with a picture like one of this record's, from which on it is suspicious."""
    neighbour_bits: int = 24
    """Distance within which a picture counts as the same."""
    sampled: int = 8
    """Pictures of a record that are looked up among the other records."""
    looked_up: int = 256
    """Records of one sync, at most, whose pictures are looked up: searching costs more than everything else."""
    volume: int = 2_000
    """New records in one sync that are no news from a feed that has been followed for a while …"""
    volume_share: float = 0.5
    """… or this share of what it already had, if that is more."""


LIMITS: Final = GateLimits()


def held_for(
    fingerprint: Fingerprint,
    *,
    benign: Benign = common,
    neighbours: Neighbours | None = None,
    limits: GateLimits = LIMITS,
) -> tuple[str, ...]:
    """Why this record must wait for a person, in words; empty if it need not."""
    if not len(fingerprint):
        return ()
    found = [_far_from_half(fingerprint, limits), _poor(fingerprint, limits), _benign(fingerprint, benign, limits)]
    if neighbours is not None:
        found.append(_crowded(fingerprint, neighbours, limits))
    return tuple(reason for reason in found if reason)


def sudden(new: int, before: int, limits: GateLimits = LIMITS) -> str:
    """Why so many new records at once from a feed that had ``before`` must wait; empty if they need not.

    The first sync of a feed is not sudden: trusting it was the decision.
    """
    if before and new > max(limits.volume, limits.volume_share * before):
        return f"{new:,} new records in one sync, from a feed that had {before:,}"
    return ""


def _far_from_half(fingerprint: Fingerprint, limits: GateLimits) -> str:
    usable = fingerprint.usable
    if fingerprint.algorithm != Pdq.id or not usable.any():
        return ""
    set_bits = np.bitwise_count(fingerprint.hash[usable]).sum(axis=1, dtype=np.int64)
    far = np.abs(set_bits - limits.set_bits) > limits.far_bits
    if far.mean() <= limits.far_share:
        return ""
    return f"{far.mean():.0%} of its hashes do not have about half of their bits set, as those of pictures do"


def _poor(fingerprint: Fingerprint, limits: GateLimits) -> str:
    low = fingerprint.quality < limits.quality
    if low.mean() < limits.low_share:
        return ""
    return f"{low.mean():.0%} of its pictures have a quality under {limits.quality}"


def _benign(fingerprint: Fingerprint, benign: Benign, limits: GateLimits) -> str:
    chosen = _spread(np.arange(len(fingerprint)), limits.benign_sampled)
    share = float(benign(fingerprint.hash[chosen], fingerprint.algorithm).mean())
    return f"{share:.0%} of its pictures are known to be harmless" if share > limits.benign_share else ""


def _crowded(fingerprint: Fingerprint, neighbours: Neighbours, limits: GateLimits) -> str:
    usable = np.flatnonzero(fingerprint.usable)
    if not len(usable):
        return ""
    chosen = fingerprint.hash[_spread(usable, limits.sampled)]
    others = len(set(neighbours(chosen, limits.neighbour_bits)))
    return f"its pictures are in {others} other records" if others >= limits.unrelated else ""


def _spread(entries: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """At most so many of the entries, evenly spread over the video."""
    return entries[np.linspace(0, len(entries) - 1, min(count, len(entries))).astype(np.int64)]
