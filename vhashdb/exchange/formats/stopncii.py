"""StopNCII's pages of hash records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from vhashdb.exchange.formats.crosswalk import STOPNCII
from vhashdb.exchange.formats.item import Entry, Item, ItemOpinion
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source, entries
from vhashdb.exchange.formats.signals import Signals
from vhashdb.exchange.formats.words import id_of_hash, labels_of, opinions_of, organisation
from vhashdb.store.records import Details

_GONE: Final = frozenset({"withdrawn", "deleted"})


def detect(head: Head) -> bool:
    """Tell whether it is a page with ``hashRecords``."""
    return head.has_key("", "hashRecords")


def read(source: Source) -> Iterator[Entry]:
    """Read each record as an item; one that is withdrawn or deleted is withdrawn here, and its hashes are forgotten."""
    found = source.json_items("hashRecords.item")
    return entries(found, lambda number, value: _of_record(number, value, source.limits), source.limits)


def _of_record(number: int, value: dict[str, Any], limits: FormatLimits) -> Item:
    # A record has no id but its hash; case numbers are people's, and are not kept.
    kind, text = str(value["signalType"]), str(value["hashValue"]).strip().lower()
    signals, notes = Signals(limits), []  # type: tuple[Signals, list[str]]
    signals.add(kind, text)
    identifier, status = id_of_hash(kind, text, limits), str(value["hashStatus"])
    if status.lower() in _GONE:
        return Item(number=number, external_id=identifier, withdrawn=f"{status.lower()} where it came from", erase=True)
    feedbacks = value.get("CSPFeedbacks") or []
    opinions = [
        ItemOpinion(organisation(feedback.get("source"), limits), STOPNCII[answer])
        for feedback in feedbacks
        if (answer := str(feedback.get("feedbackValue"))) in STOPNCII
    ]
    tags = [*(value.get("tags") or []), *(tag for feedback in feedbacks for tag in feedback.get("tags") or [])]
    return Item(
        number=number,
        external_id=identifier,
        details=Details(labels=labels_of(tags, limits, notes)),
        owner="StopNCII",
        opinions=opinions_of(opinions, limits, notes),
        notes=(*signals.notes, *notes),
        **signals.fields(),
    )
