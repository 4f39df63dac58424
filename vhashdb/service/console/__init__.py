"""Pages for people, at ``/``: what waits for them, a player to look with, uploads, statistics, feeds and keys.

Everything is rendered here and works without a script; the one script adds keys, the player's comforts and progress of uploads.
A page asks nobody else for anything, and runs nothing that was not installed with the service.
"""

from __future__ import annotations

from fastapi import FastAPI

from vhashdb.service.console import assets, keys, overview, reviewing, sign_in, uploading
from vhashdb.service.console.sittings import Sittings


def add_console(app: FastAPI) -> None:
    """Add the pages to the application of the service."""
    app.state.sittings = Sittings()
    for each in (assets, sign_in, reviewing, uploading, overview, keys):
        app.include_router(each.router)


__all__ = ["add_console"]
