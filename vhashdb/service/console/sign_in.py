"""Signing in with a key and out again, and where each person begins."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from vhashdb.service.access import COOKIE, Caller, identified, known_key, needs, require_same_origin
from vhashdb.service.console.pages import ConsoleRoute, Sent, page, posts, read_form, see_other, viewer
from vhashdb.service.problems import Refused
from vhashdb.service.routes.shared import service_of
from vhashdb.store import acting_as

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)

_HOME = "/"


@router.get("/")
def home(request: Request, caller: Annotated[Caller, needs()]) -> Response:
    """Go to the first page that somebody may see."""
    links = viewer(caller).links
    if not links:
        return page(request, "nothing.html.j2", caller)
    return see_other(links[0].path)


@router.get("/login")
def login_page(request: Request, next: str = _HOME) -> Response:  # the name of a parameter
    """Ask for a key; whoever is known already goes on."""
    try:
        identified(request, None)
    except Refused:
        return page(request, "login.html.j2", None, wrong="", next=_own_path(next))
    return see_other(_own_path(next))


@router.post("/login")
async def login(request: Request) -> Response:
    """Begin a session, always a new one: a cookie that somebody else put there is worth nothing afterwards.

    There is no token in this form, as nobody is known whose page it could be from; that it comes from this site is checked all the same.
    """
    require_same_origin(request)
    form = await read_form(request)
    service = service_of(request)
    before = request.cookies.get(COOKIE, "")

    def begin() -> str:
        key = known_key(request, form.one("key"))
        with acting_as(key.name):
            if before:
                service.keys.end_session(before)
            return service.keys.begin_session(key)

    try:
        secret = await anyio.to_thread.run_sync(begin)
    except Refused as error:
        wrong = "This is no key that works." if error.status is HTTPStatus.UNAUTHORIZED else f"{error.detail.capitalize()}."
        return page(request, "login.html.j2", None, error.status, wrong=wrong, next=_own_path(form.one("next", _HOME)))
    response = see_other(_own_path(form.one("next", _HOME)))
    response.set_cookie(COOKIE, secret, httponly=True, samesite="strict", secure=service.settings.secure, path="/")
    return response


@router.post("/logout")
def logout(request: Request, sent: Annotated[Sent, posts()]) -> Response:
    """End the session, for whoever has its cookie."""
    service = service_of(request)
    if sent.caller.session:
        with acting_as(sent.caller.name):
            service.keys.end_session(sent.caller.session)
    response = see_other("/login")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=service.settings.secure)
    return response


@router.get("/help")
def help_page(request: Request, caller: Annotated[Caller, needs()]) -> Response:
    """List the keys."""
    return page(request, "help.html.j2", caller, go=[(f"g then {link.key}", link.name.lower()) for link in viewer(caller).links])


def _own_path(path: str) -> str:
    """Return a path of this site; whatever could lead elsewhere leads home."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if plain else _HOME
