import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.service.serving import eventually
from vhashdb.service.tracing import asked_for

TELLING = "a telling name"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@contextlib.contextmanager
def collector():
    """Gives the address of a collector of OTLP over HTTP, and the bodies that it got."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", bodies
        finally:
            server.shutdown()
            thread.join()


def spans_in(bodies):
    for path, body in bodies:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                yield from scope.spans


def test_a_question_and_its_steps_are_traced_without_names(serve_copy, samples, monkeypatch):
    film = (samples / "edited/harbour__insert.mp4").read_bytes()
    with collector() as (address, bodies):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with serve_copy() as service, service.client("ask", traceparent=f"00-{TRACE}-b7ad6b7169203331-01") as client:
            client.post("/v1/questions", params={"name": TELLING}, content=film).raise_for_status()
            later = client.post("/v1/questions", content=film, headers={"Prefer": "respond-async"}).headers["Location"]
            eventually(lambda: client.get(later).json()["state"], lambda state: state == "answered")
        spans = list(spans_in(bodies))
    asked = [span for span in spans if span.name == "POST /v1/questions"]
    first = min(asked, key=lambda span: span.start_time_unix_nano)
    steps = {span.name: span for span in spans if span.parent_span_id == first.span_id}
    assert list(steps) == ["receive the upload", "wait for a turn", "answer"]
    assert first.trace_id.hex() == TRACE
    said = {one.key: one.value for one in steps["answer"].attributes}
    assert said["vhashdb.verdict"].string_value == "match"
    assert [span.name for span in spans].count("answer") == 2
    assert any(span.name == "answer later" for span in spans)
    assert TELLING.encode() not in b"".join(body for _, body in bodies)
    assert b"traceparent" not in b"".join(body for _, body in bodies)


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False),
    ],
)
def test_traces_are_made_only_for_whoever_asks(environment, asked):
    assert asked_for(environment) is asked
