"""Read and write ThreatExchange's forms: signal lines, `threatexchange dataset` tables, `threat_updates` pages."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Final

from vhashdb.codes import DISAGREE_INCLUSION, FALSE_POSITIVE
from vhashdb.escaping import escape_formula
from vhashdb.exchange.formats.crosswalk import DATASET, THREATEXCHANGE, THREATEXCHANGE_STATUS
from vhashdb.exchange.formats.frames import row_of_frame
from vhashdb.exchange.formats.item import Entry, Item, ItemOpinion, Refusal
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source, entries
from vhashdb.exchange.formats.signals import Signals, kind_of
from vhashdb.exchange.formats.table import rows
from vhashdb.exchange.formats.words import external_id, id_of_hash, labels_of, opinions_of, organisation, tags_of
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.text import quoted
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Region, View
from vhashdb.store.records import Details

_TYPES: Final = {"md5": "video_md5"}
_COLUMNS: Final = ("signal_type", "signal_str", "collab", "category", "tags")
_DISPUTED: Final = "DISPUTED"
_NEGATIVE: Final = frozenset({FALSE_POSITIVE, DISAGREE_INCLUSION})
_WHOLE: Final = View(Region.WHOLE).code
_LINE: Final = re.compile(r"([A-Za-z][\w-]*)\s+(\S.*)")


def carried(item: Item) -> str:
    """Say why the signal types of ThreatExchange cannot say this item; empty if they can."""
    if item.withdrawn:
        return "a withdrawal cannot be said in it"
    return "" if any(True for _ in signals_of(item)) else "it has neither PDQ hashes nor an MD5"


def signals_of(item: Item) -> Iterator[tuple[str, str]]:
    """Yield the item's signals as ThreatExchange's types and texts: ``pdq``, ``vpdq``, ``video_md5`` and others by name."""
    if item.frames is not None and item.frames.algorithm == Pdq.id:
        whole = item.frames.only(item.frames.view == _WHOLE)
        if len(whole) == 1:
            yield "pdq", whole.hash[0].tobytes().hex()
        elif len(whole):
            yield "vpdq", json.dumps(rows_of(whole), separators=(",", ":"))
    if item.md5:
        yield _TYPES["md5"], item.md5
    if item.sha256:
        yield "sha256", item.sha256
    yield from ((other.algorithm, other.value) for other in item.others)


def rows_of(whole: Fingerprint) -> list[str]:
    """Write the entries of the whole picture as ``pdq,quality,seconds``."""
    columns = zip(whole.start_s.tolist(), whole.quality.tolist(), whole.hash, strict=True)
    return [row_of_frame(seconds, quality, value.tobytes()) for seconds, quality, value in columns]


# -- signal lines ----------------------------------------------------------------------------------


def detect_lines(head: Head) -> bool:
    """Tell whether most of the first lines are the name of a hash and a value, or the kind of all values was given."""
    if head.options.signal_type:
        return True
    found = [bool((line := _LINE.fullmatch(text)) and kind_of(line[1])) for text in head.data]
    return sum(found) > len(found) / 2


def read_lines(source: Source) -> Iterator[Entry]:
    """Read each line as an item of one signal; those that begin with ``#`` are comments."""

    def to_item(number: int, line: str) -> Item:
        signals, found = Signals(source.limits), _LINE.fullmatch(line)
        if found and kind_of(found[1]):
            signals.add(found[1], found[2])
        elif source.options.signal_type:
            signals.add(source.options.signal_type, line)
        elif found:
            raise ValueError(f"{quoted(found[1])} is no kind of hash that is kept")
        else:
            raise ValueError("the line has no type and none was given; say which kind it is")
        return Item(number=number, notes=tuple(signals.notes), **signals.fields()).with_duration()

    lines = (line for line in source.hash_lines() if isinstance(line, Refusal) or not line[1].startswith("#"))
    return entries(lines, to_item, source.limits)


def write_lines(items: Iterable[Item], out: BinaryIO) -> None:
    """Write ``type value``, one signal a line."""
    for item in items:
        for kind, value in signals_of(item):
            out.write(f"{kind} {value}\n".encode())


# -- threatexchange dataset ------------------------------------------------------------------------


def detect_dataset(head: Head) -> bool:
    """Tell whether the header is the one that `threatexchange dataset` writes."""
    return tuple(cell.strip() for cell in head.first_line.split(",")) == _COLUMNS


def read_dataset(source: Source) -> Iterator[Entry]:
    """Read each row as an item of one signal."""
    found = rows(source, ",", source.limits)
    next(found, None)
    return entries(found, lambda number, cells: _of_row(number, cells, source.limits), source.limits)


def _of_row(number: int, cells: list[str], limits: FormatLimits) -> Item:
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"the row has {len(cells)} columns instead of {len(_COLUMNS)}")
    row = dict(zip(_COLUMNS, cells, strict=True))
    category, owner = row["category"].strip(), organisation(row["collab"], limits)
    if category and category != _DISPUTED and category not in DATASET:
        raise ValueError(f"{quoted(category)} is no category")
    signals, notes = Signals(limits), []  # type: tuple[Signals, list[str]]
    signals.add(row["signal_type"], row["signal_str"])
    labels = labels_of(row["tags"].split(), limits, notes)
    return Item(
        number=number,
        details=Details(labels=labels),
        owner=owner,
        opinions=(ItemOpinion(owner, DATASET[category]),) if category in DATASET else (),
        disputed=category == _DISPUTED,
        harmless=category == "NEGATIVE_CLASS",
        doubt="its source has not confirmed it" if category == "INVESTIGATION_SEED" else "",
        notes=(*signals.notes, *notes),
        **signals.fields(),
    ).with_duration()


def write_dataset(items: Iterable[Item], out: BinaryIO) -> None:
    """Write one signal a row; formulas are escaped."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        for item in items:
            for kind, value in signals_of(item):
                writer.writerow(
                    [escape_formula(cell) for cell in (kind, value, item.owner, category_of(item), " ".join(item.details.labels))]
                )
    finally:
        text.detach()


def category_of(item: Item) -> str:
    """Return the category of an item for `threatexchange dataset`."""
    if item.harmless:
        return "NEGATIVE_CLASS"
    if item.disputed:
        return _DISPUTED
    return "INVESTIGATION_SEED" if item.doubt else "POSITIVE_CLASS"


# -- threat_updates --------------------------------------------------------------------------------

_PREFIXES: Final = ("", "item", "data.item")


def _prefix(head: Head) -> str | None:
    return next((prefix for prefix in _PREFIXES if head.has_key(prefix, "indicator")), None)


def detect_updates(head: Head) -> bool:
    """Tell whether it is an indicator with its type: alone, in a list, or in the page that the API gives."""
    return _prefix(head) is not None


def read_updates(source: Source) -> Iterator[Entry]:
    """Read each update as an item, or as a withdrawal."""
    prefix = _prefix(source.head)
    found = source.json_items("data.item" if prefix is None else prefix)
    return entries(found, lambda number, value: _of_update(number, value, source.limits), source.limits)


def _of_update(number: int, value: dict[str, Any], limits: FormatLimits) -> Item:
    signals, notes = Signals(limits), []  # type: tuple[Signals, list[str]]
    descriptors = (value.get("descriptors") or {}).get("data") or []
    # Both ways in which the API says that nobody shares it any more.
    gone = bool(value.get("should_delete")) or not descriptors
    identifier = external_id(value.get("id"), limits) or id_of_hash(str(value["type"]), str(value["indicator"]), limits)
    if gone:
        return Item(number=number, external_id=identifier, withdrawn="deleted where it came from")
    signals.add(str(value["type"]), str(value["indicator"]))
    opinions = [opinion for descriptor in descriptors for opinion in _of_descriptor(descriptor, limits)]
    owners = {opinion.by: opinion.verdict for opinion in opinions if opinion.reason == _STATUS}
    harmless = [verdict in _NEGATIVE for verdict in owners.values()]
    tags = [tag for descriptor in descriptors for tag in tags_of(_tags(descriptor))]
    item = Item(
        number=number,
        external_id=identifier,
        details=Details(labels=labels_of(tags, limits, notes)),
        owner=next((_owner(d, limits) for d in descriptors if _owner(d, limits)), ""),
        opinions=opinions_of([replace(o, reason="") for o in opinions], limits, notes),
        harmless=bool(harmless) and all(harmless),
        disputed=any(harmless) and not all(harmless),
        notes=(*signals.notes, *notes),
        **signals.fields(),
    )
    return item.with_duration()


_STATUS: Final = "status"


def _of_descriptor(descriptor: dict[str, Any], limits: FormatLimits) -> Iterator[ItemOpinion]:
    if verdict := THREATEXCHANGE_STATUS.get(str(descriptor.get("status"))):
        yield ItemOpinion(_owner(descriptor, limits), verdict, _STATUS)
    for reaction in descriptor.get("reactions") or []:
        if verdict := THREATEXCHANGE.get(str(reaction.get("key"))):
            for by in str(reaction.get("value") or "").split(","):
                if name := organisation(by, limits):
                    yield ItemOpinion(name, verdict)


def _owner(descriptor: dict[str, Any], limits: FormatLimits) -> str:
    return organisation((descriptor.get("owner") or {}).get("id"), limits)


def _tags(descriptor: dict[str, Any]) -> object:
    """Tags are a list, or the page of tags that older versions of the API gave."""
    tags = descriptor.get("tags") or []
    return [tag.get("text") for tag in tags.get("data") or []] if isinstance(tags, dict) else tags
