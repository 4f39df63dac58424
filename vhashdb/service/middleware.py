"""What holds for every request: its id, the name it was sent to, the headers of its response, and its line in the log."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vhashdb.service.metrics import OnRequest
from vhashdb.service.problems import problem
from vhashdb.service.tracing import Tracing

_log: Final = logging.getLogger("vhashdb.service.requests")

REQUEST_ID: Final = "X-Request-ID"
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every response that does not set its own."""


class Surroundings:
    """The outermost layer of the service."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], *, secure: bool, on_request: OnRequest, tracing: Tracing) -> None:
        self._app, self._hosts = app, frozenset(host.lower() for host in hosts)
        self._on_request, self._tracing = on_request, tracing
        self._headers = SECURITY_HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, began_s, status = Headers(scope=scope), time.monotonic(), 0
        given = headers.get(REQUEST_ID, "")
        state: dict[str, Any] = scope.setdefault("state", {})
        state["id"] = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                mine = MutableHeaders(scope=message)
                mine[REQUEST_ID] = state["id"]
                for name, value in self._headers.items():
                    mine.setdefault(name, value)
            await send(message)

        with self._tracing.request(scope["method"], headers) as traced:
            try:
                await self._guarded(scope, receive, send_on)
            finally:
                took_s = time.monotonic() - began_s
                _note(scope, state, status, took_s)
                self._on_request(scope["method"], route_of(scope), status, took_s)
                traced(route_of(scope), status)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on that was sent to a name of the service."""
        headers = Headers(scope=scope)
        if "*" not in self._hosts and _host(headers) not in self._hosts:
            refused = problem(Request(scope), HTTPStatus.MISDIRECTED_REQUEST, "Refused", "the service is not reached under this name",
                              hint="the operator names the hosts that it is reached under")  # fmt: skip
            await refused(scope, receive, send)
            return
        if headers.get("Content-Encoding", "identity") != "identity":  # what is unpacked could be of any size
            refused = problem(Request(scope), HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Refused", "a body must not be compressed")
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _host(headers: Headers) -> str:
    """Return the name that a request was sent to, without the port."""
    host = headers.get("Host", "").lower()
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def route_of(scope: Scope) -> str:
    """Return what the route of a request calls its path: there are only so many, and nothing of what was asked is in them."""
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")  # the latter may lack the prefix of its router
    return getattr(route, "path", "") or "(no route)"


def _note(scope: Scope, state: dict[str, Any], status: int, took_s: float) -> None:
    """Write one line: no name of a file, no hash, no query string; of the path, what the route calls it."""
    path = route_of(scope)
    line = {"request": state["id"], "method": scope["method"], "route": path, "status": status, "took_s": round(took_s, 4)}
    _log.info("%s %s %d", scope["method"], path, status, extra={"fields": line | {"by": state.get("caller", "")}})
