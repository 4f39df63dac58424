"""From sampled frames to a fingerprint, in bounded memory: batches come in, hashes stay."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint, milliseconds
from vhashdb.hashing.algorithms import FrameAlgorithm
from vhashdb.hashing.bits import PackedHashes, as_integers
from vhashdb.hashing.boxes import bars_box, moving_box
from vhashdb.hashing.rectangles import band_box, inset_box
from vhashdb.hashing.stills import picture_boxes
from vhashdb.hashing.views import CROPS, INSETS, TILTS, WHOLE_FRAME, Box, Orientation, Region, View, region_quality, tilt
from vhashdb.video.frames import FrameBatch, Mode, Sampling, VideoInfo

MOSTLY_DAMAGED: Final = 0.4
"""Share of damaged pictures at which a whole file is not trusted."""
STRETCH: Final = 32
"""Frames whose content box is found together: 4 s of a reference, 8 s of a query."""


@dataclass(frozen=True)
class Plan:
    """How a video is fingerprinted: which frames, which views, and how much change makes a new entry."""

    sampling: Sampling
    views: Mapping[Region, tuple[Orientation, ...]]
    """Regions read, each in one or more orientations, of which the first decides about change."""
    change_bits: tuple[int, ...]
    """A frame gets an entry of its own when its hash is at least this far from the last entry in the same region.
    Several values, ascending: the finest that stays within ``calm_rate`` is used, or else the last."""
    calm_rate: float = 0.0
    """Entries per second and region up to which a calm video is kept in finer steps."""
    fills_gaps: bool = False
    """Where a region that was there before is not, read the next simpler one: one view then covers the whole video."""


_STILL_REGIONS: Final = (Region.PICTURE, Region.BAND, Region.BOX_ROWS, Region.BOX_COLUMNS)
"""Views in which a still is read through the boxes found on it, the likeliest first."""
_UPRIGHT: Final = (Orientation.UPRIGHT,)
_USUAL: Final = (Orientation.UPRIGHT, Orientation.MIRRORED)
_ALL: Final = tuple(Orientation)

REFERENCE_VIEWS: Final = Plan(
    Sampling(Mode.SAMPLED, 8.0),
    dict.fromkeys((Region.WHOLE, Region.BOX, Region.MOVING, *CROPS), _UPRIGHT),
    change_bits=(8, 12, 16, 24, 32),
    calm_rate=2.5,
)
"""What is stored: dense in time, kept by change, cropped views that cannot be made later.

A calm video, whose every step is small, is kept in finer steps: its changes are what tells it from other footage of
the same place, and it takes no more room than a lively one.
"""

QUERY_VIEWS: Final = Plan(
    Sampling(Mode.SAMPLED, 4.0),
    dict.fromkeys((Region.WHOLE, Region.BOX), _ALL)
    | dict.fromkeys((Region.MOVING, Region.BOX_ROWS, Region.BOX_COLUMNS, Region.PICTURE, Region.BAND, *INSETS), _USUAL)
    | dict.fromkeys(TILTS, _UPRIGHT),
    change_bits=(6,),
    fills_gaps=True,
)
"""What is asked: sparse in time, in all orientations, which need no storage; the less usual regions only as they are and
mirrored."""

KEYFRAME_VIEWS: Final = Plan(
    Sampling(Mode.KEYFRAMES, 2.0),
    dict.fromkeys((Region.WHOLE, Region.BOX), _ALL) | {Region.MOVING: _USUAL} | dict.fromkeys(TILTS, _UPRIGHT),
    change_bits=(6,),
    fills_gaps=True,
)
"""The cheapest question: only frames that decode alone, in the most usual views."""

CLOSE_VIEWS: Final = replace(QUERY_VIEWS, sampling=Sampling(Mode.SAMPLED, 8.0))
"""The most thorough question."""

EVERY_FRAME: Final = Plan(Sampling(Mode.FULL), {Region.WHOLE: _UPRIGHT}, change_bits=(0,))
"""Each frame by itself, as vPDQ has it."""


class FingerprintBuilder:
    """Feed it batches of frames in order of time, then ask for the fingerprint."""

    def __init__(self, algorithm: FrameAlgorithm, plan: Plan) -> None:
        self._algorithm, self._plan = algorithm, plan
        self._steps = tuple(round(bits * algorithm.id.bits / 256) for bits in plan.change_bits)
        self._tracks = {region: _Track(self._steps[0]) for region in plan.views}
        self._pending: list[FrameBatch] = []
        self._bars = WHOLE_FRAME
        self._found: dict[Region, Box] = {}
        self._last_s = 0.0
        self._period_s = math.inf
        """Time between looks, which the last entry is prolonged by; a single picture stands for the whole video."""

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames of the video."""
        self._pending.append(batch)
        if sum(map(len, self._pending)) >= STRETCH:
            self._hash_pending()

    def finish(self, info: VideoInfo) -> Fingerprint:
        """The fingerprint of everything fed so far; ``info`` is what the decoder said at the end."""
        self._hash_pending()
        duration_s = max(info.duration_s, self._last_s)
        columns = [column for region, track in self._tracks.items() if track.starts for column in self._columns(region, track, duration_s)]
        if not columns:
            columns = [(np.zeros(0), np.zeros(0), np.zeros((0, self._algorithm.id.bytes), np.uint8), _NO_BYTES, _NO_BYTES)]
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
        )

    def _columns(self, region: Region, track: _Track, duration_s: float) -> Iterator[_Columns]:
        """The columns of one region, one set for each orientation."""
        starts, ends, qualities = np.array(track.starts), np.array(track.ends), np.array(track.qualities, np.uint8)
        ends[-1] = max(ends[-1], min(duration_s, ends[-1] + self._period_s))
        hashes = np.stack(track.hashes)
        for step in self._steps:
            kept = _kept_by_change(hashes[:, 0], starts, ends, step)
            if len(kept) <= self._plan.calm_rate * duration_s:
                break
        last = np.append(kept[1:], len(starts)) - 1
        for index, orientation in enumerate(self._plan.views[region]):
            view = np.full(len(kept), View(region, orientation).code, np.uint8)
            yield starts[kept], ends[last], hashes[kept, index], qualities[kept], view

    def _hash_pending(self) -> None:
        if not self._pending:
            return
        frames: FrameBatch = np.concatenate(self._pending)
        self._pending = []
        times = frames["time_s"]
        self._last_s = float(times[-1])
        # A keyframe stands for all frames up to the next one, the last one for the rest.
        if len(times) > 1 and self._plan.sampling.mode is not Mode.KEYFRAMES:
            self._period_s = float(np.median(np.diff(times)))
        sketches = np.ascontiguousarray(frames["sketch"])
        levels = sketches.astype(np.float32)
        self._bars = bars_box(sketches, self._bars)
        boxes = self._find_boxes(sketches)
        # The edges of bars are no picture: they must not lift a flat one over the quality threshold.
        quality_within = region_quality(sketches, self._bars) if self._bars != WHOLE_FRAME else np.uint8(100)
        for region, track in self._tracks.items():
            box = boxes.get(region)
            if box is None and self._plan.fills_gaps and track.starts:
                box = boxes.get(Region.BOX, WHOLE_FRAME)
            if box is None:
                track.interrupt(float(times[0]))
                continue
            seen = levels
            if region in TILTS:
                seen = tilt(sketches, TILTS[region], int(frames["height"][0]), int(frames["width"][0])).astype(np.float32)
            hashes, quality = self._algorithm.hash_region(frames, seen, box, self._plan.views[region])
            track.extend(times, hashes, np.minimum(quality, quality_within))

    def _find_boxes(self, sketches: npt.NDArray[np.uint8]) -> dict[Region, Box]:
        """The box of every region of the plan that is there: a found one only if it differs from the simpler ones."""
        bars = self._bars
        found = {
            Region.BOX: bars,
            Region.BOX_ROWS: replace(bars, left=0.0, right=1.0),
            Region.BOX_COLUMNS: replace(bars, top=0.0, bottom=1.0),
            Region.MOVING: moving_box(sketches, bars, self._found.get(Region.MOVING, WHOLE_FRAME)),
        }
        if Region.PICTURE in self._plan.views:
            if len(sketches) == 1 and not self._last_s:
                found |= dict(zip(_STILL_REGIONS, picture_boxes(sketches[0]), strict=False))
            else:
                found |= {Region.PICTURE: inset_box(sketches), Region.BAND: band_box(sketches)}
        boxes = {Region.WHOLE: WHOLE_FRAME, **CROPS, **INSETS, **dict.fromkeys(TILTS, CROPS[Region.CROP_WIDE])}
        for region, box in found.items():
            # Nearly the same box as before is the same: hashes of a steady picture stay equal.
            before = self._found.get(region, box)
            box = before if box.near(before) else box
            self._found[region] = box
            if box != WHOLE_FRAME and (region is Region.BOX or box != bars):
                boxes[region] = box
        return boxes


_Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], PackedHashes, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
_NO_BYTES: Final = np.zeros(0, np.uint8)


class _Track:
    """The entries of one region, in all orientations, as they grow."""

    def __init__(self, change_bits: int) -> None:
        self._change_bits = change_bits
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.hashes: list[PackedHashes] = []
        """One ``(orientations, bytes)`` array an entry."""
        self.qualities: list[int] = []
        self._current = 0
        self._open = False

    def extend(self, times: npt.NDArray[np.float64], hashes: PackedHashes, qualities: npt.NDArray[np.uint8]) -> None:
        """Append looks, hashes ``(orientations, n, bytes)``: one near the open entry prolongs it, any other begins one."""
        numbers = as_integers(hashes[0])
        for position, time_s in enumerate(times.tolist()):
            if self._open:
                self.ends[-1] = time_s
                if (numbers[position] ^ self._current).bit_count() < self._change_bits:
                    continue
            self.starts.append(time_s)
            self.ends.append(time_s)
            self.hashes.append(hashes[:, position])
            self.qualities.append(int(qualities[position]))
            self._current, self._open = numbers[position], True

    def interrupt(self, time_s: float) -> None:
        """The region is not there any more from this time on."""
        if self._open:
            self.ends[-1] = time_s
            self._open = False


def _kept_by_change(
    hashes: PackedHashes, starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], change_bits: int
) -> npt.NDArray[np.int64]:
    """Entries to keep: the first, each that is ``change_bits`` from the last kept one, and each after an interruption."""
    numbers = as_integers(hashes)
    interrupted = np.concatenate(([False], starts[1:] > ends[:-1])).tolist()
    kept = [0]
    for index in range(1, len(numbers)):
        if interrupted[index] or (numbers[index] ^ numbers[kept[-1]]).bit_count() >= change_bits:
            kept.append(index)
    return np.array(kept)
