"""Videos: all records that show the same."""

from __future__ import annotations

import itertools
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from vhashdb.errors import UsageError
from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import answers, problems
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import Cursor, Limit, page, service_of
from vhashdb.store import Scope, acting_as

router = APIRouter(prefix="/videos", tags=["videos"], route_class=ReplayingRoute, responses=problems())

MOST_NAMED = 1000
_Caller = Annotated[Caller, needs(Scope.RECORD, Scope.DECIDE)]


@router.get("", summary="List videos.", responses=answers("video-list"))
def videos(
    request: Request,
    _: _Caller,
    least_records: Annotated[int, Query(ge=1, le=1_000_000, description="Only videos of at least so many records.")] = 1,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """List videos, those of most records first. The order may change between two pages, if records are added meanwhile."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 12):
        raise UsageError("the cursor is none of this list", hint="give `next` of the page before, as it was")
    start = int(cursor or 0)
    found = list(itertools.islice(service_of(request).database.videos.all(least_records=least_records), start, start + limit + 1))
    return page("video-list", (video.to_json() for video in found[:limit]), str(start + limit) if len(found) > limit else None)


@router.get("/{video}", summary="Return a video.", responses=answers("video"))
def show(request: Request, _: _Caller, video: str) -> Response:
    """Return a video with its records, by its id or the only beginning of it; for one that was merged into another, that."""
    return JSONResponse(service_of(request).database.videos.get(video).to_json())


class Merging(BaseModel):
    """Videos that are the same as another."""

    others: list[str] = Field(min_length=1, max_length=MOST_NAMED, description="Their ids.")
    reason: str = Field("", max_length=1000)


@router.post("/{video}/merge", summary="Say that videos are one.", responses=answers("video"))
def merge(request: Request, caller: _Caller, video: str, body: Merging) -> Response:
    """Say that videos are one: this keeps its id, and the ids of the others lead to it from now on."""
    with acting_as(caller.name):
        return JSONResponse(service_of(request).database.videos.merge(video, body.others, reason=body.reason).to_json())


class Splitting(BaseModel):
    """Records that are not of a video."""

    records: list[str] = Field(min_length=1, max_length=MOST_NAMED, description="Their ids.")
    reason: str = Field("", max_length=1000)


@router.post("/{video}/split", summary="Take records out of a video.", responses=answers("video-list"))
def split(request: Request, caller: _Caller, video: str, body: Splitting) -> Response:
    """Take records out of a video that they do not belong to; return the video, and those of the records."""
    database = service_of(request).database
    with acting_as(caller.name):
        records = [database.get(record).id for record in body.records]
        found = database.videos.split(video, records, reason=body.reason)
    return page("video-list", (each.to_json() for each in found), None)
