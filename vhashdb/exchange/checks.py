"""Checks of the values in an event; each raises `EventInvalid` and says what was wrong."""

from __future__ import annotations

import re

from vhashdb.errors import EventInvalid


def fits(what: str, text: str, pattern: re.Pattern[str]) -> None:
    """It is of the form."""
    if not pattern.fullmatch(text):
        raise EventInvalid(f"{text[:80]!a} is not a {what}")


def at_most(what: str, text: str, limit: int) -> None:
    """It has no more characters than that."""
    if len(text) > limit:
        raise EventInvalid(f"the {what} has {len(text)} characters; at most {limit} are allowed")


def within(what: str, value: int, low: int, high: int) -> None:
    """It lies between the two, or is one of them."""
    if not low <= value <= high:
        raise EventInvalid(f"{what} {value} is not within {low} and {high}")


def one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    """It is one of them."""
    if value not in known:
        raise EventInvalid(f"{value[:80]!r} is not a {what}", hint=f"known: {', '.join(known)}")
