"""What a request of HMA's clients brings, and errors as HMA says them."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from http import HTTPStatus
from typing import Any, Final

import anyio.to_thread
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from vhashdb.errors import DatabaseEmpty, FingerprintError, VhashdbError
from vhashdb.service import problems
from vhashdb.service.access import Caller
from vhashdb.service.bounded import BoundedRoute
from vhashdb.service.hma.kinds import CONTENT_TYPES, KINDS, PHOTO, VIDEO, SignalKind
from vhashdb.service.problems import Refused
from vhashdb.service.routes.shared import service_of
from vhashdb.service.uploads import Upload
from vhashdb.store import BankExists, BankNotFound

MOST_BODY_BYTES: Final = 64 << 20
"""Of a body with signals."""
_BY_MEDIA_TYPE: Final = {"image": PHOTO, "video": VIDEO}
_HANDLERS: Final = (
    (Refused, problems.of_refusal),
    (VhashdbError, problems.of_library),
    (RequestValidationError, problems.of_validation),
    (HTTPException, problems.of_http),
)


class HmaRoute(BoundedRoute):
    """Answer with what HMA's clients read of an error: ``message``; beside it is the hint."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def said(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:
                return _message(request, error)

        return said


def _message(request: Request, error: Exception) -> Response:
    if isinstance(error, BankNotFound):
        error = Refused(HTTPStatus.NOT_FOUND, error.message, hint=error.hint)
    elif isinstance(error, BankExists):
        error = Refused(HTTPStatus.FORBIDDEN, error.message, hint=error.hint)
    elif isinstance(error, DatabaseEmpty):
        error = Refused(HTTPStatus.SERVICE_UNAVAILABLE, "index not yet ready", hint="the database holds no record")
    for kind, handler in _HANDLERS:
        if isinstance(error, kind):
            response = handler(request, error)
            said = json.loads(bytes(response.body))
            headers = {name: value for name, value in response.headers.items() if name in ("retry-after", "www-authenticate", "allow")}
            return JSONResponse({"message": said["detail"], "hint": said["hint"]}, response.status_code, headers)
    raise error


def listed(text: str | None) -> tuple[str, ...]:
    """Return the parts of a list with commas."""
    return tuple(part for part in (each.strip() for each in (text or "").split(",")) if part)


def kind_of(name: str) -> SignalKind:
    """Return a signal type.

    Raises:
        Refused: there is none.
    """
    if name not in KINDS:
        raise Refused(HTTPStatus.BAD_REQUEST, f"No such SignalType '{name}'", hint=f"known: {', '.join(KINDS)}")
    return KINDS[name]


def kinds_for(content_type: str, types: str | None) -> Sequence[SignalKind]:
    """Return the signal types of a content type that are named, or all that are made of every file.

    Raises:
        Refused: one of those named does not exist, or is of another content type; or none is named.
    """
    if types is None:
        return [kind for kind in KINDS.values() if kind.content == content_type and not kind.asked_for]
    if not (names := listed(types)):
        raise Refused(HTTPStatus.BAD_REQUEST, "empty signal type selection")
    for name in names:
        if name not in KINDS or KINDS[name].content != content_type:
            known = ", ".join(kind.name for kind in KINDS.values() if kind.content == content_type)
            raise Refused(HTTPStatus.BAD_REQUEST, f"signal type '{name}' doesn't exist or is disabled", hint=f"of {content_type}: {known}")
    return [KINDS[name] for name in dict.fromkeys(names)]


async def fetched(request: Request, caller: Caller, url: str, content_type: str | None) -> Upload:
    """Fetch the file at an address, from a host that the operator named for that.

    Args:
        request: that names the address.
        caller: who asks.
        url: the address.
        content_type: of the file; None: as its server says.

    Raises:
        Refused: the host is none of those, or the file cannot be had, or is neither a picture nor a video.
    """
    if content_type is not None and content_type not in CONTENT_TYPES:
        raise Refused(HTTPStatus.BAD_REQUEST, f"no such content type: '{content_type}'", hint=f"known: {', '.join(CONTENT_TYPES)}")

    def part(said: str) -> str:
        found = content_type or _BY_MEDIA_TYPE.get(said.lower().partition("/")[0])
        if found is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "unsupported content type of the file", hint=f"name it: {', '.join(CONTENT_TYPES)}")
        return found

    uploads = service_of(request).uploads
    return await anyio.to_thread.run_sync(uploads.fetch, url, caller.upload_bytes, part, limiter=uploads.fetching)


async def received(request: Request, caller: Caller) -> Upload:
    """Take the one file of a form, whose part is called as its content type.

    Raises:
        Refused: there is none, or more than one, or it is too large.
    """
    if not request.headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
        raise Refused(HTTPStatus.BAD_REQUEST, "Missing multipart/form-data file upload")
    uploads = service_of(request).uploads
    return await uploads.receive(request, caller.upload_bytes, parts=CONTENT_TYPES)


async def json_body(request: Request) -> dict[str, Any]:
    """Read a body that is a JSON object.

    Raises:
        Refused: it is none, or too large.
    """
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MOST_BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {MOST_BODY_BYTES:,} bytes")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is no JSON") from error
    if not isinstance(found, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "Request input was not a dict")
    return found


def whole_signal(request: Request, caller: Caller, text: object, what: str) -> str:
    """Return a signal, also if it is given by its handle.

    Raises:
        Refused: it is no text, or the handle is not known.
    """
    if not isinstance(text, str):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{what}: it is no text")
    try:
        return str(request.app.state.handles.signal(caller.name, text))
    except FingerprintError as error:
        raise unfit(error, what) from error


def unfit(error: FingerprintError, what: str) -> Refused:
    """Return the refusal of a signal that cannot be read."""
    return Refused(HTTPStatus.BAD_REQUEST, f"{what}: {error.message}", hint=error.hint)
