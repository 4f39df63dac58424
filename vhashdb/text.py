"""Text for people: what comes from outside made harmless, and times and verdicts in words."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final

SHORT_S: Final = 60.0
"""Seconds below which tenths are worth saying."""
STILL_S: Final = 0.11
"""A stretch of a file no longer than this is one picture, so its times say nothing; a GIF of one has 0.1 s."""
NORMAL_SPEED: Final = 0.01
"""How far from 1 a speed is not worth saying."""
_HALF: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters that JSON can name, and that stand for no byte of a file's name either."""
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


def decoded(path: str | os.PathLike[str]) -> str:
    """A path as valid text: bytes that are not UTF-8 become replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")


def printable(text: str) -> str:
    """Text that cannot move the cursor, break a line or turn its direction: names and reasons come from strangers."""
    text = _HALF.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def shortened(text: str, most: int) -> str:
    """At most so many characters; of more, the beginning and the end."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[: most - half - 1]}…{text[len(text) - half :]}"


def clock(seconds: float, tenths: bool = True) -> str:
    """``00:01:12`` or ``00:01:12.3``."""
    units = round(max(0.0, seconds) * (10 if tenths else 1))
    whole, rest = divmod(units, 10) if tenths else (units, 0)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{rest}" if tenths else text


def brief_clock(seconds: float, tenths: bool = True) -> str:
    """``1:12.3``, ``1:12`` or ``1:01:12``: the same where there is little room."""
    units = round(max(0.0, seconds) * (10 if tenths else 1))
    whole, rest = divmod(units, 10) if tenths else (units, 0)
    hours, minutes = divmod(whole // 60, 60)
    text = f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
    return f"{text}.{rest}" if tenths else text


def span(start_s: float, end_s: float, clock: Callable[[float, bool], str] = clock) -> str:
    """When a stretch is, with tenths of a second if it is short; one time for a single picture."""
    tenths = end_s - start_s < SHORT_S
    if end_s - start_s <= STILL_S:
        return clock(start_s, tenths)
    return f"{clock(start_s, tenths)} – {clock(end_s, tenths)}"


def counted(number: int, noun: str) -> str:
    """``1 file``, ``1,200 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(count: int) -> str:
    """``1.2 MB``."""
    if count < 1000:
        return counted(count, "byte")
    power = min(4, (len(str(count)) - 1) // 3)
    return f"{count / 1000**power:.1f} {_UNITS[power]}"


def verdict_word(verdict: str) -> str:
    """A verdict for people."""
    return "NOT CHECKED" if verdict == "unreadable" else verdict.replace("-", " ").upper()
