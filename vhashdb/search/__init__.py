"""Answer a query: is any part of an input a known video, and why is a record said to match or not to match?

``matcher`` is the pipeline, from an input to a verdict; ``query_fingerprinter`` makes the fingerprints it searches with;
``sufficiency`` says whether what was seen is enough to say "no match"; ``results`` is what comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.search.matcher import FULL_SEARCH
    from vhashdb.search.results import Addition, AddStatus, Effort, Match, Result, segment_to_json
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "matcher": "FULL_SEARCH",
            "results": "AddStatus Addition Effort Match Result segment_to_json",
        },
    )

__all__ = [
    "FULL_SEARCH",
    "AddStatus",
    "Addition",
    "Effort",
    "Match",
    "Result",
    "segment_to_json",
]
