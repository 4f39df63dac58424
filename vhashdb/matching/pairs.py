"""Which hashes of two fingerprints are alike, and through which pair of views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.bits import PackedHashes, distances
from vhashdb.hashing.views import Orientation, Region, View, turned_bits

PROBES: Final = 64
"""Moments of the query at which all view pairs are tried; the best pairs are then compared at every moment."""
PROBE_RADIUS: Final = 56 / 256
"""Share of bits that may differ for a probe to count."""
NEGATED: Final = frozenset(View(r, o) for r in (Region.WHOLE, Region.WITHIN_BARS) for o in (Orientation.UPRIGHT, Orientation.MIRRORED))
"""Views that are also tried as negatives."""
_BLOCK_PAIRS: Final = 1 << 24
VIEW_PAIRS: Final = 3
"""View pairs compared in full."""


@dataclass(frozen=True)
class ViewPair:
    """One way of looking at both sides."""

    query: View
    negated: bool
    reference: View

    def __str__(self) -> str:
        words = []
        if self.query.orientation is not Orientation.UPRIGHT:
            words.append(self.query.orientation.name.lower().replace("_", " "))
        if self.negated:
            words.append("as a negative")
        return ", ".join([*words, self.parts] if self.parts else words) or "whole picture"

    @property
    def parts(self) -> str:
        """The parts of the pictures that are looked at, in words; empty if it is all of both."""
        sides = ((self.query.region, "file"), (self.reference.region, "known video"))
        return ", ".join(f"{region.label} ({side})" for region, side in sides if region)


@dataclass(frozen=True)
class Track:
    """The usable entries of one fingerprint through one view, in order of time."""

    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    hash: PackedHashes
    quality: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start_s)

    def where(self, rows: npt.NDArray[np.bool_]) -> Track:
        """Some of the entries."""
        return self if rows.all() else Track(self.start_s[rows], self.end_s[rows], self.hash[rows], self.quality[rows])

    def lasting(self, length_s: float) -> Track:
        """Of a still picture: as a video would show it that lasts longer than ``length_s``, whichever moment of it is asked about."""
        return replace(self, start_s=self.start_s - length_s - 1, end_s=self.end_s + length_s + 1)


def tracks_of(fingerprint: Fingerprint) -> dict[View, Track]:
    """The usable entries by view."""
    usable = fingerprint.usable
    tracks = {}
    for code in np.unique(fingerprint.view[usable]).tolist():
        chosen = usable & (fingerprint.view == code)
        columns = (fingerprint.start_s, fingerprint.end_s, fingerprint.hash, fingerprint.quality)
        tracks[View.from_code(code)] = Track(*(column[chosen] for column in columns))
    return tracks


def query_tracks(fingerprint: Fingerprint) -> dict[tuple[View, bool], Track]:
    """The query's tracks, the most usual ones also negated: a negative's hash is the complement."""
    tracks: dict[tuple[View, bool], Track] = {}
    for view, track in _in_all_orientations(fingerprint).items():
        tracks[view, False] = track
        if view in NEGATED:
            tracks[view, True] = replace(track, hash=~track.hash)
    return tracks


def _in_all_orientations(fingerprint: Fingerprint) -> dict[View, Track]:
    """The tracks; if they are upright only, as those of a known video are, then also turned, as well as bits allow."""
    tracks = tracks_of(fingerprint)
    upright_only = all(view.orientation is Orientation.UPRIGHT for view in tracks)
    if not upright_only or fingerprint.algorithm != Pdq.id:
        return tracks
    turned = {
        View(view.region, orientation): replace(track, hash=turned_bits(track.hash, orientation))
        for view, track in tracks.items()
        for orientation in Orientation
        if orientation is not Orientation.UPRIGHT
    }
    return tracks | turned


def best_view_pairs(
    query: dict[tuple[View, bool], Track], reference: dict[View, Track], bits: int, near_s: Sequence[float] = ()
) -> list[tuple[ViewPair, int]]:
    """View pairs in which at least one probe is alike, best first, with the number of distinct probes alike.

    Probes are spread evenly; of a long query they would miss a short piece, so those around ``near_s``, seconds at which the
    two are known to be near, are taken too, and without any the seconds at which the whole pictures are near.
    """
    if not query or not reference:
        return []
    near_s = near_s or _whole_pictures_near_s(query, reference, round(PROBE_RADIUS * bits))
    # Rows are probes of every query track; of each the nearest of every reference track is wanted.
    chosen = {key: _probes(track, near_s) for key, track in query.items()}
    rows = np.concatenate([track.hash[chosen[key]] for key, track in query.items()])
    nearest_of = {view: _nearest(rows, track.hash) for view, track in reference.items()}
    radius = round(PROBE_RADIUS * bits)
    of_one_picture = all(len(track) == 1 for track in reference.values())
    found: list[tuple[float, ViewPair, int]] = []
    row = 0
    for (view, negated), probes in chosen.items():
        block = slice(row, row + len(probes))
        row += len(probes)
        for reference_view, every in nearest_of.items():
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


def _probes(track: Track, near_s: Sequence[float]) -> npt.NDArray[np.int64]:
    """The entries of a track at which views are tried."""
    spread = np.linspace(0, len(track) - 1, min(PROBES, len(track))).astype(int)
    if len(track) <= PROBES:
        return np.unique(spread)
    near = np.searchsorted(track.start_s, np.asarray(near_s), side="right") - 1
    return np.unique(np.concatenate((spread, np.clip(near, 0, len(track) - 1))))


def _whole_pictures_near_s(query: dict[tuple[View, bool], Track], reference: dict[View, Track], radius: int) -> list[float]:
    """Seconds of a long query at which its whole picture is near the reference's, thinned to `PROBES`."""
    whole = View(Region.WHOLE)
    track, known = query.get((whole, False)), reference.get(whole)
    if track is None or known is None or len(track) <= PROBES:
        return []
    near = track.start_s[(distances(track.hash, known.hash) <= radius).any(axis=1)]
    return near[np.unique(np.linspace(0, len(near) - 1, min(PROBES, len(near))).astype(int))].tolist() if len(near) else []
