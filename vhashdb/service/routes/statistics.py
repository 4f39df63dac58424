"""Statistics: what is in the database and what it catches, and which version this is."""

from __future__ import annotations

import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from vhashdb.charts import read_overview
from vhashdb.errors import UsageError
from vhashdb.forms import info_json
from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import answers, problems
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import service_of
from vhashdb.store import By, Period, Scope, made_on, now_utc
from vhashdb.version import __version__

router = APIRouter(tags=["operations"], route_class=ReplayingRoute, responses=problems())

YEAR = datetime.timedelta(days=364)
"""What is counted unless something else is asked for: so long, before the last day."""
LONGEST = datetime.timedelta(days=3660)
"""Of a period. Engineering bound."""


@router.get("/statistics", summary="Count what is in the database and what it catches.", responses=answers("statistics"))
def statistics(
    request: Request,
    _: Annotated[Caller, needs(Scope.ADMINISTER, Scope.DECIDE)],
    since: Annotated[datetime.date | None, Query(alias="from", description="First day; a year before the last unless given.")] = None,
    until: Annotated[datetime.date | None, Query(alias="to", description="Last day; today unless given.")] = None,
    by: Annotated[By | None, Query(description="Unit of time; one that suits the period unless given.")] = None,
) -> Response:
    """Count records, questions, matches, opinions and reviews of a period. Nothing in it is about a file or a person."""
    database = service_of(request).database
    last = until or now_utc().date()
    first = since or min(last, max(made_on(database.store), last - YEAR if last > datetime.date.min + YEAR else last))
    if last - first > LONGEST:
        raise UsageError("the period is longer than ten years", hint="ask about a shorter one")
    overview = read_overview(database, Period.of(first, last, by))
    figures = [chart.to_json() for section in overview.sections for chart in section.charts]
    return JSONResponse({"type": "statistics", "stats": overview.to_json(), "figures": figures})


@router.get("/info", summary="Return what the database holds.", responses=answers("info"))
def info(request: Request, _: Annotated[Caller, needs(Scope.ADMINISTER, Scope.DECIDE)]) -> Response:
    """Return records by state, hashes, and the state of the indexes."""
    database = service_of(request).database
    return JSONResponse(info_json(database) | {"database": database.path.name})


@router.get("/version", summary="Return the version of the service.", responses=answers("version"))
def version(request: Request, _: Annotated[Caller, needs()]) -> Response:
    """Return the version of the program and the algorithm of all hashes."""
    database = service_of(request).database
    return JSONResponse({"type": "version", "version": __version__, "api": "v1", "algorithm": str(database.algorithm)})
