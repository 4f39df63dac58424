"""The figures of a database as a page, and as one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vhashdb.report.drawing import draw
from vhashdb.report.figures import Overview
from vhashdb.report.page import render, render_part
from vhashdb.report.sheet import MARGIN, lay_out


def page(overview: Overview) -> str:
    """A self-contained HTML page: a chart and a table for every figure."""
    return render("stats.html.j2", styles=["chart.css", "stats.css"], overview=overview, sections=overview.sections, draw=draw)


def picture(overview: Overview) -> str:
    """One SVG with all charts, which opens by itself: on the screen in light or dark, and on paper."""
    return render_part("stats.svg.j2", styles=["chart.css", "sheet.css"], overview=overview, sheet=lay_out(overview), margin=MARGIN)


FORMS: Final[dict[str, Callable[[Overview], str]]] = {".html": page, ".svg": picture}
"""By the end of a file's name."""
