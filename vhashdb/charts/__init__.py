"""The figures of a database as charts: what they say, where their bars go, and the pages they are on.

`vhashdb.charts.figures` makes charts of figures, `vhashdb.charts.pages` an HTML page or an SVG of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.charts.figures import Overview, Section
    from vhashdb.charts.model import Breakdown, Chart, Column, Panel, Row, Series
    from vhashdb.charts.pages import FORMS, transparency_page
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "figures": "Overview Section",
            "model": "Breakdown Chart Column Panel Row Series",
            "pages": "FORMS transparency_page",
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
    "transparency_page",
]
