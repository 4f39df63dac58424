"""How long each shard is waited for: one that is not there must not cost every question the whole time that a shard has."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

MOMENT_S: Final = 1.0
"""Seconds that a shard has after it was waited for in vain. Engineering bound: one that is well answers in a tenth of it."""
TRIED_S: Final = 30.0
"""Seconds until such a shard is given the whole time again, which one that is only slow needs to be taken for well. Engineering bound."""


class Patience:
    """Seconds to wait for each shard, by what came of waiting before. For one thread."""

    def __init__(self, whole_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Wait for ``whole_s``, and less while a shard is late."""
        self._whole_s, self._clock = whole_s, clock
        self._late: dict[str, float] = {}
        """By name of those that were waited for in vain: when the whole time was last begun."""

    @contextlib.contextmanager
    def waiting(self, name: str) -> Iterator[float]:
        """Give the seconds to wait for a shard; what is done within raises `TimeoutError` if it did not answer by then.

        Raises:
            TimeoutError: it did not, with how long it was waited for.
        """
        now_s = self._clock()
        tried_s = self._late.get(name)
        whole = tried_s is None or now_s - tried_s > TRIED_S
        if tried_s is not None and whole:
            self._late[name] = now_s  # by this question alone: others that come meanwhile do not wait as long
        seconds = self._whole_s if whole else min(self._whole_s, MOMENT_S)
        try:
            yield seconds
        except TimeoutError as error:
            if whole:
                self._late[name] = now_s
            raise TimeoutError(f"nothing came within {seconds:g} s") from error
        self._late.pop(name, None)
