"""When each frame is shown: one clock for every container that FFmpeg reads.

Containers say it in different ways. Most have presentation times. AVI has only decode times, which FFmpeg hands out as
if they were presentation times, so that reordered frames have each other's; raw streams (H.264, HEVC, VVC, MPEG) have none at
all. Either way a decoder returns frames in the order in which they are shown, so the n-th frame is shown at the n-th smallest
of the packets' times. Some containers begin at any number, restart in the middle, leave out hours in which nothing happened,
or give two frames the same time.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av.error
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

STANDS_S: Final = 60.0
"""Seconds that a frame is taken to be shown when the next one comes later and nothing says for how long it is. Engineering bound."""
_STANDS_STEPS: Final = 3.0
"""The same in steps, where frames are regularly further apart than that. Engineering bound."""
ANEW_S: Final = 1.0
"""Seconds before the last frame from which a time restarts the count; a nearer one is only out of order. Engineering bound."""
MOST_IN_GAPS_S: Final = 12 * 3600.0
"""Seconds without any frame that a timeline may hold; what comes after more of them is moved up. Engineering bound: timelines as long as
that cannot be compared as finely."""
SHORT_GAP_S: Final = 1.0
"""Seconds that remain of a gap that is moved up. Engineering bound: as long as the gap between two tracks."""
_PEEKED: Final = 24
"""Packets examined in advance. Derived: more than the 16 frames by which codecs reorder."""
_FEW: Final = 8
"""Packets that tell the frame rate where the header's is made up. Engineering bound."""
_REORDER: Final = 17
"""Frames that a decoder holds back at most, and one. Given by H.264 and HEVC, which reorder by 16."""
_OWN_STEPS: Final = 1.5
"""Steps from which a frame's own duration counts against the rate. Engineering bound: a shorter one is the rate, rounded."""
_FALLBACK_STEP_S: Final = 0.04
"""Seconds between frames where nothing says. Engineering bound: 25 frames a second."""

if TYPE_CHECKING:
    VideoPacket = Packet[VideoStream]


class PacketTimes:
    """Yield the packets of one stream in coding order; say whether their times can be believed, and repair those that cannot."""

    def __init__(self, stream: VideoStream, packets: Iterator[VideoPacket], step_s: float) -> None:
        self._packets, self._step_s = packets, step_s
        self._base = stream.time_base or Fraction(1, 90_000)
        self._peeked: deque[VideoPacket] = deque()
        self._pending: list[int] = []
        self._next = 0
        self._first_s: float | None = None
        self.spacing_s = 0.0
        """How far the first frames are apart, on average; 0 if that is not known."""
        self._broken: av.error.FFmpegError | None = None
        self.by_order = self._peek(bool(stream.codec_context.has_b_frames))
        """Frames are to be timed by their order, because the packets' times do not say when they are shown."""

    def __iter__(self) -> Iterator[VideoPacket]:
        while self._peeked:
            yield self._prepared(self._peeked.popleft())
        if self._broken is not None:
            raise self._broken
        for packet in self._packets:
            yield self._prepared(packet)

    @property
    def end_s(self) -> float:
        """Seconds at which the packets end that were timed here; 0 if their own times are believed."""
        return float(self._next * self._base) - (self._first_s or 0.0) if self.by_order else 0.0

    def shown(self, frame: VideoFrame) -> float | None:
        """Return when a frame is shown, in seconds of the file's own count; None if nothing says."""
        if not self.by_order or frame.pts is None:
            return frame.time
        # Packets that gave no frame are lost: their times must not be handed to the frames after them.
        oldest = frame.pts - _REORDER * max(1, round(self._step_s / self._base))
        while self._pending and self._pending[0] < oldest:
            heapq.heappop(self._pending)
        return float((heapq.heappop(self._pending) if self._pending else frame.pts) * self._base)

    def _peek(self, moved: bool) -> bool:
        """Say whether the first packets have no presentation times, or none that shows reordering although there is some."""
        last, increasing, times = -math.inf, True, list[int]()
        while len(self._peeked) < _PEEKED:
            try:
                packet = next(self._packets, None)
            except av.error.FFmpegError as error:  # the reading will come to it
                self._broken = error
                break
            if packet is None:
                break
            self._peeked.append(packet)
            if not packet.size:
                break
            if packet.pts is None:
                return True
            times.append(packet.pts)
            increasing = increasing and packet.pts > last
            last = packet.pts
            if len(times) >= _FEW and not (moved and increasing):
                break
        if len(times) > 1:
            self.spacing_s = float((max(times) - min(times)) * self._base) / (len(times) - 1)
        return moved and increasing and len(self._peeked) > 2

    def _prepared(self, packet: VideoPacket) -> VideoPacket:
        """Return the packet, with a time made here if its own cannot be used."""
        if self.by_order and packet.size:
            time = packet.pts if packet.pts is not None else packet.dts
            time = self._next if time is None else int(time)
            if self._first_s is None:
                self._first_s = float(time * self._base)
            self._next = time + (packet.duration or max(1, round(self._step_s / self._base)))
            packet.pts = time
            heapq.heappush(self._pending, time)
        return packet


class Clock:
    """Count seconds since the first frame; never run backwards."""

    def __init__(self, step_s: float, *, each_its_own: bool = False) -> None:
        """``step_s`` is the usual time between frames; ``each_its_own``: each frame says itself how long it is shown."""
        self.step_s = step_s
        self._each_its_own = each_its_own
        self._shift: float | None = None
        self._last = -step_s
        self._shown_s = step_s
        self._backwards = 0
        self.first_s = 0.0
        """Time of the first frame, in the file's own count."""
        self.hole_s = 0.0
        """Seconds before the last frame in which none was shown."""
        self.holes_s = 0.0
        """All such seconds so far."""
        self.moved_up_s = 0.0
        """Seconds by which frames were moved up, because there was too long a time without any."""

    def tick(self, stamp: float | None, shown_s: float | None) -> float:
        """Return the time of the next frame, given what the file says of when and for how long it is shown."""
        time_s = self._last + self.step_s if stamp is None else self._since_first(stamp)
        self.hole_s = 0.0
        longest = max(STANDS_S, self._shown_s, _STANDS_STEPS * self.step_s)
        if time_s - self._last > longest and self._last >= 0:
            self.hole_s = time_s - self.end_s
            if self.holes_s + self.hole_s > MOST_IN_GAPS_S:
                moved = self.hole_s - SHORT_GAP_S
                self._shift = (self._shift or 0.0) + moved
                self.moved_up_s, self.hole_s, time_s = self.moved_up_s + moved, SHORT_GAP_S, time_s - moved
            self.holes_s += self.hole_s
        self._last = time_s
        # A rate is more precise than whole milliseconds, so it is used where both agree.
        own = shown_s or 0.0
        self._shown_s = own if own and (self._each_its_own or _OWN_STEPS * self.step_s < own <= STANDS_S) else self.step_s
        return time_s

    def _since_first(self, stamp: float) -> float:
        if self._shift is None:
            self._shift = self.first_s = stamp
        time_s = stamp - self._shift
        if time_s > self._last:
            self._backwards = 0
            return time_s
        if time_s < self._last - ANEW_S:  # the count begins anew: go on from the last frame
            time_s = self._last + self.step_s
            self._shift = stamp - time_s
            return time_s
        # A single late frame is put half a step after the last; if times stand still, frames advance by full steps.
        self._backwards += 1
        return self._last + (self.step_s / 2 if self._backwards == 1 else self.step_s)

    @property
    def end_s(self) -> float:
        """Seconds at which the last frame ends."""
        return self._last + self._shown_s

    @property
    def pictures_s(self) -> float:
        """Seconds in which a frame is shown."""
        return max(0.0, self.end_s - self.holes_s)


def step_of(stream: VideoStream) -> float:
    """Return the usual time between frames of a stream, in seconds."""
    rate = stream.average_rate or stream.guessed_rate
    return 1 / float(rate) if rate else _FALLBACK_STEP_S
