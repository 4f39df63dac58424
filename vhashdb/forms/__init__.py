"""JSON forms of answers, and the one schema of all of them, for every program that gives them to another.

A value has its form in a method, ``to_json``: `vhashdb.Record`, `vhashdb.Match`, `vhashdb.store.Case` and so on. Here are the forms that
are put together from a database or from several values, those that begin with a file's name, and `json_schema`. `vhashdb.json_values.dumps`
writes any of them. ``docs/json.md`` is made from the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.forms.about_files import error_json, unmatch_json, with_part, with_path
    from vhashdb.forms.comparisons import comparison_json, explanation_json
    from vhashdb.forms.contents import followed_json, given_opinion_json, info_json, record_under_review_json, record_with_history_json
    from vhashdb.forms.schema import json_schema
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "about_files": "error_json unmatch_json with_part with_path",
            "comparisons": "comparison_json explanation_json",
            "contents": "followed_json given_opinion_json info_json record_under_review_json record_with_history_json",
            "schema": "json_schema",
        },
    )

__all__ = [
    "comparison_json",
    "error_json",
    "explanation_json",
    "followed_json",
    "given_opinion_json",
    "info_json",
    "json_schema",
    "record_under_review_json",
    "record_with_history_json",
    "unmatch_json",
    "with_part",
    "with_path",
]
