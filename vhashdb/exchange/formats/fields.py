"""The fields of our own tables and JSON Lines: an item as a flat set of named values, and back."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any, Final

from vhashdb.exchange.formats.frames import frame
from vhashdb.exchange.formats.item import Item, ItemOpinion
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.signals import KINDS, Signals
from vhashdb.exchange.formats.words import (
    day_of,
    external_id,
    labels_of,
    list_of,
    opinions_of,
    organisation,
    plain,
    reason_of,
    renamed,
    tags_of,
    tlp_of,
    truth_of,
)
from vhashdb.fingerprints import Fingerprint, from_bytes, to_bytes
from vhashdb.fingerprints.text import from_object, quoted, seconds_of
from vhashdb.store.records import ORIGINS, REVIEW_METHODS, SEVERITIES, Details

WRITTEN: Final = (
    "id", "withdrawn", "erase", "owner", "labels", "severity", "reason", "reason_code", "origin", "policy", "law", "review_method",
    "reviewers", "tlp", "first_seen", "review_by", "expires", "duration_s", "disputed", "harmless", "held", "opinions", "sha256", "md5",
    "hashes", "fingerprint",
)  # fmt: skip
"""Fields that are written, in this order."""
FIELDS: Final = frozenset((*WRITTEN, *KINDS, "quality", "seconds"))
"""Fields that are read. Those named after a hash hold one such hash; ``pdq`` may come with ``quality`` and ``seconds``."""
SIGNALS: Final = frozenset((*KINDS, "hashes", "fingerprint"))
"""Those that hold hashes."""
ALIASES: Final[Mapping[str, str]] = {
    "tags": "labels",
    "external_id": "id",
    "record": "id",
    "organisation": "owner",
    "organization": "owner",
}
FRAMES: Final = "frames"
"""Of a video put together from several lines: its `Signals`, with their frames."""
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {"severity": SEVERITIES, "origin": ORIGINS, "review_method": REVIEW_METHODS}
_DAYS: Final = ("first_seen", "review_by", "expires")
_DEFAULTS: Final = {field.name: field.default for field in fields_of(Details)}


def field_named(name: str) -> str | None:
    """Return the field that a header or a key stands for by itself, or None."""
    text = name.strip().lower().replace(" ", "_").replace("-", "_")
    text = ALIASES.get(text, text)
    return text if text in FIELDS else None


def from_fields(number: int, values: Mapping[str, Any], limits: FormatLimits) -> Item:
    """Return the item that the values describe; each may also be given as text.

    Raises:
        ValueError: one of them cannot be read.
    """
    signals, notes, tags = _signals(values, limits), [], tags_of(values.get("labels"))  # type: tuple[Signals, list[str], list[Any]]
    details = Details(
        labels=labels_of(tags, limits, notes),
        reason=reason_of(values.get("reason"), notes),
        reason_code=plain(values.get("reason_code") or "").lower(),
        policy=reason_of(values.get("policy"), notes),
        law=reason_of(values.get("law"), notes),
        reviewers=_reviewers(values.get("reviewers"), notes),
        tlp=_tlp(values.get("tlp"), notes),
        severity=_word("severity", values.get("severity"), notes),
        origin=_word("origin", values.get("origin"), notes),
        review_method=_word("review_method", values.get("review_method"), notes),
        first_seen=day_of(values.get("first_seen")),
        review_by=day_of(values.get("review_by")),
        expires=day_of(values.get("expires")),
    )
    opinions = [_opinion(value, limits) for value in list_of(values.get("opinions"))]
    found = signals.fields()
    return Item(
        number=number,
        external_id=external_id(values.get("id"), limits),
        duration_s=_duration(values.get("duration_s")) or (found["frames"].duration_s if found["frames"] is not None else 0.0),
        details=details,
        owner=organisation(values.get("owner"), limits),
        opinions=opinions_of(opinions, limits, notes),
        withdrawn=reason_of(values.get("withdrawn"), notes),
        erase=truth_of(values.get("erase")),
        disputed=truth_of(values.get("disputed")),
        harmless=truth_of(values.get("harmless")),
        doubt=reason_of(values.get("held"), notes),
        renamed=renamed(tags),
        notes=(*signals.notes, *notes),
        **found,
    )


def to_fields(item: Item) -> dict[str, Any]:
    """Return the values that describe an item, in the order of `WRITTEN`; what says nothing is left out."""
    details = {name: getattr(item.details, name) for name in _DEFAULTS if name not in ("labels", "source", "reshare", "max_action")}
    values: dict[str, Any] = {
        "id": item.external_id,
        "withdrawn": item.withdrawn,
        "erase": item.erase,
        "owner": item.owner,
        "labels": list(item.details.labels),
        "duration_s": item.duration_s,
        "disputed": item.disputed,
        "harmless": item.harmless,
        "held": item.doubt,
        "opinions": [{"by": o.by, "verdict": o.verdict, "reason": o.reason} for o in item.opinions],
        "sha256": item.sha256,
        "md5": item.md5,
        "hashes": [f"{other.algorithm}:{other.value}" for other in item.others],
        "fingerprint": base64.b64encode(to_bytes(item.frames)).decode() if item.frames is not None else "",
    }
    values |= {name: value for name, value in details.items() if value != _DEFAULTS[name]}
    values |= {name: values[name].isoformat() for name in _DAYS if name in values}
    return {name: values[name] for name in WRITTEN if values.get(name)}


def _signals(values: Mapping[str, Any], limits: FormatLimits) -> Signals:
    held = values.get(FRAMES)
    signals = held if isinstance(held, Signals) else Signals(limits)
    for kind in KINDS:
        if (value := values.get(kind)) in (None, "", []):
            continue
        if kind == "pdq" and values.get("quality") not in (None, ""):
            signals.frame(frame(value, values["quality"], values.get("seconds") or 0.0, limits))
        elif kind == "vpdq":
            signals.rows(_rows(value))
        else:
            for one in value if isinstance(value, list) else [value]:
                signals.add(kind, str(one))
    for text in list_of(values.get("hashes")):
        algorithm, _, value = str(text).partition(":")
        signals.add(algorithm, value)
    if whole := values.get("fingerprint"):
        signals.fingerprint(*(from_object(whole) if isinstance(whole, dict) else (_from_base64(whole, limits), {})))
    return signals


def _rows(value: object) -> list[object]:
    """Rows of frames: a list or its JSON; as text without brackets, rows between spaces, as they have commas within."""
    if isinstance(value, str) and not value.strip().startswith("["):
        return list(value.split())
    return list_of(value)


def _from_base64(text: object, limits: FormatLimits) -> Fingerprint:
    try:
        raw = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:  # characters beyond ASCII are a plain ValueError
        raise ValueError("the fingerprint is not base64, or is cut short") from error
    return from_bytes(raw, max_bytes=limits.unpacked_from(len(raw)))


def _opinion(value: object, limits: FormatLimits) -> ItemOpinion:
    if not isinstance(value, dict):
        raise ValueError(f"an opinion has `by`, `verdict` and `reason`, unlike {quoted(value)}")
    return ItemOpinion(organisation(value.get("by"), limits), str(value.get("verdict")), reason_of(value.get("reason"), []))


def _word(name: str, value: object, notes: list[str]) -> str:
    text = plain(value or "").lower()
    if text and text not in _WORDS[name]:
        notes.append(f"the {name} {quoted(text)} is not known and was left out")
    return text if text in _WORDS[name] else str(_DEFAULTS[name])


def _tlp(value: object, notes: list[str]) -> str:
    found = tlp_of(value) if value else None
    if value and not found:
        notes.append(f"the TLP {quoted(plain(value))} is not known; amber is assumed")
    return found or str(_DEFAULTS["tlp"])


def _reviewers(value: object, notes: list[str]) -> int:
    text = str(value if value is not None else "").strip()
    if not text:
        return 0
    if not re.fullmatch("[0-9]{1,6}", text):
        notes.append(f"the number of reviewers {quoted(text)} is none and was left out")
        return 0
    return int(text)


def _duration(value: object) -> float:
    return seconds_of(value) if value not in (None, "") else 0.0
