"""A period of days, cut into spans to count in. Pure."""

from __future__ import annotations

import datetime
import enum
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vhashdb.errors import UsageError

MAX_SPANS: Final = 1000
"""More can neither be drawn nor read."""


class By(enum.StrEnum):
    """Length of a span."""

    DAY = "day"
    WEEK = "week"
    """From Monday to Sunday."""
    MONTH = "month"


_LENGTHS: Final = {By.DAY: 1, By.WEEK: 7, By.MONTH: 31}
"""At most so many days."""
_SUITS: Final = ((31, By.DAY), (366, By.WEEK))
"""Periods of up to so many days, unless other spans are asked for; longer ones are cut into months."""
_HINTS: Final = {
    By.DAY: "count by week or by month, or take a shorter period",
    By.WEEK: "count by month, or take a shorter period",
    By.MONTH: "take a shorter period",
}


@dataclass(frozen=True)
class Span:
    """Days that are counted together, both included; the first and the last of a period may be cut short by it."""

    first: datetime.date
    last: datetime.date

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} – {self.last}"


@dataclass(frozen=True)
class Period:
    """From one day to another, both included, in UTC."""

    since: datetime.date
    until: datetime.date
    by: By
    spans: tuple[Span, ...]
    """Oldest first, without a gap."""

    @classmethod
    def of(cls, since: datetime.date, until: datetime.date, by: By | str | None = None) -> Period:
        """Return the period in days, weeks or months; None: in what suits its length.

        Raises:
            UsageError: it ends before it begins, has too many spans, or there are no such spans.
        """
        if until < since:
            raise UsageError(f"the period ends on {until}, before it begins on {since}", hint="let it begin before it ends")
        days = (until - since).days + 1
        by = _by(by) if by is not None else next((suits for most, suits in _SUITS if days <= most), By.MONTH)
        if days > MAX_SPANS * _LENGTHS[by]:
            raise UsageError(f"a period of {days:,} days has too many {by}s to be shown: more than {MAX_SPANS:,}", hint=_HINTS[by])
        every = (since + datetime.timedelta(days=n) for n in range(days))
        together = (list(group) for _, group in itertools.groupby(every, lambda day: _whole(day, by)))
        return cls(since, until, by, tuple(Span(group[0], group[-1]) for group in together))

    def counted(self, daily: Mapping[datetime.date, int]) -> tuple[int, ...]:
        """Add up numbers by day to numbers by span; days outside of the period do not count."""
        places = {_whole(span.first, self.by): place for place, span in enumerate(self.spans)}
        counts = [0] * len(self.spans)
        for day, number in daily.items():
            if self.since <= day <= self.until:
                counts[places[_whole(day, self.by)]] += number
        return tuple(counts)


def _by(name: By | str) -> By:
    try:
        return By(name)
    except ValueError as error:
        raise UsageError(f"{name!r} is no span of days", hint=f"known: {', '.join(By)}") from error


def _whole(day: datetime.date, by: By) -> tuple[int, ...]:
    """Return what all days of one whole span have in common."""
    if by is By.MONTH:
        return day.year, day.month
    return day.isocalendar()[:2] if by is By.WEEK else (day.toordinal(),)
