"""The routes of Hasher-Matcher-Actioner (HMA), for its clients: under its paths, with its parameters, and with its answers.

HMA has no word for what was not looked at, so that is an error here, and never an empty answer. What else differs is in
`docs/migrating-from-hma.md`.

::

    kinds      signal types: what is read, how two compare, which verdicts count
    handles    short names of signals that are too long for the address of a request
    requests   what a request brings, and errors as HMA says them
    hashing    /h    from a file to its signals
    matching   /m    from a signal or a file to the banks it is in
    curation   /c    banks and their content
    status     whether it is alive
"""

from __future__ import annotations

from fastapi import FastAPI

from vhashdb.service.hma import curation, hashing, matching, status
from vhashdb.service.hma.handles import Handles

__all__ = ["add_hma"]


def add_hma(app: FastAPI) -> None:
    """Give an application these routes. They are no part of the published description: HMA's own describes them."""
    app.state.handles = Handles()
    for module in (hashing, matching, curation, status):
        app.include_router(module.router, include_in_schema=False)
