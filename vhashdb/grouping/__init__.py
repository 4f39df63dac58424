"""Tell which records show the same video: relate two fingerprints, and group what is related.

::

    relation   `relate`: what two fingerprints have in common, on one line of time; `relate_seen`: the same by the frames of one
    likeness   `likeness`: which records are worth relating; `hardly_differ`: whether one of two copies can stand for the other
    videos     `group`: from the relations of editions to videos, the unit that people decide about

Records that show the same from start to end are *copies* of one *edition*. A shorter edition is a *clip* of a longer one. All editions
of one continuous video are that *video*; a compilation shows parts of several, and belongs to each. What stored fingerprints tell is
the same whoever has the records, in whatever order they came; `relate_seen` adds what only frames tell, while they are at hand.
"""

from vhashdb.grouping.likeness import Moments, hardly_differ, likeness
from vhashdb.grouping.relation import Relation, Side, relate, relate_seen, relate_shown
from vhashdb.grouping.videos import EditionRelation, Group, Role, group, is_compilation

__all__ = [
    "EditionRelation",
    "Group",
    "Moments",
    "Relation",
    "Role",
    "Side",
    "group",
    "hardly_differ",
    "is_compilation",
    "likeness",
    "relate",
    "relate_seen",
    "relate_shown",
]
