"""Words of others in the shape that ours have: labels, organisations, reasons, days."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from vhashdb.exchange.formats.item import ItemOpinion
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.fingerprints.text import quoted
from vhashdb.store.records import MAX_REASON, TLP, check_label

_NOT_LABEL: Final = re.compile(r"[^a-z0-9\-_.:/]+")
_JOINTS: Final = re.compile(r"[-_.:/]*([-_.:/])")
_MAX_LABEL: Final = 64
_TRUE: Final = frozenset({"true", "1", "yes", "y"})
_FALSE: Final = frozenset({"", "false", "0", "no", "n"})
_SEPARATORS: Final = re.compile(r"[\s,;|]+")
_TAG_SEPARATORS: Final = re.compile(r"[\t\r\n,;|]+")


def label_of(word: object) -> str:
    """Return a tag of theirs as a label of ours: lower case, everything else a hyphen; empty if nothing is left."""
    text = _JOINTS.sub(r"\1", _NOT_LABEL.sub("-", str(word).lower()))[:_MAX_LABEL].strip("-_.:/")
    return check_label(text) if text else ""


def labels_of(words: Iterable[object], limits: FormatLimits, notes: list[str]) -> tuple[str, ...]:
    """Turn tags into labels, each once; what goes beyond the limit is noted."""
    found = sorted({label for word in words if (label := label_of(word))})
    if len(found) > limits.labels:
        notes.append(f"labels beyond {limits.labels} were left out")
    return tuple(found[: limits.labels])


def opinions_of(opinions: Sequence[ItemOpinion], limits: FormatLimits, notes: list[str]) -> tuple[ItemOpinion, ...]:
    """Return the opinions, each once, in their order; what goes beyond the limit is noted."""
    found = tuple(dict.fromkeys(opinions))
    if len(found) > limits.opinions:
        notes.append(f"opinions beyond {limits.opinions} were left out")
    return found[: limits.opinions]


def organisation(name: object, limits: FormatLimits) -> str:
    """Return the name or number of an organisation; an e-mail address is a person's and becomes nothing."""
    text = plain("" if name is None else name)[: limits.name_chars]
    return "" if "@" in text else text


def plain(text: object) -> str:
    """Return one line without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def reason_of(text: object, notes: list[str]) -> str:
    """Return a reason, cut where ours end."""
    found = plain("" if text is None else text)
    if len(found) > MAX_REASON:
        notes.append(f"the reason was cut at {MAX_REASON} characters")
    return found[:MAX_REASON]


def tlp_of(tag: object) -> str | None:
    """Return a Traffic Light Protocol marking such as ``TLP:AMBER`` as ours, or None."""
    text = str(tag).strip().lower().removeprefix("tlp:")
    text = {"white": "clear", "amber-strict": "amber+strict"}.get(text, text)
    return text if text in TLP else None


def day_of(value: object) -> datetime.date | None:
    """Return a day from an ISO date or time, or None.

    Raises:
        ValueError: it is no day.
    """
    if value in (None, ""):
        return None
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise ValueError(f"{quoted(value)} is no day; one is written 2026-01-31") from error


def truth_of(value: object) -> bool:
    """Return a truth value, or its text.

    Raises:
        ValueError: it is neither.
    """
    text = "" if value is None else str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(f"{quoted(text)} is neither true nor false")
    return text in _TRUE


def tags_of(value: object) -> list[Any]:
    """Return a list of tags, its JSON, or what stands between separators; a space is none, as a tag may be several words."""
    return [tag.strip() if isinstance(tag, str) else tag for tag in list_of(value, _TAG_SEPARATORS)]


def renamed(tags: Iterable[object]) -> tuple[tuple[str, str], ...]:
    """Return the tags that are no labels as they stand, each with the label that it becomes; that is empty where nothing is left."""
    return tuple((text, label) for text in map(plain, tags) if (label := label_of(text)) != text)


def list_of(value: object, separators: re.Pattern[str] = _SEPARATORS) -> list[Any]:
    """Return a list, its JSON, or what stands between separators."""
    if value in (None, ""):
        return []
    if isinstance(value, list):
        return value
    text = str(value).strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{quoted(text)} begins like a list in JSON and is none") from error
        if isinstance(found, list):
            return found
    return [word for word in separators.split(text) if word.strip()]


def external_id(value: object, limits: FormatLimits) -> str:
    """Return an id of theirs, as text.

    Raises:
        ValueError: it is too long to be one, or has control characters.
    """
    if value is None or isinstance(value, dict | list):
        return ""
    text = str(value).strip()
    if len(text) > limits.name_chars or not text.isprintable():
        raise ValueError(f"the id {quoted(text)} is longer than {limits.name_chars} characters, or not printable")
    return text


def id_of_hash(kind: str, value: str, limits: FormatLimits) -> str:
    """Return the id of what is known there by its hash alone; of a long one its own hash."""
    text = f"{kind.lower()}:{value.strip().lower()}"
    return text if len(text) <= limits.name_chars else f"{kind.lower()}:sha256:{hashlib.sha256(text.encode()).hexdigest()}"
