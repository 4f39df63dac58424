"""Where each sample of a sound track lies: one timeline for sound, which is that of the pictures. Pure: no decoder, no file.

0 s is the first frame of the main track of pictures, so that a fingerprint's times have one meaning; where a file has no
pictures it is the first sample. Times are not negative, so sound before the first picture has no place on the timeline: it is
cut off, and that is said if it is long enough to have hidden something. Shifting everything instead would move the pictures of
a file by whether its sound was wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.sound import FRAME_S, SAMPLE_RATE
from vhashdb.video.clock import ANEW_S, MOST_IN_GAPS_S, SHORT_GAP_S, STANDS_S
from vhashdb.video.frames import SoundBlock

BLOCK_SAMPLES: Final = 32_768
"""Samples of a block, but for the last one before a gap. Engineering bound: 4 s, 64 kB."""
SLACK_S: Final = 2 * FRAME_S
"""Seconds by which a time may differ from where the samples before it end, and still follow on. Derived: two frames of the spectrum, of
which landmarks are made; more than containers round times by."""
FILLED_S: Final = STANDS_S
"""Seconds of a gap that are filled with silence; after a longer one a block begins later. Engineering bound: as long as the longest
picture, so that short gaps do not interrupt a spectrum and long ones take no room."""

Samples = npt.NDArray[np.int16]
"""Array of shape ``(n,)``, dtype int16, of `SAMPLE_RATE`."""


class SoundClock:
    """Say for each decoded frame whether it follows on, or where a new run begins; in seconds of the container's own count.

    A run is what follows on sample by sample: times in containers are rounded and jitter, counting samples does not. A new one
    begins where a time is off by more than `SLACK_S`: later after a gap, earlier where sound overlaps. A time that goes back
    by `ANEW_S` begins the count anew, and one that stands still says nothing: both follow on, as frames of pictures do
    (`vhashdb.video.clock`).
    """

    def __init__(self) -> None:
        self.first_s: float | None = None
        """Where the first run begins."""
        self.end_s = 0.0
        """Where the last frame ends."""
        self.moved_up_s = 0.0
        """Seconds by which sound was moved up, because there was too long a time without any."""
        self._shift = 0.0
        self._gaps_s = 0.0
        self._stamp = 0.0

    def tick(self, stamp: float | None, seconds: float) -> float | None:
        """Return where a run begins with the next frame, or None if the frame follows on.

        Args:
            stamp: what the container says of when it is heard, if anything.
            seconds: for how long.
        """
        if stamp is not None and self.first_s is not None and -SLACK_S <= self.end_s - stamp + self._shift <= SLACK_S:
            self._stamp = stamp  # nearly always, so without any call
            self.end_s += seconds
            return None
        start_s = self._start(stamp)
        if self.first_s is None:
            self.first_s = start_s
        self.end_s = (self.end_s if start_s is None else start_s) + seconds
        self._stamp = self._stamp if stamp is None else stamp
        return start_s

    def _start(self, stamp: float | None) -> float | None:
        if self.first_s is None:
            return stamp or 0.0
        if stamp is None:
            return None
        early_s = self.end_s - (stamp - self._shift)
        if early_s > 0:
            if early_s > ANEW_S:
                self._shift -= early_s
                return None
            return None if stamp <= self._stamp else stamp - self._shift
        if self._gaps_s - early_s > MOST_IN_GAPS_S:
            moved_s = -early_s - SHORT_GAP_S
            self._shift, self.moved_up_s = self._shift + moved_s, self.moved_up_s + moved_s
        self._gaps_s += stamp - self._shift - self.end_s
        return stamp - self._shift


class SoundTimeline:
    """Put the samples of one track on the timeline, and hand them on in blocks: in order, none twice, none before 0."""

    def __init__(self, number: int, longest_s: float, hear: Callable[[SoundBlock], None]) -> None:
        """``number``: of the track; ``longest_s``: seconds after which no more are taken; ``hear``: takes each block."""
        self._number, self._most, self._hear = number, round(longest_s * SAMPLE_RATE), hear
        self._held: list[tuple[float, int, Samples]] = []
        self._zero_s: float | None = None
        self._block: list[Samples] = []
        self._filled = self._taken = 0
        self._end = 0
        self.held_s = 0.0
        """Seconds of samples that wait until it is known where the timeline begins."""
        self.before_s = 0.0
        """Seconds that were cut off because they lie before it."""
        self.start_s: float | None = None
        """Where the first sample lies; None as long as there is none."""
        self.silence_s = 0.0
        """Seconds of silence that were put into gaps."""
        self.limited = False
        """Whether there was more than is taken."""

    @property
    def taken_s(self) -> float:
        """Seconds of samples that were taken, without the silence in gaps."""
        return self._taken / SAMPLE_RATE - self.silence_s

    @property
    def end_s(self) -> float:
        """Where the last sample ends."""
        return self._end / SAMPLE_RATE

    def put(self, run_s: float, offset: int, samples: Samples) -> None:
        """Take samples that begin ``offset`` samples after the beginning of a run, which is given in the container's count."""
        if self._zero_s is None:
            self._held.append((run_s, offset, samples))
            self.held_s += len(samples) / SAMPLE_RATE
        else:
            self._place(round((run_s - self._zero_s) * SAMPLE_RATE) + offset, samples)

    def begin(self, zero_s: float) -> None:
        """Let the timeline begin at a time of the container's count, and take what was held."""
        self._zero_s = zero_s
        held, self._held, self.held_s = self._held, [], 0.0
        for run_s, offset, samples in held:
            self.put(run_s, offset, samples)

    def finish(self) -> None:
        """Hand on what is left."""
        self._hand_on(self._filled)

    def _place(self, first: int, samples: Samples) -> None:
        covered = min(max(0, self._end - first), len(samples))
        if first < 0:
            self.before_s += min(-first, len(samples)) / SAMPLE_RATE
        samples, first = samples[covered:], first + covered
        self.limited = self.limited or (len(samples) > 0 and self._taken >= self._most)
        if not len(samples) or self.limited:
            return
        if self.start_s is None:
            self.start_s, self._end = first / SAMPLE_RATE, first
        gap = first - self._end
        if 0 < gap <= FILLED_S * SAMPLE_RATE:
            self._append(np.zeros(gap, np.int16))
            self.silence_s += gap / SAMPLE_RATE
        elif gap:
            self._hand_on(self._filled)
            self._end = first
        self._append(samples)

    def _append(self, samples: Samples) -> None:
        room = self._most - self._taken
        self.limited = len(samples) > room
        samples = samples[:room]
        self._block.append(samples)
        self._filled += len(samples)
        self._taken += len(samples)
        self._end += len(samples)
        self._hand_on(self._filled // BLOCK_SAMPLES * BLOCK_SAMPLES)

    def _hand_on(self, count: int) -> None:
        """Hand on the first so many of the samples that wait."""
        if not count:
            return
        waiting = np.concatenate(self._block)
        start = self._end - self._filled
        for first in range(0, count, BLOCK_SAMPLES):
            part = waiting[first : min(first + BLOCK_SAMPLES, count)]
            self._hear(SoundBlock(self._number, (start + first) / SAMPLE_RATE, part))
        self._block, self._filled = ([waiting[count:]] if count < len(waiting) else []), len(waiting) - count
