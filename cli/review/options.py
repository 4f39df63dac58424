"""Options that the walk and the list share: which cases count."""

from __future__ import annotations

from typing import Any, Final

import click

from ..files import Since
from ..settings import OneOf
from .moments import DAYS, moment

_SINCE: Final = f"Matches, and with --export decisions, since a day, a time, or an age such as 2h.  [default: {DAYS}d, today]"
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
