"""Whether the service is alive and ready, and which version it is. These need no key, and say nothing about anybody's data."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vhashdb.errors import VhashdbError
from vhashdb.service.openapi import answers
from vhashdb.service.routes.shared import service_of
from vhashdb.version import __version__

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Whether the process is alive.", responses=answers("alive"))
async def alive() -> Response:
    """Return 200 as long as requests are served at all."""
    return JSONResponse({"status": "alive", "version": __version__})


@router.get("/readyz", summary="Whether questions can be answered.", responses=answers("ready") | answers("not-ready", 503))
def ready(request: Request) -> Response:
    """Return 200 if the database can be read and its index is up to date, else 503."""
    database = service_of(request).database
    try:
        records = len(database)
        entries = len(database.index)
    except VhashdbError as error:
        return JSONResponse({"status": "not ready", "why": type(error).__name__}, HTTPStatus.SERVICE_UNAVAILABLE)
    writable = not database.read_only
    return JSONResponse({"status": "ready", "records": bool(records), "index": bool(entries), "writable": writable, "version": __version__})
