"""Work on several machines: jobs over many files, with workers wherever there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.cluster.bulk import Crew, begin, finish, run
    from vhashdb.cluster.places import is_place
    from vhashdb.cluster.results import write_results
    from vhashdb.cluster.worker import options_of_adding, options_of_asking
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "bulk": "Crew begin finish run",
            "places": "is_place",
            "results": "write_results",
            "worker": "options_of_adding options_of_asking",
        },
    )

__all__ = ["Crew", "begin", "finish", "is_place", "options_of_adding", "options_of_asking", "run", "write_results"]
