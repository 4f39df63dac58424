"""JSON with our fields, or with others that are mapped to them: one object a line, a list of them, or one within a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

from vhashdb.errors import FormatError
from vhashdb.exchange.formats.fields import SIGNALS, field_named, from_fields, to_fields
from vhashdb.exchange.formats.item import Entry, Item, Remark
from vhashdb.exchange.formats.reading import Head, Source, entries, json_value
from vhashdb.exchange.formats.words import plain

OURS: Final = "vhashdb-fingerprint"
"""``format`` of a fingerprint in JSON."""


def detect(head: Head) -> bool:
    """Tell whether the first line is an object of which a name is a field, or which is one of our fingerprints."""
    try:
        value = json_value(head.first_line, head.limits)
    except ValueError:
        # One long line does not fit in the head: what can be seen of it has to do.
        return len(head.first_line) > 10_000 and any(
            event == "map_key" and not prefix and (field_named(name) or name in head.options.mapping) for prefix, event, name in head.events
        )
    if not isinstance(value, dict):
        return False
    if value.get("format") == OURS:
        return True
    fields = {head.options.mapping.get(name) or field_named(name) for name in value} - {None}
    # A page on one line may have an id or labels too; what has the hashes is within.
    return bool(fields) and bool(fields & SIGNALS or _prefix(head) is None)


def read(source: Source) -> Iterator[Entry]:
    """Read each line as an item. Names that are no field are not kept, and said once."""
    objects = _Objects(source)
    yield from entries(source.lines(), lambda number, line: objects.item(number, json_value(line, source.limits)), source.limits)
    yield from objects.remarks()


def detect_list(head: Head) -> bool:
    """Tell whether it is a list of objects, a page that has one, or an object over several lines, and one of their names is a hash."""
    return _prefix(head) is not None


def read_list(source: Source) -> Iterator[Entry]:
    """Read each object as an item.

    Raises:
        FormatError: there are no objects of that kind.
    """
    prefix = _prefix(source.head)
    if prefix is None:
        raise FormatError("it is no list of objects of which one name is a hash", hint="say which name is which field")
    objects = _Objects(source)
    yield from entries(source.json_items(prefix), objects.item, source.limits)
    yield from objects.remarks()


def _prefix(head: Head) -> str | None:
    """Return where the objects are, as ijson names it: in the list that the document is, in one that it has, or it is one itself."""
    for prefix, event, name in head.events:
        if event != "map_key" or prefix.count(".") > 1 or not (prefix in ("", "item") or prefix.endswith(".item")):
            continue
        field = head.options.mapping.get(str(name)) or field_named(str(name))
        if field in SIGNALS or (name == "format" and head.value(f"{prefix}.format".lstrip(".")) == OURS):
            return str(prefix)
    return None


class _Objects:
    """The objects of one file as items."""

    def __init__(self, source: Source) -> None:
        self._mapping, self._limits = source.options.mapping, source.limits
        self._unknown: dict[str, None] = {}

    def item(self, number: int, value: object) -> Item:
        """Raises: ValueError: it is no object, or one of its values cannot be read."""
        if not isinstance(value, dict):
            raise ValueError("it is not a JSON object")
        if value.get("format") == OURS:  # as `vhashdb hash --format json` prints it
            value, title = {"fingerprint": value}, plain(value.get("name") or "")
        else:
            title = ""
        known: dict[str, Any] = {}
        for name, content in value.items():
            field = self._mapping.get(name) or field_named(name)
            if field:
                known[field] = content
            elif len(self._unknown) < self._limits.columns:
                self._unknown[name] = None
        item = from_fields(number, known, self._limits)
        return replace(item, title=title) if title else item

    def remarks(self) -> Iterator[Remark]:
        """Names that are no field are not kept, and said once."""
        if self._unknown:
            yield Remark(f"names that are no field were left out: {', '.join(sorted(self._unknown))[:500]}")


def write(items: Iterable[Item], out: BinaryIO) -> None:
    """Write one object a line, in UTF-8."""
    for item in items:
        out.write(json.dumps(to_fields(item), ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
