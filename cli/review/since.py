"""How far back: ``12h``, ``7d``, or a day such as ``2026-11-01``."""

from __future__ import annotations

import datetime
import re
from typing import Any, Final

import click

_AGO: Final = re.compile(r"(\d{1,5}) ?([hdw])")
_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}
DAYS: Final = 7
"""How far back matches count unless something else is asked for."""


class Since(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in newer releases of click
    """A moment in the past, in UTC and without saying so, as the database has it."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime.datetime:
        """The moment."""
        if isinstance(value, datetime.datetime):
            return value
        ago = _AGO.fullmatch(value.strip().lower())
        if ago:
            return now() - datetime.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            moment = datetime.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither hours or days back, such as 12h or 7d, nor a day such as 2026-11-01", param, ctx)
        return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def now() -> datetime.datetime:
    """The time as the database has it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)


def week_ago() -> datetime.datetime:
    """Since when matches count, unless something else is asked for."""
    return now() - datetime.timedelta(days=DAYS)


def today() -> datetime.datetime:
    """The beginning of the day."""
    return now().replace(hour=0, minute=0, second=0)
