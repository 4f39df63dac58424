"""The pages of hashes of the Terrorist Content Analytics Platform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vhashdb.exchange.formats.item import Entry, Item
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source, entries
from vhashdb.exchange.formats.signals import Signals
from vhashdb.exchange.formats.words import external_id, id_of_hash, labels_of, truth_of
from vhashdb.store.records import Details


def detect(head: Head) -> bool:
    """Tell whether it is a page whose ``results`` have a ``hash_digest``, or an empty one with a ``checkpoint``."""
    return head.has_key("results.item", "hash_digest") or (head.has_key("", "results") and head.has_key("", "checkpoint"))


def read(source: Source) -> Iterator[Entry]:
    """Read each result as an item, or as a withdrawal."""
    found = source.json_items("results.item")
    return entries(found, lambda number, value: _of_result(number, value, source.limits), source.limits)


def _of_result(number: int, value: dict[str, Any], limits: FormatLimits) -> Item:
    identifier = external_id(value.get("id"), limits) or id_of_hash(str(value["algorithm"]), str(value["hash_digest"]), limits)
    if truth_of(value.get("deleted")):
        return Item(number=number, external_id=identifier, withdrawn="deleted where it came from")
    signals, notes = Signals(limits), []  # type: tuple[Signals, list[str]]
    signals.add(str(value["algorithm"]), str(value["hash_digest"]))
    labels = labels_of([f"ideology:{value['ideology']}"] if value.get("ideology") else [], limits, notes)
    return Item(
        number=number,
        external_id=identifier,
        details=Details(labels=labels),
        owner="TCAP",
        notes=(*signals.notes, *notes),
        **signals.fields(),
    )
