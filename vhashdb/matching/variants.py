"""Which records are variants of one video: copies, cuts, compilations of it.

A passage that two records both have, such as an intro, does not make them variants: they must also go on alike beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.matching.comparison import compare
from vhashdb.matching.spans import Spans, length_s, shared_s, union

MAX_VIDEOS: Final = 8
"""Different videos after which nobody counts further, so that few comparisons are made."""
_GOES_ON_ALIKE: Final = 0.5
"""Share of what one record shows beyond a passage that must be in the other one."""


@dataclass(frozen=True)
class Surrounded:
    """A record in which a passage was found."""

    reference: Fingerprint
    beyond: Spans
    """What it shows before and after the passage, disjoint."""


def videos(records: Sequence[Surrounded]) -> list[int]:
    """The number of the video that each record is a variant of, by comparison with the first record of each video.

    Beyond `MAX_VIDEOS` a record that is a variant of none of these is taken for a video of its own.
    """
    numbers: list[int] = []
    firsts: list[int] = []
    for position, record in enumerate(records):
        first = next((first for first in firsts if _variants(record, records[first])), None)
        if first is None and len(firsts) < MAX_VIDEOS:
            firsts.append(position)
        numbers.append(position if first is None else first)
    return numbers


def _variants(one: Surrounded, other: Surrounded) -> bool:
    segments = compare(one.reference, other.reference).segments
    return any(
        shared_s(union(found), side.beyond) >= _GOES_ON_ALIKE * length_s(side.beyond)
        for found, side in (
            ([(s.query_start_s, s.query_end_s) for s in segments], one),
            ([(s.reference_start_s, s.reference_end_s) for s in segments], other),
        )
    )
