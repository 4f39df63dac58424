"""Feeds: how those that are followed stand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vhashdb.forms import followed_json
from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import answers, problems
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import page, service_of
from vhashdb.service.service import Service
from vhashdb.store import Feed, Scope

router = APIRouter(prefix="/feeds", tags=["feeds"], route_class=ReplayingRoute, responses=problems())

_Caller = Annotated[Caller, needs(Scope.ADMINISTER, Scope.DECIDE)]


@router.get("", summary="List the feeds that are followed.", responses=answers("feeds"))
def feeds(request: Request, _: _Caller) -> Response:
    """List the feeds with their standing now."""
    service = service_of(request)
    return page("feeds", (_feed_json(service, feed) for feed in service.database.exchange.feeds.all()), None)


@router.get("/{feed}", summary="Return a feed that is followed.", responses=answers("followed-in-detail"))
def show(request: Request, _: _Caller, feed: str) -> Response:
    """Return a feed with its standing now."""
    service = service_of(request)
    return JSONResponse(_feed_json(service, service.database.exchange.feeds.get(feed)))


def _feed_json(service: Service, feed: Feed) -> dict[str, Any]:
    value = followed_json(feed, service.database.moderation.feed_trust(feed))
    at_a_url = feed.url.startswith(("http://", "https://"))
    return value if at_a_url else value | {"url": ""}  # where a folder lies is nobody's business elsewhere
