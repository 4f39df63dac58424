"""One frame's PDQ hash as text, alone or with its quality and time."""

from __future__ import annotations

import json
from typing import Final

from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.fingerprints.text import pdq_bytes, quality_of, quoted, seconds_of

Frame = tuple[float, int, bytes]
"""Seconds, quality 0 … 100, and the hash, 32 bytes."""
_WHOLE_QUALITY: Final = 100
"""Of a hash that comes without one."""


def frame(value: object, quality: object, seconds: object, limits: FormatLimits) -> Frame:
    """Return a frame of its three parts, each a number or its text; without a quality it is believed to be good.

    Raises:
        ValueError: one of them is not what it should be.
    """
    if not isinstance(value, str):
        raise ValueError("the hash is not a text")
    good = _WHOLE_QUALITY if quality is None or quality == "" else quality_of(quality)
    return seconds_of(seconds, limits.duration_s), good, pdq_bytes(value)


def frame_of_row(row: object, limits: FormatLimits) -> Frame:
    """Return a frame of ``pdq,quality,seconds``, the order of vPDQ's JSON; ``1.23e+03`` seconds are read too.

    Raises:
        ValueError: it is something else.
    """
    parts = row.split(",") if isinstance(row, str) else []
    if len(parts) != 3:
        raise ValueError(f"not `pdq,quality,seconds`: {quoted(row)}")
    value, quality, seconds = parts
    return frame(value, quality, seconds, limits)


def rows_of_text(text: str) -> list[object]:
    """Return the rows of a vPDQ hash that ThreatExchange keeps as one text: a JSON list of ``pdq,quality,seconds``.

    Raises:
        ValueError: it is something else.
    """
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a vpdq hash is a JSON list, unlike {quoted(text)}") from error
    if not isinstance(rows, list):
        raise ValueError("a vpdq hash is a JSON list")
    return rows


def row_of_frame(seconds: float, quality: int, raw: bytes) -> str:
    """Write a frame as `frame_of_row` reads it; seconds with three decimals, never with an exponent."""
    return f"{raw.hex()},{quality},{seconds:.3f}"
