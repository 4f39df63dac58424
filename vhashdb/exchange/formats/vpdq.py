"""vPDQ's files: its text, its JSON as ThreatExchange carries it, and its older JSON; a text may hold several videos."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

from vhashdb.exchange.formats.frames import Frame, frame, frame_of_row
from vhashdb.exchange.formats.item import Entry, Item, Refusal
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source
from vhashdb.exchange.formats.signals import Signals
from vhashdb.exchange.formats.threatexchange import rows_of
from vhashdb.fingerprints import Fingerprint, to_vpdq
from vhashdb.fingerprints.text import quoted
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Region, View

_TEXT: Final = re.compile(r"[0-9]+\s*,\s*[0-9.]+\s*,\s*[0-9A-Fa-f]{64}\s*,\s*[0-9.eE+-]+")
_ROW: Final = re.compile(r"[0-9A-Fa-f]{64}\s*,\s*[0-9.]+\s*,\s*[0-9.eE+-]+")
_WHOLE: Final = View(Region.WHOLE).code
MAX_TITLE: Final = 4096
"""Characters of the name of a video, which may be a path."""


def carried(item: Item) -> str:
    """Say why vPDQ cannot say this item; empty if it can."""
    if item.withdrawn:
        return "a withdrawal cannot be said in it"
    return "" if len(_whole(item)) else "it has no PDQ hash of the whole picture"


def detect_text(head: Head) -> bool:
    """Tell whether one of the first lines is ``frame,quality,pdq,seconds``."""
    return any(map(_TEXT.fullmatch, head.data))


def read_text(source: Source) -> Iterator[Entry]:
    """Yield the lines as the frames of an item; of several, after a line ``# name`` or where frames are numbered from 0 anew."""
    before, limits = "", source.limits
    video = Video(0, limits)
    for part in source.hash_lines():
        if isinstance(part, Refusal):
            yield video.refused(part.number, part.reason)
            continue
        number, line = part
        count = line.partition(",")[0].strip()
        title = title_of(line)
        if title is not None or (count.strip("0") == "" and before.strip("0")):
            yield from video.entries()
            video = Video(number, limits, title or "")
        before = "" if title is not None else count
        if title is None:
            yield from video.take(number, lambda line=line: _frame_of_line(line, limits))  # type: ignore[misc]
    yield from video.entries()


def title_of(line: str) -> str | None:
    """Return the name that a line ``# name`` gives to what follows, or None if it is no such line."""
    return " ".join(line[1:].split())[:MAX_TITLE] if line.startswith("#") else None


def _frame_of_line(line: str, limits: FormatLimits) -> Frame:
    parts = line.split(",")
    if len(parts) != 4:
        raise ValueError(f"not `frame,quality,pdq,seconds`: {quoted(line)}")
    _, quality, value, seconds = parts
    return frame(value, quality, seconds, limits)


def write_text(items: Iterable[Item], out: BinaryIO) -> None:
    """Write the frames of one video, a line each."""
    for item in items:
        out.write(to_vpdq(_whole(item)).encode())


def detect_json(head: Head) -> bool:
    """Tell whether it is a list whose first member is ``pdq,quality,seconds``."""
    return bool(_ROW.fullmatch(str(head.value("item"))))


def read_json(source: Source) -> Iterator[Entry]:
    """Yield the rows as the frames of one item."""
    return _one_video(source.json_items("item"), lambda row: frame_of_row(row, source.limits), source.limits)


def write_json(items: Iterable[Item], out: BinaryIO) -> None:
    """Write a list of rows."""
    for item in items:
        out.write(json.dumps(rows_of(_whole(item)), indent=0).encode() + b"\n")


def detect_old_json(head: Head) -> bool:
    """Tell whether it is an object whose first name is a frame's number, with a hash."""
    first = next((name for prefix, event, name in head.events if event == "map_key" and not prefix), "")
    return str(first).isdecimal() and head.has_key(str(first), "hash")


def read_old_json(source: Source) -> Iterator[Entry]:
    """Yield the members as the frames of one item."""
    limits = source.limits
    return _one_video(
        source.json_members(), lambda value: frame(value["hash"], value.get("quality"), value.get("timestamp", 0.0), limits), limits
    )


def write_old_json(items: Iterable[Item], out: BinaryIO) -> None:
    """Write an object with a member a frame."""
    for item in items:
        whole = _whole(item)
        columns = zip(whole.start_s.tolist(), whole.quality.tolist(), whole.hash, strict=True)
        frames = {
            str(number): {"quality": quality, "hash": value.tobytes().hex(), "timestamp": seconds}
            for number, (seconds, quality, value) in enumerate(columns)
        }
        out.write(json.dumps(frames).encode() + b"\n")


class Video:
    """The frames of one video, as they are read one by one."""

    def __init__(self, number: int, limits: FormatLimits, title: str = "") -> None:
        """Of what begins in this line or item of the file."""
        self._number, self._title, self._signals = number, title, Signals(limits)

    def take(self, number: int, read: Callable[[], Frame]) -> Iterator[Refusal]:
        """Take a frame, or refuse it."""
        self._number = self._number or number
        if reason := self._signals.attempt("", read):
            yield Refusal(number, f"no frame: {reason}", within=True)

    def refused(self, number: int, reason: str) -> Refusal:
        """Return a part of the file that is no frame."""
        self._signals.left_out("", reason)
        return Refusal(number, reason, within=True)

    def entries(self) -> Iterator[Entry]:
        """Yield the item of all frames that could be read; nothing if there were no frames at all."""
        if not len(self._signals):
            if self._title:
                yield Refusal(self._number, f"no frame of {quoted(self._title)} can be read")
            return
        item = Item(number=self._number, title=self._title, notes=tuple(self._signals.notes), **self._signals.fields())
        assert item.frames is not None  # there is at least one
        yield replace(item, duration_s=item.frames.duration_s)


def _one_video(found: Iterator[tuple[int, Any] | Refusal], to_frame: Callable[[Any], Frame], limits: FormatLimits) -> Iterator[Entry]:
    """One item of all frames that can be read; the others are refused one by one."""
    video = Video(0, limits)
    for part in found:
        if isinstance(part, Refusal):
            yield video.refused(part.number, part.reason)
            continue
        number, value = part
        yield from video.take(number, lambda value=value: to_frame(value))  # type: ignore[misc]
    yield from video.entries()


def _whole(item: Item) -> Fingerprint:
    """Return the entries of the whole picture, of an item that has PDQ hashes; none of any other."""
    frames = item.frames
    if frames is None or frames.algorithm != Pdq.id:
        return Fingerprint.empty(Pdq.id)
    return frames.only(frames.view == _WHOLE)
