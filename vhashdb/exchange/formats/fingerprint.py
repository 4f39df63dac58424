"""Read the text of `vhashdb hash` and the binary form: all entries of fingerprints, in every view."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from vhashdb.errors import FormatError, LimitExceeded
from vhashdb.exchange.formats.item import Entry, Item, Refusal
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source
from vhashdb.exchange.formats.signals import Signals
from vhashdb.exchange.formats.vpdq import title_of
from vhashdb.fingerprints import from_bytes
from vhashdb.fingerprints.binary import MAGIC
from vhashdb.fingerprints.text import Row, algorithm_of_line, from_rows, quoted, row_of_line
from vhashdb.hashing.algorithms import AlgorithmId, Pdq

_LINE: Final = re.compile(r"[0-9]+\.[0-9]{3} [0-9]+\.[0-9]{3} [0-9]{1,5} [0-9]{1,3} [0-9a-f]{2,}")


def detect_binary(head: Head) -> bool:
    """Tell whether it begins as such a file does."""
    return head.raw.startswith(MAGIC)


def read_binary(source: Source) -> Iterator[Entry]:
    """Yield the one fingerprint of the file.

    Raises:
        FormatError: it is damaged.
        LimitExceeded: it is larger than a fingerprint may be.
    """
    limits = source.limits
    raw = source.file.read(limits.unpacked_bytes + 1)
    if len(raw) > limits.unpacked_bytes:
        raise LimitExceeded(f"the fingerprint has more than {limits.unpacked_bytes} bytes", hint="no video has so long a fingerprint")
    signals = Signals(limits)
    try:
        signals.fingerprint(from_bytes(raw, max_bytes=limits.unpacked_from(len(raw))))
    except ValueError as error:
        raise FormatError(str(error), hint=getattr(error, "hint", "get the fingerprint again from where it came")) from error
    yield _item(1, "", signals)


def detect_lines(head: Head) -> bool:
    """Tell whether one of the first lines is ``start end view quality hash``."""
    return any(map(_LINE.fullmatch, head.data))


def read_lines(source: Source) -> Iterator[Entry]:
    """Yield the lines as the entries of an item, or of several, each after a line with its name."""
    video = _Lines(0, "", source.limits)
    for part in source.hash_lines():
        if isinstance(part, Refusal):
            yield video.refused(part.number, part.reason)
            continue
        number, line = part
        if named := algorithm_of_line(line):
            video.algorithm = named
        elif (title := title_of(line)) is not None:
            yield from video.entries()
            video = _Lines(number, title, source.limits)
        else:
            yield from video.take(number, line)
    yield from video.entries()


class _Lines:
    """The entries of one fingerprint, as they are read line by line."""

    def __init__(self, number: int, title: str, limits: FormatLimits) -> None:
        self._number, self._title, self._limits, self._signals = number, title, limits, Signals(limits)
        self._rows: list[Row] = []
        self.algorithm: AlgorithmId = Pdq.id

    def take(self, number: int, line: str) -> Iterator[Refusal]:
        self._number = self._number or number
        try:
            if len(self._rows) >= self._limits.frames:
                raise ValueError(f"more than {self._limits.frames} entries in one fingerprint")
            self._rows.append(row_of_line(line, self.algorithm))
        except ValueError as error:
            yield self.refused(number, f"no entry: {error}")

    def refused(self, number: int, reason: str) -> Refusal:
        self._signals.left_out("", reason)
        return Refusal(number, reason, within=True)

    def entries(self) -> Iterator[Entry]:
        if self._rows:
            self._signals.fingerprint(from_rows(self._rows, self.algorithm))
            yield _item(self._number, self._title, self._signals)
        elif self._title:
            yield Refusal(self._number, f"no entry of {quoted(self._title)} can be read")


def _item(number: int, title: str, signals: Signals) -> Item:
    item = Item(number=number, title=title, notes=tuple(signals.notes), **signals.fields())
    return item.with_duration()
