"""Traces by OpenTelemetry, for whoever asks for them by its standard environment variables. No name of a file, no hash, no query string.

The packages are loaded only then. A request is a span that continues the trace of whoever sent it; each `step` of it is a span within.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from vhashdb.version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_log: Final = logging.getLogger(__name__)
Note = Callable[[str, str | int | float | bool], None]
"""Takes the name and the value of an attribute."""
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP: Final = "http/protobuf"


def asked_for(environment: Mapping[str, str]) -> bool:
    """Tell whether the environment asks for traces: by the name of an exporter, or by where it sends them."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    return exporter == "otlp" or (not exporter and any(environment.get(name) for name in _ENDPOINTS))


class Tracing:
    """The traces of one application."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._provider = _provider(environment) if asked_for(environment) else None
        self._tracer = self._provider.get_tracer("vhashdb", __version__) if self._provider is not None else None

    def activate(self) -> None:
        """Have `step` know of these traces in what is begun from here."""
        _active.set(self)

    def close(self) -> None:
        """Send what is left."""
        if self._provider is not None:
            self._provider.shutdown()

    @contextlib.contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Callable[[str, int], None]]:
        """Trace a request; gives what takes its route and status in the end."""
        self.activate()
        if self._tracer is None:
            yield lambda *_: None
            return
        from opentelemetry import propagate, trace

        with self._tracer.start_as_current_span(
            method, propagate.extract(headers), trace.SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:

            def end(route: str, status: int) -> None:
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
                if not 0 < status < 500:
                    span.set_status(trace.StatusCode.ERROR)

            yield end

    @contextlib.contextmanager
    def step(self, name: str, began_ns: int | None) -> Iterator[Note]:
        """Trace a part of what is done; see the function `step`."""
        if self._tracer is None:
            yield _nothing
            return
        from opentelemetry import trace

        # An exception's message may name a file, so that its kind has to do.
        with self._tracer.start_as_current_span(name, start_time=began_ns, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield span.set_attribute
            except BaseException as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise


_active: Final[contextvars.ContextVar[Tracing | None]] = contextvars.ContextVar("tracing", default=None)


@contextlib.contextmanager
def step(name: str, *, began_ns: int | None = None) -> Iterator[Note]:
    """Trace a part of what is done for a request, if anybody asked for traces; gives what takes attributes.

    Args:
        name: of the step.
        began_ns: nanoseconds since 1970 at which it began; None: now.
    """
    tracing = _active.get()
    if tracing is None:
        yield _nothing
        return
    with tracing.step(name, began_ns) as note:
        yield note


def since() -> int:
    """Return now, as `step` takes it."""
    return time.time_ns()


def _nothing(_: str, __: Any) -> None:
    """Note nothing."""


def _provider(environment: Mapping[str, str]) -> TracerProvider | None:
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _HTTP)
    if protocol != _HTTP:
        _log.warning("traces are sent by %s alone, not by %s: there are none", _HTTP, protocol)
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        _log.warning("the environment asks for traces, and what sends them is not installed (vhashdb[otel]): %s", error)
        return None
    named = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "vhashdb"}
    provider = TracerProvider(resource=Resource.create(named | {"service.version": __version__}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
