"""Write docs/json.md from the schema that `vhashdb.forms` has; with --check, only say whether it is up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vhashdb.forms import json_schema

TARGET = Path(__file__).with_name("json.md")

HEAD = """# JSON Lines

Every command with `--json` prints one JSON object a line, each with a `type`. New fields may be added; ignore those you
do not know. Notes and errors about a command as a whole are on standard error, as without `--json`.

[json-schema.json](../vhashdb/forms/json-schema.json) says the same as a JSON Schema (draft 2020-12); in Python,
`vhashdb.forms.json_schema()` returns it. In it, `#/$defs/vhashdb-match` is
what the lines of `vhashdb match` are valid against, and so on for every command; the tests hold every line of every
command against it. This page is made from it by `make docs`. A field is there in every line unless it is called optional.

Times are in UTC. Ids are 32 hexadecimal digits. Times of day within a video are seconds from its first picture.
"""


OVER_HTTP = """## Over HTTP

Bodies of answers of `vhashdb serve` that no command prints; the others have the forms above. [The HTTP API](api-guide.md) says which route
answers with what.
"""
COMMAND = "vhashdb-"
"""Begins the names of schemas of what a command prints."""


def main() -> int:
    """Write the page, or compare it."""
    text = reference(json_schema())
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return int(TARGET.read_text(encoding="utf-8") != text)


def reference(schema: dict[str, Any]) -> str:
    """The whole page: the commands in order, each kind of line and of part where it is first met."""
    definitions, met = schema["$defs"], set[str]()
    parts = [HEAD]
    for command in map(_name, schema["anyOf"]):
        value = definitions[command]
        kinds = [_name(line) for line in value["anyOf"]]
        parts.append(f"## `{value['title']}`\n\n{value['description']}\n")
        parts += _section(definitions, kinds, met)
    parts.append(OVER_HTTP)
    over_http = (name for name in definitions if not name.startswith(COMMAND))
    parts += _section(definitions, [name for name in over_http if name not in met], met)
    return "\n".join(parts)


def _section(definitions: dict[str, Any], kinds: list[str], met: set[str]) -> Iterator[str]:
    known = [kind for kind in kinds if kind in met]
    if known:
        yield f"Lines as above: {', '.join(f'[{_title(definitions, kind)}](#{_anchor(kind)})' for kind in known)}.\n"
    pending = [kind for kind in kinds if kind not in met]
    while pending:
        kind = pending.pop(0)
        if kind in met:
            continue
        met.add(kind)
        value = definitions[kind]
        yield f'<a id="{_anchor(kind)}"></a>\n\n**{_title(definitions, kind)}.** {value["description"]}\n'
        for base in map(_name, value.get("allOf", ())):
            yield f"It has the fields of [{_title(definitions, base)}](#{_anchor(base)}){', and:' if value['properties'] else '.'}\n"
            pending.append(base)
        rows = list(_rows(value, "", pending))
        if rows:
            yield "\n".join(["| field | type | |", "|---|---|---|", *rows, ""])


def _rows(value: dict[str, Any], prefix: str, pending: list[str]) -> Iterator[str]:
    """One for each field; those of an object within are named after it."""
    for name, field in value["properties"].items():
        if name == "type":
            continue
        inner = field.get("items", field.get("anyOf", [field])[0])
        if "$ref" in inner:
            pending.append(_name(inner))
        optional = "" if name in value["required"] else " (optional)"
        yield f"| `{prefix}{name}` | {_type(field)} | {field.get('description', '')}{optional} |"
        if "properties" in inner:
            yield from _rows(inner, f"{prefix}{name}.", pending)


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(map(_type, field["anyOf"]))
    if "$ref" in field:
        return f"[object](#{_anchor(_name(field))})"
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    if kinds == ["array"] and "items" not in field:
        return "list"
    if kinds == ["array"]:
        inner = field["items"]
        return f"list of [{_name(inner).replace('-', ' ')}](#{_anchor(_name(inner))})" if "$ref" in inner else f"list of {inner['type']}s"
    form = {"date-time": "time", "date": "day"}.get(field.get("format", ""))
    return " or ".join(form if form and kind == "string" else kind for kind in kinds)


def _title(definitions: dict[str, Any], kind: str) -> str:
    """A line is known by its type, a part by its name."""
    constant = definitions[kind]["properties"].get("type", {}).get("const")
    return f"`{constant}`" if constant else kind.replace("-", " ")


def _anchor(kind: str) -> str:
    return f"line-{kind}"


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


if __name__ == "__main__":
    sys.exit(main())
