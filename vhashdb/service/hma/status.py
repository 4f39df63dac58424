"""Whether the service is alive, as HMA and what watches it say so. These need no key."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from vhashdb.errors import VhashdbError
from vhashdb.service.routes.shared import service_of

router = APIRouter()


@router.get("/status")
def status(request: Request) -> PlainTextResponse:
    """Say whether questions can be answered."""
    try:
        service_of(request).parts_to_ask()
    except VhashdbError:
        return PlainTextResponse("INDEX-NOT-LOADED", HTTPStatus.SERVICE_UNAVAILABLE)
    return PlainTextResponse("I-AM-ALIVE")


@router.get("/livez")
@router.get("/status/live")
async def alive() -> PlainTextResponse:
    """Say that requests are served at all."""
    return PlainTextResponse("OK")
