"""Write queries to the audit log: a query never waits for a writer, and an answer is never lost to a log.

Lines are kept in memory until they can be written: after an answer if nobody else is writing at that moment, and when the
database is closed. There are as many kept as `MAX_WAITING`; what could not be written is counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import Any, Final

from vhashdb.store.audit import AuditLine
from vhashdb.store.clock import now_utc
from vhashdb.store.hits import NewHit
from vhashdb.store.records_file import Store

_log: Final = logging.getLogger(__name__)

NOTED_EVERY_S: Final = 600.0
"""Seconds after which the number of questions is written down, and when the database is closed."""
MAX_WAITING: Final = 10_000
"""Lines that wait in memory; of more, the oldest are given up."""
AGAIN_AFTER_S: Final = 1.0
"""Seconds between two attempts to write after one that failed."""


class QueryLog:
    """The questions of one database. Safe from several threads; nothing in here raises an error."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()  # of what waits
        self._turn = threading.Lock()  # to write
        self._asked: Counter[str] = Counter()
        self._noted_s = time.monotonic()
        self._waiting: list[AuditLine | NewHit] = []
        self._again_s = 0.0
        self.lost = 0
        """Lines that could not be written and were given up."""
        self.problem = ""
        """Why the last attempt to write failed; empty if it did not."""
        if store.transactions.refusal is not None:
            self.problem = str(store.transactions.refusal)

    def note(self, action: str, record: str | None = None, **details: Any) -> None:
        """Keep a line for the audit log, as of now."""
        with self._lock:
            self._keep([self._store.audit.line(action, record, **details)])

    def hit(self, file: str, record: str, verdict: str, score: float) -> None:
        """Keep a hit, as of now; one that was noted before is not counted again."""
        with self._lock:
            self._keep([NewHit(file, record, verdict, round(score, 3), now_utc())])

    def asked(self, verdict: str) -> None:
        """Count a question by its verdict."""
        with self._lock:
            self._asked[verdict] += 1
            if time.monotonic() - self._noted_s >= NOTED_EVERY_S:
                self._note_count()

    def try_to_write(self) -> None:
        """Write what waits if that can be done now; wait for nobody."""
        if time.monotonic() >= self._again_s and self._turn.acquire(blocking=False):
            try:
                self._write(wait=False)
            finally:
                self._turn.release()

    def close(self) -> None:
        """Write everything that waits, waiting for a writer as long as anything else does; what cannot be written is lost."""
        with self._lock:
            self._note_count()
        with self._turn:
            self._write(wait=True)
        with self._lock:
            self.lost += len(self._waiting)
            self._waiting.clear()
        if self.lost:
            _log.warning("%d lines of the audit log of %s were not written: %s", self.lost, self._store.path, self.problem)

    def _note_count(self) -> None:
        if self._asked:
            self._keep([self._store.audit.line("queries", None, **self._asked)])
        self._asked.clear()
        self._noted_s = time.monotonic()

    def _keep(self, lines: list[AuditLine | NewHit]) -> None:
        self._waiting += lines
        surplus = len(self._waiting) - (0 if self._store.read_only else MAX_WAITING)
        if surplus > 0:
            del self._waiting[:surplus]
            self.lost += surplus

    def _write(self, *, wait: bool) -> None:
        with self._lock:
            lines, self._waiting = self._waiting, []
        if not lines:
            return
        try:
            self._store.audit.write(lines, wait=wait)
        except BaseException as error:
            with self._lock:
                later, self._waiting = self._waiting, []
                self._keep(lines + later)
            if not isinstance(error, Exception):  # Ctrl-C
                raise
            (_log.debug if self.problem else _log.warning)("the audit log waits: %s", error)
            self.problem = str(error)
            self._again_s = time.monotonic() + AGAIN_AFTER_S
        else:
            self.problem, self._again_s = "", 0.0
