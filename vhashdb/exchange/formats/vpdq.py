"""vPDQ's files, of one video each: its text, its JSON as ThreatExchange carries it, and its older JSON."""

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
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Region, View

_TEXT: Final = re.compile(r"\d+\s*,\s*\d+\s*,\s*[0-9A-Fa-f]{64}\s*,\s*[0-9.eE+-]+")
_ROW: Final = re.compile(r"[0-9A-Fa-f]{64},\d+,[0-9.eE+-]+")
_WHOLE: Final = View(Region.WHOLE).code


def carried(item: Item) -> str:
    """Why vPDQ cannot say this item; empty if it can."""
    if item.withdrawn:
        return "a withdrawal cannot be said in it"
    return "" if len(_whole(item)) else "it has no PDQ hash of the whole picture"


def detect_text(head: Head) -> bool:
    """The first line is ``frame,quality,pdq,seconds``."""
    return bool(_TEXT.fullmatch(head.first_line))


def read_text(source: Source) -> Iterator[Entry]:
    """The lines as the frames of one item."""
    return _one_video(source.lines(), _frame_of_line, source.limits)


def _frame_of_line(line: str) -> Frame:
    parts = line.strip().split(",")
    if len(parts) != 4:
        raise ValueError(f"not `frame,quality,pdq,seconds`: {line[:80]!r}")
    _, quality, value, seconds = parts
    return frame(value, quality, seconds)


def write_text(items: Iterable[Item], out: BinaryIO) -> None:
    """The frames of one video, a line each."""
    for item in items:
        out.write(to_vpdq(_whole(item)).encode())


def detect_json(head: Head) -> bool:
    """A list whose first member is ``pdq,quality,seconds``."""
    return bool(_ROW.fullmatch(str(head.value("item"))))


def read_json(source: Source) -> Iterator[Entry]:
    """The rows as the frames of one item."""
    return _one_video(source.json_items("item"), frame_of_row, source.limits)


def write_json(items: Iterable[Item], out: BinaryIO) -> None:
    """A list of rows."""
    for item in items:
        out.write(json.dumps(rows_of(_whole(item)), indent=0).encode() + b"\n")


def detect_old_json(head: Head) -> bool:
    """An object whose first name is a frame's number, with a hash."""
    first = next((name for prefix, event, name in head.events if event == "map_key" and not prefix), "")
    return str(first).isdecimal() and head.has_key(str(first), "hash")


def read_old_json(source: Source) -> Iterator[Entry]:
    """The members as the frames of one item."""
    return _one_video(
        source.json_members(), lambda value: frame(value["hash"], value.get("quality", 100), value.get("timestamp", 0.0)), source.limits
    )


def write_old_json(items: Iterable[Item], out: BinaryIO) -> None:
    """An object with a member a frame."""
    for item in items:
        whole = _whole(item)
        columns = zip(whole.start_s.tolist(), whole.quality.tolist(), whole.hash, strict=True)
        frames = {
            str(number): {"quality": quality, "hash": value.tobytes().hex(), "timestamp": seconds}
            for number, (seconds, quality, value) in enumerate(columns)
        }
        out.write(json.dumps(frames).encode() + b"\n")


def _one_video(found: Iterator[tuple[int, Any] | Refusal], to_frame: Callable[[Any], Frame], limits: FormatLimits) -> Iterator[Entry]:
    """One item of all frames that can be read; the others are refused one by one."""
    signals, first = Signals(limits), 0
    for part in found:
        if isinstance(part, Refusal):
            yield part
            continue
        number, value = part
        try:
            seconds, quality, raw = to_frame(value)
            signals.frame(raw, seconds, quality)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield Refusal(number, f"no frame: {error}")
            continue
        first = first or number
    if first:
        try:
            item = Item(number=first, **signals.fields())
        except ValueError as error:
            yield Refusal(first, str(error))
            return
        assert item.frames is not None  # there is at least one
        yield replace(item, duration_s=item.frames.duration_s)


def _whole(item: Item) -> Fingerprint:
    """The entries of the whole picture, of an item that has PDQ hashes; none of any other."""
    frames = item.frames
    if frames is None or frames.algorithm != Pdq.id:
        return Fingerprint.empty(Pdq.id)
    return frames.only(frames.view == _WHOLE)
