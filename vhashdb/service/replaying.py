"""Routes that can be asked twice: replies that are given again, and answers that did not change."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Final

import anyio.to_thread
from fastapi import Request, Response

from vhashdb.service.access import HEADER, identified
from vhashdb.service.bounded import Answering, BoundedRoute
from vhashdb.service.problems import Refused
from vhashdb.store import Reply

IDEMPOTENCY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_LONGEST_KEY: Final = 255
_WITHOUT_BODY: Final = ("/questions", "/records")
"""Ends of paths of routes whose bodies are too large to be kept in memory; of these, address and length have to do."""


class ReplayingRoute(BoundedRoute):
    """Answer a request that was answered before with the same reply, and one about what has not changed with 304."""

    def surrounded(self, answer: Answering) -> Answering:
        """Return what answers a request that may have been answered before."""

        async def once(request: Request) -> Response:
            key = request.headers.get(IDEMPOTENCY)
            if request.method in ("GET", "HEAD"):
                return _unless_unchanged(request, await answer(request))
            if key is None or request.method != "POST":
                return await answer(request)
            return await _once(request, key, answer)

        return once


async def _once(request: Request, key: str, answer: Answering) -> Response:
    if not 0 < len(key) <= _LONGEST_KEY:
        raise Refused(HTTPStatus.BAD_REQUEST, f"a key of idempotency has 1 to {_LONGEST_KEY} characters")
    replies = request.app.state.service.replies
    caller = await anyio.to_thread.run_sync(identified, request, request.headers.get(HEADER))
    asked = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query} {request.headers.get('Content-Length', '')}".encode())
    if not request.url.path.endswith(_WITHOUT_BODY):
        asked.update(await request.body())
    before = await anyio.to_thread.run_sync(replies.begin, caller.name, key, asked.hexdigest())
    if before is not None:
        return Response(before.body, before.status, {REPLAYED: "true"}, "application/json")
    reply = None
    try:
        response = await answer(request)
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            reply = Reply(response.status_code, bytes(response.body).decode())
        return response
    finally:
        await anyio.to_thread.run_sync(replies.end, caller.name, key, reply)


def _unless_unchanged(request: Request, response: Response) -> Response:
    """Return a response with its ETag, or 304 if whoever asks has it already."""
    if response.status_code != HTTPStatus.OK or not hasattr(response, "body"):
        return response
    tag = response.headers.setdefault("ETag", f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"')
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    if tag.removeprefix("W/") not in known:
        return response
    headers = {"ETag": tag, "Cache-Control": response.headers.get("Cache-Control", "no-store")}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
