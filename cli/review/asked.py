"""What one run of `vhashdb review` was asked for, and which records wait for that."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vhashdb.store import Case, Cause, Filter

from .moments import week_ago

if TYPE_CHECKING:
    from vhashdb import Database


@dataclass(frozen=True)
class Asked:
    """The options of one run."""

    labels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    limit: int | None = None
    since: datetime.datetime | None = None
    matches: str | None = None
    export: str | None = None

    @property
    def filter(self) -> Filter:
        """Which cases count."""
        return Filter(self.labels, self.sources, tuple(Cause(cause) for cause in self.causes))

    @property
    def matched_since(self) -> datetime.datetime:
        """From when on matches count."""
        return self.since or week_ago()


def open_cases(database: Database, asked: Asked) -> list[Case]:
    """What waits, oldest first, and then what matched, the last match first."""
    allows = asked.filter.allows
    return [case for case in database.moderation.reviews.queue(matched_since=asked.matched_since) if allows(case)][: asked.limit]
