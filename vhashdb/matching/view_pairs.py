"""View pairs: through which view of either side two fingerprints are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint, without_squares
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.hashing.outline import WHOLE, Outline
from vhashdb.hashing.view_transforms import turned_bits
from vhashdb.hashing.views import (
    CENTRES,
    HALVES,
    MASKED_REGIONS,
    TILTS,
    Orientation,
    Region,
    View,
)
from vhashdb.matching.config import MatchingConfig

NEGATED: Final = frozenset(View(r, o) for r in (Region.WHOLE, Region.WITHIN_BARS) for o in (Orientation.UPRIGHT, Orientation.MIRRORED))
"""Views that are also tried as negatives."""
_BLOCK_PAIRS: Final = 1 << 24
"""A bound on memory."""


@dataclass(frozen=True)
class ViewPair:
    """A view of the query and one of the reference."""

    query: View
    negated: bool
    reference: View

    def __str__(self) -> str:
        return ", ".join([*self.turn(), *self.places()]) or "whole picture"

    def turn(self, outline: Outline | None = None, reference: Outline | None = None) -> list[str]:
        """Say how the query's picture is turned and changed, each in words; nothing if it is as the reference's.

        Args:
            outline: where it lies in its frame, if that is known.
            reference: the same of the reference.
        """
        turned = outline or Outline.from_box(orientation=self.query.orientation)
        return turned.turn(reference) + (["as a negative"] if self.negated else [])

    def places(self, outline: Outline | None = None, reference: Outline | None = None) -> list[str]:
        """Say which parts of both pictures were compared, each in words; nothing if it is all of both.

        Args:
            outline: where the query's part lies in its frame, if that is known.
            reference: the same of the reference.
        """
        sides = ((self.query.region, outline, "file"), (self.reference.region, reference, "known video"))
        return [f"{words} ({side})" for region, where, side in sides if (words := _part(region, where))]


_SAID_BY_PLACE: Final = frozenset({*CENTRES, *HALVES, *TILTS})
"""Regions of which the place says all."""
_SAID_BY_LABEL: Final = frozenset({*MASKED_REGIONS, Region.MASKED_OVERLAYS})
"""Regions of which the place says nothing."""


def _part(region: Region, outline: Outline | None) -> str:
    """Say which part of a frame a region is; empty if it is all."""
    place = outline.place if outline else ""
    if place == WHOLE and region in _SAID_BY_PLACE:
        return ""
    if not place or place == WHOLE or region in _SAID_BY_LABEL:
        return region.label if region else ""
    return place if region in _SAID_BY_PLACE else f"{region.label}: {place}"


@dataclass(frozen=True)
class HashSequence:
    """The usable entries of one fingerprint through one view, in order of time."""

    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    hash: PackedHashes
    quality: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start_s)

    def where(self, rows: npt.NDArray[np.bool_]) -> HashSequence:
        """Return some of the entries."""
        return self if rows.all() else HashSequence(self.start_s[rows], self.end_s[rows], self.hash[rows], self.quality[rows])

    def within(self, rows: slice) -> HashSequence:
        """Return some consecutive entries, without copying them."""
        return HashSequence(self.start_s[rows], self.end_s[rows], self.hash[rows], self.quality[rows])

    def lasting(self, length_s: float) -> HashSequence:
        """Return the entries of a still picture as a video longer than ``length_s`` would show it, at whatever time is asked."""
        return replace(self, start_s=self.start_s - length_s - 1, end_s=self.end_s + length_s + 1)


def sequences_of(fingerprint: Fingerprint) -> dict[View, HashSequence]:
    """Return the usable entries by view."""
    usable = np.flatnonzero(fingerprint.usable)
    ordered = usable[np.argsort(fingerprint.view[usable], kind="stable")]
    everything = HashSequence(
        fingerprint.start_s[ordered], fingerprint.end_s[ordered], fingerprint.hash[ordered], fingerprint.quality[ordered]
    )
    codes, begins, counts = np.unique(fingerprint.view[ordered], return_index=True, return_counts=True)
    spans = zip(codes.tolist(), begins.tolist(), (begins + counts).tolist(), strict=True)
    return {View.from_code(code): everything.within(slice(first, last)) for code, first, last in spans}


def reference_sequences(reference: Fingerprint, query: Fingerprint) -> dict[View, HashSequence]:
    """Return the usable entries of a reference by view, as far as any view of the query may show the same.

    A square is a small part of a picture, often of its background alone, which other videos of one place share: it is compared only with
    what was found by looking for it.
    """
    looked_for = View(Region.REGISTERED).code in query.view
    return sequences_of(reference if looked_for else without_squares(reference))


def query_sequences(fingerprint: Fingerprint) -> dict[tuple[View, bool], HashSequence]:
    """Return the query's sequences, the most usual ones also negated: a negative's hash is the complement.

    Squares are left out: only a known video has them that is asked about itself.
    """
    sequences: dict[tuple[View, bool], HashSequence] = {}
    for view, sequence in _in_all_orientations(without_squares(fingerprint)).items():
        sequences[view, False] = sequence
        if view in NEGATED:
            sequences[view, True] = replace(sequence, hash=~sequence.hash)
    return sequences


def _in_all_orientations(fingerprint: Fingerprint) -> dict[View, HashSequence]:
    """The sequences; if they are upright only, as those of a known video are, then also turned, as well as bits allow."""
    sequences = sequences_of(fingerprint)
    upright_only = all(view.orientation is Orientation.UPRIGHT for view in sequences)
    if not upright_only or fingerprint.algorithm != Pdq.id:
        return sequences
    ends = np.cumsum([len(sequence) for sequence in sequences.values()]).tolist()
    together = np.concatenate([sequence.hash for sequence in sequences.values()]) if sequences else np.zeros((0, Pdq.id.bytes), np.uint8)
    every = {orientation: turned_bits(together, orientation) for orientation in Orientation if orientation is not Orientation.UPRIGHT}
    turned = {
        View(view.region, orientation): replace(sequence, hash=hashes[end - len(sequence) : end])
        for (view, sequence), end in zip(sequences.items(), ends, strict=True)
        for orientation, hashes in every.items()
    }
    return sequences | turned


def best_view_pairs(
    query: dict[tuple[View, bool], HashSequence],
    reference: dict[View, HashSequence],
    config: MatchingConfig,
    anchors_s: Sequence[float] = (),
) -> list[tuple[ViewPair, int]]:
    """View pairs in which at least one probe is alike, best first, with the number of distinct probes alike.

    The smallest centres of two known videos are not compared with each other: videos of one design differ in what lies around them, and
    copies are alike in more.

    Probes are spread evenly; of a long query they would miss a short piece, so those around ``anchors_s``, seconds at which the
    two are known to be near, are taken too, and without any the seconds at which the whole pictures are near.
    """
    if not query or not reference:
        return []
    radius = round(config.probe_radius_bits)
    anchors_s = anchors_s or _whole_pictures_near_s(query, reference, radius, config.probes)
    # Rows are probes of every query sequence; of each the nearest of every reference sequence is wanted.
    chosen = {key: _probes(sequence, anchors_s, config.probes) for key, sequence in query.items()}
    rows = np.concatenate([sequence.hash[chosen[key]] for key, sequence in query.items()])
    nearest_of = {view: _nearest(rows, sequence.hash) for view, sequence in reference.items()}
    of_one_picture = all(len(sequence) == 1 for sequence in reference.values())
    found: list[tuple[float, ViewPair, int]] = []
    row = 0
    for (view, negated), probes in chosen.items():
        block = slice(row, row + len(probes))
        row += len(probes)
        for reference_view, every in nearest_of.items():
            if view.region is reference_view.region is Region.CROP_CLOSEST:
                continue
            nearest = every[block]
            alike = nearest <= radius
            if alike.any():
                # Closeness decides between views that see the same frames, …
                closeness = np.asarray(1 + radius - nearest[alike], np.float64)
                if of_one_picture:  # … and how long they do, where nothing else can
                    asked = query[view, negated]
                    closeness = closeness * (asked.end_s - asked.start_s + 1e-3)[probes[alike]]
                weight = float(closeness.sum())
                found.append((weight, ViewPair(view, negated, reference_view), int(alike.sum())))
    found.sort(key=lambda item: -item[0])
    return [(pair, count) for _, pair, count in found]


def _nearest(rows: PackedHashes, columns: PackedHashes) -> npt.NDArray[np.int64]:
    """``(n,)`` bits from each row to the nearest column, in bounded memory."""
    step = max(1, _BLOCK_PAIRS // len(rows))
    blocks = [distances(rows, columns[start : start + step]).min(axis=1) for start in range(0, len(columns), step)]
    nearest: npt.NDArray[np.int64] = np.min(blocks, axis=0).astype(np.int64)
    return nearest


def _probes(sequence: HashSequence, anchors_s: Sequence[float], count: int) -> npt.NDArray[np.int64]:
    """The entries of a sequence at which views are tried."""
    spread = np.linspace(0, len(sequence) - 1, min(count, len(sequence))).astype(int)
    if len(sequence) <= count:
        return np.unique(spread)
    near = np.searchsorted(sequence.start_s, np.asarray(anchors_s), side="right") - 1
    return np.unique(np.concatenate((spread, np.clip(near, 0, len(sequence) - 1))))


def _whole_pictures_near_s(
    query: dict[tuple[View, bool], HashSequence], reference: dict[View, HashSequence], radius: int, count: int
) -> list[float]:
    """Seconds of a long query at which its whole picture is near the reference's, ``count`` of them at most."""
    whole = View(Region.WHOLE)
    sequence, reference_whole = query.get((whole, False)), reference.get(whole)
    if sequence is None or reference_whole is None or len(sequence) <= count:
        return []
    near = sequence.start_s[(distances(sequence.hash, reference_whole.hash) <= radius).any(axis=1)]
    return near[np.unique(np.linspace(0, len(near) - 1, min(count, len(near))).astype(int))].tolist() if len(near) else []
