"""Routes whose bodies are read into memory: only of those who may ask, and only so much of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

import anyio.to_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from vhashdb.service.access import HEADER, identified

MOST_HASH_BYTES: Final = 64 << 20
"""Bytes of hashes in one request."""
MOST_BYTES: Final = 4 << 20
"""Of any other body that is read into memory."""
_WITH_HASHES: Final = "/hashes"


Answering = Callable[[Request], Coroutine[Any, Any, Response]]
"""What answers requests."""


class BoundedRoute(APIRoute):
    """Know who asks before their body is read, and end a body that is too large."""

    def surrounded(self, answer: Answering) -> Answering:
        """Return what answers a request whose body is bounded, given what the framework makes of the route."""
        return answer

    def get_route_handler(self) -> Answering:
        """Return what answers a request."""
        answer = self.surrounded(super().get_route_handler())
        if self.body_field is None:
            return answer
        most = 2 * MOST_HASH_BYTES if self.path.endswith(_WITH_HASHES) else MOST_BYTES  # JSON writes some characters as several

        async def bounded(request: Request) -> Response:
            await anyio.to_thread.run_sync(identified, request, request.headers.get(HEADER))
            said = request.headers.get("Content-Length", "")
            if said.isascii() and said.isdigit() and int(said) > most:
                raise _too_large(most)
            return await answer(Request(request.scope, _at_most(request.receive, most)))

        return bounded


def _at_most(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        return message

    return counted


def _too_large(most: int) -> HTTPException:
    """The framework lets errors of its own through while it reads a body, and no others."""
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most:,} bytes")
