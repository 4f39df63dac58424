"""One frame's PDQ hash as text, alone or with its quality and time."""

from __future__ import annotations

import json
import math
import re
from typing import Final

from vhashdb.hashing.algorithms import Pdq

Frame = tuple[float, int, bytes]
"""Seconds, quality 0 … 100, and the hash, 32 bytes."""

_HEX: Final = re.compile(r"[0-9a-f]+")


def pdq_bytes(text: str) -> bytes:
    """The bytes of a PDQ hash in hexadecimal.

    Raises:
        ValueError: it is none.
    """
    value = text.strip().lower()
    if len(value) != 2 * Pdq.id.bytes or not _HEX.fullmatch(value):
        raise ValueError(f"a pdq hash has {2 * Pdq.id.bytes} hexadecimal digits, not {text[:80]!r}")
    return bytes.fromhex(value)


def frame(value: object, quality: object, seconds: object) -> Frame:
    """A frame of its three parts, each a number or its text.

    Raises:
        ValueError: one of them is not what it should be.
    """
    if not isinstance(value, str):
        raise ValueError("the hash is not a text")
    try:
        time_s, of = float(seconds), int(quality)  # type: ignore[arg-type, call-overload]  # anything else is the error below
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"quality {str(quality)[:40]!r} or seconds {str(seconds)[:40]!r} is no number") from error
    if not 0 <= of <= 100 or not math.isfinite(time_s) or time_s < 0:
        raise ValueError(f"quality {of} or {time_s} seconds is out of range")
    return time_s, of, pdq_bytes(value)


def frame_of_row(row: object) -> Frame:
    """A frame of ``pdq,quality,seconds``, the order of vPDQ's JSON; ``1.23e+03`` seconds are read too.

    Raises:
        ValueError: it is something else.
    """
    parts = row.split(",") if isinstance(row, str) else []
    if len(parts) != 3:
        raise ValueError(f"not `pdq,quality,seconds`: {str(row)[:80]!r}")
    return frame(*parts)


def frames_of_text(text: str) -> list[Frame]:
    """The frames of a vPDQ hash that ThreatExchange keeps as one text: a JSON list of ``pdq,quality,seconds``.

    Raises:
        ValueError: it is something else.
    """
    rows = json.loads(text)
    if not isinstance(rows, list):
        raise ValueError("a vpdq hash is a JSON list")
    return [frame_of_row(row) for row in rows]


def row_of_frame(seconds: float, quality: int, raw: bytes) -> str:
    """As `frame_of_row` reads it; seconds with three decimals, never with an exponent."""
    return f"{raw.hex()},{quality},{seconds:.3f}"
