"""How many severe cases somebody looked at in one sitting, so that they can be reminded to pause.

Kept in memory alone: it is nobody else's business, and of no use the day after.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SEVERE: Final = frozenset({"high", "extreme"})
"""Severities of records that count."""
PAUSE_S: Final = 15 * 60.0
"""Seconds without a case after which a sitting is over. Engineering bound: a coffee break."""
_MOST_PEOPLE: Final = 10_000


@dataclass
class _Sitting:
    last_s: float
    severe: set[str] = field(default_factory=set)


class Sittings:
    """The sittings of everybody who looks at cases."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._sittings: OrderedDict[str, _Sitting] = OrderedDict()

    def looked(self, who: str, case: str, severity: str) -> int:
        """Note that somebody looks at a case; return how many severe ones they have looked at in this sitting, each once."""
        with self._lock:
            sitting = self._sitting(who)
            if severity in SEVERE:
                sitting.severe.add(case)
            return len(sitting.severe)

    def count(self, who: str) -> int:
        """Return how many severe cases somebody has looked at in this sitting."""
        with self._lock:
            held = self._sittings.get(who)
            return 0 if held is None or self._clock() - held.last_s > PAUSE_S else len(held.severe)

    def paused(self, who: str) -> None:
        """Begin a new sitting: they say that they had a pause."""
        with self._lock:
            self._sittings.pop(who, None)

    def _sitting(self, who: str) -> _Sitting:
        now_s = self._clock()
        held = self._sittings.pop(who, None)
        if held is None or now_s - held.last_s > PAUSE_S:
            held = _Sitting(now_s)
        held.last_s = now_s
        self._sittings[who] = held
        while len(self._sittings) > _MOST_PEOPLE:
            self._sittings.popitem(last=False)
        return held
