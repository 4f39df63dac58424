"""All formats: how each is called, recognised, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from vhashdb.errors import FormatError, UsageError
from vhashdb.exchange.formats import fingerprint, jsonlines, misp, ncmec, stix, stopncii, table, tcap, threatexchange, vpdq
from vhashdb.exchange.formats.encodings import binary_kind
from vhashdb.exchange.formats.item import Entry, Item, Sender
from vhashdb.exchange.formats.reading import NAME_ENCODING, Head, Options, Source
from vhashdb.fingerprints.text import quoted

BARE: Final = {32: ("video_md5",), 40: ("sha1",), 64: ("pdq", "sha256"), 128: ("sha512",)}
"""Kinds that a hash which stands alone may be of, by its hexadecimal digits."""
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")


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
    """Source of imported records, if the user does not name one; by default the format's name."""
    by_organisation: bool = False
    """Whether the organisation that the file names is part of that."""
    counts: str = "line"
    """Unit of `Item.number`: a line, or an item of the document."""
    one_record: bool = False
    """Whether a file holds one record."""

    @property
    def has_sound(self) -> bool:
        """Whether it can say the sound of an item. Derived: what can say every item holds whole fingerprints."""
        return self.carried is _everything

    def entries(self, source: Source) -> Iterator[Entry]:
        """Read the items of a file of this format.

        Raises:
            UsageError: it is only written.
        """
        if self.read is None:
            raise UsageError(f"{self.name} is written and not read", hint=f"read are {', '.join(READ)}")
        return self.read(source)


_Plain = Callable[[Iterable[Item], BinaryIO], None]


def _unsigned(write: _Plain) -> Callable[[Iterable[Item], BinaryIO, Sender], None]:
    """Return a writer of a format that does not say who wrote it."""
    return lambda items, out, _: write(items, out)


def _vpdq_json(name: str, detect: Callable[[Head], bool], read: Callable[[Source], Iterator[Entry]], write: _Plain) -> Format:
    return Format(name, detect, read, _unsigned(write), vpdq.carried, "json", "vpdq", counts="item", one_record=True)


_te = threatexchange
FORMATS: Final = (
    Format("binary", fingerprint.detect_binary, fingerprint.read_binary, source="vhashdb", counts="item", one_record=True),
    Format("text", fingerprint.detect_lines, fingerprint.read_lines, source="vhashdb"),
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
    Format("json", jsonlines.detect_list, jsonlines.read_list, counts="item"),
    Format("csv", table.detect, table.read, _unsigned(table.write), suffix="csv"),
)
"""In the order in which they are tried: those that are told apart for certain first."""
READ: Final = tuple(f.name for f in FORMATS if f.read)
"""Names of the formats that can be read."""
WRITTEN: Final = (*(f.name for f in FORMATS if f.write), "parquet")
"""Names of the formats that can be written; Parquet is three files, which `write_parquet` writes."""


def format_named(name: str) -> Format:
    """Return the format of that name.

    Raises:
        UsageError: there is none.
    """
    found = next((f for f in FORMATS if f.name == name), None)
    if found is None:
        raise UsageError(f"{name!r} is not a format", hint=f"known: {', '.join(READ)}")
    return found


def opened(stream: BinaryIO, options: Options | None = None, name: str = "", *, bare: bool = False) -> tuple[Format, Source]:
    """Return the format of a file, as named or as its first bytes show, and the file ready to be read by it.

    With ``bare``, hashes that stand alone are taken for the first kind that they may be.

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
    kinds = bare_kinds(source.head)
    if bare and kinds:
        source.options = replace(source.options, signal_type=kinds[0])
        return format_named("signals"), source
    raise _unknown(source.head)


def bare_kinds(head: Head) -> tuple[str, ...]:
    """Return the kinds of hashes that a file may hold whose first line is one alone; none if it is something else."""
    value = head.first_data
    return BARE.get(len(value), ()) if _HEX.fullmatch(value) else ()


def _unknown(head: Head) -> FormatError:
    """Make the error for a file of no known format."""
    if not head.text.strip("\0\ufeff \r\n\t"):
        return FormatError("the file is empty", hint="nothing was changed")
    if kind := binary_kind(head.raw):
        return FormatError(f"the file is {kind}", hint="import text: CSV, JSON, XML or lines of hashes")
    value = head.first_data
    if bare := BARE.get(len(value)) if _HEX.fullmatch(value) else None:
        return FormatError(f"lines of {len(value)} hexadecimal digits alone may be {' or '.join(bare)}", hint="say which kind they are")
    if b"\0" in head.raw:
        return FormatError("the file is of no known format, and no text", hint="a video or a picture is recorded with `Database.add`")
    if not head.is_text:
        return FormatError(f"the file is not UTF-8 text; it begins with {quoted(head.first_line)}", hint=NAME_ENCODING)
    if names := head.names:
        return FormatError(
            f"the file is JSON in which no name is a hash that is known: {', '.join(map(quoted, names))}",
            hint="say which name is which field, such as hash=pdq",
        )
    return FormatError(f"the file is of no known format; it begins with {quoted(head.first_line)}")
