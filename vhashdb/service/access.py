"""Who asks, and what they may do: keys, sessions of people in a browser, scopes, and how often."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import anyio.to_thread
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from vhashdb.service.problems import Refused
from vhashdb.service.settings import ServiceSettings
from vhashdb.store import ApiKey, Scope

HEADER: Final = "X-API-KEY"
COOKIE: Final = "vhashdb-session"
FAILURES_PER_MINUTE: Final = 60
"""Requests with a wrong key that one address may make in a minute. Keys cannot be guessed; this keeps the log readable."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_BUCKETS: Final = 10_000

_header: Final = APIKeyHeader(name=HEADER, auto_error=False, description="A key that an administrator made.")


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    name: str
    """As the audit log names them."""
    scopes: frozenset[Scope]
    upload_bytes: int
    session: str = ""
    """The secret of the session; empty where a key was presented."""


class RateLimiter:
    """Allow so many requests a minute to each of many names: a token bucket, which also allows a burst of a minute's worth."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str, per_minute: int) -> float:
        """Take one request; return 0, or the seconds until there is one to take."""
        now = self._clock()
        with self._lock:
            left, at = self._buckets.pop(name, (float(per_minute), now))
            left = min(float(per_minute), left + (now - at) * per_minute / 60)
            allowed = left >= 1
            self._buckets[name] = (left - allowed, now)
            while len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / per_minute


def needs(*scopes: Scope) -> Any:
    """Return the dependency of a route that any of these scopes opens; it gives the `Caller`."""

    async def caller(request: Request, key: Annotated[str | None, Security(_header)] = None) -> Caller:
        found = await identify(request, key)
        require_scope(found, *scopes)
        return found

    return Depends(caller)


async def identify(request: Request, key: str | None) -> Caller:
    """Return who makes a request, as `identified`, while other requests go on.

    Raises:
        Refused: as there.
    """
    settings: ServiceSettings = request.app.state.service.settings
    if getattr(request.state, "identified", None) is None and (key is not None or settings.require_key):
        return await anyio.to_thread.run_sync(identified, request, key)  # a key or a session is looked up
    return identified(request, key)


def require_scope(caller: Caller, *scopes: Scope) -> None:
    """Make sure that a caller has one of these scopes, if any are named.

    Raises:
        Refused: they do not.
    """
    if scopes and caller.scopes.isdisjoint(scopes):
        wanted = " or ".join(scopes)
        raise Refused(HTTPStatus.FORBIDDEN, f"this needs the scope {wanted}", hint="ask an administrator for a key that has it")


def identified(request: Request, key: str | None) -> Caller:
    """Return who makes a request.

    Raises:
        Refused: nobody knows, or they ask too often.
    """
    known: Caller | None = getattr(request.state, "identified", None)
    if known is not None:  # a request is counted once
        return known
    service = request.app.state.service
    if key is not None or not service.settings.require_key:
        caller = _by_key(request, key) if key is not None else _anybody(request)
    else:
        caller = _by_session(request)
    request.state.caller, request.state.identified = caller.name, caller
    return caller


def _by_key(request: Request, secret: str) -> Caller:
    return _within_rate(request, known_key(request, secret))


def known_key(request: Request, secret: str) -> ApiKey:
    """Return the key with this secret.

    Raises:
        Refused: there is none that is valid, or too many wrong ones came from there.
    """
    service = request.app.state.service
    address = request.client.host if request.client else ""
    found: ApiKey | None = service.keys.find(secret)
    if found is None:
        wait_s = service.rates.wait_s(f"failed {address}", FAILURES_PER_MINUTE)
        if wait_s:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests with a wrong key", retry_after_s=wait_s)
        raise Refused(HTTPStatus.UNAUTHORIZED, "no such key", hint=f"send a key that an administrator made as {HEADER}")
    return found


def _by_session(request: Request) -> Caller:
    service, settings = request.app.state.service, request.app.state.service.settings
    secret = request.cookies.get(COOKIE, "")
    found = service.keys.session(secret, idle_s=settings.session_idle_s, longest_s=settings.session_s) if secret else None
    if found is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "who asks is not known", hint=f"send a key that an administrator made as {HEADER}")
    require_same_origin(request)
    caller = _within_rate(request, found)
    return Caller(caller.name, caller.scopes, caller.upload_bytes, secret)


def _anybody(request: Request) -> Caller:
    """Return whoever runs the service: without keys, it is for the machine it runs on."""
    require_same_origin(request)
    service = request.app.state.service
    return Caller(service.database.store.actor, frozenset(Scope), service.settings.upload_bytes)


def _within_rate(request: Request, key: ApiKey) -> Caller:
    service = request.app.state.service
    if wait_s := service.rates.wait_s(f"key {key.id}", key.rate_per_minute):
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, f"more than {key.rate_per_minute} requests a minute", retry_after_s=wait_s)
    return Caller(key.name, key.scopes, min(key.upload_bytes, service.settings.upload_bytes))


def require_same_origin(request: Request) -> None:
    """Turn a request away that changes something and that another site's page may have made a browser send.

    Browsers say where a request comes from, in one header or the other, and a page cannot change what they say.

    Raises:
        Refused: it comes from elsewhere.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    own = urlsplit(str(request.base_url)).netloc
    elsewhere = (site is not None and site not in ("same-origin", "none")) or (origin is not None and urlsplit(origin).netloc != own)
    if elsewhere:
        raise Refused(HTTPStatus.FORBIDDEN, "the request comes from a page of another site")
