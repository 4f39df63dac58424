"""From sampled frames to a fingerprint, in bounded memory: batches come in, hashes stay."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint, milliseconds
from vhashdb.fingerprints.profiles import REFERENCE_PROFILE, ExtractionProfile, FrameSelection
from vhashdb.fingerprints.regions import Looks, Reading, RegionFinder
from vhashdb.hashing.algorithms import FrameAlgorithm
from vhashdb.hashing.bits import PackedHashes, as_integers
from vhashdb.hashing.views import Region, View
from vhashdb.video.frames import KEYFRAME_STANDS_S, FrameBatch, Mode, VideoInfo

MOSTLY_DAMAGED: Final = 0.4
"""Share of damaged pictures at which a whole file is not trusted."""
STRETCH: Final = 32
"""Frames whose content box is found together: 4 s of a reference, 8 s of a query."""


class FingerprintBuilder:
    """Feed it batches of frames in order of time, then ask for the fingerprint."""

    def __init__(self, algorithm: FrameAlgorithm, profile: ExtractionProfile) -> None:
        self._algorithm, self._profile = algorithm, profile
        self._tracks = {region: _Track(self._steps(region)[0]) for region in profile.views}
        self._pending: list[FrameBatch] = []
        self._count = 0
        self._finder = RegionFinder(profile.views.keys())
        self._holes_s = 0.0
        self._last_s = 0.0
        self._period_s = KEYFRAME_STANDS_S if profile.sampling.mode is Mode.KEYFRAMES else math.inf
        """Time between looks, which the last entry is prolonged by; a single picture stands for the whole video."""

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames of the video."""
        # What was looked at before a gap, or on another track, has nothing to do with what comes after it.
        for part in np.split(batch, np.flatnonzero(batch["hole_s"] > 0)):
            if len(part):
                if part["hole_s"][0] > 0:
                    self._break(float(part["time_s"][0] - part["hole_s"][0]))
                    self._holes_s += float(part["hole_s"][0])
                self._take(part)

    def _break(self, ended_s: float) -> None:
        """Nothing is shown from ``ended_s`` on until the next look."""
        self._hash_pending()
        for track in self._tracks.values():
            track.end(ended_s)
        self._count = 0

    def _take(self, batch: FrameBatch) -> None:
        looks = batch[-self._count % self._profile.frame_step :: self._profile.frame_step]
        self._count += len(batch)
        # A stretch is as long whatever the batches are: what is found in it, and which looks are sparse, depends on it.
        while len(looks):
            room = STRETCH - sum(map(len, self._pending))
            self._pending.append(looks[:room])
            looks = looks[room:]
            if sum(map(len, self._pending)) == STRETCH:
                self._hash_pending()

    def finish(self, info: VideoInfo) -> Fingerprint:
        """The fingerprint of everything fed so far; ``info`` is what the decoder said at the end."""
        self._hash_pending()
        duration_s = max(info.duration_s, self._last_s)
        columns = [column for region, track in self._tracks.items() if track.starts for column in self._columns(region, track, duration_s)]
        if not columns:
            columns = [(np.zeros(0), np.zeros(0), np.zeros((0, self._algorithm.id.bytes), np.uint8), _NO_BYTES, np.zeros(0, np.uint16))]
        start_s, end_s, hashes, quality, view = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        damage = info.damage
        if info.damaged_frames > MOSTLY_DAMAGED * info.frames:
            # What looks sound among so many made-up pictures is made up too: encrypted files decode like this.
            quality = np.zeros_like(quality)
            damage = (*damage, "most pictures are damaged, so none is used: the file may be encrypted")
        return Fingerprint(
            algorithm=self._algorithm.id,
            start_s=milliseconds(start_s),
            end_s=milliseconds(end_s),
            hash=hashes,
            quality=quality,
            view=view,
            duration_s=float(milliseconds(duration_s)),
            width=info.width,
            height=info.height,
            damage=damage,
            coverage=info.coverage,
        )

    def _steps(self, region: Region) -> list[int]:
        """Bits of change, of this algorithm's, that are tried for a region."""
        return self._profile.selection_for(region).steps(self._algorithm.id.bits)

    def _columns(self, region: Region, track: _Track, duration_s: float) -> Iterator[_Columns]:
        """The columns of one region, one set for each orientation."""
        starts, ends, qualities = np.array(track.starts), np.array(track.ends), np.concatenate(track.qualities)
        ends[-1] = max(ends[-1], min(duration_s, track.last_end_s, ends[-1] + self._period_s))
        hashes = np.concatenate(track.hashes, axis=1)
        kept = select_entries(self._profile.selection_for(region), hashes[0], starts, ends, duration_s - self._holes_s)
        last = np.append(kept[1:], len(starts)) - 1
        for index, orientation in enumerate(self._profile.views[region]):
            view = np.full(len(kept), View(region, orientation).code, np.uint16)
            yield starts[kept], ends[last], hashes[index, kept], qualities[kept], view

    def _hash_pending(self) -> None:
        if not self._pending:
            return
        frames: FrameBatch = np.concatenate(self._pending)
        self._pending = []
        times = frames["time_s"]
        self._last_s = float(times[-1])
        # A keyframe stands for all frames up to the next one, the last one for the rest.
        if len(times) > 1 and self._profile.sampling.mode is not Mode.KEYFRAMES:
            self._period_s = float(np.median(np.diff(times)))
        looks = Looks(frames)
        readings = self._finder.find(looks.sketches, alone=self._count <= self._profile.frame_step)
        if self._profile.fills_gaps:
            simpler = readings.get(Region.BOX, readings[Region.WHOLE])
            readings |= {region: simpler for region, track in self._tracks.items() if track.starts and region not in readings}
        for region in self._tracks.keys() - readings.keys():
            self._tracks[region].interrupt(float(times[0]))
        profile, there = self._profile, [region for region in self._tracks if region in readings]
        self._read(looks, {r: readings[r] for r in there if r not in profile.sparse})
        self._read(looks.every(profile.sparse_step), {r: readings[r] for r in there if r in profile.sparse})

    def _read(self, looks: Looks, readings: Mapping[Region, Reading]) -> None:
        """Add looks to the tracks of some regions; those in the same orientations are hashed together."""
        # The edges of bars are no picture: they must not lift a flat one over the quality threshold.
        within_bars = looks.quality(Reading(self._finder.bars))
        for orientations in set(self._profile.views.values()):
            regions = [region for region in readings if self._profile.views[region] == orientations]
            if not regions:
                continue
            hashes = looks.hash(self._algorithm, [readings[region] for region in regions], orientations)
            for region, seen in zip(regions, hashes, strict=True):
                quality = np.minimum(looks.quality(readings[region]), within_bars)
                self._tracks[region].extend(looks.frames["time_s"], seen, quality)


_Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], PackedHashes, npt.NDArray[np.uint8], npt.NDArray[np.uint16]]
_NO_BYTES: Final = np.zeros(0, np.uint8)


class _Track:
    """The entries of one region, in all orientations, as they grow."""

    def __init__(self, change_bits: int) -> None:
        self._change_bits = change_bits
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.hashes: list[PackedHashes] = []
        """Of some entries each, ``(orientations, entries, bytes)``."""
        self.qualities: list[npt.NDArray[np.uint8]] = []
        self._current = 0
        self._open = False
        self.last_end_s = math.inf
        """Where the last entry ends at the latest."""

    def extend(self, times: npt.NDArray[np.float64], hashes: PackedHashes, qualities: npt.NDArray[np.uint8]) -> None:
        """Append looks, hashes ``(orientations, n, bytes)``: one near the open entry prolongs it, any other begins one."""
        if not len(times):
            return
        begun = []
        current = self._current if self._open else None
        for position, number in enumerate(as_integers(hashes[0])):
            if current is None or (number ^ current).bit_count() >= self._change_bits:
                begun.append(position)
                current = number
        starts, last_s = times[begun].tolist(), float(times[-1])
        if self._open:  # an entry ends where the next one begins
            self.ends[-1] = starts[0] if starts else last_s
        if begun and current is not None:
            self.starts += starts
            self.ends += [*starts[1:], last_s]
            self.hashes.append(hashes[:, begun])
            self.qualities.append(qualities[begun])
            self._current, self._open, self.last_end_s = current, True, math.inf

    def end(self, time_s: float) -> None:
        """Nothing at all is shown any more from this time on."""
        if self._open:
            self.ends[-1] = max(self.ends[-1], time_s)
            self._open = False
        self.last_end_s = min(self.last_end_s, time_s)

    def interrupt(self, time_s: float) -> None:
        """The region is not there any more from this time on."""
        if self._open:
            self.ends[-1] = time_s
            self._open = False


def select_entries(
    selection: FrameSelection, hashes: PackedHashes, starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], duration_s: float
) -> npt.NDArray[np.int64]:
    """Which of the entries ``(n,)`` of one view, in order of time, make entries of their own: their positions, ascending."""
    numbers, interrupted = as_integers(hashes), np.concatenate(([False], starts[1:] > ends[:-1])).tolist()
    for step in selection.steps(8 * hashes.shape[1]):
        kept = _kept_by_change(numbers, interrupted, step)
        if len(kept) <= selection.max_rate * duration_s:
            break
    return kept


def _kept_by_change(numbers: Sequence[int], interrupted: Sequence[bool], change_bits: int) -> npt.NDArray[np.int64]:
    """Entries to keep: the first, each that is ``change_bits`` from the last kept one, and each after an interruption."""
    kept, last = [0], numbers[0]
    for index, number in enumerate(numbers[1:], 1):
        if interrupted[index] or (number ^ last).bit_count() >= change_bits:
            kept.append(index)
            last = number
    return np.array(kept)


def subsampled(fingerprint: Fingerprint) -> Fingerprint:
    """Reduce a fingerprint of every frame, made by others, to the entries that a reference would have.

    As many frames a second are considered as `REFERENCE_PROFILE` samples, and those that change become entries, with their own
    times and qualities. A fingerprint of several views was made here, or by a program that selects its entries, and is
    returned as it is.
    """
    f, profile = fingerprint, REFERENCE_PROFILE
    if len(f) < 2 or (f.view != f.view[0]).any():
        return f
    sampled = np.unique(np.floor(f.start_s * profile.sampling.rate), return_index=True)[1]
    ends = np.append(f.end_s[sampled[1:] - 1], f.end_s[-1])
    kept = sampled[select_entries(profile.selection, f.hash[sampled], f.start_s[sampled], ends, f.duration_s)]
    last = np.append(kept[1:], len(f)) - 1
    return replace(f.only(kept), end_s=f.end_s[last])
