"""From sampled frames to a fingerprint, in bounded memory: batches come in, hashes stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprint.model import Fingerprint, milliseconds
from vhashdb.hashing.algorithms import FrameAlgorithm
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.boxes import content_box
from vhashdb.hashing.views import CROPS, WHOLE_FRAME, Box, Orientation, Region, View
from vhashdb.video.frames import FrameBatch, Mode, Sampling, VideoInfo

STRETCH: Final = 32
"""Frames whose content box is found together: 4 s of a reference, 8 s of a query."""


@dataclass(frozen=True)
class Plan:
    """How a video is fingerprinted: which frames, which views, and how much change makes a new entry."""

    sampling: Sampling
    regions: tuple[Region, ...]
    orientations: tuple[Orientation, ...]
    change_bits: int
    """A frame gets an entry of its own when its hash is at least this far from the last entry in the same region."""


REFERENCE_VIEWS: Final = Plan(
    Sampling(Mode.SAMPLED, 8.0), (Region.WHOLE, Region.BOX, *CROPS), (Orientation.UPRIGHT,), change_bits=32
)
"""What is stored: dense in time, kept by change, cropped views that cannot be made later."""

QUERY_VIEWS: Final = Plan(Sampling(Mode.SAMPLED, 4.0), (Region.WHOLE, Region.BOX), tuple(Orientation), change_bits=6)
"""What is asked: sparse in time, in all orientations, which need no storage."""


class FingerprintBuilder:
    """Feed it batches of frames in order of time, then ask for the fingerprint."""

    def __init__(self, algorithm: FrameAlgorithm, plan: Plan) -> None:
        self._algorithm, self._plan = algorithm, plan
        self._scale = algorithm.id.bits / 256
        self._tracks = {region: _Track(len(plan.orientations), round(plan.change_bits * self._scale)) for region in plan.regions}
        self._pending: list[FrameBatch] = []
        self._box = WHOLE_FRAME
        self._last_s = 0.0

    def feed(self, batch: FrameBatch) -> None:
        """Take the next frames of the video."""
        self._pending.append(batch)
        if sum(map(len, self._pending)) >= STRETCH:
            self._hash_pending()

    def finish(self, info: VideoInfo) -> Fingerprint:
        """The fingerprint of everything fed so far; ``info`` is what the decoder said at the end."""
        self._hash_pending()
        end_s = max(info.duration_s, self._last_s)
        parts = [
            (View(region, orientation), index, track)
            for region, track in self._tracks.items()
            for index, orientation in enumerate(self._plan.orientations)
            if track.starts
        ]
        starts = [np.array(track.starts) for _, _, track in parts]
        ends = [np.array([*track.ends[:-1], max(track.ends[-1], min(end_s, track.ends[-1] + track.step_s))]) for _, _, track in parts]
        return Fingerprint(
            algorithm=self._algorithm.id,
            start_s=milliseconds(_joined(starts, np.zeros(0))),
            end_s=np.maximum(milliseconds(_joined(ends, np.zeros(0))), milliseconds(_joined(starts, np.zeros(0)))),
            hash=_joined([np.stack(track.hashes)[:, i] for _, i, track in parts], np.zeros((0, self._algorithm.id.bytes), np.uint8)),
            quality=_joined([np.array(track.qualities, np.uint8) for _, _, track in parts], np.zeros(0, np.uint8)),
            view=_joined([np.full(len(track.starts), view.code, np.uint8) for view, _, track in parts], np.zeros(0, np.uint8)),
            duration_s=float(milliseconds(end_s)),
            width=info.width,
            height=info.height,
            damage=info.damage,
        )

    def _hash_pending(self) -> None:
        if not self._pending:
            return
        frames: FrameBatch = np.concatenate(self._pending)
        self._pending = []
        times = frames["time_s"]
        self._last_s = float(times[-1])
        for region, track in self._tracks.items():
            if region is Region.BOX:
                self._box = content_box(frames["sketch"], self._box)
            box = self._box if region is Region.BOX else CROPS.get(region, WHOLE_FRAME)
            if region is Region.BOX and box == WHOLE_FRAME:
                track.interrupt(float(times[0]))
                continue
            hashes, quality = self._algorithm.hash_region(frames, box, self._plan.orientations)
            track.extend(times, hashes, quality)


class _Track:
    """The entries of one region, in all orientations, as they grow."""

    def __init__(self, orientations: int, change_bits: int) -> None:
        self._change_bits = change_bits
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.hashes: list[PackedHashes] = []
        """One ``(orientations, bytes)`` array an entry."""
        self.qualities: list[int] = []
        self.step_s = 0.0
        self._open = False

    def extend(self, times: npt.NDArray[np.float64], hashes: PackedHashes, qualities: npt.NDArray[np.uint8]) -> None:
        """Append looks: a frame near the open entry prolongs it, any other frame begins a new one."""
        position = 0
        while position < len(times):
            if self._open:
                # Distance of all remaining frames to the open entry at once: the first far one ends it.
                far = np.bitwise_count(hashes[0, position:] ^ self.hashes[-1][0]).sum(axis=1) >= self._change_bits
                position += int(np.argmax(far)) if far.any() else len(far)
                self.ends[-1] = float(times[min(position, len(times) - 1)])
                if position == len(times):
                    break
            self._begin(float(times[position]), hashes[:, position], int(qualities[position]))
            position += 1
        if len(times) > 1:
            self.step_s = float(np.median(np.diff(times)))

    def interrupt(self, time_s: float) -> None:
        """The region is not there any more from this time on."""
        if self._open:
            self.ends[-1] = time_s
            self._open = False

    def _begin(self, time_s: float, hashes: PackedHashes, quality: int) -> None:
        self.starts.append(time_s)
        self.ends.append(time_s)
        self.hashes.append(hashes)
        self.qualities.append(quality)
        self._open = True


_Number = TypeVar("_Number", bound=np.generic)


def _joined(parts: Sequence[npt.NDArray[_Number]], empty: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    return np.concatenate(parts) if len(parts) else empty
