"""Decode pictures with PyAV: read the tracks of pictures in a container one after the other, give luma planes with their times.

Runs in the child process. Sound is decoded on the way, by `vhashdb.video.sound`, from the same packets as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, cast

import av.error
import numpy as np
import numpy.typing as npt
from av.codec.context import ThreadType
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from vhashdb.coverage import LEAST_RUN_S, PictureTrack
from vhashdb.errors import LimitExceeded, NotMedia, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.text import counted
from vhashdb.video.clock import Clock, PacketTimes, step_of
from vhashdb.video.demuxing import av_errors, codec_of, declared_duration, opened_container, picture_tracks
from vhashdb.video.files import ends_early
from vhashdb.video.frames import (
    FRAME_DTYPE,
    KEYFRAME_STANDS_S,
    THUMBNAIL_SIDE,
    FrameBatch,
    Mode,
    Sampling,
    SoundBlock,
    fill_frame,
    fill_from_thumbnail,
)
from vhashdb.video.losses import Losses
from vhashdb.video.sound import SoundReader

BATCH: Final = 16
"""Frames per batch. Engineering bound: about 280 kB."""

# Pixel formats whose first plane is 8-bit luma, so that no conversion is needed.
_LUMA_FORMATS: Final = frozenset(
    {"gray", "nv12", "nv21", "nv16", "nv24"}
    | {f"yuv{layout}p" for layout in ("410", "411", "420", "422", "440", "444")}
    | {f"yuvj{layout}p" for layout in ("411", "420", "422", "440", "444")}
    | {f"yuva{layout}p" for layout in ("420", "422", "444")}
)
_ANIMATIONS: Final = frozenset({"apng", "gif"})
"""Codecs of small animations: decoding all of them costs nothing, few frames decode alone, each says how long it is shown."""
_FULL_RANGE: Final = 2
"""Code of full-range luma. Given by FFmpeg (``AVCOL_RANGE_JPEG``)."""
_STUDIO_SCALE: Final = 255 / 219
"""Factor from studio range to full range. Given by ITU-R BT.601: luma spans 16 to 235."""
_FRAMES_PER_SAMPLE: Final = 2.9
"""Frames per sample from which frames that no other refers to are not decoded at all: half of them, in common encodes. Measured:
`bench.speed`, a third less work, and a neighbour does as well. A stretch where that leaves a gap ends it for the file."""
_UNFILTERED: Final = "bidir"
"""Frames whose block edges are not smoothed where PDQ is estimated from thumbnails: those predicted both ways, to which few others refer.
Measured when it was chosen, by no command that is kept: 0.1 of 256 bits on average, where leaving it out for all frames changes 5 to 15;
`bench.speed` shows the effect of another value, a twentieth of decoding."""
_WIDEST_GAP_STEPS: Final = 1.5
"""Steps between two samples from which all frames are decoded again. Engineering bound."""
_SHORTFALL_S: Final = LEAST_RUN_S
"""Seconds missing against the header that are not reported; where the file is known to be cut off, this bound applies alone. Derived
from `LEAST_RUN_S`."""
_END_TOLERANCE: Final = 0.05
"""Share missing against the header that is not reported. Engineering bound: headers count sound too."""
_ALONE_S: Final = 5.0
"""Seconds that a single keyframe may stand for. Engineering bound: one frame says little of a scene, so the rest is decoded."""
RAISE_PIXELS: Final = "raise the limit on pixels if it is meant to be this large"
RAISE_MEMORY: Final = "raise the limit on memory if it is meant to be this large"
_ONLY_PICTURES: Final = "only files with pictures can be checked, unless sound is looked at too"


class Budget:
    """Say what may still be decoded of one file, over all its tracks."""

    def __init__(self, limits: Limits) -> None:
        self.seconds, self.frames = limits.duration_s, limits.frames


class VideoContainer:
    """Read the tracks of pictures in one container, the main one first; of no other is anything read until it is asked for."""

    def __init__(
        self,
        path: str,
        sampling: Sampling,
        limits: Limits,
        budget: Budget,
        window: tuple[int, int] | None = None,
        hear: Callable[[SoundBlock], None] | None = None,
    ) -> None:
        """``window``: first byte and the one past the last, where the container is part of a file; ``hear``: takes sound, if wanted."""
        self._path, self._window, self._hear = path, window, hear
        self._sampling, self._limits, self._budget = sampling, limits, budget
        self.beyond = 0
        """Tracks that are more than the limit allows."""
        self.sound: SoundReader | None = None
        """The sound, once it was read beside the main track of pictures, or alone."""

    def passes(self) -> Iterator[VideoTrackPass]:
        """Yield a pass over each track of pictures, to be read to its end before the next one is asked for; sound is read with the first.

        Raises:
            NotMedia: there are no pictures, and sound is not wanted.
        """
        with opened_container(self._path, self._window) as container:
            order = picture_tracks(container, self._limits)
            if not order and self._hear is None:
                raise NotMedia(f"{self._path}: no video track in it (audio or data only)", hint=_ONLY_PICTURES)
            self.beyond = max(0, len(order) - self._limits.tracks)
            del order[self._limits.tracks :]
            cut_off = ends_early(self._path, self._window)
            # When a cover is shown says nothing of when the sound begins.
            together = bool(order) and not container.streams[order[0]].disposition & Disposition.attached_pic
            if together or self._hear is None:
                sound = None if self._hear is None else SoundReader(container, self._limits, self._hear, cut_off=cut_off)
                yield self._pass(container, order[0], cut_off, sound)
                del order[0]
                if sound is not None and sound.begun:
                    sound.finish()
                    self.sound = sound
        if self.sound is None:
            self._hear_alone()
        for number in order:
            # From the start again: not every container can be wound back.
            with opened_container(self._path, self._window) as container:
                yield self._pass(container, number, cut_off)

    def _hear_alone(self) -> None:
        """Read the sound without the pictures, if it is wanted: its timeline begins with its first sample."""
        if self._hear is None:
            return
        with opened_container(self._path, self._window) as container:
            picture_tracks(container, self._limits)  # for the limit on streams
            self.sound = SoundReader(container, self._limits, self._hear, cut_off=ends_early(self._path, self._window))
            self.sound.read(container)

    def _pass(self, container: InputContainer, number: int, cut_off: bool, sound: SoundReader | None = None) -> VideoTrackPass:
        stream = container.streams[number]
        made = VideoTrackPass(self._path, container, stream, self._sampling, self._limits, self._budget, cut_off, sound)
        made.beside_sound = self.sound is not None and self.sound.heard
        return made


class VideoTrackPass:
    """Decode one track: iterate for batches, with times since its first frame; the other members are known afterwards."""

    def __init__(
        self,
        path: str,
        container: InputContainer,
        stream: Stream,
        sampling: Sampling,
        limits: Limits,
        budget: Budget,
        cut_off: bool,
        sound: SoundReader | None = None,
    ) -> None:
        """``sound``: is fed from the same packets, and told where its timeline begins; whoever made it finishes it."""
        self._sound = sound
        self._path, self._container, self._sampling, self._limits, self._budget = path, container, sampling, limits, budget
        self._stream, self._cut_off = stream, cut_off
        self._scaler = VideoReformatter()
        self._damaged_packets = self._packets = 0
        self._failing = False
        self._turns: int | None = None
        self._lost = Losses()
        self.frames = self.damaged_frames = 0
        """Frames decoded, and how many of them the decoder had to make up in part."""
        self.damage: list[str] = []
        self.unseen: list[str] = []
        """What was not looked at and counts, in sentences; they are in ``damage`` too."""
        self.duration_s = 0.0
        """From the first frame to the end of the last one."""
        self.sparse = False
        self.empty = False
        """Whether there is such a track, but nothing in it."""
        self._pictures_s = 0.0
        self.cover = bool(stream.disposition & Disposition.attached_pic)
        self.beside_sound = False
        """Whether sound of the container was read before."""
        self.rotation = 0
        self.track = PictureTrack(stream.index, *codec_of(stream))

    @property
    def skipped(self) -> bool:
        """Whether it is a cover picture that the sampling leaves out."""
        return self.cover and not self._sampling.covers and (len(self._container.streams.video) > 1 or self.beside_sound)

    def __iter__(self) -> Iterator[FrameBatch]:
        with av_errors(self._path):
            yield from self._read()

    def _read(self) -> Iterator[FrameBatch]:
        stream, limits = self._stream, self._limits
        if not isinstance(stream, VideoStream) or not self.track.codec:
            raise UnreadableMedia(f"{self._path}: its codec is not known")
        if self.track.width * self.track.height > limits.pixels:
            raise LimitExceeded(f"{self._path}: {self.track.width} × {self.track.height} pixels", hint=RAISE_PIXELS)
        context = stream.codec_context
        context.thread_count = self._sampling.threads
        context.thread_type = ThreadType.AUTO if self._sampling.threads != 1 else ThreadType.NONE
        if not self._sampling.exact:
            context.options = {"skip_loop_filter": _UNFILTERED}
        if context.name in _ANIMATIONS and self._sampling.mode is Mode.KEYFRAMES:
            self._sampling = replace(self._sampling, mode=Mode.SAMPLED)
        keyframes = self._sampling.mode is Mode.KEYFRAMES
        declared = None if self.cover else declared_duration(self._container, stream)
        batch, filled = np.zeros(BATCH, FRAME_DTYPE), 0
        sampling, rate, due_s = self._sampling, self._sampling.rate, 0.0
        clock = Clock(step_of(stream), each_its_own=context.name in _ANIMATIONS)
        packets = PacketTimes(stream, self._demultiplexed(stream), clock.step_s)
        frames_per_sample = 1 / max(clock.step_s, packets.spacing_s / 2) / rate
        if self._sampling.mode is Mode.SAMPLED and not packets.by_order and frames_per_sample >= _FRAMES_PER_SAMPLE:
            context.skip_frame = "NONREF"
        last_s, ended_s, hole_s = 0.0, 0.0, 0.0
        limited = False
        tick_s = float(stream.time_base or 0)  # of frames as well; reading it from each of them takes as long as hashing it
        for frame in self._frames(packets, stream):
            own_s = frame.duration * tick_s or None
            time_s = clock.tick(frame.time if keyframes else packets.shown(frame), own_s)
            end_s, pictures_s, corrupt = clock.end_s, clock.pictures_s, frame.is_corrupt  # each takes a while to ask for
            if pictures_s > self._budget.seconds or self.frames >= self._budget.frames:
                limited = True
                break
            self.frames += 1
            if self._sound is not None and self.frames == 1:
                self._sound.begin(clock.first_s)
            hole_s += clock.hole_s
            if self._failing and not clock.hole_s:
                hole_s += self._lost.piece(time_s - ended_s)
            self._failing = False
            self._lost.made_up(clock.step_s if corrupt else 0.0)
            self.damaged_frames += corrupt
            if time_s - last_s > _WIDEST_GAP_STEPS / rate:
                context.skip_frame = "DEFAULT"
            if keyframes and self.frames > 1 and time_s - last_s > KEYFRAME_STANDS_S:
                hole_s, self.sparse = time_s - last_s - KEYFRAME_STANDS_S, True
            last_s, ended_s, self.duration_s, self._pictures_s = time_s, end_s, end_s, pictures_s
            if not sampling.due(time_s, due_s):
                continue
            due_s = sampling.next_due_s(time_s)
            self._fill(frame, batch[filled])
            batch["time_s"][filled], batch["hole_s"][filled], hole_s = time_s, min(hole_s, time_s), 0.0
            filled += 1
            if filled == BATCH:
                yield batch
                batch, filled = np.zeros(BATCH, FRAME_DTYPE), 0
        if filled:
            yield batch[:filled]
        self._conclude(clock, declared, packets.end_s, limited)

    def _demultiplexed(self, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """Yield the packets of the pictures; those of sound, if it is wanted, are handed on as they come between them."""
        sound = self._sound
        if sound is None or not sound.streams:
            yield from self._container.demux(stream)
            return
        number = stream.index
        starts_s = float(stream.start_time * stream.time_base) if stream.start_time is not None and stream.time_base else None
        for packet in self._container.demux(stream, *sound.streams):
            # The packets at the end, which have nothing in them, all claim to be of stream 0.
            if (packet.stream_index if packet.size else packet.stream.index) == number:
                yield cast("Packet[VideoStream]", packet)
            elif packet.size:
                sound.feed(packet, starts_s)

    def _frames(self, packets: PacketTimes, stream: VideoStream) -> Iterator[VideoFrame]:
        """Yield decoded frames; a packet that cannot be decoded is counted and skipped."""
        keyframes = self._sampling.mode is Mode.KEYFRAMES
        if keyframes and not packets.by_order:
            # Containers with an index then do not even read the rest. FFmpeg's MP4 reader gives such frames a time that
            # is up to a few frames off, which is good enough for a first fingerprint.
            stream.discard = Discard.nonkey
        step = 1 / self._sampling.rate
        due = -np.inf
        following = iter(packets)
        while True:
            try:
                packet = next(following, None)
            except av.error.FFmpegError as error:
                self.damage.append(f"the container breaks off: {error.strerror}")
                self._cut_off = True
                packet = None
            if packet is not None and packet.size and keyframes:
                time_s = float(packet.pts * packet.time_base) if packet.pts is not None and packet.time_base else None
                if not packet.is_keyframe or (time_s is not None and time_s < due):
                    continue
                if time_s is not None:
                    due = time_s + step
            self._packets += packet is not None and packet.size > 0
            try:
                yield from stream.decode(packet) if packet is not None else stream.decode(None)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._damaged_packets += 1
                self._failing = True
            if packet is None or not packet.size:
                return

    def _fill(self, frame: VideoFrame, record: np.void) -> None:
        """Hash one frame at full size and reduce it to its thumbnail."""
        if frame.width * frame.height > self._limits.pixels:
            raise LimitExceeded(f"{self._path}: a frame has {frame.width} × {frame.height} pixels", hint=RAISE_PIXELS)
        if self._turns is None:  # the same for the whole track
            self._turns = round(frame.rotation / 90) % 4
            width, height = (frame.height, frame.width) if self._turns % 2 else (frame.width, frame.height)
            self.track, self.rotation = replace(self.track, width=width, height=height), self._turns * 90
        turns = self._turns
        thumbnail = np.rot90(thumbnail_of(frame, self._scaler), turns)
        if self._sampling.exact:
            luma, scale = self._luma(frame)
            fill_frame(record, np.rot90(luma, turns), thumbnail, scale)
        else:
            fill_from_thumbnail(record, thumbnail, self.track.height, self.track.width)
        record["keyframe"] = frame.key_frame
        if frame.is_corrupt:  # parts of it were concealed by the decoder; estimates from it are no better
            record["quality"] = 0

    def _luma(self, frame: VideoFrame) -> tuple[npt.NDArray[np.uint8], float]:
        """Return the luma plane ``(h, w)``, and what its steps are multiplied by to span 0…255."""
        if frame.format.name in _LUMA_FORMATS:
            full = frame.color_range == _FULL_RANGE or frame.format.name.startswith(("yuvj", "gray"))
            return plane_of(frame), 1.0 if full else _STUDIO_SCALE
        return plane_of(self._scaler.reformat(frame, frame.width, frame.height, "gray", threads=1)), 1.0

    def _conclude(self, clock: Clock, declared: float | None, packets_end_s: float, limited: bool) -> None:
        """Conclude what can be said of the track now that it was read."""
        if not self.frames:
            if limited:
                raise LimitExceeded(f"{self._path}: the limit on length leaves nothing of it")
            self.empty = not self._packets and not self._cut_off and self._sampling.mode is not Mode.KEYFRAMES
            raise UnreadableMedia(f"{self._path}: not one frame could be decoded")
        self._budget.frames -= self.frames
        self._budget.seconds -= self._pictures_s
        keyframes = self._sampling.mode is Mode.KEYFRAMES
        if self._damaged_packets:
            self.damage.append(f"{counted(self._damaged_packets, 'packet')} could not be decoded")
        if self.damaged_frames:
            self.damage.append(
                f"{self.damaged_frames} of {self.frames} pictures {'is' if self.damaged_frames == 1 else 'are'} damaged and not used"
            )
        if clock.moved_up_s:
            self.damage.append(f"{clock.moved_up_s:.0f} s without any picture are left out of the times given here")
        # Some headers count from zero although the pictures begin later: that is not a loss.
        said_s = max(0.0, (declared or 0.0) - max(0.0, clock.first_s) - clock.moved_up_s)
        missing = said_s - self.duration_s
        if self._failing:
            missing = max(missing, clock.step_s)
        seen_s, there_s = max(0.0, self._pictures_s - self._lost.total_s), self._pictures_s
        if limited:
            self._left_out(f"only the first {self.duration_s:.0f} s were looked at: the limit on length was reached")
            there_s = max(there_s, said_s - clock.holes_s)
        elif keyframes:
            self._stand(max(self.duration_s, declared or 0.0, packets_end_s), clock)
            seen_s = there_s = max(seen_s, self.duration_s - clock.holes_s)
        elif missing > max(_SHORTFALL_S, 0.0 if self._cut_off else _END_TOLERANCE * said_s):
            self._left_out(f"the pictures end at {self.duration_s:.1f} s, the header says {declared:.1f} s")
            there_s += missing
        elif self._cut_off:
            self._left_out("the file is cut off: it is shorter than its header says")
        if self._lost.counts(there_s):
            self._left_out(f"{self._lost.total_s:.1f} s of pictures could not be decoded")
        self.track = replace(self.track, duration_s=max(there_s, seen_s), seen_s=seen_s)

    def _stand(self, duration_s: float, clock: Clock) -> None:
        """Let keyframes stand for what follows them, if they are near enough to each other for that."""
        last_s = clock.end_s - clock.step_s
        alone = self.frames == 1 and duration_s > _ALONE_S
        self.sparse = self.sparse or alone or duration_s - last_s > KEYFRAME_STANDS_S or self._cut_off
        self.duration_s = duration_s

    def _left_out(self, words: str) -> None:
        self.damage.append(words)
        self.unseen.append(words)


def thumbnail_of(frame: VideoFrame, scaler: VideoReformatter) -> npt.NDArray[np.uint8]:
    """Reduce the whole picture by area averaging: ``(128, 128)`` uint8."""
    return plane_of(scaler.reformat(frame, THUMBNAIL_SIDE, THUMBNAIL_SIDE, "gray", interpolation=Interpolation.AREA, threads=1))


def plane_of(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """Return the first plane ``(h, w)`` without the padding at the end of its lines; a view of the frame's memory."""
    plane = frame.planes[0]
    pixels = np.frombuffer(cast("Any", plane), np.uint8)  # a buffer, though not every release of the stubs says so
    return pixels[: plane.line_size * plane.height].reshape(plane.height, plane.line_size)[:, : plane.width]
