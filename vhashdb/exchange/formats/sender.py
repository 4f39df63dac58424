"""Who writes a file, and when: for formats that say so."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Final

_NAMESPACE: Final = uuid.UUID("6b1f6c1e-53f0-5a86-9d0c-3f1f0a5f9c11")
"""Of all ids that are derived from names here, so that the same record has the same id in every file."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)


@dataclass(frozen=True)
class Sender:
    """The organisation that writes."""

    organisation: str = "unnamed"
    at: datetime.datetime = field(default_factory=_now)
    """UTC, without a zone."""


def derived_uuid(kind: str, name: str) -> str:
    """The UUID of what has that name, always the same."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}\n{name}"))


def derived_key(kind: str, name: str) -> str:
    """The same, marked with its kind, as STIX has it."""
    return f"{kind}--{derived_uuid(kind, name)}"
