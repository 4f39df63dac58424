"""What routes have in common: the service, pages, and the revision that a change is meant for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query, Request
from fastapi.responses import JSONResponse

from vhashdb.errors import UsageError
from vhashdb.service.service import Service

MOST: Final = 1000
"""Items of one page."""
Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of the page.")]
Cursor = Annotated[str, Query(max_length=1000, description="`next` of the page before; empty for the first.")]
_TAG: Final = re.compile(r'(?:W/)?"(\d{1,18})(?:-[0-9a-f]+)?"')


def service_of(request: Request) -> Service:
    """Return the service that a request is made to."""
    service: Service = request.app.state.service
    return service


def page(kind: str, items: Iterable[dict[str, Any]], following: str | None) -> JSONResponse:
    """Return a part of a list."""
    return JSONResponse({"type": kind, "items": list(items), "next": following})


def _expected(
    if_match: Annotated[
        str, Header(description="The `ETag` of the record, or its revision in quotation marks: it is changed only if nobody did since.")
    ] = "",
) -> int | None:
    if not if_match or if_match.strip() == "*":
        return None
    tag = _TAG.fullmatch(if_match.strip())
    if tag is None:
        raise UsageError(f"{if_match!r} is no ETag of a record", hint="send the ETag that the record came with")
    return int(tag[1])


Expected = Annotated[int | None, Depends(_expected)]
"""The revision that a record must have; None: any."""


def created(body: dict[str, Any], location: str) -> JSONResponse:
    """Return what was made, and where it is."""
    return JSONResponse(body, HTTPStatus.CREATED, {"Location": location})
