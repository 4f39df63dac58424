"""What one run of `vhashdb review` is asked for: its options, and which cases they mean."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from ..files import Since
from ..settings import OneOf

if TYPE_CHECKING:
    from vhashdb import Database
    from vhashdb.store import Case, Filter


def moment(ctx: click.Context, param: click.Parameter, value: float | None) -> datetime.datetime | None:  # noqa: ARG001  # click's signature
    """Return what `--since` says; what is before 1970 is 1970."""
    return _naive(datetime.datetime.fromtimestamp(max(0.0, value), datetime.UTC)) if value is not None else None


def today() -> datetime.datetime:
    """Return the beginning of the day, where the person is."""
    return _naive(datetime.datetime.now().astimezone().replace(hour=0, minute=0, second=0))


def _naive(at: datetime.datetime) -> datetime.datetime:
    return at.astimezone(datetime.UTC).replace(tzinfo=None, microsecond=0)


_SINCE: Final = "Matches, and with --export decisions, since a day, a time, or an age such as 2h.  [default: 7d, today]"
_CAUSES: Final = OneOf("vhashdb.store", "Cause")


def filters(function: Any) -> Any:
    """``--label``, ``--source``, ``--cause``, ``--since`` and ``--limit``."""
    options = (
        click.option(
            "--label", "labels", multiple=True, metavar="LABEL", help="Only records with this label; given several times, with all of them."
        ),
        click.option(
            "--source",
            "sources",
            multiple=True,
            metavar="NAME",
            help="Only records from this source; given several times, from any of them.",
        ),
        click.option("--cause", "causes", multiple=True, type=_CAUSES, help="Only what waits because of this."),
        click.option("--since", type=Since(), callback=moment, metavar="WHEN", help=_SINCE),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many cases."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class Asked:
    """The options of one run."""

    labels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    limit: int | None = None
    since: datetime.datetime | None = None
    matches: str | None = None
    by: str = "video"
    player: str | None = None
    export: str | None = None

    @property
    def filter(self) -> Filter:
        """Which cases count."""
        from vhashdb.store import Cause, Filter

        return Filter(self.labels, self.sources, tuple(Cause(cause) for cause in self.causes))

    @property
    def matched_since(self) -> datetime.datetime:
        """From when on matches count."""
        from vhashdb.store import now_utc, recently

        return self.since or recently(now_utc().date())


def open_cases(database: Database, asked: Asked) -> list[Case]:
    """Return what waits, oldest first, and then what matched, the last match first."""
    allows = asked.filter.allows
    return [case for case in database.moderation.reviews.queue(matched_since=asked.matched_since) if allows(case)][: asked.limit]
