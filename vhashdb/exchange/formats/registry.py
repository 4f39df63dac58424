"""All formats: how each is called, recognised, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from vhashdb.errors import FormatError, UsageError
from vhashdb.exchange.formats import jsonlines, misp, ncmec, stix, stopncii, table, tcap, threatexchange, vpdq
from vhashdb.exchange.formats.item import Entry, Item
from vhashdb.exchange.formats.reading import Head, Options, Source
from vhashdb.exchange.formats.sender import Sender


def _everything(_: Item) -> str:
    return ""


@dataclass(frozen=True)
class Format:
    """One format."""

    name: str
    detect: Callable[[Head], bool] | None = None
    read: Callable[[Source], Iterator[Entry]] | None = None
    write: Callable[[Iterable[Item], BinaryIO, Sender], None] | None = None
    carried: Callable[[Item], str] = _everything
    """Why it cannot say an item, in words; empty if it can."""
    suffix: str = ""
    """Of files that are written, without a dot."""
    source: str = ""
    """What imported records are said to come from, if the user does not say; by default the format's name."""
    by_organisation: bool = False
    """Whether the organisation that the file names is part of that."""
    counts: str = "line"
    """What `Item.number` counts: a line, or an item of the document."""
    one_record: bool = False
    """Whether a file holds one record."""


_Plain = Callable[[Iterable[Item], BinaryIO], None]


def _unsigned(write: _Plain) -> Callable[[Iterable[Item], BinaryIO, Sender], None]:
    """A writer of a format that does not say who wrote it."""
    return lambda items, out, _: write(items, out)


def _vpdq_json(name: str, detect: Callable[[Head], bool], read: Callable[[Source], Iterator[Entry]], write: _Plain) -> Format:
    return Format(name, detect, read, _unsigned(write), vpdq.carried, "json", "vpdq", counts="item", one_record=True)


_te = threatexchange
FORMATS: Final = (
    Format("vpdq", vpdq.detect_text, vpdq.read_text, _unsigned(vpdq.write_text), vpdq.carried, "txt", one_record=True),
    _vpdq_json("vpdq-json", vpdq.detect_json, vpdq.read_json, vpdq.write_json),
    _vpdq_json("vpdq-json-old", vpdq.detect_old_json, vpdq.read_old_json, vpdq.write_old_json),
    Format("dataset", _te.detect_dataset, _te.read_dataset, _unsigned(_te.write_dataset), _te.carried, "csv", "threatexchange"),
    Format("signals", _te.detect_lines, _te.read_lines, _unsigned(_te.write_lines), _te.carried, "txt"),
    Format("threat-updates", _te.detect_updates, _te.read_updates, source="threatexchange", counts="item"),
    Format("ncmec", ncmec.detect, ncmec.read, counts="item"),
    Format("stopncii", stopncii.detect, stopncii.read, counts="item"),
    Format("tcap", tcap.detect, tcap.read, counts="item"),
    Format("misp", misp.detect, misp.read, misp.write, suffix="json", by_organisation=True, counts="item"),
    Format("stix", stix.detect, stix.read, stix.write, suffix="json", by_organisation=True, counts="item"),
    Format("jsonl", jsonlines.detect, jsonlines.read, _unsigned(jsonlines.write), suffix="jsonl"),
    Format("csv", table.detect, table.read, _unsigned(table.write), suffix="csv"),
)
"""In the order in which they are tried: those that are told apart for certain first."""
READ: Final = tuple(f.name for f in FORMATS if f.read)
WRITTEN: Final = (*(f.name for f in FORMATS if f.write), "parquet")
"""Names of formats that can be read, and of those that can be written; Parquet is two files, and has a room of its own."""


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: there is none.
    """
    found = next((f for f in FORMATS if f.name == name), None)
    if found is None:
        raise UsageError(f"{name!r} is not a format", hint=f"known: {', '.join(READ)}")
    return found


def opened(stream: BinaryIO, options: Options | None = None, name: str = "") -> tuple[Format, Source]:
    """The format of a file, as named or as its first bytes show, and the file ready to be read by it.

    Raises:
        FormatError: it is of no known format.
        UsageError: there is no format of that name.
    """
    source = Source(stream, options)
    if name:
        return format_named(name), source
    for form in FORMATS:
        if form.detect is not None and form.detect(source.head):
            return form, source
    if not source.head.text:
        raise FormatError("the file is empty", hint="nothing was changed")
    raise FormatError(f"the file is of no known format; it begins with {source.head.first_line[:60]!r}")
