"""Decode the sound tracks of one container with PyAV: mixed into one channel and resampled, on the timeline of the pictures.

Runs in the child process. Whoever demultiplexes the container hands the packets over, so that pictures and sound are read in one
pass. Decoders give 40 to 50 frames a second; FFmpeg's filters mix and resample those of a second together, and once a second what is
ready is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import ThreadType
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet
from av.stream import Disposition

from vhashdb.coverage import LEAST_RUN_S, SoundTrack
from vhashdb.limits import Limits
from vhashdb.sound import SAMPLE_RATE
from vhashdb.text import counted
from vhashdb.video.demuxing import declared_duration, own_duration
from vhashdb.video.frames import SoundBlock
from vhashdb.video.losses import Losses
from vhashdb.video.sound_timeline import Samples, SoundClock, SoundTimeline

_HELD_S: Final = 60.0
"""Seconds of sound that wait for the first picture; then the header is believed about when that is. Engineering bound: 1 MB."""
MOST_APART_S: Final = 3600.0
"""Seconds between the first picture and the first sample from which their times have nothing to do with each other. Engineering bound:
counters that wrap or begin anywhere differ by half a day and more."""
_RATES: Final = range(1000, 800_000)
"""Samples a second that are read. Engineering bound: filters for others would take a great deal of memory."""
_TAPS: Final = 16
"""Length of the resampler's filter, half of FFmpeg's default. Engineering bound: a third less work, and what it folds back lies over
3.5 kHz."""
_PACKETS: Final = 256
"""Packets that wait to be decoded one after the other: decoders of pictures and of sound displace each other from the processor's cache.
Engineering bound: 5 s of AAC."""
_PACKET_BYTES: Final = 256 << 10
"""Bytes of such packets. Engineering bound: those of uncompressed sound are large."""
_TOGETHER: Final = 1 << 16
"""Samples of all channels that are mixed and resampled together. Engineering bound: 256 kB, which stay in the processor's cache, and a
second of most sounds."""
_UNKNOWN_S: Final = 0.02
"""Seconds that a packet is taken to last of which nothing is known. Given by speech codecs."""
_SHORTFALL_S: Final = LEAST_RUN_S
"""Seconds missing against the header that are not reported. Derived from `LEAST_RUN_S`."""
_END_TOLERANCE: Final = 0.05
"""Share missing against the header that is not reported. Engineering bound: some headers count what is played before the first picture."""
_GUESSED: Final = frozenset("aac ac3 amr dts eac3 mp3".split())
"""Streams without a container, whose length FFmpeg guesses from the size of the file. Given by FFmpeg."""
_UNKNOWN_CODEC: Final = "its codec is not known"


class SoundReader:
    """Decode all sound tracks of one container: feed packets, say where the timeline begins, finish; then read the other members."""

    def __init__(self, container: InputContainer, limits: Limits, hear: Callable[[SoundBlock], None], *, cut_off: bool = False) -> None:
        """``hear`` takes each block as soon as there is one; ``cut_off``: the file is known to be shorter than it should be."""
        streams = sorted(container.streams.audio, key=lambda stream: (not stream.disposition & Disposition.default, stream.index))
        alone = not container.streams.video
        self._tracks = {
            stream.index: _TrackReader(stream, limits.duration_s, hear, _said_duration(container, stream, alone), cut_off)
            for stream in streams[: limits.tracks]
        }
        self._beyond = len(streams) - len(self._tracks)
        self.begun = self._finished = False
        """``begun``: whether it is known where the timeline begins."""
        self._broken = ""

    @property
    def streams(self) -> list[AudioStream]:
        """The streams whose packets are wanted."""
        return [track.stream for track in self._tracks.values() if track.known]

    @property
    def heard(self) -> bool:
        """Whether there was any sample on the timeline."""
        return any(track.timeline.start_s is not None for track in self._tracks.values())

    @property
    def end_s(self) -> float:
        """Where the last sample of any track ends on the timeline; 0 if there is none."""
        return max((track.timeline.end_s for track in self._tracks.values()), default=0.0)

    def feed(self, packet: Packet[Any], pictures_s: float | None = None) -> None:
        """Decode one packet of one of the `streams`.

        Args:
            packet: as it came from the container, with something in it.
            pictures_s: when the pictures begin, as the header says, should that not be known in time.
        """
        track = self._tracks[packet.stream_index]
        track.feed(packet)
        if not self.begun and track.timeline.held_s > _HELD_S:
            self.begin(pictures_s)

    def read(self, container: InputContainer) -> None:
        """Read all packets of the container, where there are no pictures to read beside them: the timeline begins with the first sample."""
        streams = self.streams
        try:
            for packet in container.demux(*streams) if streams else ():
                if packet.size:
                    self.feed(packet)
                if not self.begun and all(self._tracks[stream.index].clock.first_s is not None for stream in streams):
                    self.begin(None)
        except av.error.FFmpegError as error:
            self._broken = f"the container breaks off: {error.strerror}"
        self.begin(None)
        self.finish()

    def begin(self, zero_s: float | None) -> None:
        """Let the timeline begin at a time of the container's count, unless it has begun; None: at the first sample."""
        if self.begun:
            return
        self.begun = True
        for track in self._tracks.values():
            track.decode()  # so that it is known when each begins
        firsts = [track.clock.first_s for track in self._tracks.values() if track.clock.first_s is not None]
        for track in self._tracks.values():
            track.begin(zero_s if zero_s is not None else min(firsts, default=None))

    def finish(self) -> None:
        """Decode what is left, and hand on the last blocks."""
        if not self._finished and self.begun:
            self._finished = True
            for track in self._tracks.values():
                track.finish()

    def described(self) -> tuple[SoundTrack, ...]:
        """Return what there is, and what of it was decoded."""
        return tuple(track.described() for track in self._tracks.values())

    def damage(self) -> list[str]:
        """Return what could not be read, in sentences."""
        several = len(self._tracks) > 1
        said = [
            f"sound track {number}: {words}" if several else f"sound: {words}"
            for number, track in self._tracks.items()
            for words in track.damage()
        ]
        said += [self._broken] if self._broken else []
        if self._beyond > 0:
            said.append(
                f"only {len(self._tracks)} of {len(self._tracks) + self._beyond} sound tracks were read: the limit on tracks was reached"
            )
        return said


class _TrackReader:
    """Decode one sound track."""

    def __init__(
        self, stream: AudioStream, longest_s: float, hear: Callable[[SoundBlock], None], declared_s: float | None, cut_off: bool
    ) -> None:
        self.stream, self._declared_s, self._cut_off = stream, declared_s, cut_off
        context: Any = stream.codec_context
        self.known = context is not None
        self.clock = SoundClock()
        self.timeline = SoundTimeline(stream.index, longest_s, hear)
        self._packets: list[Packet[Any]] = []
        self._bytes = 0
        self._resampler: _Resampler | None = None
        self._run_s: float | None = None
        self._rate = self._offset = self._waiting = 0
        self._given_up = "" if self.known else _UNKNOWN_CODEC
        self._lost = Losses()
        self._damaged_packets = 0
        self._frame_s = _UNKNOWN_S
        self._begun = self._apart = False
        self._zero_s: float | None = None
        language = stream.language or ""
        channels = 0
        if self.known:
            context.thread_count, context.thread_type = 1, ThreadType.NONE
            channels = context.channels
        self._track = SoundTrack(
            stream.index, context.codec.canonical_name if self.known else "", channels, "" if language == "und" else language
        )

    def feed(self, packet: Packet[Any]) -> None:
        """Take one packet, and decode those that wait once they are some; one that cannot be decoded is counted and skipped."""
        self._packets.append(packet)
        self._bytes += packet.size
        if len(self._packets) >= _PACKETS or self._bytes >= _PACKET_BYTES:
            self.decode()

    def decode(self) -> None:
        """Decode the packets that wait."""
        packets, self._packets, self._bytes = self._packets, [], 0
        for packet in packets:
            if self._given_up or self.timeline.limited:
                return
            self._decode(packet)

    def begin(self, zero_s: float | None) -> None:
        """Let the timeline begin at a time of the container's count; None: with the first sample."""
        self._begun, self._zero_s = True, zero_s
        if self.clock.first_s is not None:
            self._settle(self.clock.first_s)

    def _settle(self, first_s: float) -> None:
        """Let the timeline begin, now that it is known when the sound does, in time of the pictures if it has to do with them."""
        zero_s = first_s if self._zero_s is None else self._zero_s
        self._apart = abs(first_s - zero_s) > MOST_APART_S
        self.timeline.begin(first_s if self._apart else zero_s)

    def finish(self) -> None:
        """Decode what is left."""
        self.decode()
        if self.known and not self._given_up and not self.timeline.limited:
            self._decode(None)
            self._end_run()
        self.timeline.finish()

    def _decode(self, packet: Packet[Any] | None) -> None:
        try:
            frames = self.stream.decode(packet)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            if packet is not None:
                self._damaged_packets += 1
                tick_s = float(packet.time_base or 0)
                self._lost.made_up((packet.duration or 0) * tick_s or self._frame_s)
            return
        if frames and self._damaged_packets:
            self._lost.made_up(0.0)
        try:
            for frame in frames:
                self._take(frame)
        except (av.error.FFmpegError, ValueError) as error:
            self._given_up = f"it cannot be converted ({getattr(error, 'strerror', None) or error})"

    def _take(self, frame: AudioFrame) -> None:
        """Give one frame to the resampler, in a new run if it does not follow on. Called 50 times a second: each attribute counts."""
        samples, rate, stamp = frame.samples, frame.sample_rate, frame.time
        clock = self.clock
        before_s = clock.end_s
        self._frame_s = seconds = samples / rate if rate else 0.0
        start_s = clock.tick(stamp, seconds)
        if start_s is None and rate == self._rate and self._resampler is not None:
            try:
                self._resampler.push(frame)
            except av.error.ArgumentError:
                start_s = before_s  # it has another format, or other channels
        elif start_s is None:
            start_s = before_s
        if start_s is not None:
            self._begin_run(start_s, rate, frame)
        self._waiting += samples
        if self._waiting >= rate and self._resampler is not None:
            self._waiting = 0
            self._collect(self._resampler.ready())

    def _begin_run(self, start_s: float, rate: int, frame: AudioFrame) -> None:
        if self._begun and self._run_s is None:
            self._settle(start_s)
        self._end_run()
        if rate not in _RATES:
            raise ValueError(f"{rate} samples a second")
        self._run_s, self._rate, self._offset, self._waiting = start_s, rate, 0, 0
        self._resampler = _Resampler(frame)
        self._resampler.push(frame)

    def _end_run(self) -> None:
        if self._resampler is not None:
            resampler, self._resampler = self._resampler, None
            self._collect(resampler.rest())

    def _collect(self, resampled: Iterator[Samples]) -> None:
        for samples in resampled:
            assert self._run_s is not None
            self.timeline.put(self._run_s, self._offset, samples)
            self._offset += len(samples)

    # -- what is said of it ----------------------------------------------------------------------------

    def described(self) -> SoundTrack:
        """Return what there is, and what of it was decoded."""
        seen_s = self.timeline.taken_s
        there_s = seen_s + self._lost.total_s + self._missing_s()
        if self.timeline.limited:
            there_s = max(there_s, self._declared_s or 0.0)
        return replace(
            self._track, start_s=self.timeline.start_s or 0.0, duration_s=there_s, seen_s=seen_s, unseen=next(iter(self._unseen()), "")
        )

    def damage(self) -> list[str]:
        """Return what could not be read, in sentences."""
        said = list(self._unseen())
        if self._damaged_packets and self.timeline.start_s is not None:
            said.append(f"{counted(self._damaged_packets, 'packet')} could not be decoded")
        if self._apart:
            said.append("its times have nothing to do with those of the pictures, so it is taken to begin with them")
        elif LEAST_RUN_S <= self.timeline.before_s < self._heard_s():
            said.append(f"{self.timeline.before_s:.1f} s before the first picture are left out")
        if self.clock.moved_up_s:
            said.append(f"{self.clock.moved_up_s:.0f} s without any are left out of the times given here")
        return said

    def _unseen(self) -> Iterator[str]:
        """Yield what was not decoded and counts."""
        timeline, heard_s = self.timeline, self._heard_s()
        if self._given_up:
            yield f"{self._given_up}, after {heard_s:.1f} s" if heard_s else self._given_up
        elif timeline.limited:
            yield f"only the first {timeline.end_s:.0f} s were read: the limit on length was reached"
        elif not heard_s and self._damaged_packets:
            yield f"nothing of it could be decoded ({counted(self._damaged_packets, 'packet')})"
        elif heard_s and timeline.start_s is None:
            yield f"all of it ({heard_s:.1f} s) lies before the first picture"
        elif self._lost.counts(heard_s + self._lost.total_s):
            yield f"{self._lost.total_s:.1f} s could not be decoded"
        elif self._missing_s():
            yield f"it ends at {timeline.end_s:.1f} s, {self._missing_s():.1f} s before the header says"
        elif self._cut_off and heard_s:
            yield "the file is cut off: it is shorter than its header says"

    def _heard_s(self) -> float:
        """Return the seconds of samples that there were, wherever they lie."""
        return self.timeline.taken_s + self.timeline.before_s

    def _missing_s(self) -> float:
        """Return the seconds that are missing at the end, by what the header says; 0 if they are too few to be reported."""
        if not self._declared_s or self.clock.first_s is None or self.timeline.limited:
            return 0.0
        # Some headers count from zero although the sound begins later: that is not a loss.
        said_s = self._declared_s - self.clock.moved_up_s - max(0.0, self.clock.first_s)
        missing_s = said_s - (self.clock.end_s - self.clock.first_s)
        return missing_s if missing_s > max(_SHORTFALL_S, 0.0 if self._cut_off else _END_TOLERANCE * self._declared_s) else 0.0


class _Resampler:
    """Mix and resample one run of frames of one form, with FFmpeg's filters."""

    def __init__(self, first: AudioFrame) -> None:
        """Take the form from the first frame, which is not pushed.

        Raises:
            av.error.FFmpegError: nothing converts frames of this form.
        """
        channels = first.layout.nb_channels
        try:
            self._configure(first, [("aresample", "ochl=mono:osf=fltp:rematrix_maxval=1")] if channels > 1 else [])
        except av.error.FFmpegError:
            # Channels that stand for no place have no usual way of being mixed: each counts alike.
            self._configure(first, [("pan", f"mono|c0<{'+'.join(f'c{number}' for number in range(channels))}")])

    def _configure(self, first: AudioFrame, mixing: list[tuple[str, str]]) -> None:
        self._graph = graph = Graph()
        graph.threads = 1
        given = {"sample_rate": first.sample_rate, "sample_fmt": first.format.name, "channel_layout": first.layout.name}
        self._source = graph.add("abuffer", **{name: str(value) for name, value in given.items()}, time_base=f"1/{first.sample_rate}")
        together = max(1, min(first.sample_rate, _TOGETHER // first.layout.nb_channels))
        steps = [
            ("asetnsamples", f"n={together}:p=0"),
            *mixing,
            ("aresample", f"{SAMPLE_RATE}:ochl=mono:osf=s16:tsf=fltp:rematrix_maxval=1:filter_size={_TAPS}"),
        ]
        self._sink = graph.add("abuffersink")
        graph.link_nodes(self._source, *(graph.add(name, options) for name, options in steps), self._sink)
        graph.configure()

    def push(self, frame: AudioFrame) -> None:
        """Take one more frame."""
        frame.pts = None  # counted from here on
        self._source.push(frame)

    def ready(self) -> Iterator[Samples]:
        """Yield what is resampled by now: ``(n,)`` int16."""
        while True:
            try:
                frame: Any = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield np.frombuffer(frame.planes[0], np.int16)[: frame.samples].copy()

    def rest(self) -> Iterator[Samples]:
        """Yield all that is left, now that the run has ended."""
        self._source.push(None)
        yield from self.ready()


def _said_duration(container: InputContainer, stream: AudioStream, alone: bool) -> float | None:
    """Return the seconds that the header says a track has; None where that is a guess, or of the pictures."""
    if container.format.name in _GUESSED:
        return None
    return declared_duration(container, stream) if alone else own_duration(stream)
