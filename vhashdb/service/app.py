"""The application: routes, what surrounds them, and what begins and ends with it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from vhashdb.errors import VhashdbError
from vhashdb.service import problems
from vhashdb.service.console import add_console
from vhashdb.service.hma import add_hma
from vhashdb.service.metrics import Metrics
from vhashdb.service.middleware import Surroundings
from vhashdb.service.notifying import Notifier
from vhashdb.service.openapi import components
from vhashdb.service.routes import (
    changes,
    feeds,
    keys,
    media,
    operations,
    opinions,
    questions,
    records,
    review,
    statistics,
    videos,
    webhooks,
)
from vhashdb.service.service import Service
from vhashdb.service.settings import ServiceSettings
from vhashdb.service.tracing import Tracing
from vhashdb.version import __version__

THREADS = 64
"""Requests that are answered at the same time, apart from those that decode."""


def create_app(settings: ServiceSettings, opened: Service | None = None) -> FastAPI:
    """Make the ASGI application that serves a database.

    Args:
        settings: of the service.
        opened: the service, if it is open already; else it is opened when the server starts the application. It is closed in the end.
    """

    @contextlib.asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        service = opened or Service.open(settings)
        app.state.service = service
        app.state.metrics.watch(service)
        notifier = Notifier(service.questions, service.webhooks, settings, questions.question_json, app.state.metrics.told)
        service.asker.on_question.append(notifier.answered)
        app.state.tracing.activate()
        await service.asker.start()
        notifier.start()
        service.attendance.start()
        try:
            yield
        finally:
            await service.asker.stop()
            await notifier.stop()
            await service.attendance.stop()
            await anyio.to_thread.run_sync(app.state.tracing.close)
            await anyio.to_thread.run_sync(service.close)

    app = FastAPI(
        title="vhashdb", version=__version__, lifespan=running, openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None,
        description="Ask whether a video is a known harmful one, and keep the records that say so.",
        separate_input_output_schemas=False,
    )  # fmt: skip
    app.state.metrics, app.state.tracing = Metrics(), Tracing()
    for kind, handler in (
        (VhashdbError, problems.of_library),
        (problems.Refused, problems.of_refusal),
        (HTTPException, problems.of_http),
        (RequestValidationError, problems.of_validation),
        (Exception, problems.of_fault),
    ):
        app.add_exception_handler(kind, handler)
    v1 = APIRouter(prefix="/v1")
    for routes in (questions, media, records, opinions, videos, review, changes, feeds, statistics, keys, webhooks):
        v1.include_router(routes.router)
    app.include_router(v1)
    app.include_router(operations.router)
    add_console(app)
    add_hma(app)
    app.add_middleware(
        Surroundings, hosts=settings.hosts, secure=settings.secure, on_request=app.state.metrics.requested, tracing=app.state.tracing
    )
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Add to the description of the API what FastAPI does not know."""
    made = app.openapi

    def described() -> dict[str, object]:
        description = made()
        description.setdefault("components", {}).setdefault("schemas", {}).update(components())
        return description

    app.openapi = described  # type: ignore[method-assign]
