"""What the decoder process and its parent say to each other, over two pipes.

Parent to child: one JSON object a line, ``{"path", "mode", "rate", "threads"}``. Child to parent: messages of a fixed
header (kind, length) and a body that is either raw `FRAME_DTYPE` records or a small JSON object. The parent checks
every length before it reads a body, and nothing is ever unpickled: a decoder that was taken over can lie about
pictures, but can do nothing else to its parent.
"""

from __future__ import annotations

import enum
import json
import struct
from typing import IO, Any, Final

import numpy as np

from vhashdb.errors import DecoderFailed
from vhashdb.video.frames import FRAME_DTYPE, FrameBatch

_HEADER: Final = struct.Struct("<BI")
MAX_FRAMES: Final = 64
MAX_JSON: Final = 64 * 1024


class Kind(enum.IntEnum):
    """What a message's body is."""

    BATCH = 1
    """Frames."""
    DONE = 2
    """``{"info", "cpu_s"}``: the file was read to its end."""
    FAILED = 3
    """``{"error", "message", "hint"}``: the file was given up."""


def send(pipe: IO[bytes], kind: Kind, body: bytes) -> None:
    """Write one message and flush it."""
    pipe.write(_HEADER.pack(kind, len(body)) + body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[Kind, FrameBatch | dict[str, Any]]:
    """Read one message.

    Raises:
        EOFError: the other side is gone.
        DecoderFailed: the message breaks the protocol.
    """
    number, length = _HEADER.unpack(_exactly(pipe, _HEADER.size))
    limit = MAX_FRAMES * FRAME_DTYPE.itemsize if number == Kind.BATCH else MAX_JSON
    if number not in tuple(Kind) or length > limit:
        raise DecoderFailed(f"the decoder process sent a message of kind {number} and {length} bytes")
    body = _exactly(pipe, length)
    try:
        if number == Kind.BATCH:
            return Kind.BATCH, _frames(body)
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DecoderFailed("the decoder process sent a malformed message") from error
    if not isinstance(data, dict):
        raise DecoderFailed("the decoder process sent a malformed message")
    return Kind(number), data


def _frames(body: bytes) -> FrameBatch:
    """The records of a batch, with times that can be times."""
    batch = np.frombuffer(body, FRAME_DTYPE)
    times, holes = batch["time_s"], batch["hole_s"]
    if not len(times) or not np.isfinite(times).all() or times.min() < 0 or (np.diff(times) < 0).any():
        raise ValueError("no frames, or times out of order")
    if not ((holes >= 0) & (holes <= times)).all():
        raise ValueError("gaps that cannot be")
    return batch


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    body = pipe.read(size)
    if len(body) < size:
        raise EOFError
    return body
