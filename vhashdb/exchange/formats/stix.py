"""STIX 2.1 bundles: an indicator a record, with a file that has its hashes and an extension that has everything else."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, Final

from vhashdb.codes import VERDICTS
from vhashdb.errors import FormatError
from vhashdb.exchange.formats.crosswalk import STIX, TO_STIX
from vhashdb.exchange.formats.fields import from_fields, to_fields
from vhashdb.exchange.formats.item import Entry, Item, ItemOpinion, Sender, derived_key
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source, entries
from vhashdb.exchange.formats.signals import kind_of
from vhashdb.exchange.formats.words import opinions_of, organisation, reason_of, tlp_of
from vhashdb.fingerprints.text import quoted

EXTENSION: Final = "extension-definition--5f6f7b52-4d2c-5cc4-9a0b-8f1d6a3c2e70"
_NAMES: Final = {"sha256": "SHA-256", "md5": "MD5", "sha1": "SHA-1", "sha512": "SHA-512", "ssdeep": "SSDEEP", "tlsh": "TLSH"}
_TLP: Final = {
    "clear": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "amber+strict": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
"""The markings that STIX itself defines. It has none for ``amber+strict``, which the extension says."""
_HASH: Final = re.compile(r"file:hashes\.(?:'([^']{1,40})'|([A-Za-z0-9_-]{1,40}))\s*=\s*'([^']{1,200000})'")
_ELSEWHERE: Final = frozenset({"sha256", "md5", "hashes", "fingerprint", "opinions"})
"""Fields that STIX has a place of its own for, or the file's extension."""

_Object = dict[str, Any]


def detect(head: Head) -> bool:
    """Tell whether it is a bundle, or an object whose ``objects`` have types and STIX ids."""
    return head.value("type") == "bundle" or (
        head.has_key("", "objects") and head.has_key("objects.item", "type") and "--" in str(head.value("objects.item.id"))
    )


# -- reading ---------------------------------------------------------------------------------------


def read(source: Source) -> Iterator[Entry]:
    """Read each indicator as an item, with what the bundle's files and opinions say of it.

    Raises:
        FormatError: it is not a bundle.
        LimitExceeded: it is larger than a document that must be held in memory may be.
    """
    bundle = source.json_document()
    objects = bundle.get("objects") if isinstance(bundle, dict) else None
    if not isinstance(objects, list):
        raise FormatError("the STIX bundle has no list of objects")
    found = _Bundle([o for o in objects if isinstance(o, dict)], source.limits)
    numbered = enumerate(found.indicators(), start=1)
    return entries(numbered, lambda number, part: found.item(number, *part), source.limits)


class _Bundle:
    """A bundle's objects, by what refers to what."""

    def __init__(self, objects: list[_Object], limits: FormatLimits) -> None:
        self._limits = limits
        self._objects = objects
        self._by_id = {str(o.get("id")): o for o in objects}
        self._files: dict[str, list[_Object]] = {}
        self._opinions: dict[str, list[_Object]] = {}
        for o in objects:
            if o.get("type") == "relationship":
                self._files.setdefault(str(o.get("source_ref")), []).extend(self._files_of(str(o.get("target_ref"))))
            elif o.get("type") == "opinion":
                for target in _list(o.get("object_refs")):
                    self._opinions.setdefault(str(target), []).append(o)

    def _files_of(self, target: str) -> list[_Object]:
        o = self._by_id.get(target, {})
        if o.get("type") == "observed-data":
            return [self._by_id[ref] for ref in map(str, _list(o.get("object_refs"))) if ref in self._by_id]
        return [o] if o.get("type") == "file" else []

    def indicators(self) -> Iterator[tuple[_Object, str, list[tuple[str, str]]]]:
        """Yield each indicator with an id and its hashes; one that lists several files is several."""
        for o in self._objects:
            if o.get("type") != "indicator":
                continue
            hashes = [(a or b, value) for a, b, value in _HASH.findall(str(o.get("pattern")))]
            for file in self._files.get(str(o.get("id")), []):
                hashes += [(str(name), str(value)) for name, value in _dict(file.get("hashes")).items()]
            hashes = list(dict.fromkeys(hashes))
            kinds = [kind_of(name) for name, _ in hashes]
            if len(set(kinds)) == len(kinds):
                yield o, str(o.get("id")), hashes
            else:
                yield from ((o, f"{o.get('id')}#{at}", [one]) for at, one in enumerate(hashes, start=1))

    def item(self, number: int, indicator: _Object, identifier: str, hashes: list[tuple[str, str]]) -> Item:
        """Return the item that an indicator stands for."""
        ours, notes = _dict(_extension(indicator).get("record")), []  # type: tuple[_Object, list[str]]
        values: _Object = {
            "id": identifier,
            "labels": _list(indicator.get("labels")),
            "reason": reason_of(indicator.get("description"), notes),
            "owner": self._organisation(indicator.get("created_by_ref")),
            "tlp": self._tlp(indicator),
            "expires": indicator.get("valid_until"),
            **ours,
            "hashes": [f"{name}:{value}" for name, value in hashes if kind_of(name)],
        }
        for file in self._files.get(str(indicator.get("id")), []):
            if fingerprint := _extension(file).get("fingerprint"):
                values["fingerprint"] = fingerprint
        if indicator.get("revoked") is True and not values.get("withdrawn"):
            values["withdrawn"] = "revoked where it came from"
        item = from_fields(number, values, self._limits)
        opinions = opinions_of([self._judged(o) for o in self._opinions.get(str(indicator.get("id")), [])], self._limits, notes)
        left = [f"{name[:40]} is no kind of hash that is kept" for name, _ in hashes if not kind_of(name)]
        return replace(item, opinions=opinions, at=_time(indicator.get("created")), notes=(*item.notes, *left, *notes))

    def _judged(self, o: _Object) -> ItemOpinion:
        exact, said = str(_extension(o).get("verdict")), str(o.get("opinion"))
        if exact not in VERDICTS and said not in STIX:
            raise ValueError(f"{quoted(said)} is no opinion")
        verdict = exact if exact in VERDICTS else STIX[said]
        return ItemOpinion(self._organisation(o.get("created_by_ref")), verdict, reason_of(o.get("explanation"), []))

    def _organisation(self, reference: object) -> str:
        identity = self._by_id.get(str(reference), {})
        return organisation(identity.get("name"), self._limits) if identity.get("identity_class") in ("organization", "group") else ""

    def _tlp(self, o: _Object) -> str:
        for reference in map(str, _list(o.get("object_marking_refs"))):
            marking = self._by_id.get(reference, {})
            known = next((name for name, key in _TLP.items() if key == reference), None)
            if found := known or tlp_of(_dict(marking.get("definition")).get("tlp") or marking.get("name")):
                return found
        return ""


def _extension(o: _Object) -> _Object:
    return _dict(_dict(o.get("extensions")).get(EXTENSION))


def _dict(value: object) -> _Object:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _time(value: object) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(datetime.UTC).replace(tzinfo=None) if found.tzinfo else found


# -- writing ---------------------------------------------------------------------------------------


def write(items: Iterable[Item], out: BinaryIO, sender: Sender) -> None:
    """Write one bundle, object by object."""
    name = f"{sender.organisation}\n{sender.at.isoformat()}"
    out.write(f'{{"type":"bundle","id":"{derived_key("bundle", name)}","objects":[\n'.encode())
    # Organisations come again with every opinion of theirs; nothing else does, so a large export needs no memory.
    written: set[str] = set()
    for o in _objects(items, sender):
        if o["id"] in written:
            continue
        out.write((",\n" if written else "").encode() + json.dumps(o, ensure_ascii=False, separators=(",", ":")).encode())
        if o["type"] == "identity":
            written.add(o["id"])
    out.write(b"\n]}\n")


def _objects(items: Iterable[Item], sender: Sender) -> Iterator[_Object]:
    made = _stamp(sender.at)
    author = _identity(sender.organisation, made)
    maker = _identity("vhashdb", "2026-01-01T00:00:00.000Z", "system")
    yield author
    yield maker
    yield {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": maker["id"],
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "vhashdb",
        "description": "What vhashdb knows of a video and STIX has no place for.",
        "schema": "On a file: `fingerprint`, a vhashdb fingerprint in base64. On an indicator: `record`, an object with the fields of "
        "vhashdb's JSON Lines. On an opinion: `verdict`, the exact opinion.",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }
    for item in items:
        yield from _of_item(item, author["id"], made)


def _of_item(item: Item, author: str, made: str) -> Iterator[_Object]:
    indicator, created = derived_key("indicator", item.key), _stamp(item.at) if item.at else made
    until = f"{item.details.expires.isoformat()}T00:00:00.000Z" if item.details.expires else ""
    hashes = _hashes(item)
    common = {"spec_version": "2.1", "created_by_ref": author, "created": created, "modified": max(made, created)}
    record = {name: value for name, value in to_fields(item).items() if name not in _ELSEWHERE}
    o: _Object = {
        "type": "indicator",
        "id": indicator,
        **common,
        "name": f"video {item.key[:40]}",
        "description": item.details.reason,
        "indicator_types": ["unknown"],
        "pattern": _pattern(item),
        "pattern_type": "stix",
        "valid_from": created,
        "valid_until": until if until > created else "",
        "revoked": bool(item.withdrawn),
        "labels": list(item.details.labels),
        "object_marking_refs": [_TLP[item.details.tlp]],
        "extensions": {EXTENSION: {"extension_type": "property-extension", "record": record}},
    }
    yield {name: value for name, value in o.items() if value not in ("", [])}
    if hashes or item.frames is not None:
        file: _Object = {"type": "file", "spec_version": "2.1", "id": derived_key("file", item.key)}
        # A file must have a hash or a name; a record of frame hashes alone has neither.
        file |= {"hashes": hashes} if hashes else {"name": f"video {item.key[:40]}"}
        if (fingerprint := to_fields(item).get("fingerprint")) is not None:
            file["extensions"] = {EXTENSION: {"extension_type": "property-extension", "fingerprint": fingerprint}}
        yield file
        link = {"type": "relationship", "id": derived_key("relationship", item.key), **common}
        yield link | {"relationship_type": "related-to", "source_ref": indicator, "target_ref": file["id"]}
    for opinion in item.opinions:
        by = _identity(opinion.by or "unnamed", made)
        yield by
        said = {
            "type": "opinion",
            "id": derived_key("opinion", f"{item.key}\n{opinion.by}\n{opinion.verdict}\n{opinion.reason}"),
            **common,
            "created_by_ref": by["id"],
            "explanation": opinion.reason,
            "opinion": TO_STIX[opinion.verdict],
            "object_refs": [indicator],
            "extensions": {EXTENSION: {"extension_type": "property-extension", "verdict": opinion.verdict}},
        }
        yield {name: value for name, value in said.items() if value}


def _hashes(item: Item) -> Mapping[str, str]:
    found = {"sha256": item.sha256, "md5": item.md5, **{other.algorithm: other.value for other in item.others}}
    return {_NAMES.get(kind, kind): value for kind, value in found.items() if value}


def _pattern(item: Item) -> str:
    """Exact hashes if there are any, or else our own id of the record: a pattern is required."""
    exact = [(name, value) for name, value in (("'SHA-256'", item.sha256), ("MD5", item.md5)) if value]
    if exact:
        return "[" + " OR ".join(f"file:hashes.{name} = '{value}'" for name, value in exact) + "]"
    key = re.sub(r"['\\]", "", item.key)
    return f"[file:extensions.'{EXTENSION}'.record = '{key}']"


def _identity(name: str, made: str, kind: str = "organization") -> _Object:
    o = {"type": "identity", "spec_version": "2.1", "id": derived_key("identity", name), "created": made, "modified": made}
    return o | {"name": name, "identity_class": kind}


def _stamp(at: datetime.datetime) -> str:
    return at.isoformat(timespec="milliseconds") + "Z"
