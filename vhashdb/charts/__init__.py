"""The figures of a database as charts: what they say, where their bars go, and the pages they are on.

`vhashdb.charts.reading` reads the figures, `vhashdb.charts.figures` makes charts of them, `vhashdb.charts.pages` an HTML page or an
SVG of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.charts.figures import Overview, Section
    from vhashdb.charts.model import Breakdown, Chart, Column, Panel, Row, Series
    from vhashdb.charts.pages import FORMS, transparency_page
    from vhashdb.charts.reading import read_overview
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "figures": "Overview Section",
            "model": "Breakdown Chart Column Panel Row Series",
            "pages": "FORMS transparency_page",
            "reading": "read_overview",
        },
    )

__all__ = [
    "FORMS",
    "Breakdown",
    "Chart",
    "Column",
    "Overview",
    "Panel",
    "Row",
    "Section",
    "Series",
    "read_overview",
    "transparency_page",
]
