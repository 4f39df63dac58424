"""The time as the tables have it."""

from __future__ import annotations

import datetime


def now_utc() -> datetime.datetime:
    """UTC in whole seconds, without saying so: SQLite has no time zones."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
