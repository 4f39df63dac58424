"""Open containers with PyAV: which ones, which tracks are in them, and what its errors mean here.

Runs in the child process.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from typing import Any, Final

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vhashdb.errors import DecoderFailed, LimitExceeded, MediaError, MediaNotFound, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.video.files import Window
from vhashdb.video.source import is_given, opened

# Containers that hold their own pictures and sound. Playlists (hls, dash, concat) and device or network inputs would make the
# decoder open other files, so they are not in the list, and no protocol is that could open one: the file is open already.
FORMATS: Final = (
    "aac,ac3,aiff,amr,ape,apng,asf,au,av1,avi,avs2,bmp_pipe,caf,cavsvideo,dirac,dnxhd,dts,dv,eac3,flac,flv,gif,gxf,h261,"
    "h263,h264,hevc,ivf,ivr,jpeg_pipe,m4v,matroska,webm,mjpeg,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpegvideo,mxf,nsv,"
    "nut,obu,ogg,png_pipe,psxstr,rawvideo,rm,roq,smk,swf,tta,vc1,vc1test,vvc,w64,wav,webp_pipe,wtv,wv,yuv4mpegpipe"
)
OPEN_OPTIONS: Final = {"protocol_whitelist": "none", "format_whitelist": FORMATS}

_STATED: Final = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
"""What Matroska's writers say of one track's length."""
_GUESSED: Final = frozenset("h261 h263 h264 hevc vvc m4v mpegvideo mpeg mpegts dv dirac cavsvideo avs2 vc1 mjpeg obu av1 dnxhd".split())
"""Containers, or streams without one, that do not say how long they are."""


@contextlib.contextmanager
def opened_container(path: str, window: tuple[int, int] | None = None) -> Iterator[InputContainer]:
    """Open a container; the only place where one is opened.

    Args:
        path: of the file.
        window: first byte and the one past the last, where the container is part of a file.

    Raises:
        MediaError: it cannot be opened.
    """
    options: dict[str, Any] = {"options": dict(OPEN_OPTIONS), "metadata_errors": "replace"}
    with contextlib.ExitStack() as entered:
        with av_errors(path):
            file: Any = entered.enter_context(opened(path))
            if window is not None:
                file = entered.enter_context(Window(file, *window))
            container = entered.enter_context(av.open(file, "r", **options))
        yield container


def picture_tracks(container: InputContainer, limits: Limits) -> list[int]:
    """Return the numbers of the streams with pictures, the main one first; none if there are none.

    The main one moves rather than not, is shown unless one chooses, and is the longest.

    Raises:
        LimitExceeded: there are more streams of any kind than the limit allows.
    """
    if len(container.streams) > limits.streams:
        raise LimitExceeded(f"{container.name}: {len(container.streams)} streams")

    def place(stream: VideoStream) -> tuple[bool, bool, bool, float, int]:
        flags = stream.disposition
        duration_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        still = stream.frames == 1
        return bool(flags & Disposition.attached_pic), still, not flags & Disposition.default, -duration_s, stream.index

    return [stream.index for stream in sorted(container.streams.video, key=place)]


def codec_of(stream: Stream) -> tuple[str, int, int]:
    """Return the name of the codec, empty if FFmpeg has none for it, and width and height as the header says, else 0."""
    context: Any = stream.codec_context
    return (context.name, context.width or 0, context.height or 0) if context is not None else ("", 0, 0)


def own_duration(stream: Stream) -> float | None:
    """Return the seconds that the header says one track has; None where it says nothing of this track."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    said = _STATED.fullmatch(stream.metadata.get("DURATION", ""))
    return int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3]) if said else None


def declared_duration(container: InputContainer, stream: Stream) -> float | None:
    """Return the seconds that the header says the track has; None where FFmpeg only guesses them from the size of the file."""
    own_s = own_duration(stream)
    if own_s is not None or container.format.name in _GUESSED:
        return own_s
    return container.duration / av.time_base if container.duration else None


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
        if isinstance(error, PermissionError) and is_given(path):  # it is open: this is what some readers say of a malformed one
            kind, text, reason = UnreadableMedia, _UNREADABLE, "a field of it has a value that is not allowed"
        raise kind(f"{path}: {text} ({reason})") from error
