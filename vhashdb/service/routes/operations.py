"""Whether the service is alive and ready, which version it is, and its metrics. These say nothing about anybody's data."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from vhashdb.errors import VhashdbError
from vhashdb.service.access import HEADER, identified, require_scope
from vhashdb.service.metrics import CONTENT_TYPE
from vhashdb.service.openapi import answers, problems
from vhashdb.service.routes.shared import service_of
from vhashdb.store import Scope
from vhashdb.version import __version__

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Whether the process is alive.", responses=answers("alive"))
async def alive() -> Response:
    """Return 200 as long as requests are served at all."""
    return JSONResponse({"status": "alive", "version": __version__})


@router.get("/readyz", summary="Whether questions can be answered.", responses=answers("ready") | answers("not-ready", 503))
def ready(request: Request) -> Response:
    """Return 200 if the database can be read and its index answers, of a cluster all of its shards, else 503."""
    service = service_of(request)
    database = service.database
    try:
        records = len(database)
        parts = service.parts_to_ask()
        entries = database.searcher.sizes().hashes
    except VhashdbError as error:
        return JSONResponse({"status": "not ready", "why": type(error).__name__}, HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({
        "status": "ready", "records": bool(records), "index": bool(entries), "parts": parts.count, "missing": list(parts.missing),
        "writable": not database.read_only, "version": __version__,
    })  # fmt: skip


@router.get("/metrics", summary="Metrics for Prometheus.", response_class=PlainTextResponse, responses=problems())
def metrics(request: Request) -> Response:
    """Return the metrics in the text format of Prometheus: to this machine without a key, to others with the scope `administer`."""
    if not _of_this_machine(request):
        require_scope(identified(request, request.headers.get(HEADER)), Scope.ADMINISTER)
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)


_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def _of_this_machine(request: Request) -> bool:
    """Tell whether a request comes from this machine itself, and not through a proxy that runs on it."""
    address = request.client.host if request.client else ""
    return address in ("127.0.0.1", "::1") and not any(name in request.headers for name in _FORWARDED)
