"""Text for people: what comes from outside made harmless, and times and verdicts in words."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final

__all__ = ["MOMENT_S", "SAID_SPEED", "SHORT_S", "clock", "counted", "decoded", "printable", "size", "span", "verdict_word"]

SHORT_S: Final = 60.0
"""Seconds below which tenths are worth saying."""
MOMENT_S: Final = 0.11
"""Longest stretch, in seconds, of which one time is said instead of two; a GIF of one picture has 0.1 s. Whether a file is a
still picture is another question, which `vhashdb.fingerprints.model.STILL_S` answers."""
SAID_SPEED: Final = 0.01
"""Difference from 1 up to which a speed is not said."""
_UNSEEN: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Characters that count as printable and show nothing: fillers, variation selectors, the blank of braille (Unicode's
Default_Ignorable_Code_Point, of those that `str.isprintable` lets pass)."""
_ESCAPED_NEXT: Final = frozenset("xuU\\")
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


def decoded(path: str | os.PathLike[str]) -> str:
    """Return a path as valid text: bytes that are not UTF-8 become replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")


def printable(text: str) -> str:
    r"""Return text that cannot move the cursor, break a line, turn its direction or hide: names and reasons come from strangers.

    What a reader could not see for what it is, is written as Python writes it: ``\x0a``, ``\u202e``, ``\U000e0041``; a byte
    that is no UTF-8 as ``\xff``. A backslash that could be taken for the beginning of such an escape is doubled, so different
    texts never look the same. Letters of other scripts stay as they are.
    """
    if text.isprintable() and "\\" not in text and not _UNSEEN.search(text):
        return text
    shown = ["\\" if c == "\\" else c if c.isprintable() and not _UNSEEN.match(c) else _escape(c) for c in text]
    following = [*shown[1:], ""]
    return "".join("\\\\" if c == "\\" and after[:1] in _ESCAPED_NEXT else c for c, after in zip(shown, following, strict=True))


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it in names
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, most: int) -> str:
    """Shorten text to so many characters: its beginning and its end."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[: most - half - 1]}…{text[len(text) - half :]}"


def clock(seconds: float, tenths: bool = True) -> str:
    """Write a time as ``00:01:12`` or ``00:01:12.3``."""
    units = round(max(0.0, seconds) * (10 if tenths else 1))
    whole, rest = divmod(units, 10) if tenths else (units, 0)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{rest}" if tenths else text


def brief_clock(seconds: float, tenths: bool = True) -> str:
    """Write a time as ``1:12.3``, ``1:12`` or ``1:01:12``, where there is little room."""
    units = round(max(0.0, seconds) * (10 if tenths else 1))
    whole, rest = divmod(units, 10) if tenths else (units, 0)
    hours, minutes = divmod(whole // 60, 60)
    text = f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
    return f"{text}.{rest}" if tenths else text


def span(start_s: float, end_s: float, clock: Callable[[float, bool], str] = clock) -> str:
    """Say when a stretch is, with tenths of a second if it is short; one time for a single picture."""
    tenths = end_s - start_s < SHORT_S
    if end_s - start_s <= MOMENT_S:
        return clock(start_s, tenths)
    return f"{clock(start_s, tenths)} – {clock(end_s, tenths)}"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: ``1 file``, ``1,200 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(count: int) -> str:
    """Write a number of bytes as ``1.2 MB``."""
    if count < 1000:
        return counted(count, "byte")
    power = min(4, (len(str(count)) - 1) // 3)
    return f"{count / 1000**power:.1f} {_UNITS[power]}"


def verdict_word(verdict: str) -> str:
    """Return a verdict for people."""
    return "NOT CHECKED" if verdict == "unreadable" else verdict.replace("-", " ").upper()
