"""The period that `stats` and `report` are about: its options, and its first and last day."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])
_DAY: Final = click.DateTime(formats=["%Y-%m-%d"])


def period_options(first: str) -> Callable[[_F], _F]:
    """``--from`` and ``--to``; ``first`` says which is the first day unless one is given."""

    def with_options(function: _F) -> _F:
        text = f"First day, such as 2026-01-01; {first} unless given."
        since = click.option("--from", "since", type=_DAY, metavar="DAY", help=text)
        until = click.option("--to", "until", type=_DAY, metavar="DAY", help="Last day; today unless given. Days are in UTC.")
        return since(until(function))

    return with_options


def day_or(given: datetime.datetime | None, otherwise: datetime.date) -> datetime.date:
    """The day that was given, or another."""
    return given.date() if given else otherwise


def today() -> datetime.date:
    """In UTC, as everything in a database is."""
    return datetime.datetime.now(datetime.UTC).date()
