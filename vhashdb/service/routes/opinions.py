"""Opinions: what organisations think of records."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from vhashdb.codes import BASES, SAW_MATCH, VERDICTS
from vhashdb.forms import given_opinion_json
from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import answers, problems
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import created, page, service_of
from vhashdb.store import Scope, acting_as
from vhashdb.store.records import MAX_REASON

router = APIRouter(prefix="/records/{record}/opinions", tags=["opinions"], route_class=ReplayingRoute, responses=problems())


class NewOpinion(BaseModel):
    """What people here think of a record."""

    verdict: str = Field(json_schema_extra={"enum": list(VERDICTS)})
    basis: str = Field(SAW_MATCH, json_schema_extra={"enum": list(BASES)}, description="What it rests on.")
    reason: str = Field("", max_length=MAX_REASON, description="Members that follow your feed read it: no names, links or addresses.")


@router.get("", summary="List the opinions on a record.", responses=answers("opinions"))
def opinions(request: Request, _: Annotated[Caller, needs(Scope.ASK, Scope.RECORD, Scope.DECIDE)], record: str) -> Response:
    """List the latest opinion of everybody on a record, oldest first."""
    database = service_of(request).database
    return page("opinions", (said.to_json() for said in database.moderation.opinions.about(database.get(record))), None)


@router.post("", summary="Give an opinion on a record.", status_code=201, responses=answers("opinion", 201))
def give(request: Request, caller: Annotated[Caller, needs(Scope.DECIDE)], record: str, body: NewOpinion) -> Response:
    """Say what people here think of a record. One opinion against it makes it disputed: it then leads to a review at most."""
    database = service_of(request).database
    with acting_as(caller.name):
        found = database.get(record)
        given = database.exchange.opinion(found.id, body.verdict, basis=body.basis, reason=body.reason)
    return created(given_opinion_json(database.get(found.id), given), request.url.path)
