"""JSON Lines with our fields, or with others that are mapped to them: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from vhashdb.exchange.formats.fields import field_named, from_fields, to_fields
from vhashdb.exchange.formats.item import Entry, Item, Remark
from vhashdb.exchange.formats.reading import Head, Source, entries, json_value


def detect(head: Head) -> bool:
    """The first line is an object, and one of its names is a field."""
    try:
        value = json_value(head.first_line, head.limits)
    except ValueError:
        # One long line does not fit in the head: what can be seen of it has to do.
        return len(head.first_line) > 10_000 and any(
            event == "map_key" and not prefix and (field_named(name) or name in head.options.mapping) for prefix, event, name in head.events
        )
    return isinstance(value, dict) and any(field_named(name) or name in head.options.mapping for name in value)


def read(source: Source) -> Iterator[Entry]:
    """Each line as an item. Names that are no field are not kept, and said once."""
    unknown: dict[str, None] = {}

    def to_item(number: int, line: str) -> Item:
        value = json_value(line, source.limits)
        if not isinstance(value, dict):
            raise ValueError("the line is not a JSON object")
        if value.get("format") == "vhashdb-fingerprint":  # as `vhashdb hash --format json` prints it
            value = {"fingerprint": value}
        known: dict[str, Any] = {}
        for name, content in value.items():
            field = source.options.mapping.get(name) or field_named(name)
            if field:
                known[field] = content
            elif len(unknown) < source.limits.columns:
                unknown[name] = None
        return from_fields(number, known, source.limits)

    yield from entries(source.lines(), to_item, source.limits)
    if unknown:
        yield Remark(f"names that are no field were left out: {', '.join(sorted(unknown))[:500]}")


def write(items: Iterable[Item], out: BinaryIO) -> None:
    """One object a line, in UTF-8."""
    for item in items:
        out.write(json.dumps(to_fields(item), ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
