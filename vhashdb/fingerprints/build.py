"""Build a fingerprint from sampled frames in bounded memory: batches are hashed as they come, and only hashes are kept."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import USABLE_QUALITY, Fingerprint, milliseconds
from vhashdb.fingerprints.profiles import REFERENCE_PROFILE, ExtractionProfile, FrameSelection
from vhashdb.fingerprints.regions import FrameWindow, RegionFinder, RegionSpec
from vhashdb.hashing.algorithms import FrameAlgorithm
from vhashdb.hashing.bits import PackedHashes, as_integers
from vhashdb.hashing.views import Box, Region, View
from vhashdb.video.frames import KEYFRAME_STANDS_S, FrameBatch, Mode, VideoInfo

MOSTLY_DAMAGED: Final = 0.4
"""Share of damaged frames above which no frame of the file is used. Engineering bound: `bench.odd` shows its effect; encrypted files,
of which every frame decodes to something, are what it is for."""
MOSTLY_THERE: Final = 0.75
"""Share of a region's frames in which it must lie in one place for that to be said. Engineering bound: what is searched for is found
here and there by mistake, and what is said of where a match lies must hold for the match."""
WINDOW_FRAMES: Final = 32
"""Frames in a frame window: those whose regions are found together. Engineering bound: 4 s of a reference, 11 s of a query,
long enough for a moving picture to stand out from a static border, short enough to follow a change of format."""


class FingerprintBuilder:
    """Build one fingerprint: feed it batches of frames in order of time, then call `finish`."""

    def __init__(self, algorithm: FrameAlgorithm, profile: ExtractionProfile) -> None:
        self._algorithm, self._profile = algorithm, profile
        self._entries = {region: _RegionEntries(self._steps(region)[0]) for region in profile.views}
        self._pending: list[FrameBatch] = []
        self._count = 0
        self._finder = RegionFinder(profile.views.keys())
        self._lay: dict[Region, Counter[Box]] = {region: Counter() for region in profile.views}
        """Frames for which each region lay in each box."""
        self._holes_s = 0.0
        self._last_s = 0.0
        self._period_s = KEYFRAME_STANDS_S if profile.sampling.mode is Mode.KEYFRAMES else math.inf
        """Seconds from one sampled frame to the next, by which the last entry is prolonged; a single frame stands for the whole video."""

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames of the video: any number of them, in order of time."""
        # Frames before a gap, or of another track, are unrelated to those after it.
        for part in np.split(batch, np.flatnonzero(batch["hole_s"] > 0)):
            if len(part):
                if part["hole_s"][0] > 0:
                    self._break(float(part["time_s"][0] - part["hole_s"][0]))
                    self._holes_s += float(part["hole_s"][0])
                self._take(part)

    def _break(self, ended_s: float) -> None:
        """Close all entries at ``ended_s``: nothing is shown from then until the next frame."""
        self._hash_pending()
        for entries in self._entries.values():
            entries.end(ended_s)
        self._count = 0

    def _take(self, batch: FrameBatch) -> None:
        frames = batch[-self._count % self._profile.frame_step :: self._profile.frame_step]
        self._count += len(batch)
        # Windows do not depend on how frames were batched: what is found in one, and which frames are sparse, depends on its length.
        while len(frames):
            room = WINDOW_FRAMES - sum(map(len, self._pending))
            self._pending.append(frames[:room])
            frames = frames[room:]
            if sum(map(len, self._pending)) == WINDOW_FRAMES:
                self._hash_pending()

    def finish(self, info: VideoInfo) -> Fingerprint:
        """Return the fingerprint of all frames fed so far; ``info`` is what the decoder reported at the end of the file."""
        self._hash_pending()
        duration_s = max(info.duration_s, self._last_s)
        columns = [
            column for region, entries in self._entries.items() if entries.starts for column in self._columns(region, entries, duration_s)
        ]
        if not columns:
            columns = [(np.zeros(0), np.zeros(0), np.zeros((0, self._algorithm.id.bytes), np.uint8), _NO_BYTES, np.zeros(0, np.uint16))]
        start_s, end_s, hashes, quality, view = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        damage = info.damage
        if info.damaged_frames > MOSTLY_DAMAGED * info.frames:
            # With so many frames concealed by the decoder, the others are not to be trusted either: encrypted files decode like this.
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
            boxes={region: box for region, boxes in self._lay.items() if (box := _lasting(boxes))},
        )

    def _steps(self, region: Region) -> list[int]:
        """Return the distances, in bits of this algorithm's hashes, that are tried for a region."""
        return self._profile.selection_for(region).steps(self._algorithm.id.bits)

    def _columns(self, region: Region, entries: _RegionEntries, duration_s: float) -> Iterator[_Columns]:
        """Yield the columns of one region, one set for each orientation."""
        starts, ends, qualities = np.array(entries.starts), np.array(entries.ends), np.concatenate(entries.qualities)
        ends[-1] = max(ends[-1], min(duration_s, entries.last_end_s, ends[-1] + self._period_s))
        hashes = np.concatenate(entries.hashes, axis=1)
        if len(self._steps(region)) > 1:  # else they were selected as they came
            selection = self._profile.selection_for(region)
            kept = select_entries(selection, hashes[0], starts, ends, duration_s - self._holes_s)
            last = np.append(kept[1:], len(starts)) - 1
            if selection.thins and len(kept) > selection.max_rate * (duration_s - self._holes_s):
                longest = longest_of_each(starts[kept], ends[last], 1 / selection.max_rate)
                kept, last = kept[longest], last[longest]
            starts, ends, hashes, qualities = starts[kept], ends[last], hashes[:, kept], qualities[kept]
        if region in self._profile.drops_flat:
            shown = qualities >= USABLE_QUALITY
            starts, ends, hashes, qualities = starts[shown], ends[shown], hashes[:, shown], qualities[shown]
        for index, orientation in enumerate(self._profile.views[region]):
            yield starts, ends, hashes[index], qualities, np.full(len(starts), View(region, orientation).code, np.uint16)

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
        window = FrameWindow(frames)
        specs = self._finder.find(
            window.thumbnails,
            alone=self._count <= self._profile.frame_step,
            height=int(frames["height"][0]),
            width=int(frames["width"][0]),
        )
        if self._profile.fills_gaps:
            simpler = specs.get(Region.WITHIN_BARS, specs[Region.WHOLE])
            specs |= {region: simpler for region, entries in self._entries.items() if entries.starts and region not in specs}
        for region in self._entries.keys() - specs.keys():
            self._entries[region].interrupt(float(times[0]))
        profile, there = self._profile, [region for region in self._entries if region in specs]
        for region in there:
            self._lay[region][specs[region].box] += len(frames)
        self._hash(window, {r: specs[r] for r in there if r not in profile.sparse})
        self._hash(window.every(profile.sparse_step), {r: specs[r] for r in there if r in profile.sparse})

    def _hash(self, window: FrameWindow, specs: Mapping[Region, RegionSpec]) -> None:
        """Hash a window in some regions, those in the same orientations together, and add the hashes to their entries."""
        # The edges of bars are not content: they must not raise a flat picture above the quality threshold.
        within_bars = window.quality(RegionSpec(self._finder.bars))
        for orientations in set(self._profile.views.values()):
            regions = [region for region in specs if self._profile.views[region] == orientations]
            if not regions:
                continue
            hashes = window.hash(self._algorithm, [specs[region] for region in regions], orientations)
            for region, of_region in zip(regions, hashes, strict=True):
                quality = np.minimum(window.quality(specs[region]), within_bars)
                self._entries[region].extend(window.frames["time_s"], of_region, quality)


_Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], PackedHashes, npt.NDArray[np.uint8], npt.NDArray[np.uint16]]
_NO_BYTES: Final = np.zeros(0, np.uint8)


class _RegionEntries:
    """Collect the entries of one region, in all orientations, at the finest distance of its frame selection."""

    def __init__(self, change_bits: int) -> None:
        self._change_bits = change_bits
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.hashes: list[PackedHashes] = []
        """Arrays ``(orientations, entries, bytes)`` uint8, one for each window."""
        self.qualities: list[npt.NDArray[np.uint8]] = []
        self._current = 0
        self._open = False
        self.last_end_s = math.inf
        """Seconds at which the last entry ends at the latest."""

    def extend(self, times: npt.NDArray[np.float64], hashes: PackedHashes, qualities: npt.NDArray[np.uint8]) -> None:
        """Append ``n`` frames, hashes ``(orientations, n, bytes)``: one near the open entry prolongs it, any other begins a new one."""
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
        """Close the open entry at a time from which nothing at all is shown."""
        if self._open:
            self.ends[-1] = max(self.ends[-1], time_s)
            self._open = False
        self.last_end_s = min(self.last_end_s, time_s)

    def interrupt(self, time_s: float) -> None:
        """Close the open entry at a time from which the region is not there any more."""
        if self._open:
            self.ends[-1] = time_s
            self._open = False


def _lasting(boxes: Counter[Box]) -> Box | None:
    """Return the box in which a region lay nearly all the time; None where it lay now here, now there."""
    if not boxes:
        return None
    box = boxes.most_common(1)[0][0]
    return box if sum(frames for other, frames in boxes.items() if other.near(box)) >= MOSTLY_THERE * boxes.total() else None


def select_entries(
    selection: FrameSelection, hashes: PackedHashes, starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], duration_s: float
) -> npt.NDArray[np.int64]:
    """Select which hashes ``(n, bytes)`` of one view, in order of time, become entries; return their positions, ascending.

    Distances of the selection are tried from the finest; the first that keeps within its maximum rate counts, or else the last.

    Args:
        selection: distances and the maximum rate.
        hashes: ``(n, bytes)`` uint8.
        starts: ``(n,)`` float64, seconds.
        ends: ``(n,)`` float64, seconds; a hash that starts later than the one before ends is always kept.
        duration_s: seconds that the rate refers to.
    """
    numbers, interrupted = as_integers(hashes), np.concatenate(([False], starts[1:] > ends[:-1])).tolist()
    for step in selection.steps(8 * hashes.shape[1]):
        kept = _kept_by_change(numbers, interrupted, step)
        if len(kept) <= selection.max_rate * duration_s:
            break
    return kept


def longest_of_each(starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], span_s: float) -> npt.NDArray[np.int64]:
    """Return which entries last longest among those that begin within the same ``span_s`` seconds: positions, ascending.

    Args:
        starts: ``(n,)`` float64, seconds, ascending.
        ends: ``(n,)`` float64, seconds.
        span_s: of these the video is divided into, from its first second on.
    """
    spans = np.floor(starts / span_s)
    order = np.lexsort((starts - ends, spans))
    return np.asarray(order[np.unique(spans[order], return_index=True)[1]], np.int64)


def _kept_by_change(numbers: Sequence[int], interrupted: Sequence[bool], change_bits: int) -> npt.NDArray[np.int64]:
    """Return the positions of the first hash, of each ``change_bits`` from the last kept one, and of each after an interruption."""
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
