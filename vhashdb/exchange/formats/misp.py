"""MISP events as JSON: `file` objects for exact hashes, and an object of our own for everything else."""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

from vhashdb.errors import FormatError
from vhashdb.exchange.formats.crosswalk import MISP_SIGHTING, TO_MISP_SIGHTING
from vhashdb.exchange.formats.fields import WRITTEN, from_fields, to_fields
from vhashdb.exchange.formats.item import Entry, Item, ItemOpinion, Sender, derived_uuid
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source, entries
from vhashdb.exchange.formats.signals import kind_of
from vhashdb.exchange.formats.words import list_of, opinions_of, organisation, tlp_of
from vhashdb.store.records import TLP

OBJECT: Final = "vhashdb-record"
_TEMPLATE: Final = "9f3f2a41-7c55-5d0e-8a1f-2f0f5b7e6c33"
_FILE_TEMPLATE: Final = "688c46fb-5edb-40a3-8273-1af7923e2215"
"""Of MISP's own `file` object."""
_FILE_HASHES: Final = ("sha256", "md5", "sha1", "sha512", "ssdeep", "tlsh")

_Object = dict[str, Any]
_Part = tuple[_Object, _Object, list[_Object]]
"""An event, the object or attribute that is an item, and the attributes that it consists of."""


def detect(head: Head) -> bool:
    """Tell whether it is an object with an ``Event``, alone, in a list, or in a response of the API."""
    return any(head.has_key(prefix, "Event") for prefix in ("", "item", "response.item"))


# -- reading ---------------------------------------------------------------------------------------


def read(source: Source) -> Iterator[Entry]:
    """Read each object and each attribute with a hash as an item.

    Raises:
        FormatError: there is no event in it.
        LimitExceeded: it is larger than a document that must be held in memory may be.
    """
    document = source.json_document()
    listed = document.get("response", document) if isinstance(document, dict) else document
    events = [_dict(o.get("Event")) for o in (listed if isinstance(listed, list) else [listed]) if isinstance(o, dict)]
    if not any(events):
        raise FormatError("there is no MISP event in it")
    numbered = enumerate((part for event in events for part in _parts(event)), start=1)
    return entries(numbered, lambda number, part: _item(number, part, source.limits), source.limits)


def _parts(event: _Object) -> Iterator[_Part]:
    objects = [o for o in _list(event.get("Object")) if isinstance(o, dict)]
    by_id = {str(o.get("uuid")): o for o in objects}
    referred: set[str] = set()
    for o in objects:
        if o.get("name") == OBJECT:
            targets = [str(r.get("referenced_uuid")) for r in _list(o.get("ObjectReference")) if isinstance(r, dict)]
            referred.update(targets)
            yield event, o, [*_attributes(o), *(a for target in targets for a in _attributes(by_id.get(target, {})))]
    for o in objects:
        if o.get("name") != OBJECT and str(o.get("uuid")) not in referred and (_deleted(o) or any(_hashes(_attributes(o)))):
            yield event, o, _attributes(o)
    yield from ((event, a, [a]) for a in _attributes(event) if any(_hashes([a])))


def _item(number: int, part: _Part, limits: FormatLimits) -> Item:
    event, o, attributes = part
    ours = o.get("name") == OBJECT
    values: _Object = {}
    tags = [str(t.get("name")) for holder in (event, o, *attributes) for t in _list(holder.get("Tag")) if isinstance(t, dict)]
    markings = [found for tag in tags if tag.lower().startswith("tlp:") and (found := tlp_of(tag))]
    if not ours:
        values["labels"] = [tag for tag in tags if not tag.lower().startswith("tlp:")]
        values["reason"] = o.get("comment")
    if markings:  # the strictest of the event's and the object's own
        values["tlp"] = max(markings, key=TLP.index)
    hashes = list(_hashes([a for a in attributes if not _deleted(a)]))
    for a in attributes if ours else ():
        relation = str(a.get("object_relation"))
        if relation in WRITTEN and relation not in _FILE_HASHES:
            values[relation] = a.get("value")
    values["hashes"] = [*list_of(values.get("hashes")), *(f"{kind}:{value}" for kind, value in hashes)]
    values["id"] = values.get("id") or o.get("uuid")
    values["owner"] = values.get("owner") or organisation(_dict(event.get("Orgc")).get("name"), limits)
    if _deleted(o) or _deleted(event):
        values["withdrawn"] = values.get("withdrawn") or "deleted where it came from"
    item, notes = from_fields(number, values, limits), []  # type: tuple[Item, list[str]]
    sightings = [judged for a in attributes for s in _list(a.get("Sighting")) if (judged := _judged(s, limits))]
    # Our own list of opinions is exact; sightings of the same organisations only repeat it.
    known = {opinion.by for opinion in item.opinions}
    opinions = opinions_of([*item.opinions, *(s for s in sightings if s.by not in known)], limits, notes)
    return replace(item, opinions=opinions, notes=(*item.notes, *notes))


def _hashes(attributes: list[_Object]) -> Iterator[tuple[str, str]]:
    """Hashes among attributes, by type or by relation; of `filename|md5` and the like the file name is dropped."""
    for a in attributes:
        kind, value = str(a.get("type")), str(a.get("value"))
        if kind.startswith("filename|"):
            kind, value = kind.removeprefix("filename|"), value.rpartition("|")[2]
        found = kind_of(kind) or (kind_of(str(a.get("object_relation"))) if kind in ("text", "other") else None)
        if found:
            yield found, value


def _judged(sighting: object, limits: FormatLimits) -> ItemOpinion | None:
    found = _dict(sighting)
    verdict = MISP_SIGHTING.get(str(found.get("type")))
    return ItemOpinion(organisation(_dict(found.get("Organisation")).get("name"), limits), verdict) if verdict else None


def _deleted(o: _Object) -> bool:
    return o.get("deleted") in (True, "1", 1)


def _attributes(o: _Object) -> list[_Object]:
    return [a for a in _list(o.get("Attribute")) if isinstance(a, dict)]


def _dict(value: object) -> _Object:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


# -- writing ---------------------------------------------------------------------------------------


def write(items: Iterable[Item], out: BinaryIO, sender: Sender) -> None:
    """Write one event, object by object."""
    stamp = str(calendar.timegm(sender.at.timetuple()))
    event: _Object = {
        "uuid": derived_uuid("event", f"{sender.organisation}\n{sender.at.isoformat()}"),
        "info": "Fingerprints of known harmful videos",
        "date": sender.at.date().isoformat(),
        "timestamp": stamp,
        "threat_level_id": "4",
        "analysis": "2",
        "distribution": "0",
        "published": False,
        "Orgc": {"name": sender.organisation, "uuid": derived_uuid("organisation", sender.organisation)},
        "Object": [],
    }
    head, tail = json.dumps({"Event": event}, ensure_ascii=False, separators=(",", ":")).rsplit("[]", 1)
    out.write(f"{head}[\n".encode())
    first = True
    for item in items:
        for o in _objects(item, stamp):
            out.write(("" if first else ",\n").encode() + json.dumps(o, ensure_ascii=False, separators=(",", ":")).encode())
            first = False
    out.write(f"\n]{tail}\n".encode())


def _objects(item: Item, stamp: str) -> Iterator[_Object]:
    values, own = to_fields(item), derived_uuid("object", item.key)
    pairs = (("sha256", item.sha256), ("md5", item.md5), *((o.algorithm, o.value) for o in item.others if o.algorithm in _FILE_HASHES))
    exact = {kind: value for kind, value in pairs if value}
    values["hashes"] = [f"{o.algorithm}:{o.value}" for o in item.others if o.algorithm not in _FILE_HASHES]
    attributes = [
        _attribute(name, "text", _text(value), item, stamp) for name, value in values.items() if value and name not in ("sha256", "md5")
    ]
    record = _object(OBJECT, "misc", _TEMPLATE, own, attributes, stamp) | {"deleted": bool(item.withdrawn)}
    if attributes:
        attributes[0]["Tag"] = [{"name": f"tlp:{item.details.tlp}"}]
        attributes[0]["Sighting"] = [
            {"type": TO_MISP_SIGHTING[opinion.verdict], "date_sighting": stamp, "Organisation": {"name": opinion.by}}
            for opinion in item.opinions
            if opinion.verdict in TO_MISP_SIGHTING
        ]
    if exact:
        file = derived_uuid("file", item.key)
        reference = {"uuid": derived_uuid("reference", item.key), "object_uuid": own, "referenced_uuid": file}
        record["ObjectReference"] = [reference | {"relationship_type": "derived-from", "timestamp": stamp}]
        yield record
        yield _object("file", "file", _FILE_TEMPLATE, file, [_attribute(k, k, v, item, stamp) for k, v in exact.items()], stamp)
    else:
        yield record


def _object(name: str, category: str, template: str, identifier: str, attributes: list[_Object], stamp: str) -> _Object:
    o = {"name": name, "meta-category": category, "template_uuid": template, "template_version": "1", "uuid": identifier}
    return o | {"timestamp": stamp, "distribution": "5", "deleted": False, "Attribute": attributes}


def _attribute(relation: str, kind: str, value: str, item: Item, stamp: str) -> _Object:
    return {
        "uuid": derived_uuid("attribute", f"{item.key}\n{relation}"),
        "object_relation": relation,
        "type": kind,
        "category": "Payload delivery" if kind in _FILE_HASHES else "Other",
        "to_ids": kind in _FILE_HASHES and not item.withdrawn,
        "distribution": "5",
        "timestamp": stamp,
        "value": value,
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
