"""Keys: whom an administrator lets in. Replies with a secret are not kept to be given again, so these routes replay nothing."""

from __future__ import annotations

import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from vhashdb.service.access import Caller, needs
from vhashdb.service.bounded import BoundedRoute
from vhashdb.service.openapi import answers, problems
from vhashdb.service.routes.shared import created, page, service_of
from vhashdb.store import Scope, acting_as
from vhashdb.store.api_keys import RATE_PER_MINUTE, UPLOAD_BYTES

router = APIRouter(prefix="/keys", tags=["administration"], route_class=BoundedRoute, responses=problems())

_Administering = Annotated[Caller, needs(Scope.ADMINISTER)]


class NewKey(BaseModel):
    """A key to be made."""

    name: str = Field(min_length=1, max_length=64, description="Whom the audit log names.")
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope), description="What it allows.")
    rate_per_minute: int = Field(RATE_PER_MINUTE, ge=1, le=10_000_000, description="Requests in a minute.")
    upload_bytes: int = Field(UPLOAD_BYTES, ge=1, le=1 << 50, description="Bytes of one upload.")
    expires_at: datetime.datetime | None = Field(None, description="When it stops working; never unless given.")


@router.get("", summary="List keys.", responses=answers("keys"))
def keys(request: Request, _: _Administering) -> Response:
    """List every key without its secret, also those that were revoked."""
    return page("keys", (key.to_json() for key in service_of(request).keys.all()), None)


@router.post("", summary="Make a key.", status_code=201, responses=answers("new-key", 201))
def add(request: Request, caller: _Administering, body: NewKey) -> Response:
    """Make a key. Its secret is in this answer alone: only a digest of it is kept."""
    expires_at = body.expires_at
    if expires_at is not None and expires_at.tzinfo is not None:
        expires_at = expires_at.astimezone(datetime.UTC).replace(tzinfo=None)
    with acting_as(caller.name):
        limits = {"rate_per_minute": body.rate_per_minute, "upload_bytes": body.upload_bytes}
        made, secret = service_of(request).keys.add(body.name, body.scopes, expires_at=expires_at, **limits)
    return created(made.to_json() | {"secret": secret}, request.url.path)


@router.delete("/{key}", summary="Revoke a key.", responses=answers("key"))
def revoke(request: Request, caller: _Administering, key: str) -> Response:
    """Take a key back, by its name or id, and end its sessions."""
    with acting_as(caller.name):
        return JSONResponse(service_of(request).keys.revoke(key).to_json())
