"""Routes whose bodies are read into memory: only of those who may ask, and only so much of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from vhashdb.service.access import HEADER, identify

MOST_HASH_BYTES: Final = 32 << 20
"""Bytes of hashes in one request. Engineering bound: more than a day of video has."""
MOST_BYTES: Final = 4 << 20
"""Of any other body that is read into memory."""
SILENCE_S: Final = 30.0
"""Seconds without a byte after which a body is given up. Engineering bound."""
_WITH_HASHES: Final = "/hashes"
_STREAMED: Final = ("/questions", "/records", "/h/hash", "/content", "/signal", "/lookup")
"""Ends of paths of routes that read their bodies themselves, in parts, within bounds of their own."""


Answering = Callable[[Request], Coroutine[Any, Any, Response]]
"""What answers requests."""


class BoundedRoute(APIRoute):
    """Know who asks before their body is read, and end a body that is too large."""

    @property
    def streams(self) -> bool:
        """Whether the route reads its body itself, within bounds of its own."""
        return self.body_field is None and self.path.endswith(_STREAMED)

    def surrounded(self, answer: Answering) -> Answering:
        """Return what answers a request whose body is bounded, given what the framework makes of the route."""
        return answer

    def get_route_handler(self) -> Answering:
        """Return what answers a request."""
        answer = self.surrounded(super().get_route_handler())
        if self.streams:
            return answer
        # JSON writes some characters as several.
        most, reads = (MOST_HASH_BYTES + MOST_BYTES if self.path.endswith(_WITH_HASHES) else MOST_BYTES), self.body_field is not None

        async def bounded(request: Request) -> Response:
            if reads:
                await identify(request, request.headers.get(HEADER))
            said = request.headers.get("Content-Length", "")
            if said.isascii() and said.isdigit() and int(said) > most:
                raise _too_large(most)
            return await answer(Request(request.scope, _at_most(request.receive, most)))

        return bounded


def _at_most(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        try:
            async with asyncio.timeout(SILENCE_S):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, f"nothing of the body came for {SILENCE_S:.0f} s") from error
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        return message

    return counted


def _too_large(most: int) -> HTTPException:
    """The framework lets errors of its own through while it reads a body, and no others."""
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most:,} bytes")
