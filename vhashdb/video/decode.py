"""PyAV: open a container, pick the picture stream, give luma planes with their times. Runs in the child process.

The only module that imports `av`.
"""

from __future__ import annotations

import contextlib
import errno
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, cast

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.codec.context import ThreadType
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from vhashdb.errors import DecoderFailed, LimitExceeded, MediaError, MediaNotFound, NotMedia, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.video.frames import FRAME_DTYPE, SKETCH, FrameBatch, Mode, Sampling, VideoInfo, fill_frame, fill_from_sketch
from vhashdb.video.source import opened

BATCH: Final = 16
"""Frames per batch: about 280 kB."""

# Containers that hold their own pictures. Playlists (hls, dash, concat) and device or network inputs would make the
# decoder open other files, so they are not in the list, and no protocol is that could open one: the file is open already.
FORMATS: Final = (
    "aac,ac3,aiff,amr,apng,asf,av1,avi,avs2,bmp_pipe,cavsvideo,dirac,dnxhd,dv,eac3,flac,flv,gif,gxf,h261,h263,h264,hevc,"
    "ivf,ivr,jpeg_pipe,m4v,matroska,webm,mjpeg,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpegvideo,mxf,nsv,nut,obu,ogg,"
    "png_pipe,psxstr,rawvideo,rm,roq,smk,swf,vc1,vc1test,vvc,wav,webp_pipe,wtv,yuv4mpegpipe"
)
OPEN_OPTIONS: Final = {"protocol_whitelist": "none", "format_whitelist": FORMATS}

# Pixel formats whose first plane is 8-bit luma, so that no conversion is needed.
_LUMA_FORMATS: Final = frozenset(
    {"gray", "nv12", "nv21", "nv16", "nv24"}
    | {f"yuv{layout}p" for layout in ("410", "411", "420", "422", "440", "444")}
    | {f"yuvj{layout}p" for layout in ("411", "420", "422", "440", "444")}
    | {f"yuva{layout}p" for layout in ("420", "422", "444")}
)
_ANIMATIONS: Final = frozenset({"apng", "gif"})
"""Codecs of little pictures: decoding all of them costs nothing, few of them decode alone, each says how long it is shown."""
_FULL_RANGE: Final = 2
_STUDIO_SCALE: Final = 255 / 219
# At this many frames per look, frames that no other frame refers to (half of them, in common encodes) are not decoded
# at all: a third less work, and a neighbour does as well. A stretch where that leaves a gap ends it for the file.
_FRAMES_PER_LOOK: Final = 2.9
_WIDEST_GAP: Final = 1.5
_SHORTFALL_S: Final = 1.0  # a shortfall against the header smaller than this is not worth a word
_END_TOLERANCE: Final = 0.05


class Reading:
    """One pass over one file: iterate for batches, then read ``info``."""

    def __init__(self, path: str, sampling: Sampling, limits: Limits) -> None:
        self._path, self._sampling, self._limits = path, sampling, limits
        self._scaler = VideoReformatter()
        self._damaged_packets = self._damaged_frames = 0
        self._damage: list[str] = []
        self._turns: int | None = None
        self._end_s = 0.0
        self.info = VideoInfo()

    def __iter__(self) -> Iterator[FrameBatch]:
        options: dict[str, Any] = {"options": dict(OPEN_OPTIONS), "metadata_errors": "replace"}
        with av_errors(self._path), opened(self._path) as file, av.open(file, "r", **options) as container:
            yield from self._read(container)

    def _read(self, container: InputContainer) -> Iterator[FrameBatch]:
        stream = _picture_stream(container, self._limits)
        context = stream.codec_context
        context.thread_count = self._sampling.threads
        context.thread_type = ThreadType.AUTO if self._sampling.threads != 1 else ThreadType.NONE
        if context.name in _ANIMATIONS and self._sampling.mode is Mode.KEYFRAMES:
            self._sampling = replace(self._sampling, mode=Mode.SAMPLED)
        declared = _declared_duration(container, stream)
        self.info = VideoInfo(width=stream.width or 0, height=stream.height or 0, codec=context.name)
        batch, filled, count = np.zeros(BATCH, FRAME_DTYPE), 0, 0
        due, rate, everything = 0.0, self._sampling.rate, self._sampling.mode is Mode.FULL
        clock = _Clock(stream)
        if self._sampling.mode is Mode.SAMPLED and 1 / clock.step_s >= _FRAMES_PER_LOOK * rate:
            context.skip_frame = "NONREF"
        last_s = 0.0
        for frame in self._frames(container, stream):
            count += 1
            time_s = clock.time_of(frame)
            self._end_s = max(self._end_s, clock.end_s)
            self._damaged_frames += bool(frame.is_corrupt)
            if time_s - last_s > _WIDEST_GAP / rate:
                context.skip_frame = "DEFAULT"
            last_s = time_s
            if time_s > self._limits.duration_s or count > self._limits.frames:
                self._damage.append(f"only the first {time_s:.0f} s were looked at: the limit on length was reached")
                break
            if not everything:
                if time_s < due - 1e-6:
                    continue
                # The next look is due on the clock's grid, so that uneven frame times do not lower the rate.
                due = (math.floor(time_s * rate + 1e-6) + 1) / rate
            self._look(frame, batch[filled])
            batch["time_s"][filled] = time_s
            filled += 1
            if filled == BATCH:
                yield batch
                batch, filled = np.zeros(BATCH, FRAME_DTYPE), 0
        if filled:
            yield batch[:filled]
        self._conclude(count, declared, clock.first_s)

    def _frames(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """Decoded frames; a packet that cannot be decoded is counted and passed over."""
        keyframes = self._sampling.mode is Mode.KEYFRAMES
        if keyframes:
            # Containers with an index then do not even read the rest. FFmpeg's MP4 reader gives such frames a time that
            # is up to a few frames off, which is good enough for a first look.
            stream.discard = Discard.nonkey
        step = 1 / self._sampling.rate
        due = -np.inf
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self._damage.append(f"the container breaks off: {error.strerror}")
                packet = None
            if packet is not None and packet.size and keyframes:
                time_s = float(packet.pts * packet.time_base) if packet.pts is not None and packet.time_base else None
                if not packet.is_keyframe or (time_s is not None and time_s < due):
                    continue
                if time_s is not None:
                    due = time_s + step
            try:
                yield from stream.decode(packet) if packet is not None else stream.decode(None)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._damaged_packets += 1
            if packet is None or not packet.size:
                return

    def _look(self, frame: VideoFrame, record: np.void) -> None:
        """Hash one frame at full size and reduce it to its sketch."""
        if frame.width * frame.height > self._limits.pixels:
            raise LimitExceeded(f"{self._path}: a frame has {frame.width} × {frame.height} pixels")
        if self._turns is None:  # a fact about the whole file
            self._turns = round(frame.rotation / 90) % 4
            size = (frame.height, frame.width) if self._turns % 2 else (frame.width, frame.height)
            self.info = replace(self.info, width=size[0], height=size[1], rotation=self._turns * 90)
        turns = self._turns
        sketch = np.rot90(sketch_of(frame, self._scaler), turns)
        if self._sampling.exact:
            luma, scale = self._luma(frame)
            fill_frame(record, np.rot90(luma, turns), sketch, scale)
        else:
            fill_from_sketch(record, sketch, self.info.height, self.info.width)
        record["keyframe"] = frame.key_frame
        if frame.is_corrupt:  # parts of it are made up by the decoder
            record["quality"] = 0

    def _luma(self, frame: VideoFrame) -> tuple[npt.NDArray[np.uint8], float]:
        """The luma plane, and what its steps are multiplied by to span 0…255."""
        if frame.format.name in _LUMA_FORMATS:
            full = frame.color_range == _FULL_RANGE or frame.format.name.startswith(("yuvj", "gray"))
            return plane_of(frame), 1.0 if full else _STUDIO_SCALE
        return plane_of(self._scaler.reformat(frame, frame.width, frame.height, "gray", threads=1)), 1.0

    def _conclude(self, count: int, declared: float | None, first_s: float) -> None:
        if not count:
            raise UnreadableMedia(f"{self._path}: not one frame could be decoded")
        keyframes = self._sampling.mode is Mode.KEYFRAMES
        if self._damaged_packets:
            self._damage.append(f"{self._damaged_packets} packets could not be decoded")
        if self._damaged_frames:
            self._damage.append(f"{self._damaged_frames} of {count} pictures are damaged and not used")
        duration = max(self._end_s, declared or 0.0) if keyframes else self._end_s
        if keyframes and declared is not None and declared > self._limits.duration_s:
            duration = self._end_s
        # Some headers count from zero although the pictures begin later: that is not a loss.
        missing = (declared or 0.0) - self._end_s - max(0.0, first_s)
        if not keyframes and missing > max(_SHORTFALL_S, _END_TOLERANCE * (declared or 0.0)):
            self._damage.append(f"the pictures end at {self._end_s:.1f} s, the header says {declared:.1f} s")
        self.info = replace(self.info, duration_s=duration, frames=count, damaged_frames=self._damaged_frames, damage=tuple(self._damage))


class _Clock:
    """Seconds since the first frame, from presentation times; never runs backwards."""

    def __init__(self, stream: VideoStream) -> None:
        self._each_its_own = stream.codec_context.name in _ANIMATIONS
        rate = stream.average_rate or stream.guessed_rate or 25
        self.step_s = 1 / float(rate) if rate else 0.04
        self._shift: float | None = None
        self._last = -self.step_s
        self._shown_s = self.step_s
        self.first_s = 0.0
        """Presentation time of the first frame, in the file's own count."""

    def time_of(self, frame: VideoFrame) -> float:
        stamp = frame.time
        if stamp is None:
            time_s = self._last + self.step_s
        else:
            if self._shift is None:
                self._shift = self.first_s = stamp
            time_s = stamp - self._shift
            if time_s <= self._last:  # the stamps start anew: go on from the last frame
                time_s = self._last + self.step_s
                self._shift = stamp - time_s
        self._last = time_s
        if self._each_its_own and frame.duration and frame.time_base:
            self._shown_s = float(frame.duration * frame.time_base)
        return time_s

    @property
    def end_s(self) -> float:
        return self._last + self._shown_s


def _picture_stream(container: InputContainer, limits: Limits) -> VideoStream:
    """The largest stream of moving pictures; cover art only if there is nothing else."""
    if len(container.streams) > limits.streams:
        raise LimitExceeded(f"{container.name}: {len(container.streams)} streams")
    streams = list(container.streams.video)
    if not streams:
        raise NotMedia(f"{container.name}: no picture in it (audio or data only)", hint="only pictures can be fingerprinted")
    moving = [s for s in streams if not s.disposition & Disposition.attached_pic] or streams
    best = max(moving, key=lambda s: (s.width or 0) * (s.height or 0))
    if (best.width or 0) * (best.height or 0) > limits.pixels:
        raise LimitExceeded(f"{container.name}: {best.width} × {best.height} pixels")
    return best


def _declared_duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def sketch_of(frame: VideoFrame, scaler: VideoReformatter) -> npt.NDArray[np.uint8]:
    """The whole picture reduced by area averaging: ``(128, 128)`` uint8."""
    return plane_of(scaler.reformat(frame, SKETCH, SKETCH, "gray", interpolation=Interpolation.AREA, threads=1))


def plane_of(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """The first plane ``(h, w)`` without the padding at the end of its lines; a view of the frame's memory."""
    plane = frame.planes[0]
    pixels = np.frombuffer(cast("Any", plane), np.uint8)  # a buffer, though not every release of the stubs says so
    return pixels[: plane.line_size * plane.height].reshape(plane.height, plane.line_size)[:, : plane.width]


_UNREADABLE: Final = "the file is damaged, incomplete or not a video"
_MAPPED: Final[tuple[tuple[type[BaseException], type[MediaError], str], ...]] = (
    (av.error.FileNotFoundError, MediaNotFound, "no such file"),
    (av.error.PermissionError, MediaNotFound, "may not be read"),
    (av.error.IsADirectoryError, MediaNotFound, "is a folder"),
    (av.error.MemoryError, LimitExceeded, "needs more memory than the limit"),
    (MemoryError, LimitExceeded, "needs more memory than the limit"),
    (av.error.DecoderNotFoundError, UnreadableMedia, "its codec is not known"),
    (av.error.InvalidDataError, UnreadableMedia, _UNREADABLE),
    (av.error.FFmpegError, UnreadableMedia, _UNREADABLE),
    (OSError, UnreadableMedia, "cannot be read"),
    (ValueError, UnreadableMedia, _UNREADABLE),
    (ArithmeticError, UnreadableMedia, _UNREADABLE),
    (RuntimeError, DecoderFailed, "the decoder failed"),
)


@contextlib.contextmanager
def av_errors(path: str) -> Iterator[None]:
    """Turn what PyAV and FFmpeg raise into this library's errors; the first row of the table that fits counts."""
    try:
        yield
    except MediaError:
        raise
    except tuple(row[0] for row in _MAPPED) as error:
        kind, text = next((k, t) for source, k, t in _MAPPED if isinstance(error, source))
        reason = getattr(error, "strerror", None) or str(error)
        if getattr(error, "errno", None) == errno.ENOMEM:
            kind, text = LimitExceeded, "needs more memory than the limit"
        raise kind(f"{path}: {text} ({reason})") from error
