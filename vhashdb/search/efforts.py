"""The efforts that a question can be asked with; beside nothing else, as the help of a verb names them."""

from __future__ import annotations

import enum

from vhashdb.errors import UsageError


class Effort(enum.StrEnum):
    """How much is spent on one question."""

    FAST = "fast"
    """Keyframes only; everything else is decoded only when they look like a record."""
    BALANCED = "balanced"
    """Three frames a second, in fewer views at first; in all of them when anything resembles a record."""
    THOROUGH = "thorough"
    """Eight frames a second, in all views at once."""


def effort_of(name: Effort | str) -> Effort:
    """Return the effort of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return Effort(name)
    except ValueError as error:
        raise UsageError(f"{name!r} is no effort", hint=f"known: {', '.join(Effort)}") from error
