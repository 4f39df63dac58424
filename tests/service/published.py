"""What the API's description says of its answers, to hold answers against."""

import functools
import re

import httpx
import jsonschema


class Published:
    """The description of one service."""

    def __init__(self, address):
        self.description = httpx.get(f"{address}/v1/openapi.json", trust_env=False).json()
        self._paths = [
            (re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + "/?"), path, operations)
            for path, operations in self.description["paths"].items()
        ]
        self._paths.sort(key=lambda each: "{" in each[1])  # `/questions/hashes` is not a question called hashes
        self.seen = set()
        """Operations whose answers were held against it: method, path and status."""

    @functools.cache  # noqa: B019  # as long as the tests of a module
    def _validator(self, reference):
        document = {"$ref": reference, "components": self.description["components"]}
        return jsonschema.Draft202012Validator(document, format_checker=jsonschema.FormatChecker())

    def check(self, response):
        """Fail if an answer is not as described."""
        response.read()
        method, path = response.request.method.lower(), response.request.url.path
        here = ((name, operations[method]) for at, name, operations in self._paths if at.fullmatch(path) and method in operations)
        found = next(here, None)
        if found is None or response.status_code == 304:
            return
        name, operation = found
        self.seen.add((method, name, response.status_code))
        described = operation["responses"].get(str(response.status_code))
        assert described is not None, f"{method} {name} says nothing of {response.status_code}: {response.text[:300]}"
        if not response.content:
            assert response.status_code == 204
            return
        if "*/*" in described["content"]:  # a file as it was sent
            return
        schema = described["content"][response.headers["Content-Type"].partition(";")[0]]["schema"]
        if "$ref" not in schema:  # a text
            return
        self._validator(schema["$ref"]).validate(response.json())
