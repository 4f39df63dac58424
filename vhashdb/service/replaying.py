"""Routes that can be asked twice: replies that are given again, and answers that did not change."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import Any, Final

import anyio.to_thread
from fastapi import Request, Response
from starlette.types import Message, Receive

from vhashdb.errors import UsageError
from vhashdb.service.access import HEADER, identify
from vhashdb.service.bounded import Answering, BoundedRoute
from vhashdb.service.problems import Refused
from vhashdb.store import Reply

IDEMPOTENCY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_LONGEST_KEY: Final = 255


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
    caller = await identify(request, request.headers.get(HEADER))
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query} {request.headers.get('Prefer', '')}\n".encode())
    before = await anyio.to_thread.run_sync(replies.begin, caller.name, key)
    if before is not None:
        async for block in request.stream():
            digest.update(block)
        if digest.hexdigest() != before.request:
            raise UsageError("another request had this key of idempotency", hint="use a new key for each request")
        return Response(before.body, before.status, {REPLAYED: "true", **_location(request, before)}, "application/json")
    reply = None
    try:
        response = await answer(Request(request.scope, _digested(request.receive, digest)))
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            reply = Reply(response.status_code, bytes(response.body).decode(), digest.hexdigest())
        return response
    finally:
        await anyio.to_thread.run_sync(replies.end, caller.name, key, reply)


def _digested(receive: Receive, digest: Any) -> Receive:
    """Add a body to a digest while it is read; an upload is too large to be read twice."""

    async def received() -> Message:
        message = await receive()
        digest.update(message.get("body", b""))
        return message

    return received


def _location(request: Request, reply: Reply) -> dict[str, str]:
    """Return where what a reply is about is found, as the first reply said it."""
    if reply.status not in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
        return {}
    said = json.loads(reply.body)
    made = said.get("id") or said.get("record")
    return {"Location": f"{request.url.path.rstrip('/')}/{made}"} if made else {}


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
