"""Errors as `application/problem+json` (RFC 9457), with the hint that the library gives."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from vhashdb import errors
from vhashdb.review import CaseChanged, NotYours
from vhashdb.store import AlreadyClaimed, RecordChanged, RequestUnderWay
from vhashdb.text import decoded

_log: Final = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
STATUS: Final[tuple[tuple[type[errors.VhashdbError], HTTPStatus], ...]] = (
    (errors.RecordNotFound, HTTPStatus.NOT_FOUND),
    (RequestUnderWay, HTTPStatus.CONFLICT),
    (AlreadyClaimed, HTTPStatus.CONFLICT),
    (RecordChanged, HTTPStatus.PRECONDITION_FAILED),
    (CaseChanged, HTTPStatus.PRECONDITION_FAILED),
    (NotYours, HTTPStatus.FORBIDDEN),
    (errors.LimitExceeded, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.MediaError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.UsageError, HTTPStatus.BAD_REQUEST),
    (errors.FingerprintError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.FormatError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.DatabaseEmpty, HTTPStatus.CONFLICT),
    (errors.DatabaseLocked, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.DatabaseError, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.FeedBusy, HTTPStatus.CONFLICT),
    (errors.FeedError, HTTPStatus.BAD_GATEWAY),
)
"""The first that fits an error decides."""
RETRY_AFTER_S: Final = 5


class Refused(Exception):
    """A request is turned away before anything is done."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        hint: str = "",
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.status, self.detail, self.hint, self.retry_after_s = status, detail, hint, retry_after_s


def problem(
    request: Request | None, status: int, kind: str, detail: str, *, hint: str = "", headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return a problem as a response.

    Args:
        request: that it is about; its id is named.
        status: of HTTP.
        kind: name of the error, as the library calls it.
        detail: what happened, in a sentence.
        hint: what to do next.
        headers: of the response.
        more: what else is known.
    """
    body = {
        "type": f"urn:vhashdb:error:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail.encode(errors="backslashreplace").decode(),  # half of a character can come in as JSON, and not go out
        "hint": hint,
        **more,
    }
    if request is not None:
        body["request"] = getattr(request.state, "id", "")
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def of_library(request: Request, error: Exception) -> JSONResponse:
    """Return an error of the library as a problem."""
    assert isinstance(error, errors.VhashdbError)
    status = status_of(error)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.CONFLICT) else {}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("%s", error)
    # A path of this machine is nobody's business elsewhere; the name that a client gave is in the message instead.
    return problem(request, status, type(error).__name__, without_paths(request, decoded(error.message)), hint=error.hint, headers=headers)


def status_of(error: errors.VhashdbError) -> HTTPStatus:
    """Return the status of HTTP for an error of the library."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def without_paths(request: Request, text: str) -> str:
    """Return a text without the path of the database's folder, or the URL of its server."""
    database = request.app.state.service.database
    for place in (str(database.place), str(database.path)):
        text = text.replace(f"{place}/", "").replace(place, "the database")
    return text


def of_refusal(request: Request, error: Exception) -> JSONResponse:
    """Return a refusal as a problem."""
    assert isinstance(error, Refused)
    headers = error.headers | ({} if error.retry_after_s is None else {"Retry-After": str(max(1, round(error.retry_after_s)))})
    if error.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'ApiKey realm="vhashdb"'
    return problem(request, error.status, "Refused", error.detail, hint=error.hint, headers=headers)


def of_http(request: Request, error: Exception) -> JSONResponse:
    """Return an error of the framework as a problem, such as a path that nothing is at."""
    assert isinstance(error, HTTPException)
    return problem(request, error.status_code, "Refused", str(error.detail), headers=dict(error.headers or {}))


def of_validation(request: Request, error: Exception) -> JSONResponse:
    """Return what is wrong with the parameters of a request as a problem."""
    assert isinstance(error, RequestValidationError)
    wrong = [{"where": "/".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in wrong)
    hint = "the API description at /v1/openapi.json says what is accepted"
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "UsageError", detail, hint=hint, errors=wrong)


def of_fault(request: Request, error: Exception) -> JSONResponse:
    """Return a fault of the service itself as a problem; what it was is in the log alone."""
    _log.error("a request ended as a fault of the service", exc_info=error)
    detail = "the service made a mistake; nothing is known of the answer"
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Fault", detail, hint="name the request's id to the operator")
