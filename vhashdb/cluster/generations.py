"""Names of what runs in a cluster: a generation is all shards that one index was divided into at one time. Pure.

What runs is the only list of what there is: nothing about it is kept anywhere else. Each shard is an application of Ray Serve, whose name
says database, generation, number and how many there are. Of the generations all of whose shards run, the newest is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"vhashdb-(?P<database>[0-9a-f]+)-g(?P<generation>\d+)-(?P<number>\d+)of(?P<of>\d+)")


@dataclass(frozen=True, order=True)
class ShardName:
    """The name of one shard."""

    database: str
    """The identity of the database."""
    generation: int
    """The higher the newer."""
    of: int
    number: int
    """From 0 on."""

    def __str__(self) -> str:
        return f"vhashdb-{self.database}-g{self.generation}-{self.number}of{self.of}"

    @classmethod
    def parse(cls, name: str) -> ShardName | None:
        """Return what a name of an application says; None if it is not one of these."""
        found = _NAME.fullmatch(name)
        return None if found is None else cls(found["database"], int(found["generation"]), int(found["of"]), int(found["number"]))


@dataclass(frozen=True)
class Generation:
    """All shards of one index."""

    database: str
    number: int
    shards: int
    ready: frozenset[int] = frozenset()
    """Numbers of the shards that answer."""

    @property
    def complete(self) -> bool:
        """Whether all shards answer."""
        return len(self.ready) == self.shards

    @property
    def names(self) -> tuple[ShardName, ...]:
        """The names of its shards, in their order."""
        return tuple(ShardName(self.database, self.number, self.shards, number) for number in range(self.shards))


def generations(database: str, running: Iterable[tuple[str, bool]]) -> list[Generation]:
    """Return the generations of a database, the oldest first, of the names of applications and whether each is ready."""
    ready: dict[tuple[int, int], set[int]] = {}
    for text, answers in running:
        name = ShardName.parse(text)
        if name is not None and name.database == database:
            numbers = ready.setdefault((name.generation, name.of), set())
            if answers:
                numbers.add(name.number)
    return [Generation(database, number, of, frozenset(numbers)) for (number, of), numbers in sorted(ready.items())]


def chosen(found: Iterable[Generation], now: Generation | None = None) -> Generation | None:
    """Return the generation to ask: the newest complete one; else the one that is asked now, if it is still there; else the newest."""
    known = list(found)
    complete = [each for each in known if each.complete]
    if complete:
        return complete[-1]
    same = [each for each in known if now is not None and (each.number, each.shards) == (now.number, now.shards)]
    return (same or known or [None])[-1]  # type: ignore[list-item]
