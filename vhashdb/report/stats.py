"""The figures of a database as a page, and as one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vhashdb.report.drawing import draw
from vhashdb.report.figures import Overview
from vhashdb.report.page import render


def page(overview: Overview) -> str:
    """A self-contained HTML page: a chart and a table for every figure."""
    return render("stats.html.j2", styles=["chart.css", "stats.css"], overview=overview, sections=overview.sections, draw=draw)


FORMS: Final[dict[str, Callable[[Overview], str]]] = {".html": page}
"""By the end of a file's name."""
