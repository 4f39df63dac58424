"""The page for keys: who may use the service, and what for."""

from __future__ import annotations

import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from vhashdb.errors import UsageError
from vhashdb.service.access import Caller, needs
from vhashdb.service.console.pages import ConsoleRoute, Form, Sent, page, posts, see_other
from vhashdb.service.routes.shared import service_of
from vhashdb.store import ApiKey, Scope, acting_as, now_utc
from vhashdb.store.api_keys import RATE_PER_MINUTE, UPLOAD_BYTES

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)

SCOPES: Final = {
    Scope.ASK: "ask about files",
    Scope.RECORD: "read, add, label and retract records",
    Scope.DECIDE: "see what waits for people, and decide",
    Scope.ADMINISTER: "make and revoke keys, see the state of feeds",
}
"""What each allows, in words."""


@router.get("/keys")
def keys_page(request: Request, caller: Annotated[Caller, needs(Scope.ADMINISTER)]) -> Response:
    """Show all keys, without their secrets, and a form for another."""
    return _page(request, caller)


@router.post("/keys")
def make(request: Request, sent: Annotated[Sent, posts(Scope.ADMINISTER)]) -> Response:
    """Make a key, and show its secret: on this page alone, as it is not kept."""
    form = sent.form
    try:
        with acting_as(sent.caller.name):
            made, secret = service_of(request).keys.add(
                form.one("name"),
                form.all("scope"),
                rate_per_minute=_number(form, "rate", RATE_PER_MINUTE),
                upload_bytes=_number(form, "upload", UPLOAD_BYTES >> 20) << 20,
                expires_at=_day(form.one("expires")),
            )
    except UsageError as error:
        return _page(request, sent.caller, wrong=f"{error.message}: {error.hint}" if error.hint else error.message, form=form)
    return _page(request, sent.caller, made=made, secret=secret)


@router.post("/keys/{identifier}/revoke")
def revoke(request: Request, sent: Annotated[Sent, posts(Scope.ADMINISTER)], identifier: str) -> Response:
    """Take a key back."""
    with acting_as(sent.caller.name):
        service_of(request).keys.revoke(identifier)
    return see_other("/keys")


def _page(
    request: Request, caller: Caller, *, wrong: str = "", form: Form | None = None, made: ApiKey | None = None, secret: str = ""
) -> Response:
    now, kept = now_utc(), service_of(request).keys.all()
    shown = sorted(kept, key=lambda key: (not key.valid(now), key.name))
    return page(
        request, "keys.html.j2", caller, 422 if wrong else 200, keys=shown, now=now, scopes=SCOPES, wrong=wrong, form=form or Form({}),
        made=made, secret=secret, rate=RATE_PER_MINUTE, upload=UPLOAD_BYTES >> 20,
    )  # fmt: skip


def _number(form: Form, name: str, usual: int) -> int:
    text = form.one(name, str(usual)) or str(usual)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{text!r} is no number of this kind", hint="give a whole number")
    return int(text)


def _day(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f"{text!r} is no day", hint="give it as year-month-day") from error
