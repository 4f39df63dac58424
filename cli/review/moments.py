"""Moments as the database has them: UTC, without saying so."""

from __future__ import annotations

import datetime
from typing import Final

import click

DAYS: Final = 7
"""How far back matches count unless something else is asked for."""


def moment(ctx: click.Context, param: click.Parameter, value: float | None) -> datetime.datetime | None:  # noqa: ARG001  # click's signature
    """What `--since` says; what is before 1970 is 1970."""
    return _naive(datetime.datetime.fromtimestamp(max(0.0, value), datetime.UTC)) if value is not None else None


def week_ago() -> datetime.datetime:
    """Since when matches count, unless something else is asked for."""
    return _naive(datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=DAYS))


def today() -> datetime.datetime:
    """The beginning of the day, where the person is."""
    return _naive(datetime.datetime.now().astimezone().replace(hour=0, minute=0, second=0))


def _naive(at: datetime.datetime) -> datetime.datetime:
    return at.astimezone(datetime.UTC).replace(tzinfo=None, microsecond=0)
