"""The description of the API: OpenAPI 3.1, whose answers are described by the schema of the command line's JSON."""

from __future__ import annotations

from typing import Any, Final

from vhashdb.service.problems import MEDIA_TYPE

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "An error, as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail", "hint"],
    "properties": {
        "type": {"type": "string", "description": "`urn:vhashdb:error:` and the name of the error."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, in a sentence."},
        "hint": {"type": "string", "description": "What to do next; may be empty."},
        "request": {"type": "string", "description": "The id of the request, for the operator."},
        "errors": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Of a request that is not as described: what is wrong with it.",
        },
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of responses that are problems, for a route."""
    said = {"$ref": "#/components/schemas/problem"}
    usual = (400, 401, 403, 413, 422, 429, 500, 503)
    return {status: {"description": "A problem.", "content": {MEDIA_TYPE: {"schema": said}}} for status in sorted({*usual, *statuses})}
