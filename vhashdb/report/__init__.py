"""Pages for people: one self-contained HTML file, readable without a script and without a network.

`Report` is the one about a run of matching; `vhashdb.report.page.render` makes any such page from a template of this
package. What the page shows of a match is a `model`, made from an answer in `entries`; `timeline` and `matrix` are the
geometry of its two drawings, `thumbnails` its pictures, `budget` how much of it there is room for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.report.match_report import Pictures, Report, require_page
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "match_report": "Pictures Report require_page",
        },
    )

__all__ = [
    "Pictures",
    "Report",
    "require_page",
]
