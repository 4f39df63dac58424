"""The protocol between the decoder process, the processes it forks for files, and their parent.

A request is a length and a JSON object ``{"number", "probe", "threads", "path", "size", "sampling", "sound"}``, with descriptors beside
it. The first for a process goes to the decoder, on its socket, with two: the open file, and the other end of a *channel*, a socket
between that process and the parent alone. Further requests to the same process go over the channel, with one: the file. It answers
on the channel: messages of a fixed header (kind, length) and a body that is raw `FRAME_DTYPE` records, a block of sound or a small JSON
object. The parent sends the decoder one byte when it needs no more of the process, which is ended then, unless it has ended by
itself, and the decoder reports so on its socket, with the number of the request for which it was forked.

The parent checks every length before it reads a body, and every number and text before it uses one, never waits without a
deadline, and unpickles nothing: a process that was taken over can lie about the pictures of the file that did so, and of those
that it is given afterwards (`vhashdb.Limits.files_per_process`). What else it could do to its parent is what
`vhashdb.video.confinement` leaves it: nothing on a Linux that has all layers.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import json
import os
import socket
import struct
from typing import IO, Any, Final, Protocol

import numpy as np

from vhashdb.errors import DecoderFailed
from vhashdb.limits import Limits
from vhashdb.sound import SAMPLE_RATE
from vhashdb.video.frames import FRAME_DTYPE, FrameBatch, SoundBlock

_HEADER: Final = struct.Struct("<BI")
MAX_FRAMES: Final = 64
"""Frames of a batch. Engineering bound: a message is at most about a megabyte."""
MAX_SAMPLES: Final = 1 << 16
"""Samples of a block of sound. Engineering bound: 8 s, 128 kB."""
_SOUND: Final = struct.Struct("<Hd")
"""What stands before the samples of a block: the number of the track, and where the block begins, in seconds."""
_SAMPLE: Final = np.dtype("<i2")
MAX_JSON: Final = 64 * 1024
"""Bytes of a JSON message. Engineering bound."""
MAX_MESSAGE: Final = 1000
"""Characters of an error's message. Engineering bound."""
MAX_HINT: Final = 300
"""Characters of its hint. Engineering bound."""
_LENGTH: Final = struct.Struct("<I")
_LARGEST: Final = 2**53
"""Largest number accepted. Derived: larger ones are not exact in floating point, and no fact about a video is so large."""
_LAST_S: Final = 4_000_000.0
"""Largest time accepted, in seconds. Derived: times are stored in milliseconds of 32 bits."""
_SAME_S: Final = 0.5 / SAMPLE_RATE
"""Seconds by which a block may begin before the one before it ends. Derived: half a sample, far above the rounding error of a time."""
_DEEPEST: Final = 16
"""Levels that JSON may nest. Engineering bound."""


class Readable(Protocol):
    """Read bytes: fewer than were asked for only at the end."""

    def read(self, size: int, /) -> bytes | bytearray: ...


class Kind(enum.IntEnum):
    """Name what a message's body is."""

    BATCH = 1
    """Frames."""
    DONE = 2
    """``{"info", "cpu_s", "waits"}``: the file was read to its end, and whether the process waits for another."""
    FAILED = 3
    """``{"error", "message", "hint"}``: the file was given up."""
    SOUND = 4
    """Sound: the number of the track, a time, samples. Only in the answer to a request that asks for sound."""


def send(pipe: IO[bytes], kind: Kind, body: bytes) -> None:
    """Write one message and flush it."""
    pipe.write(_HEADER.pack(kind, len(body)) + body)
    pipe.flush()


def send_sound(pipe: IO[bytes], block: SoundBlock) -> None:
    """Write one block of sound and flush it."""
    send(pipe, Kind.SOUND, _SOUND.pack(block.track, block.start_s) + block.samples.astype(_SAMPLE, copy=False).tobytes())


def receive(pipe: Readable) -> tuple[Kind, FrameBatch | SoundBlock | dict[str, Any]]:
    """Read one message.

    Raises:
        EOFError: the other side is gone.
        DecoderFailed: the message breaks the protocol.
    """
    number, length = _HEADER.unpack(_exactly(pipe, _HEADER.size))
    limit = _LIMITS.get(number, MAX_JSON)
    if number not in tuple(Kind) or length > limit:
        raise DecoderFailed(f"the decoder process sent a message of kind {number} and {length} bytes")
    body = _exactly(pipe, length)
    try:
        if number == Kind.BATCH:
            return Kind.BATCH, _frames(body)
        if number == Kind.SOUND:
            return Kind.SOUND, _sound(body)
        data = _checked(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise DecoderFailed("the decoder process sent a malformed message") from error
    if not isinstance(data, dict):
        raise DecoderFailed("the decoder process sent a malformed message")
    return Kind(number), data


_LIMITS: Final = {Kind.BATCH: MAX_FRAMES * FRAME_DTYPE.itemsize, Kind.SOUND: _SOUND.size + MAX_SAMPLES * _SAMPLE.itemsize}
"""Bytes that a body of each kind may have, where it is not `MAX_JSON`."""


class SoundRules:
    """Check the blocks of one file against each other and against the limits: in order, of few tracks, not more than there may be."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ends_s: dict[int, float] = {}
        self._samples: dict[int, int] = {}

    def check(self, block: SoundBlock) -> None:
        """Take one more block.

        Raises:
            DecoderFailed: it breaks a rule.
        """
        if block.start_s < self._ends_s.get(block.track, 0.0) - _SAME_S:
            raise DecoderFailed("the decoder process sent sound out of order")
        self._ends_s[block.track] = block.end_s
        self._samples[block.track] = self._samples.get(block.track, 0) + len(block.samples)
        longest = self._limits.duration_s * SAMPLE_RATE + 1  # it may end within a sample
        if len(self._samples) > self._limits.tracks or self._samples[block.track] > longest:
            raise DecoderFailed("the decoder process sent more sound than the limit")


def _checked(value: Any, depth: int = 0) -> Any:
    """Return a JSON value that is safe to use: no number too large or not finite, no lone surrogates.

    Raises:
        ValueError: it is none.
    """
    if depth > _DEEPEST:
        raise ValueError("it nests too deep")
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:  # NaN is not either
        raise ValueError("a number is too large")
    if isinstance(value, dict):
        return {_checked(name): _checked(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_checked(inner, depth + 1) for inner in value]
    return value


def _frames(body: bytes | bytearray) -> FrameBatch:
    """Read the records of a batch, with possible times, pictures that have a size, and finite coefficients.

    Raises:
        ValueError: one is not.
    """
    batch = np.frombuffer(body, FRAME_DTYPE)
    times, holes = batch["time_s"], batch["hole_s"]
    if not len(times) or not np.isfinite(times).all() or times.min() < 0 or times.max() > _LAST_S or (np.diff(times) < 0).any():
        raise ValueError("no frames, or times out of order")
    if not ((holes >= 0) & (holes <= times)).all():
        raise ValueError("gaps that cannot be")
    if not batch["height"].all() or not batch["width"].all() or not np.isfinite(batch["coefficients"]).all():
        raise ValueError("a frame without a size, or with values that are no numbers")
    return batch


def _sound(body: bytes | bytearray) -> SoundBlock:
    """Read a block of sound, with a possible time and whole samples, at least one.

    Raises:
        ValueError: it is none.
    """
    if len(body) <= _SOUND.size or (len(body) - _SOUND.size) % _SAMPLE.itemsize:
        raise ValueError("no whole samples")
    track, start_s = _SOUND.unpack_from(body)
    if not 0 <= start_s <= _LAST_S:  # NaN is not either
        raise ValueError("a time that cannot be")
    return SoundBlock(track, start_s, np.frombuffer(body, _SAMPLE, offset=_SOUND.size))


def _exactly(pipe: Readable, size: int) -> bytes | bytearray:
    body = pipe.read(size)
    if len(body) < size:
        raise EOFError
    return body


def send_request(to: socket.socket, request: dict[str, Any], *descriptors: int) -> None:
    """Hand over a request and its descriptors, without waiting for whoever may never read it.

    Raises:
        OSError: it cannot be sent.
    """
    body = json.dumps(request).encode()
    message = _LENGTH.pack(len(body)) + body
    if socket.send_fds(to, [message], descriptors, socket.MSG_DONTWAIT) < len(message):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def receive_request(source: socket.socket, count: int) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next request with its descriptors, ``count`` of them; None if there will be no more."""
    head, descriptors, _, _ = socket.recv_fds(source, _LENGTH.size, count)
    (length,) = _LENGTH.unpack(head) if len(head) == _LENGTH.size else (0,)
    body = b""
    while len(body) < length and (more := os.read(source.fileno(), length - len(body))):  # a confined process may only read
        body += more
    if not body or len(body) < length or len(descriptors) != count:
        return None
    return json.loads(body), descriptors


def send_enough(control: socket.socket) -> None:
    """Tell the decoder that no more of an answer is needed."""
    control.sendall(b".")


def send_end(control: socket.socket, end: dict[str, Any]) -> None:
    """Report that the process of a request has ended."""
    body = json.dumps(end).encode()
    with contextlib.suppress(OSError):  # the parent is gone, so there will be no further request
        control.sendall(_LENGTH.pack(len(body)) + body)


def receive_end(control: Readable) -> dict[str, Any]:
    """Read what `send_end` sent.

    Raises:
        EOFError: the other side is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(control, _LENGTH.size))
    end: dict[str, Any] = json.loads(_exactly(control, min(length, MAX_JSON)))
    return end
