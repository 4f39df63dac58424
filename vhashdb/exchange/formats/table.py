"""CSV with our fields as headers, or with others that are mapped to them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from vhashdb.errors import FormatError
from vhashdb.escaping import escape_formula, unescape_formula
from vhashdb.exchange.formats.fields import FRAMES, SIGNALS, WRITTEN, field_named, from_fields, to_fields
from vhashdb.exchange.formats.frames import frame
from vhashdb.exchange.formats.item import Entry, Item, Refusal, Remark
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source, entries
from vhashdb.exchange.formats.signals import Signals

_DELIMITERS: Final = ",;\t"

Row = tuple[int, list[str]]


def rows(source: Source, delimiter: str, limits: FormatLimits) -> Iterator[Row | Refusal]:
    """Yield the rows of a table, each with the line it begins in."""
    # The module's own cap is on cells, and for the whole process; it is only ever raised to what a line may have.
    csv.field_size_limit(max(csv.field_size_limit(), limits.line_bytes))
    refused: list[Refusal] = []
    taken: list[int] = []
    """Numbers of the lines that the row at hand was read from."""

    def text() -> Iterator[str]:
        for line in source.all_lines():
            if isinstance(line, Refusal):
                refused.append(line)
            else:
                taken.append(line[0])
                yield line[1].replace("\0", "\N{REPLACEMENT CHARACTER}")

    reader = csv.reader(text(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            yield from refused
            return
        except csv.Error as error:
            cells = None
            yield Refusal(taken[0], f"the row cannot be read: {error}; a quotation mark may be missing")
        yield from refused
        refused.clear()
        if cells and len(cells) > limits.columns:
            yield Refusal(taken[0], f"the row has more than {limits.columns} columns")
        elif cells:
            yield taken[0], [unescape_formula(cell) for cell in cells]


def header_of(line: str, mapping: Mapping[str, str]) -> tuple[str, dict[int, str]]:
    """Return the delimiter of a header line, and the field of each column that has one."""
    best: tuple[str, dict[int, str]] = (",", {})
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        found = {at: field for at, cell in enumerate(cells) if (field := mapping.get(cell.strip()) or field_named(cell))}
        if len(found) > len(best[1]):
            best = delimiter, found
    return best


def detect(head: Head) -> bool:
    """Tell whether the first line names columns of which one holds a hash, an id or what it was mapped to."""
    if head.text[:1] in ("{", "[", "<"):
        return False
    _, columns = header_of(head.first_line, head.options.mapping)
    return bool(set(columns.values()) & (SIGNALS | {"id"}))


def read(source: Source) -> Iterator[Entry]:
    """Read each row as an item; neighbouring rows of one id that have ``pdq`` and ``seconds`` are the frames of one.

    Raises:
        FormatError: no column is a field.
    """
    delimiter, columns = header_of(source.head.first_line, source.options.mapping)
    if not columns:
        raise FormatError("no column of the table is a field", hint="say which header is which field")
    twice = sorted({field for field in columns.values() if list(columns.values()).count(field) > 1})
    if twice:
        raise FormatError(f"two columns of the table are {twice[0]}", hint="say which one it is, and rename the other")
    found = rows(source, delimiter, source.limits)
    header = next(found)
    if not isinstance(header, Refusal):
        unused = [cell for at, cell in enumerate(header[1]) if at not in columns]
        if unused:
            yield Remark(f"columns that are no field were left out: {', '.join(unused)[:500]}")
    values = _values(found, columns)
    if {"id", "pdq", "seconds"} <= set(columns.values()):
        values = _videos(values, source.limits)
    yield from entries(values, lambda number, value: from_fields(number, value, source.limits), source.limits)


def _values(found: Iterator[Row | Refusal], columns: Mapping[int, str]) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    for row in found:
        if isinstance(row, Refusal):
            yield row
            continue
        number, cells = row
        if len(cells) <= max(columns):
            yield Refusal(number, f"the row has {len(cells)} columns, fewer than the header")
        else:
            yield number, {field: cells[at] for at, field in columns.items()}


def _videos(found: Iterator[tuple[int, dict[str, Any]] | Refusal], limits: FormatLimits) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    """Rows of frames put together to one set of values a video, whose frames are in `FRAMES`; a bad one is refused by its line."""
    video: tuple[int, dict[str, Any]] | None = None
    for part in found:
        if isinstance(part, Refusal):
            yield part
            continue
        number, values = part
        pdq, quality, at = values.pop("pdq"), values.pop("quality", None), values.pop("seconds")
        if not (video and values.get("id") and video[1]["id"] == values["id"]):
            if video and _tells(video[1]):
                yield video
            video = number, {**values, FRAMES: Signals(limits)}
        if pdq and (reason := video[1][FRAMES].attempt(f"line {number}", lambda: frame(pdq, quality, at, limits))):  # noqa: B023
            yield Refusal(number, reason, within=True)
    if video and _tells(video[1]):
        yield video


def _tells(values: dict[str, Any]) -> bool:
    """Tell whether anything is left of a video, or all of its lines were refused."""
    return not values[FRAMES].unread or bool(len(values[FRAMES])) or any(values.get(field) for field in (*SIGNALS, "withdrawn"))


def write(items: Iterable[Item], out: BinaryIO) -> None:
    """Write a header and one row an item, in UTF-8; lists are JSON, formulas are escaped."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow(WRITTEN)
        for item in items:
            values = to_fields(item)
            writer.writerow([escape_formula(_cell(values.get(name))) for name in WRITTEN])
    finally:
        text.detach()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ";".join(value) if all(isinstance(v, str) for v in value) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
