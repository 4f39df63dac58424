"""Short names of signals that are too long for the address of a request, in which HMA's clients send them."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vhashdb.errors import FingerprintError

PREFIX: Final = "vhh."
LONGEST_SIGNAL: Final = 1_500
"""Characters of a signal that needs no handle. Derived: with the rest of an address, below the 2,000 that everything lets through."""
KEPT_S: Final = 3600.0
"""For how long a handle is known."""
MOST_CHARACTERS: Final = 128 << 20
"""Of all signals together; the oldest are forgotten for new ones. Engineering bound on memory: some thousand videos."""
MOST_OF_ONE: Final = MOST_CHARACTERS // 4
"""Of the signals of one key, so that no key makes the service forget the others' at once."""


@dataclass(frozen=True)
class _Kept:
    by: str
    signal: str
    until_s: float


class Handles:
    """Signals by handle, each known to whoever it was made for, in memory and for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._sizes: dict[str, int] = {}

    def shorten(self, by: str, signal: str) -> str:
        """Return the signal itself if it is short or cannot be kept, else a handle for it."""
        if len(signal) <= LONGEST_SIGNAL or len(signal) > MOST_OF_ONE:
            return signal
        with self._lock:
            handle = PREFIX + secrets.token_urlsafe(24)
            self._kept[handle] = _Kept(by, signal, self._clock() + KEPT_S)
            self._sizes[by] = self._sizes.get(by, 0) + len(signal)
            while self._sizes[by] > MOST_OF_ONE:
                self._forget(next(handle for handle, kept in self._kept.items() if kept.by == by))
            while sum(self._sizes.values()) > MOST_CHARACTERS or self._first_is_old():
                self._forget(next(iter(self._kept)))
        return handle

    def signal(self, by: str, text: str) -> str:
        """Return the signal that a handle stands for; what is no handle is returned as it is.

        Raises:
            FingerprintError: the handle is not known, or somebody else's.
        """
        if not text.startswith(PREFIX):
            return text
        with self._lock:
            kept = self._kept.get(text)
            if kept is None or kept.by != by or kept.until_s < self._clock():
                raise FingerprintError("the handle of a signal is not known, or not any more", hint="hash the file again")
            return kept.signal

    def _first_is_old(self) -> bool:
        return next(iter(self._kept.values())).until_s < self._clock()

    def _forget(self, handle: str) -> None:
        kept = self._kept.pop(handle)
        self._sizes[kept.by] -= len(kept.signal)
        if not self._sizes[kept.by]:
            del self._sizes[kept.by]
