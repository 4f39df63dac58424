"""Changes: what was written about records since, for whoever follows them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import answers, problems
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import Limit, service_of
from vhashdb.store import Scope, records_changed_since

router = APIRouter(prefix="/changes", tags=["records"], route_class=ReplayingRoute, responses=problems())


@router.get("", summary="List the records that changed since.", responses=answers("changes"))
def changes(
    request: Request,
    _: Annotated[Caller, needs(Scope.RECORD)],
    since: Annotated[int, Query(ge=0, le=2**62, description="`last` of the answer before; 0: from the beginning.")] = 0,
    limit: Limit = 100,
) -> Response:
    """List records as they are now, in the order of the last write to each. Whoever asks with `last` again misses nothing.

    A record that changes again comes again. Opinions and matches are no changes of a record unless its state changes with them.
    """
    found = records_changed_since(service_of(request).database.store, since, limit + 1)
    items = [{"change": each.change, "record": each.record.to_json()} for each in found[:limit]]
    last = items[-1]["change"] if items else since
    return JSONResponse({"type": "changes", "items": items, "last": last, "more": len(found) > limit})
