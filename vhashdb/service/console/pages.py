"""What all pages share: who looks at them, forms that only they can send, errors as pages, and the policy that keeps others out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from vhashdb.errors import VhashdbError
from vhashdb.report.page import fill
from vhashdb.service.access import Caller, needs
from vhashdb.service.console.assets import PACKAGE, address
from vhashdb.service.problems import Refused, status_of, without_paths
from vhashdb.store import Scope
from vhashdb.text import decoded

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TOKEN: Final = "token"  # noqa: S105  # the name of a field
"""Field of a form that another site's page cannot know."""
MOST_FORM_BYTES: Final = 1 << 20
_ANYBODY: Final = secrets.token_hex(32)
"""What tokens are made of where no keys are required, so that there is no session: new with each process."""


@dataclass(frozen=True)
class Link:
    """A place that the head of every page names."""

    path: str
    name: str
    key: str
    """After ``g``."""
    scopes: frozenset[Scope]
    """Of which one is needed."""


LINKS: Final = (
    Link("/queue", "Queue", "q", frozenset({Scope.DECIDE})),
    Link("/upload", "Upload", "u", frozenset({Scope.ASK})),
    Link("/statistics", "Statistics", "s", frozenset({Scope.DECIDE, Scope.ADMINISTER})),
    Link("/feeds", "Feeds", "f", frozenset({Scope.ADMINISTER})),
    Link("/keys", "Keys", "k", frozenset({Scope.ADMINISTER})),
)


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page, as its templates need it."""

    name: str
    scopes: frozenset[Scope]
    token: str
    signed_in: bool
    links: tuple[Link, ...]


def viewer(caller: Caller) -> Viewer:
    """Return what templates need of who looks."""
    links = tuple(link for link in LINKS if link.scopes & caller.scopes)
    return Viewer(caller.name, caller.scopes, token_of(caller), bool(caller.session), links)


def page(request: Request, template: str, caller: Caller | None, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
    """Render a page.

    Args:
        request: that it answers.
        template: of the console's package.
        caller: who looks; None: nobody knows yet.
        status: of HTTP.
        values: what it is about; text in it is escaped.
    """
    me = viewer(caller) if caller is not None else None
    text = fill(template, PACKAGE, me=me, here=request.url.path, address=address, **values)
    # Without a referrer at all, a browser would not say of a form where it comes from, and the form would be turned away.
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"})


def see_other(path: str) -> RedirectResponse:
    """Return what sends a browser to another page of the console, after a form."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


# -- forms -------------------------------------------------------------------------------------------


class Form:
    """The fields of a form that was sent."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str, usual: str = "") -> str:
        """Return a field that is there once."""
        return self._fields.get(name, [usual])[0].strip()

    def all(self, name: str) -> list[str]:
        """Return a field that may be there several times."""
        return self._fields.get(name, [])


@dataclass(frozen=True)
class Sent:
    """A form, and who sent it from a page that was made for them."""

    caller: Caller
    form: Form


def token_of(caller: Caller) -> str:
    """Return what a form of this caller's pages has to have in it: of each session another."""
    return hmac.new((caller.session or _ANYBODY).encode(), b"forms of the console", hashlib.sha256).hexdigest()


def require_token(caller: Caller, token: str) -> None:
    """Turn away a form that is not from a page that was made for this caller.

    Raises:
        Refused: it is not.
    """
    if not hmac.compare_digest(token.encode("utf-8", "replace"), token_of(caller).encode()):
        raise Refused(
            HTTPStatus.FORBIDDEN, "the form is not from a page of this session", hint="load the page again, and send it once more"
        )


async def read_form(request: Request) -> Form:
    """Read a form of short fields.

    Raises:
        Refused: it is too long.
    """
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MOST_FORM_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is too long", hint="choose fewer at a time")
    return Form(parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10_000))


def posts(*scopes: Scope) -> Any:
    """Return the dependency of a route that takes a form; it gives a `Sent`."""
    known = needs(*scopes)

    async def sent(request: Request, caller: Caller = known) -> Sent:
        form = await read_form(request)
        require_token(caller, form.one(TOKEN))
        return Sent(caller, form)

    return Depends(sent)


# -- errors ------------------------------------------------------------------------------------------


class ConsoleRoute(APIRoute):
    """Show errors as pages, and ask whoever is not known for their key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await answer(request)
            except Refused as error:
                if error.status is HTTPStatus.UNAUTHORIZED:
                    return see_other(f"/login?next={quote(_back_to(request), safe='')}")
                return _error(request, error.status, error.detail, error.hint)
            except RequestValidationError:
                return _error(request, HTTPStatus.UNPROCESSABLE_ENTITY, "the address has something in it that is not known", "")
            except VhashdbError as error:
                return _error(request, status_of(error), without_paths(request, decoded(error.message)), error.hint)

        return shown


def _back_to(request: Request) -> str:
    """Return where to go after signing in: the page that was asked for, but never to what changes something."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "") if request.method == "GET" else "/"


def _error(request: Request, status: HTTPStatus, detail: str, hint: str) -> HTMLResponse:
    identifier = getattr(request.state, "id", "")
    return page(request, "error.html.j2", None, status, title=status.phrase, detail=detail, hint=hint, identifier=identifier)
