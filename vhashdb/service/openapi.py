"""The description of the API: OpenAPI 3.1, whose answers are described by the schema of the library's JSON forms."""

from __future__ import annotations

from typing import Any, Final

from vhashdb.forms import json_schema
from vhashdb.service.problems import MEDIA_TYPE

_COMPONENTS: Final = "#/components/schemas/"
_COMMAND: Final = "vhashdb-"
"""Begins the names of schemas of what a command prints, which the API does not."""
PROBLEM: Final = "problem"
USUAL: Final = (400, 401, 403, 404, 409, 413, 415, 421, 422, 429, 500, 503)
"""Statuses of problems that any route may answer with."""
UPLOADING: Final = (408, 507)
"""Those of routes that take an upload, besides."""
ANY_FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
            },
        },
    }
}
"""The body of a request that is a file, or a form with one."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of responses that are problems, for a route: the usual ones and these."""
    return {status: _response(PROBLEM, "A problem.", MEDIA_TYPE) for status in sorted({*USUAL, *statuses})}


def answers(form: str, status: int = 200, *, says: str = "") -> dict[int | str, dict[str, Any]]:
    """Return the description of a response that has a form of the library's schema, by its name there."""
    return {status: _response(form, says or json_schema()["$defs"][form]["description"], "application/json")}


def components() -> dict[str, Any]:
    """Return the schemas of all forms by name, as a description of an API refers to them."""
    forms = json_schema()["$defs"].items()
    return {name: _referring(schema) for name, schema in forms if not name.startswith(_COMMAND)}


def _response(form: str, says: str, media_type: str) -> dict[str, Any]:
    return {"description": says, "content": {media_type: {"schema": {"$ref": f"{_COMPONENTS}{form}"}}}}


def _referring(value: Any) -> Any:
    if isinstance(value, dict):
        refers = value.get("$ref")
        if isinstance(refers, str):
            return {name: _referring(each) for name, each in value.items() if name != "$ref"} | {
                "$ref": refers.replace("#/$defs/", _COMPONENTS)
            }
        return {name: _referring(each) for name, each in value.items()}
    return [_referring(each) for each in value] if isinstance(value, list) else value
