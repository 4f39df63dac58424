"""Review: what waits for people, and what they decide."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from vhashdb.codes import BASES, VERDICTS
from vhashdb.review import Act, By, Chosen, Claimed, Kind, case_json
from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import answers, problems
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import Cursor, Limit, created, page, service_of
from vhashdb.store import SEVERITIES, Scope, acting_as
from vhashdb.store.records import MAX_REASON

router = APIRouter(prefix="/review", tags=["review"], route_class=ReplayingRoute, responses=problems(412))

MOST_CASES = 1000
"""Cases of one decision."""
_Deciding = Annotated[Caller, needs(Scope.DECIDE)]
_CaseId = Annotated[str, Field(min_length=1, max_length=100)]
_Values = Annotated[list[str] | None, Query()]


@router.get("/queue", summary="List what waits.", responses=answers("queue"))
def queue(
    request: Request,
    caller: _Deciding,
    by: Annotated[By, Query(description="One case for all uploads of a video, or for all that an upload shows.")] = By.VIDEO,
    kind: Annotated[list[Kind] | None, Query()] = None,
    cause: _Values = None,
    verdict: _Values = None,
    severity: Annotated[list[str] | None, Query(description=f"Some of {', '.join(SEVERITIES)}.")] = None,
    label: Annotated[list[str] | None, Query(description="Only cases with all of these.")] = None,
    source: _Values = None,
    claimed: Annotated[list[Claimed] | None, Query(description="Who is at it.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """List what waits for whoever asks: uploads, the gravest first, then records, oldest first.

    Each filter may be given several times. `counts` says for each filter and value how many cases there would be with that value alone.
    """
    chosen = {
        "kind": kind, "cause": cause, "verdict": verdict, "severity": severity, "label": label, "source": source, "claimed": claimed
    }  # fmt: skip
    with acting_as(caller.name):
        found = service_of(request).desk.page({name: some or () for name, some in chosen.items()}, by=by, limit=limit, cursor=cursor)
    return JSONResponse(found.to_json())


@router.get("/cases/{case}", summary="Return a case.", responses=answers("review-case"))
def case(request: Request, caller: _Deciding, case: str) -> Response:
    """Return a case with everything that a person needs to decide it, and what may be answered."""
    service = service_of(request)
    with acting_as(caller.name):
        return JSONResponse(case_json(service.database, service.desk.case(case)))


class Cases(BaseModel):
    """Cases by their ids."""

    cases: list[_CaseId] = Field(min_length=1, max_length=MOST_CASES)


@router.post("/claims", summary="Say that you are at cases.", responses=answers("queue-entries"))
def claim(request: Request, caller: _Deciding, body: Cases) -> Response:
    """Claim cases for half an hour, so that others take something else; again to go on. 409: somebody else is at one."""
    with acting_as(caller.name):
        return page("queue-entries", (entry.to_json() for entry in service_of(request).desk.claim(body.cases)), None)


@router.delete("/claims", summary="Give cases up.", status_code=204)
def give_up(request: Request, caller: _Deciding, case: Annotated[list[_CaseId], Query(min_length=1, max_length=MOST_CASES)]) -> Response:
    """Let others decide about cases that you claimed."""
    with acting_as(caller.name):
        service_of(request).desk.give_up(case)
    return Response(status_code=204)


class ChosenCase(BaseModel):
    """A case, as it was looked at."""

    id: _CaseId
    version: str = Field(min_length=1, max_length=64, description="`version` of the case; 412: it is another by now.")
    left_out: list[str] = Field([], max_length=MOST_CASES, description="Ids of questions whose uploads are left as they are.")


class DecisionOfCases(BaseModel):
    """What is decided about cases."""

    cases: list[ChosenCase] = Field(min_length=1, max_length=MOST_CASES)
    act: Act = Field(description="One of those that each case offers.")
    reason: str = Field("", max_length=MAX_REASON)
    verdict: str = Field("", json_schema_extra={"enum": ["", *VERDICTS]}, description="Of an opinion.")
    basis: str = Field("", json_schema_extra={"enum": ["", *BASES]}, description="Of an opinion.")


@router.post("/decisions", summary="Decide.", status_code=201, responses=answers("desk-decision", 201))
def decide(request: Request, caller: _Deciding, body: DecisionOfCases) -> Response:
    """Decide about cases at once: about all of them, or none. `final: false`: a second person has to confirm it."""
    chosen = [Chosen(each.id, each.version, tuple(each.left_out)) for each in body.cases]
    with acting_as(caller.name):
        done = service_of(request).desk.decide(chosen, body.act, verdict=body.verdict, basis=body.basis, reason=body.reason)
    return created(done.to_json(), request.url.path)


@router.get("/decisions", summary="List your decisions that can be taken back.", responses=answers("desk-decisions"))
def decisions(request: Request, caller: _Deciding) -> Response:
    """List the latest decisions of whoever asks, the newest first, as long as they can be taken back."""
    with acting_as(caller.name):
        return page("desk-decisions", (done.to_json() for done in service_of(request).desk.undoable()), None)


@router.post("/decisions/{decision}/undo", summary="Take a decision back.", responses=answers("desk-decision"))
def undo(request: Request, caller: _Deciding, decision: str) -> Response:
    """Take a decision back: its cases wait as before, and the history keeps both. Only whoever decided may."""
    with acting_as(caller.name):
        return JSONResponse(service_of(request).desk.undo(decision).to_json())
