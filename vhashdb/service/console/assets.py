"""The style and the script of the pages: files of the package, named by what is in them, so that a browser may keep them."""

from __future__ import annotations

import functools
import hashlib
from http import HTTPStatus
from typing import Final, NamedTuple

from fastapi import APIRouter, Response

from vhashdb.report.page import joined
from vhashdb.service.problems import Refused

router = APIRouter(include_in_schema=False)

PACKAGE: Final = "vhashdb.service.console"
"""Whose templates the pages are."""
_PARTS: Final = {
    "console.css": ("base.css", "report.css", "console.css"),
    "statistics.css": ("base.css", "figures.css", "chart.css", "console.css"),
    "console.js": ("console.js", "player.js", "uploads.js"),
}
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


class _Asset(NamedTuple):
    text: str
    digest: str


@functools.cache
def _asset(name: str) -> _Asset:
    text = joined(_PARTS[name], PACKAGE)
    return _Asset(text, hashlib.sha256(text.encode()).hexdigest()[:16])


def address(name: str) -> str:
    """Return where a page finds a file."""
    return f"/static/{_asset(name).digest}/{name}"


@router.get("/static/{digest}/{name}")
def static(digest: str, name: str) -> Response:
    """Return the file; it holds nothing about anybody, so that nobody has to say who they are."""
    if name not in _PARTS or digest != _asset(name).digest:
        raise Refused(HTTPStatus.NOT_FOUND, "there is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_asset(name).text, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)
