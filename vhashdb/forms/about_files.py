"""JSON forms of what is said of one file, which begin with its name."""

from __future__ import annotations

import base64
import os
from typing import Any

from vhashdb.errors import VhashdbError
from vhashdb.text import decoded


def with_path(value: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a form with its path; one that is not UTF-8 also as base64 of its bytes, which is exact."""
    value["path"] = decoded(path)
    raw = os.fsencode(path)
    if raw != value["path"].encode():
        value["path_base64"] = base64.b64encode(raw).decode()
    return value


def with_part(value: dict[str, Any], part: str) -> dict[str, Any]:
    """Return a form with which of several videos in a file of hashes it is about, if it is not about the whole file."""
    return value | {"part": decoded(part)} if part else value


def error_json(error: VhashdbError, path: str = "") -> dict[str, Any]:
    """Return what went wrong with one file, or with a question that is about none, as an `error`."""
    value = {"type": "error", "path": "", "error": type(error).__name__, "message": decoded(error.message), "hint": error.hint}
    return with_path(value, path)


def unmatch_json(path: str, record: str, reason: str) -> dict[str, Any]:
    """Return that a file is not a record, by the record's full id, as an `unmatch`."""
    return with_path({"type": "unmatch", "path": "", "record": record, "reason": reason}, path)
