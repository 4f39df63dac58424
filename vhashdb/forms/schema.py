"""The schema that every JSON form is valid against."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any, Final

_FILE: Final = "json-schema.json"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of everything that is given to other programs, anew with each call.

    Its ``$defs`` has a schema for each form by its name, such as ``record``, and for what each command of the command line prints.
    """
    text = importlib.resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
