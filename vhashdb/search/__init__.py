"""Answer a query: is any part of an input a known video, and why is a record said to match or not to match?

``matcher`` is the pipeline, from an input to a verdict, ``stages`` the searches of an effort, ``trace`` what the steps tell
each other; ``query_fingerprinter`` makes the fingerprints it searches with; ``place_search`` and ``sound_search`` find what the
index of pictures does not; ``found_matches`` makes matches of it;
``grouper`` and ``copies`` go from records to the videos that they show;
``sufficiency`` says whether what was seen is enough to say "no match"; ``efforts`` is what can be spent on a question, ``results``
what comes back, and ``triage`` the order in which people look at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.search.efforts import Effort
    from vhashdb.search.grouper import Grouper
    from vhashdb.search.results import Addition, AddStatus, Match, Result, segment_to_json, sound_to_json
    from vhashdb.search.sound_retrieval import check_sound_retrieval
    from vhashdb.search.stages import FULL_SEARCH, SOUND_SEARCH
    from vhashdb.search.triage import ORDER, Urgency, urgency
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "efforts": "Effort",
            "grouper": "Grouper",
            "results": "AddStatus Addition Match Result segment_to_json sound_to_json",
            "sound_retrieval": "check_sound_retrieval",
            "stages": "FULL_SEARCH SOUND_SEARCH",
            "triage": "ORDER Urgency urgency",
        },
    )

__all__ = [
    "FULL_SEARCH",
    "ORDER",
    "SOUND_SEARCH",
    "AddStatus",
    "Addition",
    "Effort",
    "Grouper",
    "Match",
    "Result",
    "Urgency",
    "check_sound_retrieval",
    "segment_to_json",
    "sound_to_json",
    "urgency",
]
