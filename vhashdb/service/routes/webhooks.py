"""Webhooks: addresses that are told of answers. Replies with a secret are not kept to be given again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from vhashdb.service.access import Caller, needs
from vhashdb.service.bounded import BoundedRoute
from vhashdb.service.openapi import answers, problems
from vhashdb.service.routes.shared import created, page, service_of
from vhashdb.store import Scope, acting_as

router = APIRouter(prefix="/webhooks", tags=["administration"], route_class=BoundedRoute, responses=problems())

_Administering = Annotated[Caller, needs(Scope.ADMINISTER)]


class NewWebhook(BaseModel):
    """An address to be told of answers."""

    name: str = Field(min_length=1, max_length=100, description="By which questions name it: letters, digits and _.")
    url: str = Field(min_length=1, max_length=2000, description="An http or https address.")


@router.get("", summary="List webhooks.", responses=answers("webhooks"))
def webhooks(request: Request, _: _Administering) -> Response:
    """List the webhooks without their secrets."""
    return page("webhooks", (webhook.to_json() for webhook in service_of(request).webhooks.all()), None)


@router.post("", summary="Add a webhook.", status_code=201, responses=answers("new-webhook", 201))
def add(request: Request, caller: _Administering, body: NewWebhook) -> Response:
    """Name an address. The secret that signs what is sent to it is in this answer alone."""
    with acting_as(caller.name):
        made = service_of(request).webhooks.add(body.name, body.url)
    return created(made.to_json() | {"secret": made.secret}, request.url.path)


@router.delete("/{webhook}", summary="Remove a webhook.", status_code=HTTPStatus.NO_CONTENT)
def remove(request: Request, caller: _Administering, webhook: str) -> Response:
    """Forget an address."""
    with acting_as(caller.name):
        service_of(request).webhooks.remove(webhook)
    return Response(status_code=HTTPStatus.NO_CONTENT)
