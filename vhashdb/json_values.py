"""JSON of the library's values: how times, days, paths and words of a list are written, for all who write any."""

from __future__ import annotations

import datetime
import enum
import json
import os
from collections.abc import Mapping
from typing import Any

__all__ = ["dumps", "json_value"]


def json_value(value: Any) -> Any:
    """Return a value as `json` takes it.

    Times without a zone are in UTC, as everywhere in the library, and end in ``Z``; days are ISO 8601 too. Members of an enumeration
    become their values, paths text, sequences lists. What `json` takes already stays, and so does what it refuses.
    """
    if isinstance(value, datetime.datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner) for inner in value]
    return value


def dumps(value: Any) -> str:
    """Return a value as JSON in one line; only ASCII, so that it is valid in every encoding.

    Raises:
        TypeError: something in it has no JSON form.
    """
    return json.dumps(json_value(value))
