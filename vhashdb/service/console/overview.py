"""Pages about the database as a whole: what it holds and catches, and how far its feeds can be relied upon."""

from __future__ import annotations

import datetime
import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from vhashdb.charts import read_overview
from vhashdb.charts.drawing import draw
from vhashdb.service.access import Caller, needs
from vhashdb.service.console.pages import ConsoleRoute, page
from vhashdb.service.routes.shared import service_of
from vhashdb.store import Period, Scope, made_on, now_utc

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)

PERIODS: Final = {"month": 30, "quarter": 91, "year": 364}
"""Days that are shown, by the name of the period."""


@router.get("/statistics")
def statistics(request: Request, caller: Annotated[Caller, needs(Scope.DECIDE, Scope.ADMINISTER)], period: str = "year") -> Response:
    """Show what is in the database and what it catches."""
    database = service_of(request).database
    chosen = period if period in PERIODS else "year"
    last = now_utc().date()
    first = min(last, max(made_on(database.store), last - datetime.timedelta(days=PERIODS[chosen])))
    overview = read_overview(database, Period.of(first, last))
    return page(
        request, "statistics.html.j2", caller, name=overview.name, period=overview.period, facts=overview.facts, sections=overview.sections,
        draw=draw, periods=PERIODS, chosen=chosen,
    )  # fmt: skip


@router.get("/feeds")
def feeds(request: Request, caller: Annotated[Caller, needs(Scope.ADMINISTER)]) -> Response:
    """Show of each trusted feed whether it is fresh, and if not, why."""
    database = service_of(request).database
    shown: list[dict[str, Any]] = []
    for feed in database.exchange.feeds.all():
        trust = database.moderation.feed_trust(feed)
        evidence: dict[str, Any] = json.loads(feed.evidence)
        shown.append({"feed": feed, "trust": trust, "behind": max(0, feed.head_seq - feed.seq), "evidence": evidence})
    return page(request, "feeds.html.j2", caller, feeds=shown)
