"""Look up known harmless content: pictures that must never lead to an automatic action, and one's own innocent videos. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.background import stop_hash_mask
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.model import spread
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.view_transforms import turned_bits
from vhashdb.hashing.views import Orientation
from vhashdb.index.frames import FrameIndex
from vhashdb.index.kinds import FrameHashes, RecordRows
from vhashdb.index.layers import Layer
from vhashdb.index.segment import build
from vhashdb.intervals import Spans, covered, union
from vhashdb.matching.comparison import compare_pictures
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.sound_alignment import SoundSegment, align_sound
from vhashdb.matching.verdict import Verdict
from vhashdb.sound import SoundFingerprint

RADIUS: Final = 31
"""Bits of 256 within which a picture shows one on the list: what PDQ's authors take for the same picture."""
SHARE: Final = 0.2
"""Share of the seconds that matched that may show what is on the list before nothing may happen automatically."""
SOUNDS_COMPARED: Final = 20
"""Known sounds that another is compared with, at most; those with most landmarks of the same keys come first."""
SAMPLED: Final = 48
"""Pictures of a record, evenly spread, that are looked up among the canaries."""
COMPARED: Final = 20
"""Canaries near a record that are compared with it in full, at most; those with most pictures near come first."""
STRUNG: Final = 3
"""Canaries of which a record has a picture each, from which on it is strung together of them."""
_FEW_ENTRIES: Final = 4
"""Pictures under which two fingerprints cannot be compared over time: near is then enough."""


@dataclass(frozen=True)
class AllowList:
    """Everything that is on the allow-lists of this database."""

    index: FrameIndex
    """Its pictures."""
    files: frozenset[str] = frozenset()
    """SHA-256 of whole files, in hexadecimal."""
    sounds: tuple[SoundFingerprint, ...] = ()
    """Its sounds: songs, jingles, templates."""

    @classmethod
    def of(cls, fingerprints: Iterable[Fingerprint], files: Iterable[str], algorithm: AlgorithmId) -> AllowList:
        """Return the pictures and sounds of these fingerprints, as far as there is enough of them to compare, and these files."""
        listed = list(fingerprints)
        sounds = tuple(each.sound for each in listed if each.sound is not None and len(each.sound))
        return cls(_index_of(listed, algorithm), frozenset(files), sounds)

    def heard_in(self, sound: SoundFingerprint) -> Spans:
        """Return the seconds of a sound in which something on the list is heard."""
        config = SoundConfig()
        found = (one for _, one in _alike(sound, self.sounds, config) if one.evidence >= config.possible_evidence)
        return union((one.query_start_s, one.query_end_s) for one in found)

    def shows(self, hashes: PackedHashes) -> npt.NDArray[np.bool_]:
        """Return which hashes ``(n, bytes)`` uint8 are near one on the list: ``(n,)`` bool."""
        found = np.zeros(len(hashes), np.bool_)
        if len(hashes) and len(self.index):
            found[self.index.search(hashes, RADIUS).query] = True
        return found

    def benign(self, hashes: PackedHashes, algorithm: AlgorithmId) -> npt.NDArray[np.bool_]:
        """Tell which hashes are near one on the list or near a background picture: what the import gate takes for harmless."""
        return stop_hash_mask(hashes, algorithm) | self.shows(hashes)

    def against(self, query: Fingerprint, stretches: Iterable[tuple[float, float]], sha256: str | None) -> str:
        """Say why nothing may happen automatically to what was asked, looking at these seconds of it; empty if it may."""
        if sha256 is not None and sha256 in self.files:
            return "this very file"
        if not len(self.index):
            return ""
        within = np.zeros(len(query), np.bool_)
        for first_s, last_s in stretches:
            within |= (query.start_s <= last_s) & (query.end_s >= first_s)
        within &= query.usable
        start_s, end_s = query.start_s[within], query.end_s[within]
        seen = self.shows(query.hash[within])
        # In seconds, not in hashes: a query has many views, and one that shows it is enough.
        asked_s, shown_s = covered(start_s, end_s), covered(start_s[seen], end_s[seen])
        share = shown_s / asked_s if asked_s else float(seen.any())
        return f"{share:.0%} of what matched" if share > SHARE else ""


class Canaries:
    """The innocent videos of this database's own people, by their hashes and landmarks: no record of anybody should match them."""

    def __init__(self, fingerprints: Sequence[Fingerprint], algorithm: AlgorithmId) -> None:
        self._fingerprints, self._algorithm = list(fingerprints), algorithm
        self._index = _index_of(self._fingerprints, algorithm)
        self._sounding = [n for n, each in enumerate(self._fingerprints) if each.sound is not None and len(each.sound)]
        self._sounds = [sound for each in self._fingerprints if (sound := each.sound) is not None and len(sound)]

    def __len__(self) -> int:
        return len(self._fingerprints)

    def matched(self, record: Fingerprint) -> int:
        """Count the canaries that a record matches by its pictures or its sound, or is strung together of; 0 if it is none."""
        return len(self._shown_in(record) | self._heard_in(record))

    def _heard_in(self, record: Fingerprint) -> set[int]:
        """Return the canaries whose sound the record has, as surely as two files of sound alone match."""
        if record.sound is None:
            return set()
        config = SoundConfig()
        found = _alike(record.sound, self._sounds, config)
        return {self._sounding[number] for number, one in found if one.evidence >= config.match_evidence}

    def _shown_in(self, record: Fingerprint) -> set[int]:
        """Return the canaries that the record shows."""
        usable = np.flatnonzero(record.usable)
        if not len(self._index) or not len(usable):
            return set()
        chosen = spread(usable, SAMPLED)
        chosen = chosen[~stop_hash_mask(record.hash[chosen], record.algorithm)]
        if not len(chosen):
            return set()
        hits = self._index.search(_turned(record.hash[chosen], record.algorithm), RADIUS)
        pairs = np.stack([hits.record, hits.query % len(chosen)])
        near, pictures = np.unique(np.unique(pairs, axis=1)[0], return_counts=True)
        likely = near[np.argsort(-pictures, kind="stable")][:COMPARED].tolist()
        matched = {number for number in likely if self._is(record, self._fingerprints[number])}
        return matched if matched or len(near) < STRUNG else set(near.tolist())

    def _is(self, record: Fingerprint, canary: Fingerprint) -> bool:
        if min(len(record), len(canary)) < _FEW_ENTRIES:
            return True  # they were found near
        return compare_pictures(record, canary).judgement.verdict is Verdict.MATCH


def _alike(sound: SoundFingerprint, known: Sequence[SoundFingerprint], config: SoundConfig) -> Iterator[tuple[int, SoundSegment]]:
    """Yield where a sound sounds like some that are known, with the number of that, whatever its evidence."""
    asked = np.unique(sound.key)
    alike = [int(np.isin(each.key, asked).sum()) for each in known]
    for number in sorted(range(len(alike)), key=lambda n: -alike[n])[:SOUNDS_COMPARED]:
        if alike[number]:
            yield from ((number, one) for one in align_sound(sound, known[number], config))


def _turned(hashes: PackedHashes, algorithm: AlgorithmId) -> PackedHashes:
    """Return the hashes in all orientations, one block after the other, as far as bits can be turned."""
    ways = list(Orientation) if algorithm == Pdq.id else [Orientation.UPRIGHT]
    return np.concatenate([hashes if way is Orientation.UPRIGHT else turned_bits(hashes, way) for way in ways])


def _index_of(fingerprints: Sequence[Fingerprint], algorithm: AlgorithmId) -> FrameIndex:
    """Return the usable pictures of fingerprints, each under its place in the sequence."""
    usable = [RecordRows(n, n, f.hash[f.usable]) for n, f in enumerate(fingerprints) if f.algorithm == algorithm and f.usable.any()]
    layers = [Layer.whole(build(usable, FrameHashes(algorithm)))] if usable else []
    return FrameIndex(algorithm, layers)
