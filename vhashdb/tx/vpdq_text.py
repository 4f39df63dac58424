"""Read and write vPDQ hashes in the text that ThreatExchange's tools keep them in."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from vhashdb.errors import FingerprintError
from vhashdb.exchange.formats import FormatLimits
from vhashdb.exchange.formats.frames import Frame, frame, frame_of_row, rows_of_text
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.text import from_frames, quoted, to_vpdq
from vhashdb.tx.signal_text import check_size

_TOLD: Final = 0.006
"""Share of a time by which it may differ from what is told of it. Derived: three digits of it are told, and some room."""


def from_vpdq_signal(text: str, *, limits: FormatLimits | None = None) -> Fingerprint:
    """Read a vPDQ hash of one video: a JSON list of ``pdq,quality,seconds``, or the older JSON object by number of the frame.

    From 1,000 s on those tools tell the times of several frames as one; where that is so, frames are spread evenly.

    Args:
        text: the hash.
        limits: bounds on its size; None: those for files of others.

    Raises:
        FingerprintError: it is not such a hash, has no frame, or one that cannot be read; the message has its number.
    """
    limits = limits or FormatLimits()
    text = text.strip()
    if not text:
        raise FingerprintError("the vPDQ hash is empty", hint="a file that cannot be fingerprinted has none")
    if len(text) > limits.item_bytes:
        raise FingerprintError(f"the vPDQ hash has {len(text)} characters; at most {limits.item_bytes} are allowed")
    frames = _of_object(text, limits) if text.startswith("{") else _of_rows(text, limits)
    if not frames:
        raise FingerprintError("the vPDQ hash has no frame")
    seconds, qualities, hashes = (list(column) for column in zip(*frames, strict=True))
    found = from_frames(_spread(seconds), qualities, hashes)
    check_size(found, limits)
    return found


def to_vpdq_signal(fingerprint: Fingerprint) -> str:
    """Write the hashes of the whole picture, such as `vhashdb.every_frame` makes, as `from_vpdq_signal` reads them.

    Raises:
        AlgorithmMismatch: the fingerprint is not PDQ.
    """
    rows = (line.split(",") for line in to_vpdq(fingerprint).splitlines())
    return json.dumps([f"{value},{quality},{seconds}" for _, quality, value, seconds in rows])


def _of_rows(text: str, limits: FormatLimits) -> list[Frame]:
    try:
        rows = rows_of_text(text)
    except ValueError as error:
        raise FingerprintError(str(error)) from error
    return [_frame(number, partial(frame_of_row, row, limits)) for number, row in enumerate(rows, start=1)]


def _of_object(text: str, limits: FormatLimits) -> list[Frame]:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FingerprintError(f"the vPDQ hash is cut short, or is no JSON: {quoted(text)}") from error
    return [_frame(number, partial(_of_member, value, limits)) for number, value in enumerate(members.values(), start=1)]


def _of_member(value: dict[str, object], limits: FormatLimits) -> Frame:
    return frame(value["hash"], value["quality"], value["timestamp"], limits)


def _frame(number: int, read: Callable[[], Frame]) -> Frame:
    try:
        return read()
    except (KeyError, TypeError) as error:
        raise FingerprintError(f"frame {number}: it has not all of hash, quality and timestamp") from error
    except ValueError as error:
        raise FingerprintError(f"frame {number}: {error}") from error


def _spread(seconds: list[float]) -> list[float]:
    """Return the times of frames; if several have one, evenly spread ones, provided that these round to what is told."""
    told = np.sort(np.array(seconds))
    if len(told) < 2 or (np.diff(told) > 0).all() or seconds != told.tolist():
        return seconds
    even = np.linspace(told[0], told[-1], len(told))
    return even.tolist() if (np.abs(even - told) <= _TOLD * told + 1).all() else seconds
