"""The searches that an effort makes, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vhashdb.fingerprints import COARSE_PROFILE, DENSE_PROFILE, KEYFRAME_PROFILE, QUERY_PROFILE, ExtractionProfile
from vhashdb.matching.config import MatchingConfig
from vhashdb.search.efforts import Effort


@dataclass(frozen=True)
class Stage:
    """One search of a query: which fingerprint it is made with, and how near a record has to be."""

    name: str
    profile: ExtractionProfile
    coarse: bool = False
    """Whether keyframes alone are searched with, within `MatchingConfig.coarse_radius_bits`."""

    def radius_bits(self, config: MatchingConfig) -> float:
        """Return the distance within which a record is retrieved."""
        return config.coarse_radius_bits if self.coarse else config.radius_bits


FIRST_SEARCH: Final = "first look"
"""What `Database.match` begins with; without a candidate it also ends there, except for a still picture."""
COARSE_SEARCH: Final = "coarse look"
"""What follows where keyframes are too far apart to decide, and ends the query like the first search."""
CLOSER_SEARCH: Final = "closer look"
"""The search in the views that were nearest in the one before; it ends the query if it leaves nothing open (`settled`)."""
FULL_SEARCH: Final = "full look"
"""Name of the search with all views, as `RetrievalCheck.stage` has it."""
SOUND_SEARCH: Final = "sound"
"""Name of the look-up of landmarks, which is made beside any of them."""
STAGES: Final = {
    Effort.FAST: (
        Stage(FIRST_SEARCH, KEYFRAME_PROFILE, coarse=True),
        Stage(COARSE_SEARCH, COARSE_PROFILE),
        Stage(FULL_SEARCH, QUERY_PROFILE),
    ),
    Effort.BALANCED: (Stage(FIRST_SEARCH, COARSE_PROFILE), Stage(FULL_SEARCH, QUERY_PROFILE)),
    Effort.THOROUGH: (Stage(FULL_SEARCH, DENSE_PROFILE),),
}
"""What an effort means: the searches that are made one after the other, until one retrieves nothing. What a search but the last
retrieves is searched for in the last, or before that in a closer one, and no others are made."""


def stage_of_given(effort: Effort) -> Stage:
    """Return the only stage of a query that comes as a fingerprint."""
    return replace(STAGES[effort][-1], coarse=effort is Effort.FAST)
