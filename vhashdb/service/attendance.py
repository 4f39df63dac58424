"""Several fronts of one database: each says that it is there, and does what those would have done that are gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
from typing import Final

import anyio.to_thread

from vhashdb.errors import VhashdbError
from vhashdb.service.settings import ServiceSettings
from vhashdb.service.upload_folders import front_of
from vhashdb.service.uploads import Uploads
from vhashdb.store import Questions, Replies, Store
from vhashdb.store.fronts import Front, Fronts

_log: Final = logging.getLogger(__name__)
_BEATS: Final = 6
"""Notes in the time after which a front is taken for gone. Engineering bound."""


class Attendance:
    """What this process does as one front of several; nothing, where it is the only service of a folder."""

    def __init__(self, store: Store, settings: ServiceSettings, uploads: Uploads) -> None:
        """Take a folder of uploads, which decides which front this is.

        Raises:
            DatabaseLocked: another process serves the folder that the database is.
        """
        self._settings, self._uploads = settings, uploads
        self._fronts = Fronts(store) if isinstance(settings.database, str) else None
        self._known: dict[str, Front] = {}
        self._host = platform.node() or "a machine without a name"
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        if self._fronts is not None:
            self._known = self._fronts.all()
        uploads.take(self._elsewhere())
        if self._fronts is not None:
            self._fronts.beat(uploads.front, self._host)
        self._questions, self._replies = Questions(store, uploads.front), Replies(store, uploads.front)

    def begin(self) -> None:
        """Bring what an earlier process left in order."""
        if self._fronts is None:  # whoever was there before is gone, as the folder's lock tells
            self._questions.take_over(None)
            self._replies.forget_begun()
        else:
            self._succeed({"", *self._uploads.held})  # without a name are questions of a folder that was copied to this database
        self._questions.again()
        self._uploads.tidy(self._questions.files)

    def start(self) -> None:
        """Begin to say that this front is there; within a running event loop."""
        if self._fronts is not None:
            self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Say that this front ends."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        if self._fronts is not None:
            with contextlib.suppress(VhashdbError):
                await anyio.to_thread.run_sync(self._fronts.leave, self._uploads.front, self._settings.gone_s)

    async def _beat(self) -> None:
        while not self._stopping.is_set():
            try:
                await anyio.to_thread.run_sync(self.look)
            except (VhashdbError, OSError) as error:
                _log.warning("the other fronts are not heard of: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._settings.gone_s / _BEATS)

    def look(self) -> None:
        """Note that this front is there, and take over what those left that are gone."""
        assert self._fronts is not None
        self._fronts.beat(self._uploads.front, self._host)
        self._known = self._fronts.all()
        if taken := self._uploads.adopt(self._elsewhere()):
            _log.warning("took over from fronts that are gone: %s", ", ".join(taken))
            self._succeed(set(taken))
        gone = {one.id for one in self._known.values() if one.silent_s > self._settings.gone_s} - self._uploads.held
        self._questions.take_over(gone, files=False)
        self._questions.take_over({one for one in gone if self._known[one].silent_s > self._settings.kept_s})
        self._replies.forget_begun(gone)

    def _succeed(self, fronts: set[str]) -> None:
        self._questions.take_over(fronts)
        self._replies.forget_begun(fronts)

    def _elsewhere(self) -> set[str]:
        """The fronts that are there, on other machines."""
        return {one.id for one in self._known.values() if one.host != self._host and one.silent_s <= self._settings.gone_s}

    # -- files ---------------------------------------------------------------------------------------

    def host_of(self, file: str) -> str:
        """Return on which machine a file lies that this front does not see; empty if it sees it, or nobody has it."""
        front = front_of(file)
        if not front or self._uploads.path(file).exists():
            return ""
        if self._uploads.cares_for(file):
            return ""
        known = self._known.get(front)
        return known.host if known is not None else "a machine that was not seen for a month"

    def lost(self, file: str) -> bool:
        """Tell whether a file lies with a front that was not seen for longer than answers are kept."""
        known = self._known.get(front_of(file))
        return not self._uploads.cares_for(file) and (known is None or known.silent_s > self._settings.kept_s)
