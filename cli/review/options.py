"""Options that the walk and the list share: which cases count."""

from __future__ import annotations

from typing import Any, Final

import click

from ..settings import OneOf
from .since import DAYS, Since

_CAUSES: Final = OneOf("vhashdb.store.queue", "Cause")


def filters(function: Any) -> Any:
    """``--label``, ``--source``, ``--cause``, ``--since`` and ``--limit``."""
    options = (
        click.option("--label", "labels", multiple=True, metavar="LABEL", help="Only records with this label; given twice, with both."),
        click.option("--source", "sources", multiple=True, metavar="NAME", help="Only records from this source, or one of these."),
        click.option("--cause", "causes", multiple=True, type=_CAUSES, help="Only what waits because of this."),
        click.option(
            "--since", type=Since(), metavar="TIME", help=f"Matches from then on: 12h, 7d, or a day.  [default: {DAYS}d; --export: today]"
        ),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first so many."),
    )
    for option in reversed(options):
        function = option(function)
    return function
