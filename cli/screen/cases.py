"""The queue of `vhashdb review list` as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..output import counted, printable
from .screen import Screen

if TYPE_CHECKING:
    from vhashdb.store import Case


def tell(cases: Sequence[Case]) -> None:
    """One row a case, oldest first, and how to go on."""
    screen = Screen()
    if not cases:
        screen.line("nothing waits")
        return
    screen.table(("record", "why it waits", "since", "labels", "source", "said"), [_row(case) for case in cases], roomy=("labels", "said"))
    screen.line(f"{counted(len(cases), 'case')} to look at; `vhashdb review` goes through them one by one")


def _row(case: Case) -> tuple[str, ...]:
    since = f"{case.since:%Y-%m-%d}" if case.since else "-"
    proposed = f" ({printable(case.proposed_by)} proposed: {case.proposed})" if case.proposed else ""
    source, said = printable(case.source), printable(case.why) + proposed
    return case.record[:8], case.cause.value, since, printable(", ".join(case.labels)), source, said
