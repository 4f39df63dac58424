"""Group what was found, so that one answer does for all files of a video, or for all that one file shows. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vhashdb.review.found import FoundMatch


class By(enum.StrEnum):
    """What one answer is about."""

    VIDEO = "video"
    """A known video, and every file that shows it."""
    FILE = "file"
    """A file, and everything that it shows."""


@dataclass(frozen=True)
class Group:
    """Matches that are answered at once, that which presses most first."""

    found: tuple[FoundMatch, ...]

    @property
    def records(self) -> tuple[str, ...]:
        """The records that were matched; none of files that could not be checked."""
        return tuple(dict.fromkeys(one.record for one in self.found if one.record))

    @property
    def files(self) -> tuple[str, ...]:
        """The paths, each once."""
        return tuple(one.path for one in self.first_of_each)

    @property
    def by_sound(self) -> bool:
        """Whether nothing but the sound speaks for any of it."""
        return all(one.by_sound for one in self.found)

    @property
    def first_of_each(self) -> tuple[FoundMatch, ...]:
        """For each file the match that presses most."""
        first: dict[str, FoundMatch] = {}
        for one in self.found:
            first.setdefault(one.path, one)
        return tuple(first.values())

    def without(self, left_out: Iterable[FoundMatch]) -> Group:
        """Return it without some of its matches."""
        gone = set(left_out)
        return Group(tuple(one for one in self.found if one not in gone))

    def of(self, paths: Iterable[str]) -> Group:
        """Return what of it is about some files."""
        some = set(paths)
        return Group(tuple(one for one in self.found if one.path in some))


def groups(found: Sequence[FoundMatch], by: By) -> list[Group]:
    """Group matches, and put what presses most first.

    Files that could not be checked are grouped by verdict; a record that belongs to no video is taken for one.
    """
    by_key: dict[tuple[str, ...], list[FoundMatch]] = {}
    for one in found:
        by_key.setdefault(_key(one, by), []).append(one)
    made = [Group(tuple(sorted(some, key=lambda one: one.urgency))) for some in by_key.values()]
    return sorted(made, key=lambda group: group.found[0].urgency)


def _key(one: FoundMatch, by: By) -> tuple[str, ...]:
    if by is By.FILE:
        return ("file", one.path)
    return ("video", one.video or one.record) if one.record else ("unchecked", one.verdict)
