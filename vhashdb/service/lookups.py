"""Questions about hashes, answered in processes of their own.

Such a question is nothing but computing, which one process of Python does on one processor. Each of these processes has the database open
and maps the same index, or asks the same shards. One that dies takes no question with it: what it was asked is asked again.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any, Final

from vhashdb.database import Database
from vhashdb.errors import DatabaseError
from vhashdb.search.results import Result
from vhashdb.service.answers import Hashes, answer_to
from vhashdb.service.opened import opened
from vhashdb.service.options import AskOptions
from vhashdb.service.settings import ServiceSettings
from vhashdb.store import acting_as

_log: Final = logging.getLogger(__name__)
_TRIES: Final = 3
"""How often a question is asked whose process died. Engineering bound."""
_database: Database


class Lookups:
    """The processes of one service."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def answer(self, query: Hashes, name: str, options: AskOptions, by: str) -> tuple[Result, dict[str, Any]]:
        """Answer a question in one of the processes; safe from several threads.

        Raises:
            VhashdbError: as `answer_to`.
        """
        for _ in range(_TRIES):
            pool = self._started()
            try:
                return pool.submit(_answer, query, name, options.to_json(), by).result()
            except BrokenProcessPool:
                _log.warning("a process that answers questions about hashes died; another takes its place")
                with self._lock:
                    if self._pool is pool:
                        self._pool = None
                pool.shutdown(wait=False)
        raise DatabaseError(
            "the processes that answer questions about hashes die", hint="look at the memory of this machine and at the log"
        )

    def start(self) -> None:
        """Start the processes, so that the first question need not wait for one."""
        pool = self._started()
        for _ in range(self._settings.lookup_processes):
            pool.submit(os.getpid)

    def close(self) -> None:
        """End the processes, once they have answered what they were asked."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")  # a fork would have locks of threads that are not there
                self._pool = ProcessPoolExecutor(self._settings.lookup_processes, context, _open, (self._settings,))
            return self._pool


def _open(settings: ServiceSettings) -> None:
    """Begin a process."""
    global _database  # one for each process, which is how a pool keeps something
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which the parent gets, too
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _database = opened(settings)
    multiprocessing.util.Finalize(None, _database.close, exitpriority=10)


def _end_with_parent() -> None:
    """End this process once its parent is gone, also one that was killed: the pool by itself would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _answer(query: Hashes, name: str, options: dict[str, Any], by: str) -> tuple[Result, dict[str, Any]]:
    """Answer in this process. Of the result nothing goes back that is in the JSON already."""
    with acting_as(by):
        result, answer = answer_to(_database, query, name, AskOptions.from_json(options))
    return replace(result, matches=(), fingerprint=None), answer
