"""The description of the API: it is whole, and whatever a request says that follows it, or does not, the answer is as described."""

import os

import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.service.serving import ALL
from vhashdb.forms import json_schema

EXAMPLES = int(os.environ.get("VHASHDB_API_EXAMPLES", "3"))
"""Requests that are drawn for each operation."""
LONGEST_URL = 16_000
"""What is longer is no request to the server's parser, which says so in its own words."""
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def description(service):
    return service.published.description


def operations(description):
    for path, some in description["paths"].items():
        for method, operation in some.items():
            yield f"{method.upper()} {path}", operation


def test_every_answer_is_described_by_a_form_of_the_library(description):
    forms = json_schema()["$defs"]
    for name, operation in operations(description):
        for status, response in operation["responses"].items():
            if status in ("204", "304") or {"*/*", "text/plain"} & set(response["content"]):  # nothing, a file as it was sent, or metrics
                continue
            (content,) = response["content"].values()
            form = content["schema"]["$ref"].removeprefix("#/components/schemas/")
            assert form in forms, (name, status)
            assert (form in ("problem", "not-ready")) == (status >= "400"), (name, status)
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_operation_says_what_it_is_and_needs_a_key(description):
    assert description["openapi"].startswith("3.1")
    for name, operation in operations(description):
        assert operation["summary"].endswith("."), name
        assert operation["description"], name
        assert operation.get("security") or name.endswith(("/healthz", "/readyz", "/metrics")), name


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_any_request_is_answered_as_described(service, mode):
    description = schemathesis.openapi.from_url(f"{service.address}/v1/openapi.json")
    with requests.Session() as session:
        session.headers["X-API-KEY"] = service.keys[ALL]
        session.trust_env = False
        for found in description.get_all_operations():
            operation = found.ok()
            if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & set(operation.definition.raw):
                _ask(operation, mode, session)


def _ask(operation, mode, session):
    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        if len(requests.Request(**case.as_transport_kwargs()).prepare().url) > LONGEST_URL:
            return
        case.call_and_validate(session=session, headers={"X-API-KEY": session.headers["X-API-KEY"]}, checks=CHECKS)

    ask()
