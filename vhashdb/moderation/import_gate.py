"""The import gate: which incoming records wait for a person, and why. Pure: hashes in, reasons out.

A record that is held matches, but never leads to more than a review. The gate knows nothing about content; it knows what
hashes of real footage look like, and what one wrong entry in a shared bank does to everybody's lawful posts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.background import stop_hash_mask
from vhashdb.fingerprints import Fingerprint, is_square, without_squares
from vhashdb.fingerprints.model import spread
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.bits import PackedHashes, paired_distances, set_bits
from vhashdb.intervals import Spans, shared_s
from vhashdb.sound import FRAME_S, SoundFingerprint

Neighbours = Callable[[PackedHashes, int], Iterable[int]]
"""Numbers of other records with a hash within so many bits of these hashes ``(n, bytes)``."""
Innocent = Callable[[Fingerprint], int]
"""Counts the innocent videos of people here that a record matches."""
Benign = Callable[[PackedHashes, AlgorithmId], npt.NDArray[np.bool_]]
"""Which of these hashes ``(n, bytes)`` are near a picture known to be harmless: ``(n,)`` bool."""

HarmlessSound = Callable[[SoundFingerprint], Spans]
"""The seconds of a sound in which one known to be harmless is heard."""

Steps = npt.NDArray[np.int16]
"""Bits from each usable whole picture to the next one."""


@dataclass(frozen=True)
class GateLimits:
    """Bounds within which an incoming record need not wait for a person."""

    set_bits: int = 128
    """Bits of 256 that are set in a PDQ hash: it compares with the median, so half of them."""
    far_bits: int = 24
    """Difference from `set_bits` that no real picture exceeds if it shows enough to compare."""
    far_share: float = 0.05
    """Share of such hashes that is still believed."""
    quality: int = 50
    """PDQ quality under which its authors advise against matching a picture."""
    low_share: float = 0.5
    """Share of pictures under that quality at which a record is held."""
    film_s: float = 1.0
    """Seconds from which on something that never changes is a film, and not a picture."""
    benign_share: float = 0.2
    """Share of a record's pictures that may be near a harmless one."""
    benign_sound_share: float = 0.5
    """Share of a record's sound in which one that is known to be harmless may be heard: less is a melody in the background."""
    benign_sampled: int = 48
    """Pictures of a record, evenly spread, that are compared with harmless ones."""
    most_hashes: int = 200_000
    """Hashes of one record that are believed: more than six hours of a lively video have."""
    longest_s: float = 12 * 3600.0
    """Seconds of one video that are believed."""
    dense: float = 40.0
    """Hashes for each second, in all views, that are believed: the liveliest real clip of 190 has 26."""
    squares_free: int = 64
    squares_per_s: float = 20.0
    """Hashes of squares that are believed: so many, and so many more for each second. 16 squares are stored at 0.9 a second."""
    landmarks_free: int = 400
    landmarks_per_s: float = 160.0
    """Landmarks of the sound that are believed: so many, and so many more for each second. 40 a second are stored for each track, and few
    files have more than four."""
    dense_from: int = 200
    """Hashes from which on a record is examined for their number in each second."""
    strung_from: int = 64
    """Whole pictures from which on a record is examined for being strung together of different videos."""
    strung_bits: int = 80
    """Bits from one picture to the next beyond which nothing goes on between them."""
    strung_share: float = 0.9
    """Share of such steps at which a record is held. Of real clips with so many pictures none has more than three quarters."""
    unrelated: int = 5
    """Other records with a picture like one of this record's, from which on it is suspicious."""
    neighbour_bits: int = 24
    """Distance within which a picture counts as the same."""
    sampled: int = 8
    """Pictures of a record that are looked up among the other records."""
    looked_up: int = 256
    """Records of one sync, at most, whose pictures are looked up: searching costs more than everything else."""
    volume: int = 2_000
    """New records in one sync that are no news from a feed that has been followed for a while."""
    volume_share: float = 0.5
    """New records in one sync, as a share of those that the feed already had, that are no news, if that is more."""


LIMITS: Final = GateLimits()


@dataclass
class ImportGate:
    """Tell for each fingerprint of one sync or one file why it must wait for a person; see `held_for`."""

    benign: Benign = stop_hash_mask
    innocent: Innocent | None = None
    neighbours: Neighbours | None = None
    """Asked for the first `GateLimits.looked_up` fingerprints only."""
    harmless_sound: HarmlessSound | None = None
    limits: GateLimits = LIMITS
    _examined: int = 0

    def __call__(self, fingerprint: Fingerprint) -> tuple[str, ...]:
        """Return the reasons, in words; empty if the record need not wait."""
        return self.of_many([fingerprint])[0]

    def of_many(self, fingerprints: Sequence[Fingerprint]) -> list[tuple[str, ...]]:
        """Return the reasons for each of some fingerprints of one algorithm; harmless pictures are looked for once for all of them."""
        chosen = [_sampled(without_squares(fingerprint), self.limits) for fingerprint in fingerprints]
        benign = self.benign(np.concatenate(chosen), fingerprints[0].algorithm) if fingerprints else np.zeros(0, np.bool_)
        ends = np.cumsum([len(hashes) for hashes in chosen]).tolist()
        return [
            self._held_for(fingerprint, benign[end - len(hashes) : end])
            for fingerprint, hashes, end in zip(fingerprints, chosen, ends, strict=True)
        ]

    def _held_for(self, fingerprint: Fingerprint, benign: npt.NDArray[np.bool_]) -> tuple[str, ...]:
        self._examined += 1
        neighbours = self.neighbours if self._examined <= self.limits.looked_up else None
        return _reasons(fingerprint, benign, self.innocent, neighbours, self.harmless_sound, self.limits)


def held_for(
    fingerprint: Fingerprint,
    *,
    benign: Benign = stop_hash_mask,
    innocent: Innocent | None = None,
    neighbours: Neighbours | None = None,
    harmless_sound: HarmlessSound | None = None,
    limits: GateLimits = LIMITS,
) -> tuple[str, ...]:
    """Say why this record must wait for a person; empty if it need not."""
    near_harmless = benign(_sampled(without_squares(fingerprint), limits), fingerprint.algorithm)
    return _reasons(fingerprint, near_harmless, innocent, neighbours, harmless_sound, limits)


def _reasons(
    fingerprint: Fingerprint,
    benign: npt.NDArray[np.bool_],
    innocent: Innocent | None,
    neighbours: Neighbours | None,
    harmless_sound: HarmlessSound | None,
    limits: GateLimits,
) -> tuple[str, ...]:
    """Do what `held_for` does; ``benign`` says which of the pictures that are `_sampled` are near a harmless one."""
    found, sound = _of_pictures(fingerprint, benign, neighbours, limits), fingerprint.sound
    too_much = _too_much_sound(sound, limits) if sound else ""
    if too_much:  # so it is not compared either
        fingerprint, sound = replace(fingerprint, sound=None), None
    if innocent is not None and (matched := innocent(without_squares(fingerprint))):
        found.append(f"it matches {matched:,} of your innocent videos")
    if sound and harmless_sound is not None:
        found.append(_harmless_sound(sound, harmless_sound, limits))
    return tuple(why for why in (*found, too_much) if why)


def _of_pictures(fingerprint: Fingerprint, benign: npt.NDArray[np.bool_], neighbours: Neighbours | None, limits: GateLimits) -> list[str]:
    """Return the reasons that lie in what is to be seen."""
    if not len(fingerprint):
        return []
    squares = np.count_nonzero(is_square(fingerprint))
    # Squares are flatter and more alike than the pictures that they are cut from, so they are only counted.
    fingerprint = without_squares(fingerprint)
    steps = _steps(fingerprint)
    found = [
        _far_from_half(fingerprint, limits),
        _poor(fingerprint, steps, limits),
        _too_much(fingerprint, limits),
        _strung_together(fingerprint, steps, limits),
    ]
    if squares > limits.squares_free + limits.squares_per_s * fingerprint.duration_s:
        found.append(f"it has {squares:,} hashes of squares for {fingerprint.duration_s:.1f} s")
    if not len(fingerprint):
        return [why for why in found if why] or ["it has squares and no picture that they are cut from"]
    found.append(_benign(benign, limits))
    if neighbours is not None:
        found.append(_crowded(fingerprint, neighbours, limits))
    return [why for why in found if why]


def sudden(new: int, before: int, limits: GateLimits = LIMITS) -> str:
    """Say why so many new records at once from a feed that had ``before`` must wait; empty if they need not.

    The first sync of a feed is not sudden: trusting it was the decision.
    """
    if before and new > max(limits.volume, limits.volume_share * before):
        return f"{new:,} new records in one sync, from a feed that had {before:,}"
    return ""


def _far_from_half(fingerprint: Fingerprint, limits: GateLimits) -> str:
    usable = fingerprint.usable
    if fingerprint.algorithm != Pdq.id or not usable.any():
        return ""
    far = _share((np.abs(set_bits(fingerprint.hash) - limits.set_bits) > limits.far_bits)[usable])
    if far <= limits.far_share:
        return ""
    return f"{far:.0%} of its hashes do not have about half of their bits set, as those of pictures do"


def _poor(fingerprint: Fingerprint, steps: Steps, limits: GateLimits) -> str:
    """Say whether pictures are noise: poor ones of a camera at night, or of a page of text, go on from one to the next."""
    quality = fingerprint.quality[fingerprint.usable]
    low = _share(quality < limits.quality)
    if not len(quality) or low < limits.low_share or _goes_on(fingerprint, steps, limits):
        return ""
    return f"{low:.0%} of its pictures have a quality under {limits.quality}"


def _goes_on(fingerprint: Fingerprint, steps: Steps, limits: GateLimits) -> bool:
    """Tell whether most pictures resemble the one before, as those of a film do that shows little."""
    return float(np.median(steps)) <= limits.strung_bits if len(steps) else fingerprint.duration_s >= limits.film_s


def _steps(fingerprint: Fingerprint) -> Steps:
    """Count the bits from each usable whole picture to the next one."""
    whole = np.flatnonzero(fingerprint.usable & (fingerprint.view == 0))
    start_s = fingerprint.start_s[whole]
    if (start_s[1:] < start_s[:-1]).any():  # as only what others made may have it
        whole = whole[np.argsort(start_s, kind="stable")]
    hashes = fingerprint.hash.take(whole, axis=0)
    return paired_distances(hashes[1:], hashes[:-1])


def _too_much(fingerprint: Fingerprint, limits: GateLimits) -> str:
    count, duration_s = len(fingerprint), fingerprint.duration_s
    if count > limits.most_hashes:
        return f"it has {count:,} hashes; no video is believed to have more than {limits.most_hashes:,}"
    if duration_s > limits.longest_s or (count and float(fingerprint.end_s.max()) > limits.longest_s):
        return f"it is said to be longer than {limits.longest_s / 3600:.0f} hours"
    if count >= limits.dense_from and count > limits.dense * duration_s:
        return f"it has {count:,} hashes for {duration_s:.1f} s; real footage has up to {limits.dense:.0f} for a second"
    return ""


def _too_much_sound(sound: SoundFingerprint, limits: GateLimits) -> str:
    if sound.duration_s > limits.longest_s or float(sound.frame[-1]) * FRAME_S > limits.longest_s:
        return f"its sound is said to be longer than {limits.longest_s / 3600:.0f} hours"
    if len(sound) > limits.landmarks_free + limits.landmarks_per_s * sound.duration_s:
        return f"it has {len(sound):,} landmarks for {sound.duration_s:.1f} s of sound"
    return ""


def _harmless_sound(sound: SoundFingerprint, harmless_sound: HarmlessSound, limits: GateLimits) -> str:
    heard_s = shared_s([(0.0, sound.duration_s)], harmless_sound(sound))
    share = heard_s / sound.duration_s if sound.duration_s else 0.0
    return f"{share:.0%} of its sound is known to be harmless" if share > limits.benign_sound_share else ""


def _strung_together(fingerprint: Fingerprint, steps: Steps, limits: GateLimits) -> str:
    """Say whether a record is strung together of videos: a camera's pictures go on from one to the next, those of many videos do not."""
    if fingerprint.algorithm != Pdq.id or len(steps) + 1 < limits.strung_from:
        return ""
    cuts = _share(steps > limits.strung_bits)
    return f"{cuts:.0%} of its pictures have nothing to do with the one before" if cuts > limits.strung_share else ""


def _benign(benign: npt.NDArray[np.bool_], limits: GateLimits) -> str:
    share = _share(benign)
    return f"{share:.0%} of its pictures are known to be harmless" if share > limits.benign_share else ""


def _sampled(fingerprint: Fingerprint, limits: GateLimits) -> PackedHashes:
    """Return the pictures that are compared with harmless ones."""
    return fingerprint.hash.take(spread(np.arange(len(fingerprint)), limits.benign_sampled), axis=0)


def _crowded(fingerprint: Fingerprint, neighbours: Neighbours, limits: GateLimits) -> str:
    usable = np.flatnonzero(fingerprint.usable)
    if not len(usable):
        return ""
    chosen = fingerprint.hash[spread(usable, limits.sampled)]
    others = len(set(neighbours(chosen, limits.neighbour_bits)))
    return f"its pictures are in {others} other records" if others >= limits.unrelated else ""


def _share(which: npt.NDArray[np.bool_]) -> float:
    """Return the share of those that are true; 0 of none. Counting them costs a tenth of their mean."""
    return np.count_nonzero(which) / max(1, len(which))
