"""The figures of an open database, read for its charts."""

from __future__ import annotations

from pathlib import Path

from vhashdb.charts.figures import Overview
from vhashdb.database import Database
from vhashdb.store.periods import Period
from vhashdb.store.statistics import read_statistics
from vhashdb.text import decoded


def read_overview(database: Database, period: Period) -> Overview:
    """Return what is in a database now, and what was asked, found and decided in a period."""
    counted, index = read_statistics(database.store, period), database.searcher.states()[0]
    name = decoded(database.place.absolute().name if isinstance(database.place, Path) else database.place)
    return Overview(name, counted, index.rows - index.deleted + index.memtable, index.bytes)
